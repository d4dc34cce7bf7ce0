/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runq.h: the queue of coroutines that are ready on one P.
 *
 * A ring, first in first out, and before it one place for the coroutine that the last one to run
 * woke: it has what it needs in the cache still.  Two that wake each other would keep the others
 * out for ever, so the place gives precedence only STREAK times in a row.
 *
 * The owner, the thread that has the P, puts and takes without an atomic read-modify-write; other
 * threads that have nothing to do take half.  runq.c says how that is safe.
 */
#ifndef ST_RUNTIME_RUNQ_H
#define ST_RUNTIME_RUNQ_H

#include "runtime/fence.h"
#include "runtime/lock.h"
#include "runtime/runtime.h"

#define RUNQ_FIRST  256u /* places of a ring to begin with */
#define RUNQ_STREAK 16u
#define RUNQ_STEAL  256u /* most that a thief takes */

struct runq {
	uint32_t head, tail; /* ring[head & mask] is the next to run */
	uint32_t busy;	     /* the owner moves head, next or ring just now */
	uint32_t streak;     /* times that next ran since the ring was last taken from */
	struct g *next;
	struct g **ring;
	uint32_t mask;

	uint32_t thief; /* somebody wants to steal: the owner takes the lock */
	uint32_t waits; /* the owner saw that, and does */
	struct lock lock;

	struct g *first[RUNQ_FIRST];
} __attribute__((aligned(64)));

void runq_enter_slow(struct runq *q);

/* Between these, only the owner moves head and next. */
static inline void runq_enter(struct runq *q)
{
	__atomic_store_n(&q->busy, 1, __ATOMIC_RELAXED);
	fence_light();
	if (unlikely(__atomic_load_n(&q->thief, __ATOMIC_ACQUIRE)))
		runq_enter_slow(q);
}

static inline void runq_leave(struct runq *q)
{
	__atomic_store_n(&q->busy, 0, __ATOMIC_RELEASE);
}

void runq_init(struct runq *q);
void runq_free(struct runq *q);
/* A ring of twice the size; false: no memory. */
bool runq_grow(struct runq *q);

/* At the end; false: it is full and cannot grow.  The owner's, on G too, as the next two. */
static inline bool runq_put(struct runq *q, struct g *gp)
{
	uint32_t tail = q->tail;

	/* Acquire: the thief has read what is overwritten. */
	if (unlikely(tail - __atomic_load_n(&q->head, __ATOMIC_ACQUIRE) > q->mask) && !runq_grow(q))
		return false;
	__atomic_store_n(&q->ring[tail & q->mask], gp, __ATOMIC_RELAXED);
	__atomic_store_n(&q->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

/* In the first place; returns who was there, or NULL. */
static inline struct g *runq_put_next(struct runq *q, struct g *gp)
{
	struct g *old;

	runq_enter(q);
	old = q->next;
	__atomic_store_n(&q->next, gp, __ATOMIC_RELAXED);
	runq_leave(q);
	return old;
}

/* NULL: it is empty. */
static inline struct g *runq_get(struct runq *q)
{
	struct g *gp;
	uint32_t head;

	runq_enter(q);
	gp = q->next;
	head = q->head;
	if (gp && (q->streak < RUNQ_STREAK || head == q->tail)) {
		__atomic_store_n(&q->next, NULL, __ATOMIC_RELAXED);
		q->streak++;
	} else if (head != q->tail) {
		gp = __atomic_load_n(&q->ring[head & q->mask], __ATOMIC_RELAXED);
		__atomic_store_n(&q->head, head + 1, __ATOMIC_RELAXED);
		q->streak = 0;
	}
	runq_leave(q);
	return gp;
}

/* All of a queue that has no owner. */
void runq_drain(struct runq *q, struct gqueue *ret);

/* How many, as any thread may ask; true when it was asked. */
static inline uint32_t runq_size(const struct runq *q)
{
	uint32_t head = __atomic_load_n(&q->head, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE) - head +
	       (__atomic_load_n(&q->next, __ATOMIC_RELAXED) != NULL);
}

/*
 * For the owner of to, which is empty: half of what is in the ring of from, but no more than fits
 * into the ring of to, or what is in its first
 * place if with_next and there is nothing else.  One is returned, NULL if there was none or the
 * owner did not let go in time.
 */
struct g *runq_steal(struct runq *from, struct runq *to, bool with_next);

#endif
