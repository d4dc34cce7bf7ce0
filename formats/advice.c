/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/advice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "formats/label.h"
#include "formats/run_info.h"
#include "formats/sites.h"

struct data {
	const struct totals *totals;
	uint64_t wall_ns;
	bool whole_program;
	struct growth_row *growth;
	struct creator_row *creators;
	size_t growth_count, creators_count;
	struct advice *advice; /* room for one of each row */
	size_t count;
};

/* What runtimes keep free below a function's frame, at most. */
#define GUARD_BYTES 1024

static bool pays(const struct data *d, uint64_t copies, uint64_t coroutines, uint64_t ns)
{
	return copies >= ADVICE_MIN_COUNT && coroutines >= ADVICE_MIN_COROUTINES && ns &&
	       ns >= d->wall_ns / 1000 * ADVICE_MIN_PER_MILLE;
}

static int compare_origins(const struct site *creator_a, const struct site *entry_a,
			   const struct site *creator_b, const struct site *entry_b)
{
	int r = site_compare(creator_a, creator_b);

	return r ? r : site_compare(entry_a, entry_b);
}

static int compare_growth(const void *x, const void *y)
{
	const struct growth_row *a = x, *b = y;

	return compare_origins(&a->creator, &a->entry, &b->creator, &b->entry);
}

static int compare_creators(const void *x, const void *y)
{
	const struct creator_row *a = x, *b = y;

	return compare_origins(&a->creator, &a->entry, &b->creator, &b->entry);
}

/* What beginning with a.to would save. */
static void add_savings(struct advice *a, const struct growth_row *growth, size_t count)
{
	a->from = UINT64_MAX;
	a->copies = a->bytes = a->ns = 0;
	for (size_t i = 0; i < count; i++) {
		const struct growth_row *g = &growth[i];

		if (g->to <= g->from || g->to > a->to)
			continue;
		if (g->from < a->from)
			a->from = g->from;
		a->copies += g->count;
		a->bytes += g->bytes_copied;
		a->ns += g->ns;
	}
}

/* Whether not too much would lie idle, and how much: the mean coroutine's, for all at once. */
static bool is_affordable(const struct creator_row *c, struct advice *a)
{
	double held = 0, spare = 0, all = c->coroutines ? (double)c->coroutines : 1;

	for (unsigned i = 0; i < 64; i++) {
		double size = (double)(UINT64_C(1) << i), n = (double)c->final_size[i];

		held += n * size;
		if (size < (double)a->to)
			spare += n * ((double)a->to - size);
	}
	a->spare_bytes = (uint64_t)(spare / all * (double)a->peak_alive);
	return spare * 100 <= held * ADVICE_SPARE_PERCENT;
}

static void consider_start(struct data *d, const struct creator_row *c,
			   const struct growth_row *growth, size_t count)
{
	struct advice best = { .ns = 0 }, a = {
		.kind = ADVICE_START_SIZE,
		.creator = c->creator,
		.entry = c->entry,
		.wall_ns = d->wall_ns,
		.peak_alive = d->whole_program ? d->totals->peak_alive : c->peak_alive,
		.whole_program = d->whole_program,
	};

	/* from the largest down: a smaller one is better if it saves nearly as much */
	for (unsigned i = 64; i-- > 0;) {
		if (!c->final_size[i])
			continue;
		a.to = UINT64_C(1) << i;
		add_savings(&a, growth, count);
		if (!pays(d, a.copies, c->coroutines, a.ns) || !is_affordable(c, &a))
			continue;
		if ((double)a.ns * 100 >= (double)best.ns * ADVICE_NEARLY_PERCENT)
			best = a;
	}
	if (best.ns &&
	    !__builtin_mul_overflow(best.to - best.from, best.peak_alive, &best.cost_bytes))
		d->advice[d->count++] = best;
}

/*
 * A runtime doubles until the frame fits.  So of a growth by more than one doubling, half the new
 * size was too small for what was in use and the frame.
 */
static void consider_frame(struct data *d, const struct growth_row *g, const struct creator_row *c)
{
	uint64_t taken = GUARD_BYTES + (g->count ? g->bytes_copied / g->count : 0);

	if (g->to / 4 < g->from || g->to / 2 <= taken || !strcmp(g->leaf.function, "[unknown]") ||
	    !pays(d, g->count, c->coroutines, g->ns))
		return;
	d->advice[d->count++] = (struct advice){
		.kind = ADVICE_BIG_FRAME,
		.creator = g->creator,
		.entry = g->entry,
		.leaf = g->leaf,
		.from = g->from,
		.to = g->to,
		.copies = g->count,
		.bytes = g->bytes_copied,
		.ns = g->ns,
		.wall_ns = d->wall_ns,
		.peak_alive = c->peak_alive,
		.frame_bytes = g->to / 2 - taken,
	};
}

static int compare_saved(const void *x, const void *y)
{
	const struct advice *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return site_compare(&a->creator, &b->creator);
}

/* Where the size can only be set for all, all are weighed together. */
static void consider_program(struct data *d)
{
	struct creator_row all = { .creator = { "[all]", "", 0 }, .entry = { "[all]", "", 0 } };

	for (size_t i = 0; i < d->creators_count; i++) {
		all.coroutines += d->creators[i].coroutines;
		for (unsigned k = 0; k < 64; k++)
			all.final_size[k] += d->creators[i].final_size[k];
	}
	consider_start(d, &all, d->growth, d->growth_count);
}

