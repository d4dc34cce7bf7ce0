/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_rows.c: what the views show of running and waiting, merged by name.
 *
 * As in rows.c: one row for each key of addresses, sorted by name, and neighbours of one name are
 * added up.  Locks and blocked coroutines are things and not places: they are not merged by name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/names.h"
#include "formats/sites.h"
#include "formats/waits_internal.h"

typedef int compare_fn(const void *, const void *);
typedef void add_fn(void *to, const void *from);
typedef void fill_fn(struct waits *w, struct names *n, const struct kept *k, void *row);

/* How one table becomes rows. */
struct view {
	enum kept_kind kind;
	size_t size;
	fill_fn *fill;
	compare_fn *same; /* orders by name; rows it calls equal are added up */
	add_fn *add;	  /* NULL: nothing is */
	compare_fn *rank;
};

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static size_t merge(const struct view *v, char *rows, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		char *row = rows + i * v->size, *last = rows + (kept - !!kept) * v->size;

		if (kept && !v->same(last, row))
			v->add(last, row);
		else
			memmove(rows + kept++ * v->size, row, v->size);
	}
	return kept;
}

static int make(struct waits *w, struct names *n, const struct view *v, void **ret,
		size_t *ret_count)
{
	size_t count = HASH_COUNT(w->table[v->kind]), i = 0;
	char *rows = calloc(count + 1, v->size);
	struct kept *k, *next;

	if (!rows)
		return -ENOMEM;
	HASH_ITER(hh, w->table[v->kind], k, next)
		v->fill(w, n, k, rows + i++ * v->size);
	if (v->add && count) {
		qsort(rows, count, v->size, v->same);
		count = merge(v, rows, count);
	}
	if (count)
		qsort(rows, count, v->size, v->rank);
	*ret = rows;
	*ret_count = count;
	return 0;
}

static uint32_t pid_of(const struct kept *k)
{
	return (uint32_t)k->key.pid;
}

/* --- running ------------------------------------------------------------------------------- */

static void fill_run(struct waits *w, struct names *n, const struct kept *k, void *to)
{
	const struct ev_runs *ev = &k->ev.runs;
	struct run_row *row = to;

	(void)w;
	*row = (struct run_row){
		.entry = site_entry(n, pid_of(k), ev->entry_pc),
		.switches = ev->switches,
		.run_ns = ev->run_ns,
		.watched_ns = ev->watched_ns,
		.latency_ns = ev->latency_ns,
	};
	memcpy(row->latency, ev->latency, sizeof(row->latency));
	site_creator(n, pid_of(k), ev->creator_pc, ev->entry_pc, &row->creator);
}

static int same_run(const void *x, const void *y)
{
	const struct run_row *a = x, *b = y;
	int r = site_compare(&a->creator, &b->creator);

	return r ? r : site_compare(&a->entry, &b->entry);
}

static void add_run(void *to, const void *from)
{
	struct run_row *a = to;
	const struct run_row *b = from;

	kept_add(&a->switches, b->switches);
	kept_add(&a->run_ns, b->run_ns);
	kept_add(&a->latency_ns, b->latency_ns);
	if (b->watched_ns > a->watched_ns)
		a->watched_ns = b->watched_ns;
	for (unsigned i = 0; i < EV_SLOTS; i++)
		kept_add(&a->latency[i], b->latency[i]);
}

static int rank_run(const void *x, const void *y)
{
	const struct run_row *a = x, *b = y;
	int r = order(b->run_ns, a->run_ns);

	if (!r)
		r = order(b->switches, a->switches);
	return r ? r : same_run(x, y);
}

int waits_runs(struct waits *w, struct names *n, struct run_row **ret, size_t *ret_count)
{
	static const struct view view = { KEPT_RUNS, sizeof(struct run_row),
					  fill_run,  same_run,
					  add_run,   rank_run };

	return make(w, n, &view, (void **)ret, ret_count);
}

/* --- waiting ------------------------------------------------------------------------------- */

static void fill_wait(struct waits *w, struct names *n, const struct kept *k, void *to)
{
	const struct ev_waits *ev = &k->ev.waits;
	struct wait_row *row = to;

	*row = (struct wait_row){
		.entry = site_entry(n, pid_of(k), ev->entry_pc),
		.reason = waits_reason(w, pid_of(k), ev->reason),
		.parks = ev->parks,
		.ended = ev->ended,
		.wait_ns = ev->wait_ns,
		.max_ns = ev->max_ns,
	};
	site_creator(n, pid_of(k), ev->creator_pc, ev->entry_pc, &row->creator);
}

static int same_wait(const void *x, const void *y)
{
	const struct wait_row *a = x, *b = y;
	int r = site_compare(&a->creator, &b->creator);

	if (!r)
		r = site_compare(&a->entry, &b->entry);
	return r ? r : strcmp(a->reason, b->reason);
}

static void add_wait(void *to, const void *from)
{
	struct wait_row *a = to;
	const struct wait_row *b = from;

	kept_add(&a->parks, b->parks);
	kept_add(&a->ended, b->ended);
	kept_add(&a->wait_ns, b->wait_ns);
	if (b->max_ns > a->max_ns)
		a->max_ns = b->max_ns;
}

