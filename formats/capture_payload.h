/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_payload.h: payloads of CAPTURE_INFO and CAPTURE_NAMES.
 *
 * Info is pairs of NUL-terminated strings, key and value; numbers are decimal.  Unknown keys are
 * skipped, a key that comes again replaces.
 *
 * Names are a table of strings, then addresses that refer to it; each block stands alone:
 *
 *	varint number of strings, that many NUL-terminated strings,
 *	then to the end: varint pid, varint address, varint number of places, and for each place,
 *	innermost first: varint function, varint file (both numbers of strings, from 0),
 *	varint line * 2 + (1 if inlined into the next place)
 */
#ifndef ST_FORMATS_CAPTURE_PAYLOAD_H
#define ST_FORMATS_CAPTURE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/names.h"

struct run_info;

/* Longer texts are cut, more places are left out, so that any payload fits its block. */
#define CAPTURE_MAX_VALUE  65535
#define CAPTURE_MAX_STRING 4095
#define CAPTURE_MAX_PLACES 64

/* The payload, at most CAPTURE_MAX_RAW bytes, the caller's to free; NULL: no memory. */
uint8_t *capture_put_info(const struct run_info *info, size_t *ret_size);

/* Fills *info, replacing what it holds.  0, -EBADMSG: no such payload, or -ENOMEM. */
int capture_get_info(const uint8_t *payload, size_t size, struct run_info *info);

/* Makes NULL strings empty ones.  0 or -ENOMEM. */
int capture_info_fill(struct run_info *info);

struct capture_names;

int capture_names_new(struct capture_names **ret);
void capture_names_free(struct capture_names *c); /* NULL-safe */

/* Takes the places of one address.  0 or -ENOMEM. */
int capture_names_put(struct capture_names *c, uint32_t pid, uint64_t addr, const struct name *v,
		      size_t count);
bool capture_names_full(const struct capture_names *c); /* to be taken before more is put */

/* The payload gathered, at most CAPTURE_MAX_RAW bytes, valid until the next put; 0 bytes if nothing
 * was put.  Starts the next one.  NULL: no memory. */
const uint8_t *capture_names_take(struct capture_names *c, size_t *ret_size);

/* Adds the names of a payload to n.  0, -EBADMSG: no such payload from some point on, or -ENOMEM.
 */
int capture_names_get(const uint8_t *payload, size_t size, struct names *n);

#endif