/* Each creator with its growths: both in the same order, so one pass over both. */
static void consider_all(struct data *d)
{
	size_t begin = 0;

	if (d->growth_count)
		qsort(d->growth, d->growth_count, sizeof(*d->growth), compare_growth);
	if (d->creators_count)
		qsort(d->creators, d->creators_count, sizeof(*d->creators), compare_creators);
	for (size_t i = 0; i < d->creators_count; i++) {
		const struct creator_row *c = &d->creators[i];
		size_t end;

		for (end = begin; end < d->growth_count; end++) {
			const struct growth_row *g = &d->growth[end];

			if (compare_origins(&g->creator, &g->entry, &c->creator, &c->entry))
				break;
		}
		if (!d->whole_program)
			consider_start(d, c, d->growth + begin, end - begin);
		for (; begin < end; begin++)
			consider_frame(d, &d->growth[begin], c);
	}
	if (d->whole_program)
		consider_program(d);
}

int advise(struct aggregate *a, struct names *n, const struct run_info *info, struct advice **ret,
	   size_t *ret_count)
{
	const struct totals *t = aggregate_totals(a);
	struct data d = {
		.totals = t,
		.wall_ns = t->wall_ns + !t->wall_ns,
		.whole_program = strcmp(info->runtime, "go"),
	};
	int r = aggregate_growth(a, n, &d.growth, &d.growth_count);

	if (!r)
		r = aggregate_creators(a, n, &d.creators, &d.creators_count);
	if (!r) {
		d.advice = calloc(d.growth_count + d.creators_count + 1, sizeof(*d.advice));
		r = d.advice ? 0 : -ENOMEM;
	}
	if (!r)
		consider_all(&d);
	free(d.growth);
	free(d.creators);
	if (r) {
		free(d.advice);
		return r;
	}
	if (d.count)
		qsort(d.advice, d.count, sizeof(*d.advice), compare_saved);
	*ret = d.advice;
	*ret_count = d.count < ADVICE_MAX ? d.count : ADVICE_MAX;
	return 0;
}

static struct human share_of(const struct advice *a)
{
	return human_share((double)a->ns, (double)a->wall_ns);
}

static char *text_of_start(const struct advice *a, const char *entry, bool utf8)
{
	char spare[96] = "", *r;

	if (a->spare_bytes)
		snprintf(spare, sizeof(spare), ", of which about %s stays unused",
			 human_size(a->spare_bytes).s);
	if (asprintf(&r,
		     "start %s with %s instead of %s: saves %s copies (%s, %s, %s of wall time), "
		     "costs at most %s (%s for each of %s at once)%s",
		     a->whole_program ? "all coroutines" : entry, human_size(a->to).s,
		     human_size(a->from).s, human_count(a->copies).s, human_size(a->bytes).s,
		     human_time(a->ns, utf8).s, share_of(a).s, human_size(a->cost_bytes).s,
		     human_size(a->to - a->from).s, human_count(a->peak_alive).s, spare) < 0)
		return NULL;
	return r;
}

static char *text_of_frame(const struct advice *a, const char *leaf, bool utf8)
{
	char *r;

	if (asprintf(&r,
		     "make the frame of %s smaller: it is over %s and takes stacks from %s to %s "
		     "at once, %s times (%s, %s of wall time)",
		     leaf, human_size(a->frame_bytes).s, human_size(a->from).s, human_size(a->to).s,
		     human_count(a->copies).s, human_time(a->ns, utf8).s, share_of(a).s) < 0)
		return NULL;
	return r;
}

char *advice_text(const struct advice *a, bool utf8)
{
	bool start = a->kind == ADVICE_START_SIZE;
	char *site = label_site(start ? &a->entry : &a->leaf, utf8), *r;

	if (!site)
		return NULL;
	r = start ? text_of_start(a, site, utf8) : text_of_frame(a, site, utf8);
	free(site);
	return r;
}

char *advice_how(const struct advice *a, const struct run_info *info, bool utf8)
{
	char *entry, *r;
	int n;

	if (a->kind == ADVICE_BIG_FRAME && !strcmp(info->runtime, "go"))
		return strdup("make large arrays and structs with new or make, or reach them "
			      "through a pointer that is returned or stored: then they are on "
			      "the heap");
	if (a->kind == ADVICE_BIG_FRAME)
		return strdup("allocate large arrays and structs instead of declaring them");
	if (!strcmp(info->runtime, "corun")) {
		n = asprintf(&r, "set CORUN_STACK=%llu, or stack_size in struct co_config",
			     (unsigned long long)a->to);
		return n < 0 ? NULL : r;
	}
	if (strcmp(info->runtime, "go"))
		return strdup("see the runtime's documentation for its first stack size");
	entry = label_site(&a->entry, utf8);
	if (!entry)
		return NULL;
	n = asprintf(&r,
		     "Go has no setting for one goroutine's first stack: begin %s with a call to a "
		     "//go:noinline function whose frame is %s, or keep workers and hand them the "
		     "work; GODEBUG=adaptivestackstart=1 (Go 1.19 and later) follows the average "
		     "of all stacks",
		     entry, human_size(a->to / 2).s);
	free(entry);
	return n < 0 ? NULL : r;
}
