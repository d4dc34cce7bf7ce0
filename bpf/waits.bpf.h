/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * waits.bpf.h: switches, parks and readies, added up where they happen.
 *
 * A program may switch a million times a second; sending each to be counted elsewhere would cost
 * more than counting.  So each hit goes into a sum: running and latency by creator, waiting by
 * creator and reason, wakes by pairs of creators, waits for locks by lock.
 *
 * What is known of a coroutine is in its entry of `use`: who made it, since when it runs, is parked
 * or is runnable.  A time before `epoch_ns` is one from before the probes were away for a while,
 * and counts as not known.  What a thread runs is in `threads`, which is how a wake has a waker.
 *
 * Running ends with a park; or, as preemption and exits have no probe here, when the thread
 * continues another coroutine.  Time in system calls is in it.
 */
#ifndef ST_BPF_WAITS_BPF_H
#define ST_BPF_WAITS_BPF_H

#include "bpf/core.h"
#include "bpf/emit.bpf.h"
#include "bpf/stack.bpf.h"

__u64 epoch_ns;

/* Coroutines that were seen.  The loader decides on preallocation. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 18);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct core_use_key);
	__type(value, struct core_use);
} use SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CORE_THREADS);
	__type(key, __u32);
	__type(value, struct core_thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CORE_SUMS);
	__type(key, struct core_origin);
	__type(value, struct core_runs);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CORE_SUMS);
	__type(key, struct core_origin);
	__type(value, struct core_waits);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CORE_SUMS);
	__type(key, struct core_edge);
	__type(value, __u64);
} wakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CORE_SUMS);
	__type(key, struct core_lock);
	__type(value, struct core_waits);
} locks SEC(".maps");

/* The entry of a key in a table of sums, made if need be.  NULL: full, which is counted. */
#define SUM_OF(map, key, zero)                                           \
	({                                                               \
		void *sum_ = bpf_map_lookup_elem(&(map), &(key));        \
                                                                         \
		if (!sum_) {                                             \
			bpf_map_update_elem(&(map), &(key), &(zero), 1); \
			sum_ = bpf_map_lookup_elem(&(map), &(key));      \
			if (!sum_)                                       \
				count_lost(EV_LOST_WAIT_TABLE);          \
		}                                                        \
		sum_;                                                    \
	})

static const struct core_runs no_runs;
static const struct core_waits no_waits;
static const struct core_thread no_thread;

static __always_inline __u64 read_word(__u64 gp, __s32 offset)
{
	__u64 value = 0;

	if (offset >= 0)
		bpf_probe_read_user(&value, sizeof(value), (void *)(gp + offset));
	return value;
}

/* Logarithm to the base 2; 0 of 0. */
static __always_inline __u32 log2_of(__u64 v)
{
	__u32 r = 0;

#pragma unroll
	for (__u32 step = 32; step; step /= 2) {
		if (v >> step) {
			v >>= step;
			r += step;
		}
	}
	return r;
}

static __always_inline struct core_use *life_of(const struct hit *h)
{
	struct core_use_key key = { .gp = h->gp, .pid = hit_pid(h) };
	struct core_use *u = bpf_map_lookup_elem(&use, &key);
	struct core_use fresh = {};

	if (u && u->known)
		return u;
	if (config.field.id >= 0 &&
	    bpf_probe_read_user(&fresh.goid, 8, (void *)(h->gp + config.field.id))) {
		count_lost(EV_LOST_UNREADABLE);
		return 0;
	}
	fresh.creator_pc = read_word(h->gp, config.field.creator_pc);
	fresh.entry_pc = read_word(h->gp, config.field.entry_pc);
	fresh.known = 1;
	if (ensure_image(h))
		count_lost(EV_LOST_RING_FULL);
	if (bpf_map_update_elem(&use, &key, &fresh, BPF_ANY)) {
		count_lost(EV_LOST_USE_TABLE);
		return 0;
	}
	return bpf_map_lookup_elem(&use, &key);
}

static __always_inline struct core_thread *thread_of(const struct hit *h)
{
	__u32 tid = hit_tid(h);

	return SUM_OF(threads, tid, no_thread);
}

