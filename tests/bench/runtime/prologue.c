/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prologue: what the stack check costs a function that does next to nothing: the numbers of
 * Fibonacci by recursion.  Built by corun-cc, and by the plain compiler to compare with.
 */
#include "tests/bench/runtime/bench.h"

#define N     27
#define CALLS 635621 /* of fib in fib(27) */

static __attribute__((noinline, noclone)) uint64_t fib(uint64_t n)
{
	uint64_t a, b;

	if (n < 2)
		return n;
	a = fib(n - 1);
	b = fib(n - 2);
	/* Not a loop instead of the second call. */
	return OPAQUE(a) + OPAQUE(b);
}

static void work(uint64_t ops)
{
	(void)ops;
	if (fib(OPAQUE((uint64_t)N)) != 196418)
		abort();
}

int main(void)
{
	run_trials("prologue", 15, CALLS, work);
	return 0;
}
