/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_walk.h: from whole block to whole block, past any damage.
 *
 * A block is whole if its header's and its payload's checksum fit.  Behind anything else the walk
 * looks for the next marker.  Numbers in the headers tell how many blocks and records are missing
 * in between.  The work is linear in the input: a byte is searched once, and checksums of payloads
 * that turn out wrong are paid from a budget (only a forged file has more than a few).
 */
#ifndef ST_FORMATS_CAPTURE_WALK_H
#define ST_FORMATS_CAPTURE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/capture.h"
#include "formats/capture_format.h"
#include "formats/capture_input.h"

struct capture_walk {
	capture_block_fn *on_block; /* told of each whole block, or NULL */
	void *on_block_arg;
	struct capture_damage damage;
	uint64_t number;       /* of the next block, if nothing is missing */
	uint64_t records;      /* before it */
	uint64_t block_offset; /* of the block handed out last */
	uint64_t gap;	       /* bytes skipped since the last whole block */
	bool gap_is_damage;    /* and not just a block that the end of the file cuts */
	bool cut;	       /* a block goes beyond the end of the file */
	bool at_end;	       /* the end block was seen */
	uint64_t budget;       /* bytes of bad payload that may still be looked into */
	size_t held;	       /* bytes of the block handed out last, still in the window */
};

struct capture_block {
	struct capture_block_header h;
	const uint8_t *payload; /* as stored; valid until the walk goes on */
};

void capture_walk_init(struct capture_walk *w);

/* Whether the bytes at p are a block's header, without looking at the payload. */
bool capture_walk_is_header(const uint8_t *p, struct capture_block_header *ret);

/*
 * The next whole block of a known encoding; blocks of other encodings are counted and skipped.
 * With names_only, event blocks are skipped by seeking and not checked.  1, 0 at the end, or
 * -errno.
 */
int capture_walk_next(struct capture_walk *w, struct capture_input *in, bool names_only,
		      struct capture_block *ret);

/* Tells on_block of a block. */
void capture_walk_tell(const struct capture_walk *w, const struct capture_block_header *h,
		       uint64_t offset);

/* What is missing at the end: call once capture_walk_next has returned 0. */
void capture_walk_finish(struct capture_walk *w);

#endif
