/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_records.h: event records <-> the payload of a CAPTURE_EVENTS block.
 *
 * Most words of a record equal, or are close to, the same word of the record of that kind before
 * it, or have been seen in that place a while ago (addresses, sizes, numbers of stacks).  Each
 * record is written as
 *
 *	varint kind, varint number of 8-byte words, varint cpu,
 *	a 4-bit code for each word but the first, two a byte, low half first, padded with 0,
 *	then for each of these words, by its code:
 *	  0: nothing, the word is as predicted
 *	  1 to 8: that many bytes, lowest first: zigzag of (word - prediction)
 *	  9: the word itself, 8 bytes
 *	  10: one byte, a position in the table of this word's number
 *
 * The prediction of word i is word i of the record of the same kind before it in this block; of
 * word 1, the time, it is word 1 of the record before it, of whatever kind; it is 0 where there is
 * none or that record was shorter, and for kinds from CAPTURE_PREDICTED up.
 *
 * Each of the words 2 to CAPTURE_TABLES - 1 has a table of 256 values, of all kinds together, 0 at
 * first.  A word that is written with a code from 2 to 9 enters it, at position 0, 1, 2 ... and
 * after 255 at 0 again.  Blocks do not depend on each other: all begins anew in each.
 *
 * Measured on mixes of births, growths and exits, zstd level 1: 8 to 12 bytes a record, against 11
 * to 21 for zstd alone, and less time to write.  Predictions alone take 9 to 17 bytes.  Lengths in
 * codes instead of LEB128 save one byte and a third of the time to read.  Predicting from the last
 * record of the same coroutine gained nothing where coroutines take turns slowly and lost where
 * not.  Decoding words without branches took twice as long.
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
#define CAPTURE_TABLES	  16
#define CAPTURE_MAX_WORDS (CAPTURE_MAX_RECORD / 8)

/* Most bytes that one record can take, and 8 that are written and not used. */
#define CAPTURE_RECORD_ROOM \
	(3 * CAPTURE_VARINT_MAX + CAPTURE_MAX_WORDS / 2 + 8 * CAPTURE_MAX_WORDS + 8)

/* What was seen in a block so far. */
struct capture_predictor {
	uint64_t time;
	uint16_t words[CAPTURE_PREDICTED]; /* valid in word[], the rest is 0 */
	capture_word word[CAPTURE_PREDICTED][CAPTURE_MAX_WORDS];
	capture_word none[CAPTURE_MAX_WORDS]; /* for the other kinds */
	uint8_t next[CAPTURE_TABLES];
	uint64_t table[CAPTURE_TABLES][256];
};

struct capture_encoder {
	struct capture_predictor p;
	/* position + 1 in the table, by a hash of the value; what it leads to must be compared */
	uint16_t position[CAPTURE_TABLES][1024];
};

void capture_predictor_reset(struct capture_predictor *p);
void capture_encoder_reset(struct capture_encoder *e);

/*
 * Writes one record to out, which has CAPTURE_RECORD_ROOM bytes; returns the end.  The size must be
 * a multiple of 8, at least that of a header and at most CAPTURE_MAX_RECORD.
 */
uint8_t *capture_put_record(struct capture_encoder *e, const struct ev_header *ev, uint8_t *out);

/*
 * Reads one record; *ret is valid until the next call.  Returns the byte behind it, or NULL if the
 * bytes from in on are none: nothing more can be read from this block.  CAPTURE_RECORD_ROOM bytes
 * behind end must be readable; what they hold does not matter.
 */
const uint8_t *capture_get_record(struct capture_predictor *p, const uint8_t *in,
				  const uint8_t *end, const struct ev_header **ret);

#endif
