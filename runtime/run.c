/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c: co_run, the begin and the end of everything else.
 *
 * The thread that calls it is the first M.  The first coroutine may end on any thread; the call
 * returns on its own thread, when all others have left: then nothing runs any more, and what they
 * ran on can be given back.
 */
#include <errno.h>
#include <string.h>

#include "runtime/call.h"
#include "runtime/fault.h"
#include "runtime/gc.h"
#include "runtime/mcache.h"
#include "runtime/netpoll.h"
#include "runtime/own.h"
#include "runtime/ring.h"
#include "runtime/sched.h"
#include "runtime/stackcheck.h"
#include "runtime/wait.h"

static bool running;	     /* somebody is in co_run */
static struct co_stats last; /* of the co_run that ended */

static void drop(struct g *gp, void *arg)
{
	(void)arg;
	wait_forget(gp);
	own_end(gp, false);
	cancel_drop(gp);
	SET(gp->status, G_DEAD);
	stack_end(gp);
}

static void add_p(struct p *p, void *arg)
{
	struct co_stats *ret = arg;

	ret->born += GET(p->born);
	ret->ended += GET(p->ended);
	ret->switches += GET(p->schedtick);
}

/* co_stats, on g0. */
void stats_read(struct co_stats *ret);
void stats_read(struct co_stats *ret)
{
	*ret = last;
	for_each_p(add_p, ret);
	stacks_stats(ret);
}

/* frame is that of co_run: what is above is the program's. */
static int begin(uint64_t frame)
{
	int rc;

	memset(&sched, 0, sizeof(sched));
	memset(&last, 0, sizeof(last));
	fence_init();
	relocate_init();
	stacks_init();
	rc = ps_begin(settings.procs);
	if (!rc)
		rc = gc_begin(frame);
	if (rc)
		return rc;
	rc = thread_begin();
	if (rc) {
		gc_end();
		return rc;
	}
	sched.threads = 1;
	this_m.p = p_at(0);
	fault_install();
	stackcheck_begin();
	preempt_begin();
	sysmon_begin();
	return 0;
}

static void begin_to_run(void)
{
	acquirep(p_at(0));
	execute(find_runnable());
}

/* Alone on all Ps. */
static void end(void)
{
	this_m.p = p_at(0);
	ring_living();
	for_each_g(drop, NULL);
	netpoll_end();
	for_each_p(add_p, &last);
	ids_end();
	gfree_all();
	preempt_end();
	fault_remove();
	stackcheck_end();
	gc_end();
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
	rc = begin((uint64_t)__builtin_frame_address(0));
	if (rc)
		goto out_of_stacks;
	rc = newproc1(fn, arg, creator_pc, 0);
	if (!rc) {
		calls_begin();
		g0_enter(begin_to_run);
		calls_stop();
		threads_join();
		sysmon_end();
		calls_end();
	}
	end();
out_of_stacks:
	this_m.p = NULL;
	thread_end();
	ps_end();
	stacks_reset();
out:
	__atomic_store_n(&running, false, __ATOMIC_RELEASE);
	return rc;
}
