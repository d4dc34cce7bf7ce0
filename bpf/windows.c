/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window lasts 10 ms, or less if its hits have by then cost what the budget gives for the longest
 * gap.  The next one opens when the budget covers what the last one cost, not before the shortest
 * gap; at the longest gap it opens anyway, as a rate that is a second old says little.
 *
 * All the time means until the budget is overspent; from then on it is windows too.
 */
#include "bpf/windows.h"

#define MS	  1000000ull
#define WINDOW	  (10 * MS)
#define GAP_MIN	  (100 * MS)
#define GAP_MAX	  (1000 * MS)
#define LOAD_MAX  (100 * MS)  /* what a program may take to be loaded */
#define REPORT_NS (1000 * MS) /* between records of SWITCHES_ON */

void windows_init(struct windows *w, enum switches_mode mode, unsigned budget_pm, uint64_t hit_ns)
{
	*w = (struct windows){ .mode = mode, .budget_pm = budget_pm, .hit_ns = hit_ns };
}

void windows_begin(struct windows *w, uint64_t now, uint64_t hits)
{
	if (w->open && !w->closed_ns && hits == w->open_hits && now - w->start_ns < LOAD_MAX)
		w->open_ns = now;
}

static bool spent_enough(const struct windows *w, uint64_t now, uint64_t hits)
{
	if (now - w->open_ns >= WINDOW)
		return true;
	return (hits - w->open_hits) * w->hit_ns >= GAP_MAX / 1000 * w->budget_pm;
}

static bool affordable(const struct windows *w, uint64_t now)
{
	uint64_t gap = now - w->closed_ns;

	if (gap < GAP_MIN)
		return false;
	if (gap >= GAP_MAX)
		return true;
	return (w->spent_ns + w->last_hits * w->hit_ns) <=
	       (now - w->start_ns) / 1000 * w->budget_pm;
}

/* Looked at when a window's length is over, as a start says little. */
static bool overspent(const struct windows *w, uint64_t now, uint64_t hits)
{
	uint64_t spent = w->spent_ns + (hits - w->open_hits) * w->hit_ns;

	return w->budget_pm < 1000 && now - w->open_ns >= WINDOW &&
	       spent > (now - w->start_ns) / 1000 * w->budget_pm;
}

enum windows_action windows_due(const struct windows *w, uint64_t now, uint64_t hits)
{
	switch (w->mode) {
	case SWITCHES_OFF:
		return WINDOWS_KEEP;
	case SWITCHES_COUNT:
	case SWITCHES_ON:
		if (!w->open)
			return !w->start_ns || affordable(w, now) ? WINDOWS_OPEN : WINDOWS_KEEP;
		if (overspent(w, now, hits))
			return WINDOWS_CLOSE;
		return now - w->open_ns >= REPORT_NS ? WINDOWS_REPORT : WINDOWS_KEEP;
	case SWITCHES_AUTO:
		break;
	}
	if (w->open)
		return spent_enough(w, now, hits) ? WINDOWS_CLOSE : WINDOWS_KEEP;
	if (!w->budget_pm && w->start_ns)
		return WINDOWS_KEEP;
	return !w->start_ns || affordable(w, now) ? WINDOWS_OPEN : WINDOWS_KEEP;
}

void windows_opened(struct windows *w, uint64_t now, uint64_t hits)
{
	if (!w->start_ns)
		w->start_ns = now;
	w->open = true;
	w->open_ns = now;
	w->open_hits = hits;
}

void windows_closed(struct windows *w, uint64_t now, uint64_t hits, struct ev_switches *ret)
{
	w->open = false;
	w->closed_ns = now;
	w->last_hits = hits - w->open_hits;
	w->spent_ns += w->last_hits * w->hit_ns;
	ret->h.time_ns = w->open_ns;
	ret->count = w->last_hits;
	ret->window_ns = now - w->open_ns;
}
