/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h: a lock of four bytes for the runtime's own short sections, on g0 and on G.
 *
 * Who holds one must not park (but see gopark_unlock), nor call anything that checks its stack.
 *
 * 0: free; 1: held; 2: held, and somebody may sleep.  Taking and leaving it costs two instructions
 * while nobody contends.  A waiter spins shortly first: what the locks protect takes less time than
 * falling asleep.
 */
#ifndef ST_RUNTIME_LOCK_H
#define ST_RUNTIME_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
	uint32_t word;
};

void lock_slow(struct lock *l);
void unlock_slow(struct lock *l);

static inline bool trylock(struct lock *l)
{
	uint32_t was = 0;

	return __atomic_compare_exchange_n(&l->word, &was, 1, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void lock(struct lock *l)
{
	if (!trylock(l))
		lock_slow(l);
}

static inline void unlock(struct lock *l)
{
	if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
		unlock_slow(l);
}

#endif
