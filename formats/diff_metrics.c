/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/diff_metrics.h"

#include <string.h>

#include "formats/run_info.h"
#include "formats/waits.h"

static const struct {
	const char *name, *title;
	enum diff_unit unit;
	bool divides;
} metrics[DIFF_METRIC_COUNT] = {
	[DIFF_GROWTHS] = { "growths", "growths", DIFF_UNIT_COUNT, true },
	[DIFF_SHRINKS] = { "shrinks", "shrinks", DIFF_UNIT_COUNT, true },
	[DIFF_BYTES_COPIED] = { "bytes_copied", "bytes copied", DIFF_UNIT_BYTES, true },
	[DIFF_COPY_TIME] = { "copy_time", "copy time", DIFF_UNIT_NS, true },
	[DIFF_STACKS] = { "stacks", "stacks allocated", DIFF_UNIT_COUNT, true },
	[DIFF_ALLOCATED_BYTES] = { "allocated_bytes", "stack memory", DIFF_UNIT_BYTES, true },
	[DIFF_USED_BYTES] = { "used_bytes", "stack memory used", DIFF_UNIT_BYTES, true },
	[DIFF_WASTE_BYTES] = { "waste_bytes", "stack memory wasted", DIFF_UNIT_BYTES, true },
	[DIFF_WASTE_RATIO] = { "waste_ratio", "waste ratio", DIFF_UNIT_RATIO, false },
	[DIFF_COROUTINES] = { "coroutines", "coroutines", DIFF_UNIT_COUNT, true },
	[DIFF_SHORT_LIVED] = { "short_lived", "lived under 1 ms", DIFF_UNIT_RATIO, false },
	[DIFF_LIFETIME] = { "lifetime", "mean lifetime", DIFF_UNIT_NS, false },
	[DIFF_AT_ONCE] = { "at_once", "coroutines at once", DIFF_UNIT_COUNT, false },
	[DIFF_SWITCH_RATE] = { "switch_rate", "switches a second", DIFF_UNIT_COUNT, false },
	[DIFF_COLLECTIONS] = { "collections", "garbage collections", DIFF_UNIT_COUNT, true },
	[DIFF_CPU_TIME] = { "cpu_time", "CPU time", DIFF_UNIT_NS, true },
	[DIFF_WALL_TIME] = { "wall_time", "wall time", DIFF_UNIT_NS, true },
	[DIFF_MAX_RSS] = { "max_rss", "largest resident set", DIFF_UNIT_BYTES, false },
};

const char *const diff_per_names[] = { "run", "second", "coroutine", "request", NULL };

const char *diff_metric_name(enum diff_metric m)
{
	return m < DIFF_METRIC_COUNT ? metrics[m].name : NULL;
}

const char *diff_metric_title(enum diff_metric m)
{
	return metrics[m].title;
}

enum diff_unit diff_metric_unit(enum diff_metric m)
{
	return metrics[m].unit;
}

const char *diff_unit_name(enum diff_unit u)
{
	static const char *const names[] = { "count", "bytes", "ns", "ratio" };

	return names[u];
}

bool diff_metric_divides(enum diff_metric m, enum diff_per per)
{
	if ((m == DIFF_COROUTINES && per == DIFF_PER_COROUTINE) ||
	    (m == DIFF_WALL_TIME && per == DIFF_PER_SECOND))
		return false; /* it would always be 1 */
	return per != DIFF_PER_RUN && metrics[m].divides;
}

enum diff_metric diff_metric_of_weight(enum weight w)
{
	static const enum diff_metric of[WEIGHT_COUNT] = {
		[WEIGHT_GROWTHS] = DIFF_GROWTHS,
		[WEIGHT_BYTES] = DIFF_BYTES_COPIED,
		[WEIGHT_NS] = DIFF_COPY_TIME,
		[WEIGHT_WASTE] = DIFF_WASTE_BYTES,
	};

	return of[w];
}

static void set(struct diff_sample *s, enum diff_metric m, double value)
{
	s->value[m] = value;
	s->known[m] = true;
}

/* Each birth takes a stack, and so does each copy. */
static double stacks_allocated(const struct totals *t)
{
	return (double)t->born + (double)t->growths + (double)t->shrinks;
}

static void take_coroutines(const struct totals *t, struct diff_sample *s)
{
	set(s, DIFF_COROUTINES, (double)t->coroutines);
	set(s, DIFF_AT_ONCE, (double)t->peak_alive);
	if (t->coroutines)
		set(s, DIFF_SHORT_LIVED, (double)t->short_lived / (double)t->coroutines);
	if (t->lived)
		set(s, DIFF_LIFETIME, (double)t->life_ns / (double)t->lived);
	if (!t->measured)
		return;
	set(s, DIFF_ALLOCATED_BYTES, (double)t->allocated_bytes);
	set(s, DIFF_USED_BYTES, (double)t->used_bytes);
	set(s, DIFF_WASTE_BYTES, (double)(t->allocated_bytes - t->used_bytes));
	if (t->allocated_bytes)
		set(s, DIFF_WASTE_RATIO,
		    (double)(t->allocated_bytes - t->used_bytes) / (double)t->allocated_bytes);
}

/*
 * Switches are counted in windows.  Where coroutines were born there were switches, too: none in
 * all windows means that these were not open while the program ran, as of a short one.
 */
static bool watched_switches(const struct totals *t)
{
	return t->switch_window_ns && (t->switches || !t->born);
}

/* Collections are always followed by probes; that there were none is then a fact. */
static bool watches_collections(const struct run_info *info)
{
	return !strcmp(info->source, "bpf") && !strcmp(info->runtime, "go");
}

void diff_sample_take(struct aggregate *a, const struct run_info *info, struct diff_sample *ret)
{
	const struct totals *t = aggregate_totals(a);
	struct waits_totals w;

	waits_totals(aggregate_waits(a), &w);
	*ret = (struct diff_sample){ .divisor = {
					     [DIFF_PER_RUN] = 1,
					     [DIFF_PER_SECOND] = (double)t->wall_ns / 1e9,
					     [DIFF_PER_COROUTINE] = (double)t->coroutines,
				     } };
	set(ret, DIFF_GROWTHS, (double)t->growths);
	set(ret, DIFF_SHRINKS, (double)t->shrinks);
	set(ret, DIFF_BYTES_COPIED, (double)t->bytes_copied);
	set(ret, DIFF_COPY_TIME, (double)t->copy_ns);
	set(ret, DIFF_STACKS, stacks_allocated(t));
	take_coroutines(t, ret);
	if (watched_switches(t))
		set(ret, DIFF_SWITCH_RATE, (double)t->switches * 1e9 / (double)t->switch_window_ns);
	if (w.collections || watches_collections(info))
		set(ret, DIFF_COLLECTIONS, (double)w.collections);
	if (t->cpu_ns)
		set(ret, DIFF_CPU_TIME, (double)t->cpu_ns);
	set(ret, DIFF_WALL_TIME, (double)t->wall_ns);
	if (t->max_rss)
		set(ret, DIFF_MAX_RSS, (double)t->max_rss);
}
