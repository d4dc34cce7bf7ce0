/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.c: coroutines, and which of them runs next.
 *
 * One M and one P: the thread that called co_run takes coroutines from one queue, first come first
 * served, until they park.  Nothing is taken from a coroutine by force.
 *
 * gopark and goready are the only way to sleep and to wake.  gopark saves the coroutine (mcall) and
 * goes on in schedule on g0, which never returns but ends in gogo; so g0 is empty at each switch,
 * and calls of other things on g0 (__corun_call) may use all of it.
 *
 * Rejected for now: switching from coroutine to coroutine without g0 in between.  It saves a few
 * nanoseconds and would have schedule run with whatever room the coroutine has left.
 *
 * A coroutine that has ended still runs goexit0 on g0, never on the stack that is being freed.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/fault.h"
#include "runtime/gc.h"
#include "runtime/mcache.h"
#include "runtime/netpoll.h"
#include "runtime/note.h"
#include "runtime/own.h"
#include "runtime/proc.h"
#include "runtime/ring.h"
#include "runtime/runtime.h"
#include "runtime/stackcheck.h"
#include "runtime/wait.h"

__thread struct m this_m __attribute__((tls_model("local-exec")));
struct co_stats stats;

_Static_assert(EV_PROBE_GOGO == CORUN_PROBE_GOGO, "asm_amd64.S");

static bool running;	 /* somebody is in co_run */
static uint64_t last_id; /* never goes back, not even between two co_run */
static const char *stopped_for;

/* What gogo pops: six registers and the address to go on at. */
#define SAVED_WORDS 7

static struct p the_p;

static void runqput(struct g *gp)
{
	gqueue_push(&this_m.p->runq, gp);
}

static struct g *runqget(void)
{
	return gqueue_pop(&this_m.p->runq);
}

static void schedule(void) NORETURN;
static void schedule(void)
{
	struct g *gp;

	if (timers_next(&this_m.p->timers) != TIMER_NEVER)
		timers_run(this_m.p, clock_now());
	while (!(gp = runqget())) {
		struct gqueue ready = { 0 };
		int64_t until = timers_next(&this_m.p->timers);

		if (until == TIMER_NEVER && !netpoll_awaited())
			fatal_deadlock();
		netpoll(until, &ready);
		injectglist(&ready);
		timers_run(this_m.p, clock_now());
	}
	gp->status = G_RUNNING;
	this_m.curg = gp;
	stats.switches++;
	ring_hit(EV_PROBE_GOGO);
	gogo(gp);
}

/* How much of its stack a coroutine uses that was just saved. */
static void note_use(struct g *gp)
{
	uint64_t used = gp->stack.hi - gp->sched.sp;

	if (used > gp->use_max)
		gp->use_max = used;
}

/* What may be done to a coroutine when its lock is given back happens before. */
static void park0(struct g *gp)
{
	bool (*unlock_fn)(struct g *, void *) = this_m.park_unlock;

	note_use(gp);
	gp->status = G_WAITING;
	if (unlock_fn && !unlock_fn(gp, this_m.park_arg)) {
		gp->wait_reason = WAIT_NONE;
		gp->status = G_RUNNING;
		gogo(gp);
	}
	schedule();
}

static void gosched0(struct g *gp)
{
	note_use(gp);
	gp->status = G_RUNNABLE;
	runqput(gp);
	schedule();
}

void gopark(park_unlock_fn *unlock_fn, void *arg, enum wait_reason reason)
{
	struct m *mp = getm();

	mp->park_unlock = unlock_fn;
	mp->park_arg = arg;
	mp->curg->wait_reason = (uint8_t)reason;
	mcall(park0);
}

static bool give_back(struct g *gp, void *arg)
{
	(void)gp;
	unlock(arg);
	return true;
}

void gopark_unlock(struct lock *l, enum wait_reason reason)
{
	gopark(give_back, l, reason);
}

void goready(struct g *gp)
{
	gp->wait_reason = WAIT_NONE;
	gp->status = G_RUNNABLE;
	runqput(gp);
}

void injectglist(struct gqueue *list)
{
	struct g *gp;

	while ((gp = gqueue_pop(list)))
		goready(gp);
}

void stop_the_world(const char *why)
{
	stopped_for = why;
}

void start_the_world(void)
{
	stopped_for = NULL;
}

void for_each_p(void (*fn)(struct p *p, void *arg), void *arg)
{
	fn(&the_p, arg);
}

static ONE_SITE void newproc_probe(struct g *gp)
{
	ring_hit(EV_PROBE_NEWPROC);
	PROBE(EV_PROBE_NEWPROC, gp);
	ring_newproc(gp);
}

