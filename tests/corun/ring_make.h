/* SPDX-License-Identifier: Apache-2.0 */
/* ring_make.h: a ring as the tool makes it for a program. */
#ifndef ST_TESTS_CORUN_RING_MAKE_H
#define ST_TESTS_CORUN_RING_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/event.h"

/* size bytes for records.  Returns the descriptor that the program is to inherit. */
static inline int ring_make(uint64_t size, uint32_t max_frames, struct ev_ring **ret)
{
	int fd = memfd_create("ring", 0);
	struct ev_ring *r;

	if (fd < 0 || ftruncate(fd, (off_t)(EV_RING_HEADER + size)))
		exit(1);
	r = mmap(NULL, EV_RING_HEADER + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r == MAP_FAILED)
		exit(1);
	r->magic = EV_RING_MAGIC;
	r->abi = EV_RING_ABI;
	r->max_frames = max_frames;
	r->size = size;
	*ret = r;
	return fd;
}

#endif
