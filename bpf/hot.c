/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/hot.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "bpf/closing.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/plan.h"
#include "bpf/source_ops.h"
#include "symbols/target.h"

#define BIT(p) (1u << (p))
#define SWITCH (BIT(EV_PROBE_GOGO) | BIT(EV_PROBE_PARK) | BIT(EV_PROBE_READY))
#define WAIT   (BIT(EV_PROBE_PARK) | BIT(EV_PROBE_READY))
#define LOCK   (WAIT | BIT(EV_PROBE_MUTEX) | BIT(EV_PROBE_LOCK) | BIT(EV_PROBE_LOCK_END))

/* Reasons of the first 64 numbers can be told apart, which is more than any runtime has. */
#define REASON_BITS 64

/* What is sent one by one needs no more than its own probe. */
static uint32_t asked(const struct source_options *opt)
{
	uint32_t set = opt->stream & SWITCH;

	if (opt->switches == SWITCHES_ON)
		set |= SWITCH;
	if (opt->blocked_ns)
		set |= WAIT;
	if (opt->locks)
		set |= LOCK | SWITCH;
	return set;
}

bool hot_probe(const struct source_options *opt, const struct plan *plan, enum ev_probe p)
{
	/* A begin is of no use without its end. */
	if (p == EV_PROBE_LOCK && !plan->point[EV_PROBE_LOCK_END].present)
		return false;
	if (p == EV_PROBE_LOCK_END && !plan->point[EV_PROBE_LOCK].present)
		return false;
	return asked(opt) & BIT(p) && plan->point[p].present;
}

bool hot_wanted(const struct source_options *opt, const struct plan *plan)
{
	for (int p = 0; p < EV_PROBE_COUNT; p++)
		if (hot_probe(opt, plan, p))
			return true;
	return false;
}

static bool is_lock_reason(const char *name)
{
	return strstr(name, "utex") || strstr(name, "lock") || strstr(name, "semacquire");
}

/* Where no name tells, a park behind a mutex's probe is taken to be for the mutex. */
static uint64_t lock_reasons(const struct target *t)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < t->reasons && i < REASON_BITS; i++)
		if (is_lock_reason(t->reason[i]))
			set |= 1ull << i;
	return set ? set : ~0ull;
}

void hot_configure(struct core_config *c, const struct target *t, const struct plan *plan,
		   const struct source_options *opt)
{
	const struct plan_point *mutex = &plan->point[EV_PROBE_MUTEX];

	c->stream = (uint16_t)opt->stream;
	c->sums = opt->switches == SWITCHES_ON || opt->blocked_ns || opt->locks;
	c->runs = hot_probe(opt, plan, EV_PROBE_GOGO) &&
		  (c->sums || opt->stream & BIT(EV_PROBE_READY));
	c->locks = opt->locks;
	c->lock_reg = plan->point[EV_PROBE_LOCK].new_size;
	c->mutex_reg = mutex->new_size;
	c->filter_reg = mutex->filter;
	c->filter_mask = mutex->filter_mask;
	c->lock_reasons = lock_reasons(t);
	c->blocked_ns = opt->blocked_ns;
}

/* --- the sums ------------------------------------------------------------------------------- */

struct report {
	struct core_bpf *core;
	const struct target *target;
	const struct source_options *opt;
	uint64_t end_ns, epoch_ns, watched_ns;
	source_event_fn *fn;
	void *arg;
};

static int one_runs(const void *key, const void *value, void *ctx)
{
	const struct core_origin *k = key;
	const struct core_runs *v = value;
	const struct report *r = ctx;
	struct ev_runs ev = {
		.creator_pc = k->creator_pc,
		.entry_pc = k->entry_pc,
		.switches = v->switches,
		.run_ns = v->run_ns,
		.watched_ns = r->watched_ns,
		.latency_ns = v->latency_ns,
	};

	memcpy(ev.latency, v->latency, sizeof(ev.latency));
	source_fill_header(&ev.h, EV_RUNS, sizeof(ev), (pid_t)k->pid);
	return r->fn(r->arg, &ev.h);
}

static int one_waits(const void *key, const void *value, void *ctx)
{
	const struct core_origin *k = key;
	const struct core_waits *v = value;
	const struct report *r = ctx;
	struct ev_waits ev = {
		.creator_pc = k->creator_pc,
		.entry_pc = k->entry_pc,
		.reason = k->reason,
		.parks = v->ended + v->parked,
		.ended = v->ended,
		.wait_ns = v->wait_ns,
		.max_ns = v->max_ns,
	};

	source_fill_header(&ev.h, EV_WAITS, sizeof(ev), (pid_t)k->pid);
	return r->fn(r->arg, &ev.h);
}

static int one_wakes(const void *key, const void *value, void *ctx)
{
	const struct core_edge *k = key;
	const struct report *r = ctx;
	struct ev_wakes ev = {
		.waker_creator_pc = k->waker_creator_pc,
		.waker_entry_pc = k->waker_entry_pc,
		.wakee_creator_pc = k->wakee_creator_pc,
		.wakee_entry_pc = k->wakee_entry_pc,
		.count = *(const uint64_t *)value,
	};

	source_fill_header(&ev.h, EV_WAKES, sizeof(ev), (pid_t)k->pid);
	return r->fn(r->arg, &ev.h);
}

