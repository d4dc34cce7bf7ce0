/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched.h: what the parts of the scheduler share, and what its statistics are made of.
 *
 *	proc.c		coroutines: begin, end, park, ready
 *	findrun.c	what runs next, and who is woken to look
 *	runq.c		the queue of a P
 *	thread.c	Ms: their threads, asleep and awake
 *	syscall.c	calls that block, and the P meanwhile
 *	call.c		calls that block and may be given up, and their threads
 *	sysmon.c	the thread that takes Ps out of such calls
 *	world.c		everybody stops; the number of Ps changes
 *	run.c		co_run: begin and end of it all
 *
 * Functions here run on g0 unless marked.
 */
#ifndef ST_RUNTIME_SCHED_H
#define ST_RUNTIME_SCHED_H

#include "runtime/fence.h"
#include "runtime/futex.h"
#include "runtime/lock.h"
#include "runtime/proc.h"
#include "runtime/runq.h"

#define MAX_PROCS 1024

/* Numbers as in Go's scheddetail lines. */
enum p_status {
	P_IDLE = 0,    /* in sched.idle_p, or on its way to a thread; its queue is empty */
	P_RUNNING = 1, /* a thread has it */
	P_SYSCALL = 2, /* its thread is in a call; whoever changes this word has the P */
	P_STOPPED = 3, /* the world is stopped */
	P_DEAD = 4,    /* the number of Ps was reduced */
};

struct p {
	uint32_t id;
	uint32_t status; /* enum p_status */
	uint32_t stop;	 /* its thread shall call world_pause at the next chance */
	uint32_t syscalltick;
	struct m *m;	    /* that runs on it, or is in the call for which it waits */
	uint64_t schedtick; /* coroutines continued */
	uint64_t born, ended;
	uint64_t next_id, end_id; /* numbers that it may give to coroutines */
	uint32_t global_tick;	  /* switches since the global queue was looked at first */
	uint32_t gfree_count;
	struct g *gfree; /* through schedlink */
	struct g_block *block;
	struct mcache *mcache;
	struct p *link; /* in sched.idle_p */
	struct timers timers;
	struct runq runq;
	uint32_t seen_tick; /* sysmon's: the syscalltick it saw last, */
	int64_t seen_at;    /* and when it did so first */
} __attribute__((aligned(64)));

struct sched {
	/* Read at each wake-up: writing it takes the line away from all who run. */
	uint32_t idle_ps;  /* in idle_p */
	uint32_t spinning; /* Ms that look for work and have a P */
	uint32_t procs;	   /* Ps in all_p that may run */
	uint32_t made;	   /* Ps in all_p, the dead included */
	bool ending;	   /* co_run is to return */

	struct lock lock __attribute__((aligned(64)));
	struct gqueue runq; /* global; its size may be read without the lock */
	struct p *idle_p;
	struct m *idle_m;
	struct m *all_m;
	struct m *left;	     /* Ms that have ended, for their threads to be joined */
	uint32_t left_count; /* grows; co_run waits for it */
	uint32_t threads;    /* Ms, that of co_run's caller included */
	uint32_t idle_ms;
	uint32_t next_m;  /* number of the next M */
	uint32_t blocked; /* Ms in calls whose P was taken */
	bool polled;	  /* a thread sleeps in netpoll */

	/* world.c */
	const char *stopping; /* why; NULL: nobody stops the world */
	uint32_t stop_wait;   /* Ps that are still to stop */
	uint32_t epoch;	      /* grows when the world goes on */

	struct p *all_p[MAX_PROCS] __attribute__((aligned(64)));
};
extern struct sched sched;

/* proc.c */
/* Continues a coroutine on the P of this thread. */
void execute(struct g *gp) NORETURN;
/* Continues the one that comes next. */
void schedule(void) NORETURN;
/* How much of its stack a coroutine uses that was just saved. */
void note_use(struct g *gp);
int newproc1(co_fn *fn, void *arg, const void *creator_pc, uint64_t parent_id);

/* co_run ends: what was not used of the numbers of coroutines goes to the next. */
void ids_end(void);

/* findrun.c */
struct g *find_runnable(void);
/* When the first timer of all Ps is due. */
int64_t timers_first(void);
/* At the end of p's queue, which is this thread's; on G too. */
void runqput(struct p *p, struct g *gp);
/* A coroutine was put where an idle P finds it: wakes one if there is any.  On G too. */
static inline void ready_fence(void);
void wakep(void); /* on G too: the part of it that is seldom needed */
/* At the end of the global queue; sched.lock is held. */
void globrunq_put(struct gqueue *list);
static inline struct p *p_at(uint32_t i)
{
	return __atomic_load_n(&sched.all_p[i], __ATOMIC_RELAXED);
}
/* Some of the global queue: the first is returned, others go to p's.  sched.lock is held. */
struct g *globrunq_get(struct p *p, uint32_t max);
/* A P without a thread that may have work, or be needed: to a thread, or to the idle ones. */
void handoffp(struct p *p);

/* thread.c */
/* With a stack of the usual size, or a small one if there is no room; an errno. */
int thread_create(void *(*fn)(void *), void *arg);
/* Runs p, which nobody has, on an idle thread or a new one. */
void startm(struct p *p, bool spinning);
/* Sleeps without a P until startm gives one, and takes that. */
void stopm(void);
void acquirep(struct p *p);
struct p *releasep(void);
/* This thread is done with co_run. */
void leave(void) NORETURN;
/* On co_run's thread: waits for the others. */
void threads_join(void);
int thread_begin(void); /* of the calling thread's M; -ENOMEM */
void thread_end(void);

/* schedtrace.c: on sysmon's thread */
void schedtrace(int64_t now, bool detail);
void schedtrace_begin(void);

/* preempt.c */
void preempt_begin(void);
void preempt_end(void);
/* Tells those that have not stopped; again and again. */
void preempt_late(void);

/* sysmon.c */
void sysmon_begin(void);  /* if there is something to trace */
void sysmon_notice(void); /* a call begins: it shall look */
void sysmon_end(void);

/* gfree.c: what a P has of descriptors, for all */
void gfree_give(struct p *p);

/* world.c */
/* sched.lock is held. */
void pidle_put(struct p *p);
struct p *pidle_get(void); /* NULL: none is idle */
/* Stops here until the world goes on, if p->stop says so; or leaves if co_run ends. */
void world_pause(void);
/* The first coroutine ended: everybody leaves. */
void world_end(void) NORETURN;
/* The Ps of a co_run, of which the first is given to nobody; -ENOMEM. */
int ps_begin(uint32_t n);
void ps_end(void);

static inline void spin_begin(struct m *mp)
{
	SET(mp->spinning, true);
	__atomic_fetch_add(&sched.spinning, 1, __ATOMIC_SEQ_CST);
}

/* Returns whether this was the last one. */
static inline bool spin_end(struct m *mp)
{
	if (!mp->spinning)
		return false;
	SET(mp->spinning, false);
	return __atomic_sub_fetch(&sched.spinning, 1, __ATOMIC_SEQ_CST) == 0;
}

static inline void ready_fence(void)
{
	fence_light();
	if (unlikely(__atomic_load_n(&sched.idle_ps, __ATOMIC_RELAXED)))
		wakep();
}

#endif