static int rank_wait(const void *x, const void *y)
{
	const struct wait_row *a = x, *b = y;
	int r = order(b->wait_ns, a->wait_ns);

	if (!r)
		r = order(b->parks, a->parks);
	return r ? r : same_wait(x, y);
}

int waits_rows(struct waits *w, struct names *n, struct wait_row **ret, size_t *ret_count)
{
	static const struct view view = { KEPT_WAITS, sizeof(struct wait_row),
					  fill_wait,  same_wait,
					  add_wait,   rank_wait };

	return make(w, n, &view, (void **)ret, ret_count);
}

/* --- waking -------------------------------------------------------------------------------- */

static void fill_wake(struct waits *w, struct names *n, const struct kept *k, void *to)
{
	const struct ev_wakes *ev = &k->ev.wakes;
	struct wake_row *row = to;

	(void)w;
	*row = (struct wake_row){ .waker = { "", "", 0 }, .count = ev->count };
	if (ev->waker_creator_pc || ev->waker_entry_pc)
		site_creator(n, pid_of(k), ev->waker_creator_pc, ev->waker_entry_pc, &row->waker);
	site_creator(n, pid_of(k), ev->wakee_creator_pc, ev->wakee_entry_pc, &row->wakee);
}

static int same_wake(const void *x, const void *y)
{
	const struct wake_row *a = x, *b = y;
	int r = site_compare(&a->waker, &b->waker);

	return r ? r : site_compare(&a->wakee, &b->wakee);
}

static void add_wake(void *to, const void *from)
{
	kept_add(&((struct wake_row *)to)->count, ((const struct wake_row *)from)->count);
}

static int rank_wake(const void *x, const void *y)
{
	const struct wake_row *a = x, *b = y;
	int r = order(b->count, a->count);

	return r ? r : same_wake(x, y);
}

int waits_wakes(struct waits *w, struct names *n, struct wake_row **ret, size_t *ret_count)
{
	static const struct view view = { KEPT_WAKES, sizeof(struct wake_row),
					  fill_wake,  same_wake,
					  add_wake,   rank_wake };

	return make(w, n, &view, (void **)ret, ret_count);
}

/* --- blocked ------------------------------------------------------------------------------- */

static void fill_blocked(struct waits *w, struct names *n, const struct kept *k, void *to)
{
	const struct ev_blocked *ev = &k->ev.blocked;
	struct blocked_row *row = to;

	*row = (struct blocked_row){
		.pid = pid_of(k),
		.gp = ev->gp,
		.goid = ev->goid,
		.entry = site_entry(n, pid_of(k), ev->entry_pc),
		.reason = waits_reason(w, pid_of(k), ev->reason),
		.since_ns = ev->since_ns,
		.duration_ns = blocked_ns(ev),
		.stack_id = ev->stack_id,
		.still = ev->flags & EV_BLOCKED_STILL,
		.seen = ev->flags & EV_BLOCKED_SEEN,
		.reg_count = ev->reg_count < EV_BLOCKED_REGS ? ev->reg_count : EV_BLOCKED_REGS,
	};
	memcpy(row->reg, ev->reg, sizeof(row->reg));
	site_creator(n, pid_of(k), ev->creator_pc, ev->entry_pc, &row->creator);
}

static int rank_blocked(const void *x, const void *y)
{
	const struct blocked_row *a = x, *b = y;
	int r = order(b->duration_ns, a->duration_ns);

	if (!r)
		r = order(a->pid, b->pid);
	return r ? r : order(a->goid, b->goid);
}

int waits_blocked(struct waits *w, struct names *n, struct blocked_row **ret, size_t *ret_count)
{
	static const struct view view = { KEPT_BLOCKED, sizeof(struct blocked_row),
					  fill_blocked, NULL,
					  NULL,		rank_blocked };

	return make(w, n, &view, (void **)ret, ret_count);
}

/* --- locks --------------------------------------------------------------------------------- */

static void fill_lock(struct waits *w, struct names *n, const struct kept *k, void *to)
{
	const struct ev_lock *ev = &k->ev.lock;
	struct lock_row *row = to;

	(void)w;
	*row = (struct lock_row){
		.pid = pid_of(k),
		.lock = ev->lock,
		.name = names_variable(n, pid_of(k), ev->lock),
		.kind = ev->kind,
		.creator = { "", "", 0 },
		.stack_id = ev->stack_id,
		.waits = ev->waits,
		.wait_ns = ev->wait_ns,
		.max_wait_ns = ev->max_wait_ns,
		.holds = ev->holds,
		.hold_ns = ev->hold_ns,
	};
	if (ev->creator_pc || ev->entry_pc)
		site_creator(n, pid_of(k), ev->creator_pc, ev->entry_pc, &row->creator);
}

static int rank_lock(const void *x, const void *y)
{
	const struct lock_row *a = x, *b = y;
	int r = order(b->wait_ns, a->wait_ns);

	if (!r)
		r = order(b->waits, a->waits);
	if (!r)
		r = order(a->lock, b->lock);
	return r ? r : order(a->stack_id, b->stack_id);
}

int waits_locks(struct waits *w, struct names *n, struct lock_row **ret, size_t *ret_count)
{
	static const struct view view = { KEPT_LOCK, sizeof(struct lock_row), fill_lock, NULL, NULL,
					  rank_lock };

	return make(w, n, &view, (void **)ret, ret_count);
}
