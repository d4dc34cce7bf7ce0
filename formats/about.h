/* SPDX-License-Identifier: Apache-2.0 */
/*
 * about.h: what a capture is and what its records come to, as text or as a JSON document; for
 * stacktrace info.
 */
#ifndef ST_FORMATS_ABOUT_H
#define ST_FORMATS_ABOUT_H

#include <stdint.h>

#include "formats/capture.h"
#include "formats/capture_totals.h"

struct render_context;

struct about {
	const char *path;
	struct capture_version version;
	struct capture_totals totals;
	uint64_t blocks;
	uint64_t stored, raw;	    /* bytes of all whole blocks, and unpacked */
	uint64_t record_bytes;	    /* of the blocks of records, stored */
	uint64_t first_ns, last_ns; /* of the records; 0 without any */
};

/* A capture_block_fn whose argument is a struct about. */
void about_block(void *about, const struct capture_block_info *b);

/* c needs out, info, damage and how to write.  0 or -ENOMEM. */
int about_text(const struct about *a, const struct render_context *c);
int about_json(const struct about *a, const struct render_context *c);

#endif