static __always_inline struct core_runs *runs_of(const struct hit *h, const struct core_use *u)
{
	struct core_origin key = {
		.creator_pc = u->creator_pc,
		.entry_pc = u->entry_pc,
		.pid = hit_pid(h),
	};

	return SUM_OF(runs, key, no_runs);
}

/* Since then, if that is known. */
static __always_inline __u64 since(const struct hit *h, __u64 begin_ns)
{
	return begin_ns && begin_ns >= epoch_ns && h->time_ns > begin_ns ? h->time_ns - begin_ns
									 : 0;
}

static __always_inline void add_wait(struct core_waits *w, __u64 ns, __u64 count)
{
	__sync_fetch_and_add(&w->ended, count);
	__sync_fetch_and_add(&w->wait_ns, ns);
	if (ns > w->max_ns)
		w->max_ns = ns;
}

static __always_inline void add_lock(const struct hit *h, const struct core_lock *key, __u64 ns,
				     __u64 count)
{
	struct core_lock k = *key;
	struct core_waits *w = SUM_OF(locks, k, no_waits);

	(void)h;
	if (w)
		add_wait(w, ns, count);
}

static __always_inline void emit_blocked(const struct hit *h, const struct core_use *u)
{
	struct ev_blocked ev = {
		.gp = h->gp,
		.goid = u->goid,
		.creator_pc = u->creator_pc,
		.entry_pc = u->entry_pc,
		.since_ns = u->parked_ns,
		.stack_id = u->stack_id,
		.reason = u->reason,
		.reg_count = 3,
		.reg = { u->pc, u->sp, u->bp },
	};

	if (ensure_image(h)) {
		count_lost(EV_LOST_RING_FULL);
		return;
	}
	fill_header(&ev.h, EV_BLOCKED, sizeof(ev), h);
	emit(&ev, sizeof(ev));
}

/* A parked coroutine goes on: its wait is over. */
static __always_inline __u64 wait_ended(const struct hit *h, struct core_use *u)
{
	struct core_origin key = {
		.creator_pc = u->creator_pc,
		.entry_pc = u->entry_pc,
		.pid = hit_pid(h),
		.reason = u->reason,
	};
	__u64 ns = since(h, u->parked_ns);
	struct core_waits *w;

	if (u->parked_ns < epoch_ns || !u->parked_ns)
		goto out;
	w = config.sums ? SUM_OF(waits, key, no_waits) : 0;
	if (w)
		add_wait(w, ns, 1);
	if (config.blocked_ns && ns >= config.blocked_ns)
		emit_blocked(h, u);
	if (config.locks && u->lock && config.lock_reasons >> (u->reason & 63) & 1) {
		struct core_lock lock = {
			.lock = u->lock,
			.creator_pc = u->creator_pc,
			.entry_pc = u->entry_pc,
			.stack_id = u->stack_id,
			.pid = hit_pid(h),
			.reason = u->reason,
		};

		add_lock(h, &lock, ns, !u->lock_waited);
		u->lock_waited = 1;
	}
out:
	u->parked_ns = 0;
	return ns;
}

/* Stops the clock of a coroutine that ran; what it shows is added to its creator's sum later. */
static __always_inline __u64 run_ended(const struct hit *h, struct core_use *u)
{
	__u64 ns = since(h, u->run_since_ns);

	u->run_ns += ns;
	u->run_since_ns = 0;
	return ns;
}

/* The coroutine that this thread ran until now, if nothing told that it had stopped. */
static __always_inline void thread_leaves(const struct hit *h, struct core_thread *t)
{
	struct core_use_key key = { .gp = t->gp, .pid = hit_pid(h) };
	struct core_use *u;

	if (!t->gp || t->gp == h->gp)
		return;
	u = bpf_map_lookup_elem(&use, &key);
	if (u && u->tid == hit_tid(h))
		run_ended(h, u);
}

#define USE_WORDS 8 /* Go: stack.lo and hi at 0, sched.sp at 56 */

