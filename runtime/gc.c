/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.c: a collection, from its begin to its end.
 *
 * Mark and sweep, with the world stopped throughout.  Go marks while the program runs, which takes
 * a write barrier at every store of a pointer; C compilers make none.  So the pause is the whole
 * collection, and what can be done is to make it short: several threads mark, stacks and objects
 * are read in an order in which memory answers in time, the sweep touches no object.
 *
 * Who needs memory collects, on the thread it is on.  A coroutine is saved by mcall as if it
 * parked, so its registers are on its stack like everybody's.  One that is on g0 already, in a
 * function that co_call runs, has frames on two stacks: all of both is read.
 *
 * Objects never move.  An address that points to an object or into it, anywhere the collector looks
 * (gcroots.c), keeps it; a number that looks like one does, too.
 */
#include "runtime/gc.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "runtime/gctrace.h"
#include "runtime/mcache.h"
#include "runtime/note.h"
#include "runtime/proc.h"
#include "runtime/ring.h"
#include "runtime/sched.h"

/*
 * Less than this is read in a few milliseconds, and by one thread alone: helpers have to be woken,
 * and on a busy machine one that has come and lost the processor would hold up everybody.
 */
#define MANY_BYTES (8u << 20)

static struct co_heap_stats total;
static uint64_t begun;	   /* the clock when co_run began */
static uint64_t read_last; /* bytes that the last collection read, at most */
static uint64_t freed_bytes;
static bool active; /* between gc_begin and gc_end */

static void flush(struct p *p, void *arg)
{
	struct heap_cache *h = p->mcache->heap;

	(void)arg;
	if (h)
		heap_cache_flush(h);
}

static ONE_SITE void gcstart_probe(struct g *gp)
{
	ring_hit(EV_PROBE_GCSTART);
	PROBE(EV_PROBE_GCSTART, gp);
	ring_gc(EV_GC_START, (uint32_t)total.collections);
}

static ONE_SITE void gcdone_probe(struct g *gp)
{
	ring_hit(EV_PROBE_GCDONE);
	PROBE(EV_PROBE_GCDONE, gp);
	ring_gc(EV_GC_DONE, (uint32_t)total.collections);
}

static void mark(struct gc_cycle *c, bool many)
{
	uint64_t stacks = 0;
	struct worker *w;
	unsigned i;

	mark_begin();
	team_worker(0)->alone = !many;
	for (i = 1; (w = team_worker(i)); i++)
		w->alone = false;
	team_run(mark_work, many);
	while (mark_lost()) {
		team_worker(0)->alone = true;
		team_run(mark_again, false);
	}
	for (i = 0; (w = team_worker(i)); i++) {
		c->stacks += w->stack_bytes;
		stacks += w->stacks;
		c->globals += w->global_bytes;
		c->mark_cpu += w->cpu_ns;
	}
	adapt_start(c->stacks, stacks);
}

static void shrink(void)
{
	struct worker *w;
	struct g *gp;
	unsigned i;

	for (i = 0; (w = team_worker(i)); i++)
		while ((gp = mark_next_shrink(w)))
			shrinkstack(gp);
}

/* What the cache of one P gave to coroutines. */
static void add_up(struct p *p, void *arg)
{
	const struct heap_cache *h = p->mcache->heap;
	struct co_heap_stats *s = arg;
	unsigned i;

	if (!h)
		return;
	s->mallocs += h->objects;
	s->total_bytes += h->bytes;
	for (i = 0; i < SPAN_CLASSES; i++) {
		uint64_t n = (uint64_t)__builtin_popcountll(h->slot[i].bits);

		s->mallocs -= n;
		s->total_bytes -= n * h->slot[i].size;
	}
}

static void read_counts(struct co_heap_stats *ret)
{
	struct mheap_bytes b = mheap_bytes();

	*ret = total;
	for_each_p(add_up, ret);
	ret->objects = ret->mallocs - ret->frees;
	ret->bytes = ret->total_bytes - freed_bytes;
	ret->goal = pace_goal();
	ret->spans = b.objects;
	ret->idle = b.idle;
}

