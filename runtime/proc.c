/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.c: coroutines: how they begin and end, sleep and wake.
 *
 * gopark and goready are the only way to sleep and to wake.  gopark saves the coroutine (mcall) and
 * goes on in schedule on g0, which never returns but ends in gogo; so g0 is empty at each switch,
 * and calls of other things on g0 (__corun_call) may use all of it.
 *
 * From when a coroutine can be found by others, in a queue or by the one for whom it waits, another
 * thread may run it at once: whatever is to be written in its descriptor is written before, and it
 * is not touched afterwards.  What the parker wrote is seen by who runs it, for it goes through a
 * lock, or a queue whose tail is released and acquired.
 *
 * A coroutine that has ended still runs goexit0 on g0, never on the stack that is being freed.
 *
 * Numbers of coroutines are handed to the Ps in batches, as in Go, so that a spawn writes no line
 * that another P writes.
 *
 * Rejected: switching from coroutine to coroutine without g0 in between.  It saves a few
 * nanoseconds and would have schedule run with whatever room the coroutine has left.  Rejected: a
 * new coroutine in the first place of the queue, as Go has it: most programs start several, and
 * each would push the one before out again; first come, first served costs less and surprises
 * nobody.
 */
#include <errno.h>
#include <string.h>

#include "runtime/mcache.h"
#include "runtime/note.h"
#include "runtime/own.h"
#include "runtime/probe.h"
#include "runtime/ring.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

_Static_assert(EV_PROBE_GOGO == CORUN_PROBE_GOGO, "switch_amd64.S");

#define ID_BATCH 16

static uint64_t last_id; /* never goes back, not even between two co_run */

/* What gogo pops: six registers and the address to go on at. */
#define SAVED_WORDS 7

void execute(struct g *gp)
{
	SET(gp->status, G_RUNNING);
	SET(this_m.curg, gp);
	COUNT(this_m.p->schedtick, 1);
	ring_hit(EV_PROBE_GOGO);
	gogo(gp);
}

void note_use(struct g *gp)
{
	uint64_t used = gp->stack.hi - gp->sched.sp;

	if (used > gp->use_max)
		gp->use_max = used;
}

void park0(struct g *gp)
{
	bool (*unlock_fn)(struct g *, void *) = this_m.park_unlock;

	note_use(gp);
	SET(gp->status, G_WAITING);
	probe_park(gp);
	if (unlock_fn && !unlock_fn(gp, this_m.park_arg)) {
		SET(gp->wait_reason, WAIT_NONE);
		execute(gp);
	}
	schedule();
}

/* co_yield, on g0. */
void gosched0(struct g *gp);
void gosched0(struct g *gp)
{
	note_use(gp);
	SET(gp->status, G_RUNNABLE);
	runqput(this_m.p, gp);
	schedule();
}

bool park_give_back(struct g *gp, void *arg)
{
	(void)gp;
	unlock(arg);
	return true;
}

static void set_ready(struct g *gp)
{
	probe_ready(gp);
	SET(gp->wait_reason, WAIT_NONE);
	SET(gp->status, G_RUNNABLE);
}

static void to_global(struct gqueue *list)
{
	lock(&sched.lock);
	globrunq_put(list);
	unlock(&sched.lock);
}

void goready(struct g *gp)
{
	struct p *p = getp();
	struct gqueue list = { 0 };
	struct g *old;

	set_ready(gp);
	if (likely(p)) {
		old = runq_put_next(&p->runq, gp);
		if (old)
			runqput(p, old);
	} else {
		gqueue_push(&list, gp);
		to_global(&list);
	}
	ready_fence();
}

void injectglist(struct gqueue *list)
{
	struct p *p = getp();
	struct g *gp;

	if (!list->head)
		return;
	for (gp = list->head; gp; gp = gp->schedlink)
		set_ready(gp);
	if (!p)
		to_global(list);
	while ((gp = gqueue_pop(list)))
		runqput(p, gp);
	ready_fence();
}

static ONE_SITE void newproc_probe(struct g *gp)
{
	ring_hit(EV_PROBE_NEWPROC);
	PROBE(EV_PROBE_NEWPROC, gp);
	ring_newproc(gp);
}

static uint64_t new_id(struct p *p)
{
	if (unlikely(p->next_id == p->end_id)) {
		p->next_id = __atomic_fetch_add(&last_id, ID_BATCH, __ATOMIC_RELAXED) + 1;
		p->end_id = p->next_id + ID_BATCH;
	}
	return p->next_id++;
}

static void id_used(struct p *p, void *arg)
{
	uint64_t *most = arg;

	if (p->next_id && p->next_id - 1 > *most)
		*most = p->next_id - 1;
}

void ids_end(void)
{
	uint64_t most = 0;

	for_each_p(id_used, &most);
	if (most)
		last_id = most;
}

int newproc1(co_fn *fn, void *arg, const void *creator_pc, uint64_t parent_id)
{
	struct p *p = this_m.p;
	struct g *gp = gget();
	uint64_t *saved;

	if (!gp)
		return -ENOMEM;
	gp->entry = fn; /* its stack may depend on it */
	if (stack_begin(gp)) {
		gput(gp);
		return -ENOMEM;
	}
	sanitize_born(gp);
	saved = (uint64_t *)stack_top(gp) - SAVED_WORDS;
	memset(saved, 0, gp->stack.hi - (uint64_t)saved);
	gp->sched.sp = (uint64_t)saved;
	gp->sched.pc = (uint64_t)gostart;
	gp->sched.bp = 0;
	gp->arg = arg;
	SET(gp->id, new_id(p));
	gp->parent_id = parent_id;
	gp->creator_pc = (uint64_t)creator_pc;
	gp->use_max = 0;
	SET(gp->status, G_RUNNABLE);
	SET(gp->wait_reason, WAIT_NONE);
	cancel_inherit(gp, this_m.curg);
	COUNT(p->born, 1);
	newproc_probe(gp);
	runqput(p, gp);
	ready_fence();
	return 0;
}

/* co_go_at, on g0. */
int newproc(co_fn *fn, void *arg, const void *creator_pc);
int newproc(co_fn *fn, void *arg, const void *creator_pc)
{
	if (!may_ready())
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
	COUNT(this_m.p->ended, 1);
	SET(gp->status, G_DEAD);
	stack_end(gp);
	gput(gp);
	SET(this_m.curg, NULL);
	if (last)
		world_end();
	schedule();
}

void co_exit(void)
{
	if (tls_guard()) {
		sanitize_left(getg());
		mcall(goexit0);
	}
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
