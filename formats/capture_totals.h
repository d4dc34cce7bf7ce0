/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_totals.h: what the records of a capture come to, without reading them.
 *
 * Each block of records is preceded by a small one that says what its records add up to, so that a
 * capture is totalled as fast as its bytes are checked.  Payload, all varints: the number of kinds
 * of records, for each its number and how many there are; the number of sums, then the sums, in the
 * order of the members from growths on.  Later versions may add sums.
 */
#ifndef ST_FORMATS_CAPTURE_TOTALS_H
#define ST_FORMATS_CAPTURE_TOTALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "formats/capture_format.h"

struct capture_totals {
	uint64_t records[EV_KIND_COUNT];
	uint64_t other; /* records of kinds of a later version */
	uint64_t growths, shrinks;
	uint64_t bytes_copied;
	uint64_t copy_ns;
	uint64_t lost; /* as of the last EV_LOST, of all before too; 0: there was none */
};

/* No payload is longer. */
#define CAPTURE_TOTALS_MAX (CAPTURE_VARINT_MAX * (2 * EV_KIND_COUNT + 7))

void capture_totals_add(struct capture_totals *t, const struct ev_header *ev);

/* Adds those of records that came later. */
void capture_totals_join(struct capture_totals *t, const struct capture_totals *later);

/* How many records they are of. */
uint64_t capture_totals_records(const struct capture_totals *t);

/*
 * Writes the payload, at most CAPTURE_TOTALS_MAX bytes; returns its size.  Records of kinds of a
 * later version are left out: a reader then finds too few, and reads the records.
 */
size_t capture_totals_put(const struct capture_totals *t, uint8_t *out);

/* 0 or -EBADMSG; *ret is then of no use. */
int capture_totals_get(const uint8_t *payload, size_t size, struct capture_totals *ret);

#endif
