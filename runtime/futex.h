/* SPDX-License-Identifier: Apache-2.0 */
/* futex.h: how threads sleep. */
#ifndef ST_RUNTIME_FUTEX_H
#define ST_RUNTIME_FUTEX_H

#include <stdint.h>

#define FOREVER INT64_MAX

/* While *word is value, until a wake-up, a signal, or ns have passed. */
void futex_wait(uint32_t *word, uint32_t value, int64_t ns);
void futex_wake(uint32_t *word, int threads);

/* CLOCK_MONOTONIC in ns. */
int64_t nanotime(void);

/*
 * A thread's own bed: thread_sleep returns once for each thread_wake, before or after it, or when
 * ns have passed.
 */
struct bed {
	uint32_t word;
};
void thread_sleep(struct bed *b, int64_t ns);
void thread_wake(struct bed *b);

#endif
