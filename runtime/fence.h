/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence.h: a fence of two sides, one of which costs nothing.
 *
 * Problem: two threads each write a word and then read the other's ("I made a coroutine ready; does
 * a P sleep?" and "I am going to sleep; is a coroutine ready?").  At least one must see the other's
 * write, and on x86 that takes a full fence between the write and the read on both sides, at each
 * wake-up, although somebody goes to sleep once in thousands of them.
 *
 * membarrier(2) moves the cost to the rare side: it returns when every thread of the process that
 * runs has executed a full fence since the call.  So:
 *
 *	often				seldom
 *	write A				write B
 *	fence_light()			fence_heavy()
 *	read B				read A
 *
 * The fence that the kernel executes on the often side falls either before its write of A: then its
 * read of B comes later still, and sees B; or after: then A is visible when fence_heavy returns.
 * fence_light only keeps the compiler from exchanging the two.  A thread that does not run gets its
 * fence from the switch that starts it.
 *
 * Where the kernel has no membarrier (before 4.14, or in a sandbox that forbids it) both sides
 * execute an ordinary fence; the flag that says so is written before there are two threads.
 */
#ifndef ST_RUNTIME_FENCE_H
#define ST_RUNTIME_FENCE_H

#include <stdbool.h>

extern bool fence_is_full;

/* Not the builtin, which ThreadSanitizer does not know: it sees the atomic accesses around. */
static inline void fence_light(void)
{
	if (__builtin_expect(fence_is_full, 0))
		__asm__ volatile("mfence" : : : "memory");
	else
		__asm__ volatile("" : : : "memory");
}

void fence_heavy(void); /* a system call that interrupts the others */
void fence_init(void);

#endif
