/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: what happens when a lock is held by another thread. */
#include "runtime/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void unlock_slow(struct lock *l)
{
	syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
