/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h: which part of what happened is shown.
 *
 * A filter stands before the aggregate, so that every format honours it: it looks at each record
 * and says how the aggregate is to take it.  Formats that show single records get those from
 * FILTER_FACT on.
 *
 * Records that explain others (stacks, processes, names of reasons) and running totals (losses,
 * hits) always pass.
 */
#ifndef ST_FORMATS_FILTER_H
#define ST_FORMATS_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

struct aggregate;
struct filter;
struct names;
struct run_info;

enum filter_verdict {
	FILTER_DROP,	/* as if it had not happened */
	FILTER_CONTEXT, /* tells who a coroutine is, which may be shown later, and counts nowhere */
	FILTER_EARLY,	/* before the time of interest: coroutines alive by then are in the view */
	FILTER_FACT,	/* as FILTER_SHOW, but when it came says nothing */
	FILTER_SHOW,
};

#define FILTER_MAX 16 /* of each kind of condition */

/* All that is set must hold; of several values of one kind, one.  Zeroed: everything passes. */
struct filter_spec {
	bool by_time;
	uint64_t since_ns, until_ns; /* after the start, [since, until) */
	size_t pids, coroutines, functions;
	uint32_t pid[FILTER_MAX];
	uint64_t coroutine[FILTER_MAX];
	/* Globs.  A growth has its creator, its coroutine's function and its call chain; a
	 * coroutine the first two. */
	const char *function[FILTER_MAX];
};

bool filter_is_empty(const struct filter_spec *s);

/* All but the result must outlive it.  NULL where the spec is empty: then everything is shown.
 * 0 or -ENOMEM. */
int filter_new(const struct filter_spec *s, const struct run_info *info, const struct aggregate *a,
	       struct names *n, struct filter **ret);
void filter_free(struct filter *f); /* NULL-safe */

/* To be asked for each record in turn, before the aggregate takes it.  f may be NULL. */
enum filter_verdict filter_event(struct filter *f, const struct ev_header *ev);

#endif
