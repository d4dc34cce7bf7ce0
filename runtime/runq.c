/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runq.c: stealing from the queue of another P.
 *
 * Problem: the owner takes from its queue at each switch; a thief comes once in thousands of
 * switches.  In Go's queue both move head by compare-and-swap, which the owner pays each time, and
 * the first place (runnext) by two more.
 *
 * Here the owner executes no atomic read-modify-write: it says "busy", looks whether a thief is
 * there, and moves head by plain stores.  The thief takes the queue's lock, says "thief", and makes
 * sure that the owner is not in between:
 *
 *	owner				thief
 *	busy = 1			thief = 1
 *	fence_light			fence_heavy
 *	thief?  then the slow way	while busy: wait
 *	moves head or next		moves head or next
 *	busy = 0			thief = 0
 *
 * By fence.h the owner sees thief or the thief sees busy.  If the owner sees thief it says that it
 * is not busy, and waits for the lock; as the thief sets thief only while it holds the lock, the
 * owner then may set busy without looking again, and the next thief sees it after taking the lock.
 *
 * The system call in fence_heavy interrupts the owner.  One that switches often looks at thief
 * within nanoseconds and says that it waits: then no fence is needed.  Only one that computes for
 * longer is interrupted, which it does not notice.
 *
 * Rings grow, which the owner does as it takes; thieves read nothing of a ring outside.  So there
 * is no border at which half a queue must go elsewhere, as in Go, and nobody overtakes.
 *
 * The ring itself is one of a single producer (the owner, who moves tail) and one consumer at a
 * time (who moves head); adding needs neither busy nor a fence.
 *
 * The thief gives up when the owner stays busy, since its thread may have lost its processor just
 * there; who looks for work asks again before it sleeps (findrun.c).
 *
 * Rejected: a first place that cannot be stolen, which would cost less: a coroutine that wakes
 * another and then computes for a second would keep it waiting although a P is idle.
 */
#include "runtime/runq.h"

#include <sys/mman.h>

#include "runtime/proc.h"

#define NOTICE_SPINS 20	 /* for the owner to see the thief by itself */
#define BUSY_SPINS   500 /* for the owner to finish what takes nanoseconds */

void runq_enter_slow(struct runq *q)
{
	__atomic_store_n(&q->waits, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&q->busy, 0, __ATOMIC_RELEASE);
	lock(&q->lock);
	__atomic_store_n(&q->busy, 1, __ATOMIC_RELAXED);
	unlock(&q->lock);
}

/* Whether the owner is kept out. */
static bool keep_out(struct runq *q)
{
	unsigned i;

	__atomic_store_n(&q->waits, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&q->thief, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < NOTICE_SPINS; i++) {
		if (__atomic_load_n(&q->waits, __ATOMIC_RELAXED))
			break;
		__builtin_ia32_pause();
	}
	if (i == NOTICE_SPINS)
		fence_heavy();
	for (i = 0; i < BUSY_SPINS; i++) {
		if (!__atomic_load_n(&q->busy, __ATOMIC_ACQUIRE))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

static struct g *take_half(struct runq *from, struct runq *to, bool with_next)
{
	uint32_t tail = __atomic_load_n(&from->tail, __ATOMIC_ACQUIRE), head = from->head;
	uint32_t n = tail - head - (tail - head) / 2, i;
	struct g *gp = NULL;

	if (n > RUNQ_STEAL)
		n = RUNQ_STEAL;
	for (i = 0; i < n; i++) {
		gp = __atomic_load_n(&from->ring[(head + i) & from->mask], __ATOMIC_RELAXED);
		if (i < n - 1)
			runq_put(to, gp); /* fits: RUNQ_STEAL <= RUNQ_FIRST */
	}
	if (n) {
		__atomic_store_n(&from->head, head + n, __ATOMIC_RELEASE);
	} else if (with_next) {
		gp = from->next;
		__atomic_store_n(&from->next, NULL, __ATOMIC_RELAXED);
	}
	return gp;
}

struct g *runq_steal(struct runq *from, struct runq *to, bool with_next)
{
	struct g *gp = NULL;

	if (!trylock(&from->lock))
		return NULL;
	if (keep_out(from))
		gp = take_half(from, to, with_next);
	__atomic_store_n(&from->thief, 0, __ATOMIC_RELEASE);
	unlock(&from->lock);
	return gp;
}

void runq_drain(struct runq *q, struct gqueue *ret)
{
	struct g *gp;

	while ((gp = runq_get(q)))
		gqueue_push(ret, gp);
}

void runq_init(struct runq *q)
{
	q->ring = q->first;
	q->mask = RUNQ_FIRST - 1;
}

static void unmap(struct runq *q)
{
	if (q->ring != q->first)
		munmap(q->ring, (q->mask + 1ul) * sizeof(*q->ring));
}

void runq_free(struct runq *q)
{
	unmap(q);
	runq_init(q);
}

/* Thieves read the ring only while they keep the owner out. */
bool runq_grow(struct runq *q)
{
	size_t size = (q->mask + 1ul) * 2;
	struct g **bigger;
	uint32_t i;

	if (unlikely(settings.fail_at) && debug_fail())
		return false;
	bigger = mmap(NULL, size * sizeof(*bigger), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bigger == MAP_FAILED)
		return false;
	runq_enter(q);
	for (i = q->head; i != q->tail; i++)
		bigger[i & (size - 1)] = q->ring[i & q->mask];
	unmap(q);
	q->ring = bigger;
	q->mask = (uint32_t)size - 1;
	runq_leave(q);
	return true;
}