static __always_inline void take_use(__u64 gp, struct core_use *u)
{
	__u64 lo, hi, sp, words[USE_WORDS] = {};

	/* One read costs what three would each, so it is one where these are near each other. */
	if (config.field.stack_hi == config.field.stack_lo + 8 &&
	    config.field.sched_sp - config.field.stack_lo == 8 * (USE_WORDS - 1)) {
		bpf_probe_read_user(words, sizeof(words), (void *)(gp + config.field.stack_lo));
		lo = words[0];
		hi = words[1];
		sp = words[USE_WORDS - 1];
	} else {
		lo = read_word(gp, config.field.stack_lo);
		hi = read_word(gp, config.field.stack_hi);
		sp = read_word(gp, config.field.sched_sp);
	}
	u->stack_size = hi - lo;
	if (sp >= lo && sp <= hi && hi - sp > u->used)
		u->used = hi - sp;
}

/* The coroutine that is continued becomes its thread's. */
static __always_inline void thread_enters(const struct hit *h, struct core_use *u)
{
	struct core_thread *t = thread_of(h);

	if (t) {
		thread_leaves(h, t);
		t->gp = h->gp;
		t->goid = u->goid;
		t->creator_pc = u->creator_pc;
		t->entry_pc = u->entry_pc;
		t->since_ns = h->time_ns;
	}
	if (u->run_since_ns)
		run_ended(h, u);
	u->run_since_ns = h->time_ns;
	u->tid = hit_tid(h);
}

static __always_inline void add_switch(const struct hit *h, struct core_use *u, __u64 latency)
{
	struct core_runs *r = runs_of(h, u);
	__u32 slot = log2_of(latency);

	if (!r)
		return;
	__sync_fetch_and_add(&r->switches, 1);
	if (u->run_ns)
		__sync_fetch_and_add(&r->run_ns, u->run_ns);
	u->run_ns = 0;
	if (!u->ready_ns || u->ready_ns < epoch_ns)
		return;
	if (slot >= EV_SLOTS)
		slot = EV_SLOTS - 1;
	__sync_fetch_and_add(&r->latency_ns, latency);
	__sync_fetch_and_add(&r->latency[slot], 1);
}

static __always_inline void hot_gogo(const struct hit *h)
{
	struct core_use *u = life_of(h);
	__u64 latency;

	if (!u)
		return;
	wait_ended(h, u);
	latency = since(h, u->ready_ns);
	if (config.runs)
		thread_enters(h, u);
	if (config.sums) {
		take_use(h->gp, u);
		add_switch(h, u, latency);
	}
	u->ready_ns = 0;
	if (config.stream & 1u << EV_PROBE_GOGO) {
		struct ev_gogo ev = {
			.gp = h->gp,
			.goid = u->goid,
			.creator_pc = u->creator_pc,
			.latency_ns = latency,
		};

		fill_header(&ev.h, EV_GOGO, sizeof(ev), h);
		emit(&ev, sizeof(ev));
	}
}

/* Where it sleeps: the saved context is that of a call, with a frame of its own. */
static __always_inline void take_stack(const struct hit *h, struct core_use *u)
{
	struct walk w = {
		.pc = read_word(h->gp, config.field.sched_pc),
		.sp = read_word(h->gp, config.field.sched_sp),
		.bp = read_word(h->gp, config.field.sched_bp),
		.hi = read_word(h->gp, config.field.stack_hi),
		.root = config.root + h->bias,
		.root_size = config.root_size,
		.pid = hit_pid(h),
		.parked = 1,
	};
	struct room *r;

	u->pc = w.pc;
	u->sp = w.sp;
	u->bp = w.bp;
	u->stack_id = 0;
	if (!config.max_frames || w.sp > w.hi - 8)
		return;
	r = room_take();
	if (!r)
		return;
	if (!ensure_image(h))
		u->stack_id = stack_intern(r, &w, h);
	room_give(r);
}

