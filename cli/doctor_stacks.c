/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_stacks.c: the stacks of all coroutines of a process, read from its memory while it runs.
 *
 * What looks wrong is looked at again, and only believed if it is still the same after a while: a
 * coroutine that grows, is born or dies in between may be seen in pieces.  The same holds for a
 * growth that seems to be stuck.  A million coroutines are counted as they come; rows are kept of
 * as many as are to be shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/human.h"
#include "cli/doctor.h"

#define LOOKS	     3
#define LOOK_AGAIN   100000000L /* ns */
#define SUSPECTS_MAX 65536	/* where more look wrong, it is no coincidence */

struct look {
	struct doctor *d;
	const struct memory *memory;
	struct doctor_row *suspect; /* to be looked at again */
	size_t suspects;
	bool no_memory;
};

/* Unhealthy ones first, then by how full; of the same, the larger. */
static int by_need(const void *a, const void *b)
{
	const struct doctor_row *x = a, *y = b;
	bool bad_x = x->health > STACK_NONE, bad_y = y->health > STACK_NONE;
	uint64_t used_x = coroutine_used(&x->c), used_y = coroutine_used(&y->c);

	if (bad_x != bad_y)
		return bad_x ? -1 : 1;
	if (bad_x && x->health != y->health)
		return x->health > y->health ? -1 : 1;
	if (used_x != used_y)
		return used_x > used_y ? -1 : 1;
	return x->c.gp < y->c.gp ? -1 : x->c.gp > y->c.gp;
}

/* Twice as many as are to be shown, then the lesser half goes. */
static void keep(struct look *l, const struct doctor_row *row)
{
	struct doctor_stacks *s = &l->d->stacks;
	size_t top = l->d->top;

	if (!(s->rows & (s->rows - 1))) {
		size_t room = s->rows ? 2 * s->rows : 1;
		struct doctor_row *grown = reallocarray(s->row, room, sizeof(*grown));

		if (!grown) {
			l->no_memory = true;
			return;
		}
		s->row = grown;
	}
	s->row[s->rows++] = *row;
	if (top && s->rows >= 2 * top) {
		qsort(s->row, s->rows, sizeof(*s->row), by_need);
		s->rows = top;
	}
}

static void count(struct doctor_stacks *s, const struct doctor_row *row)
{
	s->count[row->health]++;
	if (row->health == STACK_NONE) {
		s->free++;
		return;
	}
	s->coroutines++;
	if (row->health == STACK_BAD_BOUNDS)
		return;
	s->bytes += row->c.hi - row->c.lo;
	if (!coroutine_used(&row->c))
		return;
	s->used += coroutine_used(&row->c);
	s->used_of += row->c.hi - row->c.lo;
}

static bool same(const struct coroutine *a, const struct coroutine *b)
{
	return a->lo == b->lo && a->hi == b->hi && a->guard == b->guard && a->sp == b->sp &&
	       a->status == b->status && a->id == b->id;
}

static int add(struct look *l, const struct doctor_row *row)
{
	count(&l->d->stacks, row);
	if (row->health != STACK_NONE)
		keep(l, row);
	return l->no_memory ? -ENOMEM : 0;
}

static int suspect(struct look *l, const struct doctor_row *row)
{
	struct doctor_row *grown;

	if (l->suspects == SUSPECTS_MAX)
		return add(l, row);
	grown = reallocarray(l->suspect, l->suspects + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->suspect = grown;
	grown[l->suspects++] = *row;
	return 0;
}

static int take(void *arg, const struct coroutine *c)
{
	struct look *l = arg;
	struct doctor_row row = { .c = *c };

	row.health = coroutine_judge(&l->d->target, c, l->d->limits.runtime);
	return row.health >= STACK_GROWS ? suspect(l, &row) : add(l, &row);
}

/* One that has changed is alive, and what it looked like a matter of the moment. */
static void look_again(struct look *l, struct doctor_row *row)
{
	struct coroutine now;

	if (row->health < STACK_GROWS)
		return;
	if (coroutine_read(&l->d->target, l->memory, row->c.gp, &now)) {
		row->health = STACK_NONE;
		return;
	}
	if (same(&row->c, &now))
		return;
	row->c = now;
	row->health = coroutine_judge(&l->d->target, &now, l->d->limits.runtime);
	if (row->health >= STACK_GROWS)
		row->health = STACK_HEALTHY;
}

static int confirm(struct look *l)
{
	const struct timespec ts = { .tv_nsec = LOOK_AGAIN };
	int r = 0;

	for (int i = 1; i < LOOKS && l->suspects; i++) {
		nanosleep(&ts, NULL);
		for (size_t k = 0; k < l->suspects; k++)
			look_again(l, &l->suspect[k]);
	}
	for (size_t k = 0; k < l->suspects && !r; k++)
		r = add(l, &l->suspect[k]);
	return r;
}

static void add_health(struct doctor *d, enum stack_health h, enum finding_state state,
		       const char *what)
{
	uint64_t n = d->stacks.count[h];

	if (n)
		findings_add(&d->findings, FINDING_PROCESS, state, stack_health_name(h),
			     "%" PRIu64 " %s", n, what);
}

static void add_findings(struct doctor *d)
{
	const struct doctor_stacks *s = &d->stacks;

	findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "coroutines",
		     "%s, with %s of stacks, used to %s where that is known; %s free descriptors",
		     human_count(s->coroutines).s, human_size(s->bytes).s,
		     s->used_of ? human_share((double)s->used, (double)s->used_of).s : "0 %",
		     human_count(s->free).s);
	add_health(d, STACK_AT_LIMIT, FINDING_NOTE,
		   "would be ended with the program by their next growth: it exceeds the limit");
	add_health(
		d, STACK_GROWS, FINDING_BAD,
		"have been in the same growth for 200 ms: it waits for something, such as a lock "
		"of the runtime");
	add_health(d, STACK_BAD_BOUNDS, FINDING_BAD, "have bounds that no stack has");
	add_health(d, STACK_BAD_GUARD, FINDING_BAD,
		   "have a guard that is neither in the stack nor a request of the runtime");
	add_health(d, STACK_OVERFLOW, FINDING_BAD, "have a stack pointer outside of their stack");
}

void doctor_stacks(struct doctor *d, const struct memory *memory)
{
	struct look l = { .d = d, .memory = memory };
	int r;

	d->limits.runtime = coroutines_limit(&d->target, memory);
	r = coroutines_each(&d->target, memory, take, &l);
	if (!r)
		r = confirm(&l);
	free(l.suspect);
	if (r == -ENOTSUP) {
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "coroutines",
			     "not looked at: where this runtime keeps them is not known");
		return;
	}
	if (r) {
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "coroutines",
			     "not looked at: %s",
			     r == -ENOMEM ? "no memory" : "their list cannot be read");
		return;
	}
	if (d->stacks.rows)
		qsort(d->stacks.row, d->stacks.rows, sizeof(*d->stacks.row), by_need);
	if (d->top && d->stacks.rows > d->top)
		d->stacks.rows = d->top;
	d->stacks.read = true;
	add_findings(d);
}