/* Makes a coroutine that is ready to run. */
static int newproc1(co_fn *fn, void *arg, const void *creator_pc, uint64_t parent_id)
{
	struct g *gp = gget();
	uint64_t *saved;

	if (!gp)
		return -ENOMEM;
	gp->entry = fn; /* its stack may depend on it */
	if (stack_begin(gp)) {
		gput(gp);
		return -ENOMEM;
	}
	saved = (uint64_t *)stack_top(gp) - SAVED_WORDS;
	memset(saved, 0, gp->stack.hi - (uint64_t)saved);
	gp->sched.sp = (uint64_t)saved;
	gp->sched.pc = (uint64_t)gostart;
	gp->sched.bp = 0;
	gp->arg = arg;
	gp->id = ++last_id;
	gp->parent_id = parent_id;
	gp->creator_pc = (uint64_t)creator_pc;
	gp->use_max = 0;
	gp->status = G_RUNNABLE;
	gp->wait_reason = WAIT_NONE;
	cancel_inherit(gp, this_m.curg);
	stats.born++;
	newproc_probe(gp);
	runqput(gp);
	return 0;
}

/* co_go_at, on g0. */
int newproc(co_fn *fn, void *arg, const void *creator_pc);
int newproc(co_fn *fn, void *arg, const void *creator_pc)
{
	if (!this_m.curg || this_m.in_signal)
		return -EPERM;
	if (unlikely(!is_split(fn)))
		fatal("co_go: the function at %p does not check its stack; compile it with "
		      "corun-cc, or start a function of your own that calls it",
		      (void *)fn);
	return newproc1(fn, arg, creator_pc, this_m.curg->id);
}

static ONE_SITE void goexit_probe(struct g *gp)
{
	ring_hit(EV_PROBE_GOEXIT);
	PROBE(EV_PROBE_GOEXIT, gp);
	ring_goexit(gp);
}

/* On g0, for good: the coroutine has ended. */
void goexit0(struct g *gp)
{
	bool last = gp->parent_id == 0;

	note_use(gp);
	own_end(gp, true);
	cancel_drop(gp);
	goexit_probe(gp);
	stats.ended++;
	gp->status = G_DEAD;
	stack_end(gp);
	gput(gp);
	this_m.curg = NULL;
	if (last)
		g0_leave();
	schedule();
}

static void drop(struct g *gp, void *arg)
{
	(void)arg;
	wait_forget(gp);
	own_end(gp, false);
	cancel_drop(gp);
	gp->status = G_DEAD;
	stack_end(gp);
}

int co_run_at(const struct co_config *config, co_fn *fn, void *arg, const void *creator_pc)
{
	int rc;

	if (__atomic_exchange_n(&running, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	check_link();
	rc = settings_read(config);
	if (rc)
		goto out;
	if (!is_split(fn))
		fatal("co_run: the function at %p does not check its stack; compile it with "
		      "corun-cc",
		      (void *)fn);
	memset(&stats, 0, sizeof(stats));
	memset(&the_p, 0, sizeof(the_p));
	this_m.p = &the_p;
	timers_init(&the_p.timers);
	relocate_init();
	stacks_init();
	the_p.mcache = mcache_new();
	rc = the_p.mcache ? gc_begin((uint64_t)__builtin_frame_address(0)) : -ENOMEM;
	if (rc)
		goto out_of_stacks;
	rc = signal_stack_install();
	if (rc)
		goto out_of_heap;
	fault_install();
	stackcheck_begin();
	rc = newproc1(fn, arg, creator_pc, 0);
	if (!rc) {
		g0_enter(schedule);
		ring_living();
	}
	for_each_g(drop, NULL);
	netpoll_end();
	gfree_all();
	fault_remove();
	stackcheck_end();
	signal_stack_remove();
out_of_heap:
	gc_end();
out_of_stacks:
	stacks_reset();
	this_m.p = NULL;
out:
	__atomic_store_n(&running, false, __ATOMIC_RELEASE);
	return rc;
}

int co_yield(void)
{
	if (!tls_guard())
		return -EPERM;
	mcall(gosched0);
	return 0;
}

/* With one M there is nobody to run the others. */
int co_syscall(co_fn *fn, void *arg)
{
	if (!tls_guard())
		return -EPERM;
	co_call(fn, arg);
	return 0;
}

void co_exit(void)
{
	if (tls_guard())
		mcall(goexit0);
}

uint64_t co_self(void)
{
	struct g *gp = getg();

	return gp ? gp->id : 0;
}

size_t co_stack_size(void)
{
	struct g *gp = getg();

	return gp ? stack_size(gp) : 0;
}

/* co_stats, on g0. */
void stats_read(struct co_stats *ret);
void stats_read(struct co_stats *ret)
{
	*ret = stats;
	stacks_stats(ret);
}