static __always_inline void hot_park(const struct hit *h)
{
	struct core_use *u = life_of(h);
	struct core_thread *t;
	__u64 ran;

	if (!u)
		return;
	ran = run_ended(h, u);
	u->parked_ns = h->time_ns;
	u->ready_ns = 0;
	u->reason = read_word(h->gp, config.field.wait_reason) & 0xff;
	if (config.runs) {
		t = thread_of(h);
		if (t)
			t->gp = 0;
	}
	if (config.blocked_ns ||
	    (config.locks && u->lock && config.lock_reasons >> (u->reason & 63) & 1))
		take_stack(h, u);
	if (config.stream & 1u << EV_PROBE_PARK) {
		struct ev_park ev = {
			.gp = h->gp,
			.goid = u->goid,
			.creator_pc = u->creator_pc,
			.run_ns = ran,
			.reason = u->reason,
		};
		__u64 hi = read_word(h->gp, config.field.stack_hi);
		__u64 sp = read_word(h->gp, config.field.sched_sp);

		ev.used = sp <= hi ? hi - sp : 0;
		fill_header(&ev.h, EV_PARK, sizeof(ev), h);
		emit(&ev, sizeof(ev));
	}
}

static __always_inline void hot_ready(const struct hit *h)
{
	struct core_use *u = life_of(h);
	struct core_thread *t;
	struct core_edge key = {};
	__u64 *count = 0, zero = 0, waited, waker = 0;

	if (!u)
		return;
	waited = wait_ended(h, u);
	u->ready_ns = h->time_ns;
	t = config.runs ? thread_of(h) : 0;
	if (t && t->gp && t->since_ns >= epoch_ns) {
		key.waker_creator_pc = t->creator_pc;
		key.waker_entry_pc = t->entry_pc;
		waker = t->goid;
	}
	key.wakee_creator_pc = u->creator_pc;
	key.wakee_entry_pc = u->entry_pc;
	key.pid = hit_pid(h);
	if (config.runs && config.sums)
		count = SUM_OF(wakes, key, zero);
	if (count)
		__sync_fetch_and_add(count, 1);
	if (config.stream & 1u << EV_PROBE_READY) {
		struct ev_ready ev = {
			.gp = h->gp,
			.goid = u->goid,
			.creator_pc = u->creator_pc,
			.waker_goid = waker,
			.waker_creator_pc = key.waker_creator_pc,
			.wait_ns = waited,
		};

		fill_header(&ev.h, EV_READY, sizeof(ev), h);
		emit(&ev, sizeof(ev));
	}
}

/*
 * What the coroutine will park for; a park for something else takes it back.  Where another takes
 * the lock between its wake and its turn, it parks again without coming here: still one wait, as
 * Go's block profile has it.
 */
static __always_inline void hot_mutex(const struct hit *h, __u64 lock)
{
	struct core_use *u = life_of(h);

	if (!u)
		return;
	u->lock = lock;
	u->lock_waited = 0;
}

static __always_inline void hot_lock(const struct hit *h, __u64 lock)
{
	struct core_thread *t = thread_of(h);

	if (!t)
		return;
	t->lock = lock;
	t->lock_ns = h->time_ns;
}

static __always_inline void hot_lock_end(const struct hit *h)
{
	struct core_thread *t = thread_of(h);
	struct core_lock key = { .pid = hit_pid(h), .reason = CORE_LOCK_OF_RUNTIME };

	if (!t || !t->lock)
		return;
	key.lock = t->lock;
	if (t->gp && t->since_ns >= epoch_ns) {
		key.creator_pc = t->creator_pc;
		key.entry_pc = t->entry_pc;
	}
	if (t->lock_ns >= epoch_ns)
		add_lock(h, &key, since(h, t->lock_ns), 1);
	t->lock = 0;
}

/* An end of a coroutine: what it ran goes into the sum, and its thread runs nothing. */
static __always_inline void hot_goexit(const struct hit *h, struct core_use *u)
{
	struct core_thread *t = thread_of(h);
	struct core_runs *r;

	if (t && t->gp == h->gp)
		t->gp = 0;
	run_ended(h, u);
	r = u->run_ns ? runs_of(h, u) : 0;
	if (r)
		__sync_fetch_and_add(&r->run_ns, u->run_ns);
	u->run_ns = 0;
}

#endif
