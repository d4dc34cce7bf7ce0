/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_end.c: what is put on the tracks when all events are there: ends, losses, counters. */
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/timeline_internal.h"

static void put_counter(struct timeline *t, const char *name, const char *units,
			const struct series_row *rows, size_t count, size_t offset)
{
	struct timeline_track track = { .id = ++t->tracks,
					.kind = TRACK_COUNTER,
					.pid = t->processes ? t->processes->pid : 0,
					.name = name,
					.units = units };
	uint64_t last = UINT64_MAX;

	t->w->track(t->arg, &track);
	for (size_t i = 0; i < count; i++) {
		uint64_t v;

		memcpy(&v, (const char *)&rows[i] + offset, sizeof(v));
		if (v != last)
			t->w->counter(t->arg, &track, rows[i].start_ns, v);
		last = v;
	}
}

static int put_counters(struct timeline *t)
{
	struct series_row *rows;
	uint64_t width;
	size_t count;
	int r = aggregate_series(t->c->aggregate, SERIES_SLICES, &rows, &count, &width);

	if (r)
		return r;
	put_counter(t, "coroutines alive", "count", rows, count,
		    offsetof(struct series_row, alive));
	put_counter(t, "stacks", "bytes", rows, count, offsetof(struct series_row, stack_bytes));
	put_counter(t, "wasted", "bytes", rows, count, offsetof(struct series_row, wasted_bytes));
	free(rows);
	return 0;
}

/* What is missing is an event of the first process. */
static void put_missing(struct timeline *t)
{
	const struct totals *totals = aggregate_totals(t->c->aggregate);
	struct timeline_arg args[EV_LOST_COUNT + 3];
	uint64_t unknown = 0; /* of reasons that only a later version has */
	size_t count = 0;

	for (unsigned i = EV_LOST_COUNT; i < EV_LOST_LIMIT; i++)
		if (__builtin_add_overflow(unknown, totals->lost[i], &unknown))
			unknown = UINT64_MAX;
	if (unknown)
		args[count++] = (struct timeline_arg)ARG(lost_reason_name(EV_LOST_COUNT), unknown);
	for (unsigned i = 0; i < EV_LOST_COUNT; i++)
		if (totals->lost[i])
			args[count++] = (struct timeline_arg)ARG(lost_reason_name(i),
								 totals->lost[i]);
	if (t->c->damage && t->c->damage->missing_records)
		args[count++] = (struct timeline_arg)ARG("capture damaged",
							 t->c->damage->missing_records);
	if (t->without_lane)
		args[count++] = (struct timeline_arg)ARG("coroutines without a track",
							 t->without_lane);
	if (!count || !t->processes)
		return;
	if (!t->processes->track.id) /* it had no event */
		timeline_begin_track(t, t->processes, &t->processes->others, TRACK_OTHERS, 0,
				     "coroutines without a track");
	timeline_instant(t, &t->processes->track, t->last_ns, "missing", args, count, 0);
}

int timeline_end(struct timeline *t, const struct render_context *c)
{
	const struct totals *totals = aggregate_totals(c->aggregate);
	uint64_t end = totals->exited ? totals->exit_ns : totals->last_ns;
	struct timeline_life *l, *next;

	t->c = c;
	if (t->last_ns > end)
		end = t->last_ns;
	HASH_ITER(hh, t->lives, l, next)
		timeline_end_life(t, l, end);
	for (struct timeline_process *p = t->processes; p; p = p->hh.next)
		if (p->collecting)
			timeline_close(t, &p->collections, end, NULL, 0);
	put_missing(t);
	return put_counters(t);
}
