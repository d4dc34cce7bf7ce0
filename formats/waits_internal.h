/* SPDX-License-Identifier: Apache-2.0 */
/* waits_internal.h: the tables of a struct waits, for waits.c and waits_rows.c. */
#ifndef ST_FORMATS_WAITS_INTERNAL_H
#define ST_FORMATS_WAITS_INTERNAL_H

#include <stdint.h>

#include "base/event.h"
#include "base/map.h"
#include "formats/waits.h"

enum kept_kind {
	KEPT_REASON,
	KEPT_RUNS,
	KEPT_WAITS,
	KEPT_WAKES,
	KEPT_LOCK,
	KEPT_BLOCKED,
	KEPT_KINDS,
};

struct kept_key {
	uint64_t pid;
	uint64_t part[4];
};

/* The last record of one key. */
struct kept {
	struct kept_key key;
	UT_hash_handle hh;
	union {
		struct ev_header h;
		struct ev_reason reason;
		struct ev_runs runs;
		struct ev_waits waits;
		struct ev_wakes wakes;
		struct ev_lock lock;
		struct ev_blocked blocked;
	} ev;
};

struct waits {
	struct kept *table[KEPT_KINDS];
	uint64_t blocked; /* all that came, not only those kept */
	uint64_t collections;
	/* Of the windows: number, sums of counts and seconds, of their squares and products. */
	struct {
		uint64_t n, window_ns;
		double count, time, count2, time2, both;
		uint64_t first_ns, last_ns;
	} windows;
};

/* Sums of foreign numbers stop at the top instead of starting anew. */
static inline void kept_add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static inline uint64_t blocked_ns(const struct ev_blocked *ev)
{
	return ev->h.time_ns > ev->since_ns ? ev->h.time_ns - ev->since_ns : 0;
}

#endif
