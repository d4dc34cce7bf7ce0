/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of running and waiting, the last of each key.
 *
 * There are as many as there are creators, edges and locks, whatever the number of events; of
 * blocked coroutines, which come one by one, the longest are kept.
 */
#include "formats/waits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "formats/names.h"
#include "formats/waits_internal.h"

#define BLOCKED_MAX 10000

int waits_new(struct waits **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void free_table(struct kept *table)
{
	struct kept *k, *next;

	HASH_ITER(hh, table, k, next) {
		HASH_DEL(table, k);
		free(k);
	}
}

void waits_free(struct waits *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < KEPT_KINDS; i++)
		free_table(w->table[i]);
	free(w);
}

static struct kept *find(const struct waits *w, unsigned table, const struct kept_key *key)
{
	struct kept *k;

	HASH_FIND(hh, w->table[table], key, sizeof(*key), k);
	return k;
}

/* Puts the record in the place of its predecessor.  It is stored in the size known here. */
static int keep(struct waits *w, unsigned table, const struct kept_key *key,
		const struct ev_header *ev, size_t size)
{
	struct kept *k = find(w, table, key);
	bool failed = false;

	if (k) {
		memcpy(&k->ev, ev, size);
		return 0;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->key = *key;
	memcpy(&k->ev, ev, size);
	HASH_ADD(hh, w->table[table], key, sizeof(k->key), k);
	failed = !k->hh.tbl;
	if (failed)
		free(k);
	return failed ? -ENOMEM : 0;
}

/* With too many, the shortest make room.  Dropping half at a time keeps the mean cost small. */
static int by_length(const void *x, const void *y)
{
	const struct kept *a = *(struct kept *const *)x, *b = *(struct kept *const *)y;
	uint64_t p = blocked_ns(&a->ev.blocked), q = blocked_ns(&b->ev.blocked);

	return (p > q) - (p < q);
}

static int thin_blocked(struct waits *w)
{
	size_t n = HASH_COUNT(w->table[KEPT_BLOCKED]), i = 0;
	struct kept **all = calloc(n, sizeof(struct kept *)), *k, *next;

	if (!all)
		return -ENOMEM;
	HASH_ITER(hh, w->table[KEPT_BLOCKED], k, next)
		all[i++] = k;
	qsort(all, n, sizeof(struct kept *), by_length);
	for (i = 0; i < n / 2; i++) {
		HASH_DEL(w->table[KEPT_BLOCKED], all[i]);
		free(all[i]);
	}
	free(all);
	return 0;
}

static int take_blocked(struct waits *w, const struct ev_blocked *ev)
{
	const struct kept_key key = { ev->h.pid, { ev->gp, ev->since_ns } };
	int r = 0;

	if (!find(w, KEPT_BLOCKED, &key)) {
		w->blocked++;
		if (HASH_COUNT(w->table[KEPT_BLOCKED]) >= BLOCKED_MAX)
			r = thin_blocked(w);
	}
	return r ? r : keep(w, KEPT_BLOCKED, &key, &ev->h, sizeof(*ev));
}

static int take_reason(struct waits *w, const struct ev_reason *ev)
{
	const struct kept_key key = { ev->h.pid, { ev->reason } };
	struct ev_reason copy = *ev;

	copy.name[EV_REASON_LEN - 1] = '\0';
	return keep(w, KEPT_REASON, &key, &copy.h, sizeof(copy));
}

static void take_window(struct waits *w, const struct ev_switches *ev)
{
	double count = (double)ev->count, time = (double)ev->window_ns / 1e9;
	uint64_t end = ev->h.time_ns + ev->window_ns;

	if (!w->windows.n++ || ev->h.time_ns < w->windows.first_ns)
		w->windows.first_ns = ev->h.time_ns;
	if (end > w->windows.last_ns)
		w->windows.last_ns = end;
	kept_add(&w->windows.window_ns, ev->window_ns);
	w->windows.count += count;
	w->windows.time += time;
	w->windows.count2 += count * count;
	w->windows.time2 += time * time;
	w->windows.both += count * time;
}

/*
 * The rate is the ratio of two sums over the windows, so its error is that of a ratio estimator;
 * less for what of the time was watched, and nothing if that is all of it.
 */
static void estimate(const struct waits *w, struct waits_totals *t)
{
	double n = (double)w->windows.n, rate, squares, unseen;
	uint64_t span = w->windows.last_ns - w->windows.first_ns;

	t->windows = w->windows.n;
	if (w->windows.time <= 0)
		return;
	rate = t->switch_rate = w->windows.count / w->windows.time;
	unseen = span ? 1 - (double)w->windows.window_ns / (double)span : 0;
	if (n < 2 || rate <= 0 || unseen < 0.01)
		return;
	squares = w->windows.count2 - 2 * rate * w->windows.both + rate * rate * w->windows.time2;
	if (squares > 0)
		t->switch_error = 1.96 * sqrt(n / (n - 1) * squares * unseen) / w->windows.count;
}

uint64_t waits_estimate(const struct waits_totals *t, uint64_t wall_ns)
{
	double all = t->switch_rate * (double)wall_ns / 1e9;

	return all < 1e18 ? (uint64_t)all : UINT64_MAX;
}

int waits_event(struct waits *w, const struct ev_header *ev)
{
	const struct ev_runs *runs = (const struct ev_runs *)ev;
	const struct ev_waits *waits = (const struct ev_waits *)ev;
	const struct ev_wakes *wakes = (const struct ev_wakes *)ev;
	const struct ev_lock *lock = (const struct ev_lock *)ev;
	struct kept_key key = { .pid = ev->pid };

	switch (ev->kind) {
	case EV_REASON:
		return take_reason(w, (const struct ev_reason *)ev);
	case EV_RUNS:
		key.part[0] = runs->creator_pc;
		key.part[1] = runs->entry_pc;
		return keep(w, KEPT_RUNS, &key, ev, sizeof(*runs));
	case EV_WAITS:
		key.part[0] = waits->creator_pc;
		key.part[1] = waits->entry_pc;
		key.part[2] = waits->reason;
		return keep(w, KEPT_WAITS, &key, ev, sizeof(*waits));
	case EV_WAKES:
		key.part[0] = wakes->waker_creator_pc;
		key.part[1] = wakes->waker_entry_pc;
		key.part[2] = wakes->wakee_creator_pc;
		key.part[3] = wakes->wakee_entry_pc;
		return keep(w, KEPT_WAKES, &key, ev, sizeof(*wakes));
	case EV_LOCK:
		key.part[0] = lock->lock;
		key.part[1] = lock->creator_pc;
		key.part[2] = lock->entry_pc;
		key.part[3] = lock->stack_id;
		return keep(w, KEPT_LOCK, &key, ev, sizeof(*lock));
	case EV_BLOCKED:
		return take_blocked(w, (const struct ev_blocked *)ev);
	case EV_SWITCHES:
		take_window(w, (const struct ev_switches *)ev);
		return 0;
	case EV_GC:
		w->collections += ((const struct ev_gc *)ev)->what == EV_GC_START;
		return 0;
	default:
		return 0;
	}
}

static size_t two(uint64_t *ret, size_t n, uint64_t creator_pc, uint64_t entry_pc)
{
	ret[n] = names_call_site(creator_pc);
	ret[n + 1] = entry_pc;
	return n + 2;
}

size_t waits_addresses(const struct ev_header *ev, uint64_t ret[WAITS_ADDRESSES])
{
	const struct ev_runs *runs = (const struct ev_runs *)ev;
	const struct ev_waits *waits = (const struct ev_waits *)ev;
	const struct ev_wakes *wakes = (const struct ev_wakes *)ev;
	const struct ev_blocked *blocked = (const struct ev_blocked *)ev;
	const struct ev_lock *lock = (const struct ev_lock *)ev;

	switch (ev->kind) {
	case EV_RUNS:
		return two(ret, 0, runs->creator_pc, runs->entry_pc);
	case EV_WAITS:
		return two(ret, 0, waits->creator_pc, waits->entry_pc);
	case EV_WAKES:
		return two(ret, two(ret, 0, wakes->waker_creator_pc, wakes->waker_entry_pc),
			   wakes->wakee_creator_pc, wakes->wakee_entry_pc);
	case EV_BLOCKED:
		return two(ret, 0, blocked->creator_pc, blocked->entry_pc);
	case EV_LOCK:
		ret[0] = lock->lock;
		return two(ret, 1, lock->creator_pc, lock->entry_pc);
	default:
		return 0;
	}
}

static void add_runs(const struct waits *w, struct waits_totals *t)
{
	struct kept *k, *next;

	HASH_ITER(hh, w->table[KEPT_RUNS], k, next) {
		const struct ev_runs *ev = &k->ev.runs;

		kept_add(&t->switches, ev->switches);
		kept_add(&t->run_ns, ev->run_ns);
		kept_add(&t->latency_ns, ev->latency_ns);
		if (ev->watched_ns > t->watched_ns)
			t->watched_ns = ev->watched_ns;
		for (unsigned i = 0; i < EV_SLOTS; i++)
			kept_add(&t->latency[i], ev->latency[i]);
	}
}

void waits_totals(const struct waits *w, struct waits_totals *ret)
{
	struct waits_totals t = { .blocked = w->blocked, .collections = w->collections };
	struct kept *k, *next;

	estimate(w, &t);
	add_runs(w, &t);
	HASH_ITER(hh, w->table[KEPT_WAITS], k, next) {
		kept_add(&t.parks, k->ev.waits.parks);
		kept_add(&t.wait_ns, k->ev.waits.wait_ns);
		kept_add(&t.ended, k->ev.waits.ended);
	}
	HASH_ITER(hh, w->table[KEPT_WAKES], k, next)
		kept_add(&t.wakes, k->ev.wakes.count);
	HASH_ITER(hh, w->table[KEPT_LOCK], k, next) {
		kept_add(&t.lock_waits, k->ev.lock.waits);
		kept_add(&t.lock_wait_ns, k->ev.lock.wait_ns);
	}
	HASH_ITER(hh, w->table[KEPT_BLOCKED], k, next)
		t.still += !!(k->ev.blocked.flags & EV_BLOCKED_STILL);
	*ret = t;
}

const char *waits_reason(struct waits *w, uint32_t pid, uint32_t reason)
{
	const struct kept_key key = { pid, { reason } };
	struct ev_reason unnamed = { .h = { .kind = EV_REASON, .pid = pid }, .reason = reason };
	struct kept *k = find(w, KEPT_REASON, &key);

	if (k)
		return k->ev.reason.name;
	snprintf(unnamed.name, sizeof(unnamed.name), "reason %u", reason);
	if (keep(w, KEPT_REASON, &key, &unnamed.h, sizeof(unnamed)))
		return "unknown reason";
	return find(w, KEPT_REASON, &key)->ev.reason.name;
}

uint64_t slots_quantile(const uint64_t slots[EV_SLOTS], double share)
{
	uint64_t all = 0, sum = 0;

	for (unsigned i = 0; i < EV_SLOTS; i++)
		kept_add(&all, slots[i]);
	for (unsigned i = 0; i < EV_SLOTS && all; i++) {
		kept_add(&sum, slots[i]);
		if ((double)sum >= share * (double)all)
			return 2ull << i;
	}
	return 0;
}

const char *lock_kind_name(uint32_t kind)
{
	switch (kind) {
	case EV_LOCK_RUNTIME:
		return "runtime lock";
	case EV_LOCK_MUTEX:
		return "mutex";
	case EV_LOCK_RWMUTEX:
		return "rwmutex";
	default:
		return "lock";
	}
}
