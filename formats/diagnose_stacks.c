/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_stacks.c: the rules that look at events of the probes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/diagnose_internal.h"
#include "formats/label.h"
#include "formats/names.h"
#include "formats/sites.h"
#include "formats/waits.h"

#define SLICES 8

/* finding_say() with a place at the end. */
static int say_of(struct finding *f, double confidence, char *text, const struct site *site)
{
	char *label = label_site(site, false);
	int r = text && label ? finding_say(f, confidence, "%s%s", text, label) : -ENOMEM;

	free(label);
	free(text);
	return r;
}

int rule_leak_by_events(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct totals *all = aggregate_totals(d->aggregate);
	struct series_row *rows;
	size_t count;
	uint64_t width, early, end;
	int r = aggregate_series(d->aggregate, SLICES, &rows, &count, &width);

	if (r)
		return r;
	early = count ? rows[count / 3].alive : 0;
	end = count ? rows[count - 1].alive : 0;
	free(rows);
	/* Steady since the first third is no leak, however many there are. */
	if (count < 4 || (double)all->alive < t[0] || (double)all->alive - (double)early < t[0] ||
	    all->alive < end * 9 / 10 || all->alive * 2 < all->born || early * 4 > all->alive * 3)
		return 0;
	return finding_say(ret, 65,
			   "%s coroutines were alive at the end, of %s that were born: %s after a "
			   "third of the time, and "
			   "never more than at last",
			   human_count(all->alive).s, human_count(all->born).s,
			   human_count(early).s);
}

int rule_growth_storm(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct totals *all = aggregate_totals(d->aggregate);
	double rate = (double)d->most_in_window * 1e9 / WINDOW_NS;
	struct growth_row *rows = NULL;
	size_t count = 0;
	char *text = NULL;
	int r;

	if ((double)d->growths < t[1] || rate < t[0])
		return 0;
	r = aggregate_growth(d->aggregate, d->names, &rows, &count);
	if (r || !count)
		return r;
	if (asprintf(&text,
		     "%s growths in the busiest 100 ms, %s in all (%s copied); most time for those "
		     "of "
		     "coroutines created at ",
		     human_count(d->most_in_window).s, human_count(d->growths).s,
		     human_size(all->bytes_copied).s) < 0)
		text = NULL;
	r = say_of(ret, rate >= 3 * t[0] ? 90 : 75, text, &rows[0].creator);
	free(rows);
	return r;
}

int rule_thrash(const struct diagnose *d, const double *t, struct finding *ret)
{
	double share = d->growths ? 100.0 * (double)d->thrashes / (double)d->growths : 0;

	if ((double)d->thrashes < t[0] || share < t[1])
		return 0;
	return finding_say(
		ret, share > 50 ? 95 : 80,
		"%s of %s growths were of stacks that a collection had made smaller; they "
		"copied %s",
		human_count(d->thrashes).s, human_count(d->growths).s,
		human_size(d->thrash_bytes).s);
}

/* The first size of most, 0 if none was seen to be born. */
static uint64_t usual_first_size(const struct creator_row *c)
{
	unsigned most = 0;

	for (unsigned i = 1; i < 64; i++)
		if (c->first_size[i] > c->first_size[most])
			most = i;
	return c->first_size[most] ? UINT64_C(1) << most : 0;
}

typedef bool creator_fn(const struct creator_row *c, const double *t);

/* The creator with the most coroutines of which it is true; NULL: none. */
static const struct creator_row *worst(const struct creator_row *rows, size_t count, creator_fn *is,
				       const double *t)
{
	const struct creator_row *w = NULL;

	for (size_t i = 0; i < count; i++)
		if (is(&rows[i], t) && (!w || rows[i].coroutines > w->coroutines))
			w = &rows[i];
	return w;
}

static bool is_oversized(const struct creator_row *c, const double *t)
{
	uint64_t first = usual_first_size(c);

	return (double)c->measured >= t[0] && (double)first >= t[2] && !c->grew && c->most_used &&
	       100.0 * (double)c->most_used <= t[1] * (double)first;
}

static bool is_undersized(const struct creator_row *c, const double *t)
{
	return (double)c->coroutines >= t[0] &&
	       100.0 * (double)c->grew >= t[1] * (double)c->coroutines;
}

