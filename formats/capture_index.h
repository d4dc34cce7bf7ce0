/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_index.h: the block that says where the others are and when their events were, so that
 * names can be had without walking over a large file.
 *
 * Payload: varint number of blocks, then for each: varint offset less that of the block before,
 * varint kind, varint records, varint zigzag of (lowest time less that of the block before), varint
 * (highest time less lowest time).
 *
 * A reader uses it to go faster and trusts it in nothing: each block is checked as always, and
 * whatever is wrong makes it walk.
 */
#ifndef ST_FORMATS_CAPTURE_INDEX_H
#define ST_FORMATS_CAPTURE_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "formats/capture_format.h"

struct names;

/* Being written. */
struct capture_index {
	uint8_t *at;
	size_t len, room;
	uint64_t blocks, offset, first_ns; /* of the block before */
	int failed;			   /* no memory: the file will have no index */
};

void capture_index_add(struct capture_index *x, const struct capture_block_header *h,
		       uint64_t offset);

/* The payload, the caller's to free; NULL: none (no memory, or too large for a block). */
uint8_t *capture_index_payload(const struct capture_index *x, size_t *ret_size);
void capture_index_release(struct capture_index *x);

/* Reads all names of a file that has an index and begins at origin.  0, or -errno: walk. */
int capture_index_names(int fd, off_t origin, struct names *n);

#endif
