/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: what happens when a lock is held by another thread. */
#include "runtime/lock.h"

#include "runtime/futex.h"
#include "runtime/probe.h"

#define SPINS 100

void lock_slow(struct lock *l)
{
	unsigned i;

	for (i = 0; i < SPINS; i++) {
		uint32_t was = 0;

		if (__atomic_compare_exchange_n(&l->word, &was, 1, 0, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		__builtin_ia32_pause();
	}
	if (!__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE))
		return;
	probe_lock(l);
	do
		futex_wait(&l->word, 2, FOREVER);
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE));
	probe_lock_end(l);
}

void unlock_slow(struct lock *l)
{
	futex_wake(&l->word, 1);
}