/* What the sweep left against what there had been. */
static void count_freed(uint64_t live_bytes, uint64_t live_objects)
{
	struct co_heap_stats all = { 0 };

	for_each_p(add_up, &all);
	total.frees = all.mallocs - live_objects;
	freed_bytes = all.total_bytes - live_bytes;
}

static void sweep(struct gc_cycle *c, bool many)
{
	uint64_t objects = 0;
	struct worker *w;
	unsigned i;

	sweep_begin();
	team_run(sweep_work, many);
	for (i = 0; (w = team_worker(i)); i++) {
		c->live += w->live_bytes;
		objects += w->live_objects;
	}
	count_freed(c->live, objects);
}

/* As much as last time, or at most what there is. */
static uint64_t to_read(void)
{
	return total.collections ? read_last : pace_live() + mheap_bytes().stacks;
}

/* With the world stopped. */
static void cycle(struct g *gp, struct gc_cycle *c)
{
	bool many = to_read() >= MANY_BYTES;

	c->processors = sched.procs;
	total.collections++;
	total.forced += c->forced;
	gcstart_probe(gp);
	c->before = pace_live();
	c->goal = pace_goal();
	for_each_p(flush, NULL);
	roots_begin();
	c->marking = ring_read_clock();
	mark(c, many);
	roots_end();
	c->marked = ring_read_clock();
	shrink();
	mark_end();
	sweep(c, many);
	read_last = c->stacks + c->globals + c->live;
	c->end = ring_read_clock();
	pace_collected(c->live, c->stacks + c->globals, c->end - c->begin);
	c->number = total.collections;
	c->paused = total.pause_ns += c->end - c->begin;
	total.last_pause_ns = c->end - c->begin;
	total.stack_bytes_read = c->stacks;
	total.global_bytes_read = c->globals;
	gcdone_probe(gp);
}

/* On g0, for the coroutine that is saved, or runs on g0 too. */
static void collect(struct g *gp, bool forced)
{
	struct gc_cycle c = {
		.forced = forced, .begin = ring_read_clock(), .begun = begun, .processors = 0
	};
	uint64_t asked_at = total.collections;
	bool done;

	stop_the_world("garbage collection");
	/* Somebody else may have done it meanwhile. */
	done = !forced && total.collections != asked_at;
	if (!done)
		cycle(gp, &c);
	start_the_world();
	if (done)
		return;
	gctrace(&c);
	__atomic_fetch_add(&total.released, mheap_release(pace_keep()), __ATOMIC_RELAXED);
}

static void gc0(struct g *gp)
{
	this_m.call_sp = CALL_SWITCH;
	collect(gp, false);
	gogo(gp);
}

static void gc0_forced(struct g *gp)
{
	this_m.call_sp = CALL_SWITCH;
	collect(gp, true);
	gogo(gp);
}

/* On g0, with frames of the coroutine there and on its stack, how deep is not known. */
static __attribute__((noinline)) void gc_on_g0(bool forced)
{
	struct g *gp = this_m.curg;

	/* Registers go into this frame. */
	__builtin_unwind_init();
	gp->sched.sp = gp->stack.lo;
	__asm__ volatile("movq %%rsp, %0" : "=r"(this_m.stop_sp));
	collect(gp, forced);
	this_m.stop_sp = 0;
}

void gc_collect(bool forced)
{
	if (!tls_guard())
		gc_on_g0(forced);
	else
		mcall(forced ? gc0_forced : gc0);
}

int co_gc(void)
{
	if (!may_ready())
		return -EPERM;
	gc_collect(true);
	return 0;
}

int gc_begin(uint64_t frame)
{
	memset(&total, 0, sizeof(total));
	read_last = freed_bytes = 0;
	begun = ring_read_clock();
	classes_init();
	hcentral_drop_all();
	pace_begin();
	adapt_start(0, 0);
	roots_thread(frame);
	if (team_begin(settings.procs))
		return -ENOMEM;
	active = true;
	return 0;
}

void gc_end(void)
{
	active = false;
	team_end();
	read_counts(&total);
	meta_reset();
}

/* co_heap_stats, on g0. */
void heap_stats(struct co_heap_stats *ret);
void heap_stats(struct co_heap_stats *ret)
{
	if (active)
		read_counts(ret);
	else
		*ret = total;
}
