/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_records.h: event records <-> the payload of a CAPTURE_EVENTS block.
 *
 * Most words of a record equal, or are close to, the same word of the record of that kind before
 * it.  Each record is written as
 *
 *	varint kind, varint number of 8-byte words, varint cpu,
 *	a 4-bit code for each word but the first, two a byte, low half first, padded with 0,
 *	then for each of these words, by its code:
 *	  0: nothing, the word is as predicted
 *	  1 to 8: that many bytes, lowest first: zigzag of (word - prediction)
 *	  9: the word itself, 8 bytes
 *
 * The prediction of word i is word i of the record of the same kind before it in this block; of
 * word 1, the time, it is word 1 of the record before it, of whatever kind; it is 0 where there is
 * none or that record was shorter, and for kinds from CAPTURE_PREDICTED up.  Blocks do not depend
 * on each other.
 *
 * Measured on mixes of births, growths and exits, zstd level 1: 9 to 12 bytes a record, against 11
 * to 16 for zstd alone, and a third less time to write.  Lengths in codes instead of LEB128 saved
 * one byte more and a third of the time to read, because nothing branches on the data.
 */
#ifndef ST_FORMATS_CAPTURE_RECORDS_H
#define ST_FORMATS_CAPTURE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "formats/capture_format.h"

/* A record seen as words: allowed to alias its structs. */
typedef uint64_t __attribute__((may_alias)) capture_word;

#define CAPTURE_PREDICTED 32
#define CAPTURE_MAX_WORDS (CAPTURE_MAX_RECORD / 8)

/* Most bytes that one record can take, and 8 that are written and not used. */
#define CAPTURE_RECORD_ROOM \
	(3 * CAPTURE_VARINT_MAX + CAPTURE_MAX_WORDS / 2 + 8 * CAPTURE_MAX_WORDS + 8)

/* The records that predict the next; all zero at a block's begin. */
struct capture_predictor {
	uint64_t time;
	uint16_t words[CAPTURE_PREDICTED]; /* valid in word[], the rest is 0 */
	capture_word word[CAPTURE_PREDICTED][CAPTURE_MAX_WORDS];
	capture_word none[CAPTURE_MAX_WORDS]; /* for the other kinds: 0, but for the time */
};

void capture_predictor_reset(struct capture_predictor *p);

/*
 * Writes one record to out, which has CAPTURE_RECORD_ROOM bytes; returns the end.  The size must be
 * a multiple of 8, at least that of a header and at most CAPTURE_MAX_RECORD.
 */
uint8_t *capture_put_record(struct capture_predictor *p, const struct ev_header *ev, uint8_t *out);

/*
 * Reads one record into ret, CAPTURE_MAX_WORDS words.  Returns the byte behind it, or NULL if the
 * bytes from in on are none: nothing more can be read from this block.  CAPTURE_RECORD_ROOM bytes
 * behind end must be readable; what they hold does not matter.
 */
const uint8_t *capture_get_record(struct capture_predictor *p, const uint8_t *in,
				  const uint8_t *end, capture_word *ret);

#endif
