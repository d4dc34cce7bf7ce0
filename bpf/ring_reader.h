/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_reader.h: the consumer's side of the shared-memory ring of base/event.h.
 *
 * The other side is the traced program, which may be broken or hostile: nothing in shared memory is
 * trusted, and nothing is looked at twice.
 */
#ifndef ST_BPF_RING_READER_H
#define ST_BPF_RING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

#define RING_RECORD_MAX 65536 /* a record's size is 16 bits */

struct ring_reader {
	struct ev_ring *ring;
	uint8_t *data;
	uint64_t size;	  /* of the data; not read from the ring again */
	uint64_t tail;	  /* ours; the one in the ring is for the producers */
	uint64_t dropped; /* records that made no sense, or were never finished */
	bool broken;	  /* the ring cannot be read any further */
	_Alignas(8) uint8_t record[RING_RECORD_MAX];
};

/* Fills in an empty ring, in memory of EV_RING_HEADER + size zero bytes; size is a power of two. */
void ring_format(struct ev_ring *ring, uint64_t size);

void ring_reader_init(struct ring_reader *r, struct ev_ring *ring, uint64_t size);

/*
 * Takes the next step through the ring: 1, and *ret is a record that is complete and valid until
 * the next call, or NULL if the step gave none; 0 if there is nothing to read.  With final set no
 * producer is running any more, and records that were begun but never finished are passed over.
 */
int ring_reader_step(struct ring_reader *r, bool final, const struct ev_header **ret);

#endif