static uint32_t lock_kind(const struct target *t, uint32_t reason)
{
	if (reason == CORE_LOCK_OF_RUNTIME)
		return EV_LOCK_RUNTIME;
	if (reason < t->reasons &&
	    (strstr(t->reason[reason], "RWMutex") || strstr(t->reason[reason], "rwmutex") ||
	     strstr(t->reason[reason], "rwlock")))
		return EV_LOCK_RWMUTEX;
	return EV_LOCK_MUTEX;
}

static int one_lock(const void *key, const void *value, void *ctx)
{
	const struct core_lock *k = key;
	const struct core_waits *v = value;
	const struct report *r = ctx;
	struct ev_lock ev = {
		.lock = k->lock,
		.creator_pc = k->creator_pc,
		.entry_pc = k->entry_pc,
		.stack_id = k->stack_id,
		.kind = lock_kind(r->target, k->reason),
		.waits = v->ended,
		.wait_ns = v->wait_ns,
		.max_wait_ns = v->max_ns,
	};

	source_fill_header(&ev.h, EV_LOCK, sizeof(ev), (pid_t)k->pid);
	return r->fn(r->arg, &ev.h);
}

/* --- what is not over at the end ------------------------------------------------------------- */

static int still_running(const struct report *r, const struct core_use_key *k,
			 const struct core_use *u)
{
	int fd = bpf_map__fd(r->core->maps.runs);
	struct core_origin key = { u->creator_pc, u->entry_pc, k->pid, 0 };
	struct core_runs sum = { 0 };
	uint64_t ns = u->run_ns;

	if (u->run_since_ns >= r->epoch_ns && u->run_since_ns && r->end_ns > u->run_since_ns)
		ns += r->end_ns - u->run_since_ns;
	if (!ns || bpf_map_lookup_elem(fd, &key, &sum))
		return 0;
	sum.run_ns += ns;
	return bpf_map_update_elem(fd, &key, &sum, BPF_ANY);
}

static int still_blocked(const struct report *r, const struct core_use_key *k,
			 const struct core_use *u)
{
	struct ev_blocked ev = {
		.gp = k->gp,
		.goid = u->goid,
		.creator_pc = u->creator_pc,
		.entry_pc = u->entry_pc,
		.since_ns = u->parked_ns,
		.stack_id = u->stack_id,
		.reason = u->reason,
		.flags = EV_BLOCKED_STILL,
		.reg_count = 3,
		.reg = { u->pc, u->sp, u->bp },
	};

	if (!r->opt->blocked_ns || r->end_ns - u->parked_ns < r->opt->blocked_ns)
		return 0;
	source_fill_header(&ev.h, EV_BLOCKED, sizeof(ev), (pid_t)k->pid);
	ev.h.time_ns = r->end_ns;
	return r->fn(r->arg, &ev.h);
}

static int still_parked(const struct report *r, const struct core_use_key *k,
			const struct core_use *u)
{
	int fd = bpf_map__fd(r->core->maps.waits), err;
	struct core_origin key = { u->creator_pc, u->entry_pc, k->pid, u->reason };
	struct core_waits sum = { 0 };

	if (!u->parked_ns || u->parked_ns < r->epoch_ns || u->parked_ns > r->end_ns)
		return 0;
	bpf_map_lookup_elem(fd, &key, &sum);
	sum.parked++;
	err = bpf_map_update_elem(fd, &key, &sum, BPF_ANY);
	/* A full table of sums has been counted as a loss when it filled. */
	return err && err != -E2BIG ? err : still_blocked(r, k, u);
}

static int one_life(const void *key, const void *value, void *ctx)
{
	const struct core_use *u = value;
	int r;

	if (!u->known)
		return 0;
	r = still_running(ctx, key, u);
	return r ? r : still_parked(ctx, key, u);
}

int hot_report(struct core_bpf *core, const struct target *t, const struct source_options *opt,
	       uint64_t watched_ns, uint64_t end_ns, source_event_fn *fn, void *arg)
{
	struct report report = {
		.core = core,
		.target = t,
		.opt = opt,
		.end_ns = end_ns,
		.epoch_ns = core->bss->epoch_ns,
		.watched_ns = watched_ns,
		.fn = fn,
		.arg = arg,
	};
	int r = end_ns ? closing_each(core->maps.use, one_life, &report) : 0;

	if (!r)
		r = closing_each(core->maps.runs, one_runs, &report);
	if (!r)
		r = closing_each(core->maps.waits, one_waits, &report);
	if (!r)
		r = closing_each(core->maps.wakes, one_wakes, &report);
	return r ? r : closing_each(core->maps.locks, one_lock, &report);
}

int hot_reasons(const struct target *t, pid_t pid, source_event_fn *fn, void *arg)
{
	int r = 0;

	for (unsigned i = 0; i < t->reasons && !r; i++) {
		struct ev_reason ev = { .reason = i };

		if (!t->reason[i][0])
			continue;
		memcpy(ev.name, t->reason[i], sizeof(ev.name));
		source_fill_header(&ev.h, EV_REASON, sizeof(ev), pid);
		r = fn(arg, &ev.h);
	}
	return r;
}
