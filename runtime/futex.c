/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex.c: how threads sleep.
 *
 * A bed's word is 0: nobody there; 1: woken; 2: its thread sleeps.  A wake-up of who is still awake
 * is one atomic instruction.
 */
#include "runtime/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000

void futex_wait(uint32_t *word, uint32_t value, int64_t ns)
{
	struct timespec t;

	/* Writes nothing to the stack: the collector may be reading it. */
	if (ns == FOREVER) {
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
		return;
	}
	t = (struct timespec){ ns / SECOND, ns % SECOND };
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &t, NULL, 0);
}

void futex_wake(uint32_t *word, int threads)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

int64_t nanotime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

void thread_sleep(struct bed *b, int64_t ns)
{
	int64_t until = ns == FOREVER ? FOREVER : nanotime() + ns;
	uint32_t was = 0;

	if (!__atomic_compare_exchange_n(&b->word, &was, 2, 0, __ATOMIC_ACQUIRE,
					 __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&b->word, 0, __ATOMIC_RELAXED);
		return;
	}
	while (ns > 0 && __atomic_load_n(&b->word, __ATOMIC_ACQUIRE) == 2) {
		futex_wait(&b->word, 2, ns);
		if (until != FOREVER)
			ns = until - nanotime();
	}
	__atomic_exchange_n(&b->word, 0, __ATOMIC_ACQUIRE);
}

void thread_wake(struct bed *b)
{
	if (__atomic_exchange_n(&b->word, 1, __ATOMIC_RELEASE) == 2)
		futex_wake(&b->word, 1);
}
