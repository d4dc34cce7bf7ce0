/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.h: what could be changed, by arithmetic over what was measured.
 *
 * Two things are said, and only where they pay:
 *
 * ADVICE_START_SIZE: a creator's coroutines begin with less than they come to need.  Of the sizes
 * that they ended with, the advised one saves most time among those that would not leave more than
 * ADVICE_SPARE_PERCENT of what they hold at once unused, and the smallest that saves nearly as
 * much. So a creator whose coroutines all come to one size is told that size, and one of which a
 * tenth grows large is not told to make the others large too.  It costs at most (that size - first
 * size) x the most coroutines alive at once; "at most", because those that grow hold the memory
 * anyway.
 *
 * ADVICE_BIG_FRAME: a function makes stacks grow by more than one doubling at a time, so its own
 * frame is larger than what the doubled stack had left.
 *
 * It pays if there are at least ADVICE_MIN_COUNT growths to save, of at least ADVICE_MIN_COROUTINES
 * coroutines, that took ADVICE_MIN_PER_MILLE of the wall time.  Copies are timed by the clock, so
 * that their time can only be compared with that.  The ADVICE_MAX best are given, by time saved.
 */
#ifndef ST_FORMATS_ADVICE_H
#define ST_FORMATS_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/aggregate.h"

struct names;
struct run_info;

#define ADVICE_SPARE_PERCENT  50
#define ADVICE_NEARLY_PERCENT 90
#define ADVICE_MIN_COUNT      100
#define ADVICE_MIN_COROUTINES 10
#define ADVICE_MIN_PER_MILLE  1
#define ADVICE_MAX	      3

enum advice_kind { ADVICE_START_SIZE, ADVICE_BIG_FRAME };

struct advice {
	enum advice_kind kind;
	struct site creator, entry; /* whose coroutines */
	struct site leaf;	    /* ADVICE_BIG_FRAME: the function */
	uint64_t from, to;	    /* sizes, now and advised; or the growth that shows the frame */
	uint64_t copies, bytes, ns; /* saved */
	uint64_t wall_ns;	    /* what ns is a part of */
	uint64_t cost_bytes;	    /* most memory it takes, 0 for a frame */
	uint64_t spare_bytes; /* of that, about what coroutines would hold that stay smaller */
	uint64_t peak_alive;  /* coroutines that are alive at once, at most */
	uint64_t frame_bytes; /* ADVICE_BIG_FRAME: the frame is larger than this */
	bool whole_program;   /* the size can only be set for all coroutines */
};

/* The advice, best first, at most ADVICE_MAX.  Array of the caller, strings of names.  0 or
 * -ENOMEM. */
int advise(struct aggregate *a, struct names *n, const struct run_info *info, struct advice **ret,
	   size_t *ret_count);

/* One sentence, safe to print; the caller's to free.  NULL: no memory. */
char *advice_text(const struct advice *a, bool utf8);

/* How that is done in this runtime: the knobs that really exist.  For ADVICE_MAX of both kinds one
 * sentence is enough; the caller's to free.  NULL: no memory. */
char *advice_how(const struct advice *a, const struct run_info *info, bool utf8);

#endif