int rule_oversized(const struct diagnose *d, const double *t, struct finding *ret)
{
	struct creator_row *rows;
	const struct creator_row *w;
	char *text = NULL;
	size_t count;
	int r = aggregate_creators(d->aggregate, d->names, &rows, &count);

	if (r)
		return r;
	w = worst(rows, count, is_oversized, t);
	if (w) {
		if (asprintf(&text, "%s coroutines began with %s and used %s at most; created at ",
			     human_count(w->coroutines).s, human_stack(usual_first_size(w)).s,
			     human_size(w->most_used).s) < 0)
			text = NULL;
		r = say_of(ret, 60 + 35.0 * (double)w->measured / (double)w->coroutines, text,
			   &w->creator);
	}
	free(rows);
	return r;
}

int rule_undersized(const struct diagnose *d, const double *t, struct finding *ret)
{
	struct creator_row *rows;
	const struct creator_row *w;
	char *text = NULL;
	size_t count;
	int r = aggregate_creators(d->aggregate, d->names, &rows, &count);

	if (r)
		return r;
	w = worst(rows, count, is_undersized, t);
	if (w) {
		if (asprintf(&text,
			     "%s of %s coroutines grew, %.1f times each on average (%s copied); "
			     "created at ",
			     human_count(w->grew).s, human_count(w->coroutines).s,
			     (double)w->growths / (double)w->grew,
			     human_size(w->bytes_copied).s) < 0)
			text = NULL;
		r = say_of(ret, 90, text, &w->creator);
	}
	free(rows);
	return r;
}

int rule_overflow(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct ev_copystack *ev = &d->largest;
	struct site leaf = { .function = "a function that is not known", .file = "" };
	const uint64_t *pc;
	uint32_t depth, flags;
	char *text = NULL;

	if ((double)ev->new_size < t[0] || !ev->new_size)
		return 0;
	if (!aggregate_stack(d->aggregate, ev->stack_id, &pc, &depth, &flags))
		leaf = site_leaf(d->names, ev->h.pid, pc, depth);
	if (asprintf(&text,
		     "coroutine %" PRIu64 " came to a stack of %s, with %s in use; it grew in ",
		     (uint64_t)ev->goid, human_size(ev->new_size).s, human_size(ev->used).s) < 0)
		text = NULL;
	return say_of(ret, (double)ev->new_size >= 4 * t[0] ? 95 : 80, text, &leaf);
}

/* Functions of the allocators of Go and corun. */
static bool is_allocator(const char *name)
{
	static const char *const parts[] = { "malloc",	  "mcache",	"mcentral", "mheap",
					     "newobject", "stackalloc", "co_alloc", "makeslice" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static bool waits_in_allocator(const struct diagnose *d, const struct lock_row *l)
{
	uint32_t depth, flags;
	const uint64_t *pc;

	if (l->kind != EV_LOCK_RUNTIME ||
	    aggregate_stack(d->aggregate, l->stack_id, &pc, &depth, &flags))
		return false;
	for (uint32_t i = 0; i < depth; i++) {
		size_t count;
		const struct name *v = names_get(d->names, l->pid, names_call_site(pc[i]), &count);

		for (size_t k = 0; k < count; k++)
			if (is_allocator(v[k].function))
				return true;
	}
	return false;
}

int rule_convoy_by_events(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct totals *all = aggregate_totals(d->aggregate);
	struct lock_row *rows;
	uint64_t waits = 0, ns = 0, longest = 0;
	size_t count;
	int r = waits_locks(aggregate_waits(d->aggregate), d->names, &rows, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (!waits_in_allocator(d, &rows[i]))
			continue;
		waits += rows[i].waits;
		ns += rows[i].wait_ns;
		longest = rows[i].max_wait_ns > longest ? rows[i].max_wait_ns : longest;
	}
	free(rows);
	if ((double)waits < t[2] || 100.0 * (double)ns < t[1] * (double)all->wall_ns)
		return 0;
	return finding_say(ret, 90, "%s waits for locks in the allocator took %s, the longest %s",
			   human_count(waits).s, human_time(ns, false).s,
			   human_time(longest, false).s);
}
