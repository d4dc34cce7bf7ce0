/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_stacks.c: call chains on both sides, for differential flame graphs.
 *
 * Chains are matched as text, without the line of the go statement.  Sums over a side's captures
 * are kept, and handed out as means: the median of a rare chain would be nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/diff_internal.h"
#include "formats/folded.h"
#include "formats/render.h"

struct adding {
	struct diff *d;
	enum diff_side side;
};

static int add_chain(void *arg, const char *chain, uint64_t weight)
{
	struct adding *a = arg;
	struct diff_stack *s;

	HASH_FIND_STR(a->d->stacks, chain, s);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (s)
			s->chain = strdup(chain);
		if (s && s->chain)
			HASH_ADD_KEYPTR(hh, a->d->stacks, s->chain, strlen(s->chain), s);
		if (!s || !s->chain || !map_added(s)) {
			free(s ? s->chain : NULL);
			free(s);
			return -ENOMEM;
		}
	}
	s->weight[a->side] += (double)weight;
	return 0;
}

int diff_take_stacks(struct diff *d, size_t capture, const struct diff_input *in)
{
	const struct render_context c = { .aggregate = in->aggregate,
					  .names = in->names,
					  .info = in->info,
					  .damage = in->damage,
					  .weight = d->spec.weight };
	struct adding a = { d, capture < d->spec.captures[DIFF_BEFORE] ? DIFF_BEFORE : DIFF_AFTER };

	return folded_each(&c, false, add_chain, &a);
}

void diff_stacks_free(struct diff *d)
{
	struct diff_stack *s, *next;

	HASH_ITER(hh, d->stacks, s, next) {
		HASH_DEL(d->stacks, s);
		free(s->chain);
		free(s);
	}
}

static int compare_chains(struct diff_stack *a, struct diff_stack *b)
{
	return strcmp(a->chain, b->chain);
}

static double work_of(const struct diff *d, enum diff_side side, enum diff_per per)
{
	double sum = 0;

	for (size_t i = 0; i < d->spec.captures[side]; i++)
		sum += diff_capture(d, side, i)->sample.divisor[per];
	return sum;
}

int diff_each_stack(struct diff *d, enum diff_per per, diff_stack_fn *fn, void *arg)
{
	double after = (double)d->spec.captures[DIFF_AFTER];
	/* with `per` run the work is the number of captures */
	double before = after * work_of(d, DIFF_BEFORE, per) / work_of(d, DIFF_AFTER, per);
	struct diff_stack *s, *next;
	int r = 0;

	HASH_SORT(d->stacks, compare_chains);
	HASH_ITER(hh, d->stacks, s, next) {
		if (!r)
			r = fn(arg, s->chain, s->weight[DIFF_BEFORE] / before,
			       s->weight[DIFF_AFTER] / after);
	}
	return r;
}
