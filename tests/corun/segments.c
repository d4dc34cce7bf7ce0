/* SPDX-License-Identifier: Apache-2.0 */
/* Segmented stacks: nothing moves, what is taken is given back, a call at the border is hot. */
#include <stdint.h>

#include "tests/corun/child.h"

static struct co_config config = { .policy = CO_SEGMENTED };
static volatile long *kept;

struct wide {
	long word[40];
};

static unsigned long entered(void)
{
	struct co_stats s;

	co_stats(&s);
	CHECK_EQUAL(s.growths, 0);
	CHECK_EQUAL(s.bytes_copied, 0);
	return s.segments;
}

static unsigned long in_use(void)
{
	struct co_stats s;

	co_stats(&s);
	return s.stack_in_use;
}

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

static __attribute__((noinline)) struct wide pass(struct wide w, long a, long b, long c, long d,
						  long e, long f, long g, double x)
{
	volatile char room[3000];

	room[0] = 1;
	w.word[0] += a + b + c + d + e + f + g + (long)x + room[0];
	w.word[39]++;
	return w;
}

static __attribute__((noinline)) long leaf(long n)
{
	volatile char room[1500];

	room[0] = room[1499] = 1;
	return n + room[0];
}

/* Room for the caller and not for the leaf: each call enters a segment. */
static __attribute__((noinline)) long hot(long times)
{
	long i, sum = 0;

	for (i = 0; i < times; i++)
		sum = leaf(sum);
	return sum;
}

static void start_hot(void *arg)
{
	unsigned long before = entered(), bytes = in_use();

	(void)arg;
	CHECK_EQUAL(hot(1000), 1000);
	CHECK_EQUAL(entered() - before, 1000);
	CHECK_EQUAL(in_use(), bytes);
}

static void start_passing(void *arg)
{
	volatile long here = 5;
	struct wide w = { { 1 } };
	unsigned long bytes = in_use();
	size_t size = co_stack_size();

	(void)arg;
	kept = &here;
	w.word[39] = 7;
	w = pass(w, 1, 2, 3, 4, 5, 6, 7, 8.5);
	CHECK_EQUAL(w.word[0], 1 + 28 + 8 + 1);
	CHECK_EQUAL(w.word[39], 8);
	CHECK_EQUAL(deep(5000), 5000);
	CHECK(OPAQUE(kept) == &here && *kept == 5);
	CHECK_EQUAL(co_stack_size(), size);
	CHECK_EQUAL(in_use(), bytes);
}

static __attribute__((noinline)) long blocks(long n, size_t size)
{
	volatile char *p = __builtin_alloca(OPAQUE(size)), *q = __builtin_alloca(OPAQUE(size) / 3);
	long below;

	memset((void *)p, (int)n, size);
	memset((void *)q, (int)~n, size / 3);
	below = n ? blocks(n - 1, size + 17) : 0;
	CHECK(p[0] == (char)n && p[size - 1] == (char)n && q[0] == (char)~n);
	return below + 1;
}

static void start_blocks(void *arg)
{
	unsigned long bytes;
	int i;

	(void)arg;
	CHECK_EQUAL(blocks(20, 3000), 21);
	bytes = in_use();
	for (i = 0; i < 50; i++) {
		/* What a round left is swept away by the next one. */
		CHECK_EQUAL(blocks(20, 3000), 21);
		CHECK_EQUAL(in_use(), bytes);
	}
}

static __attribute__((noinline)) void exit_deep(long n)
{
	volatile char room[300];

	room[0] = 1;
	if (n)
		exit_deep(n - room[0]);
	else
		co_exit();
	CHECK(0);
}

static void exiting(void *arg)
{
	volatile char *p = __builtin_alloca(OPAQUE((size_t)5000));

	(void)arg;
	p[0] = 1;
	exit_deep(100);
}

static struct co_chan *gate;

static __attribute__((noinline)) long wait_deep(long n)
{
	volatile char room[300];

	room[0] = 1;
	if (!n)
		return co_chan_recv(gate, NULL) == -32;
	return wait_deep(n - 1) + room[0];
}

static void waiting(void *arg)
{
	CHECK_EQUAL(wait_deep((long)(intptr_t)arg), (long)(intptr_t)arg + 1);
}

static void start_exits(void *arg)
{
	unsigned long bytes = in_use();
	intptr_t i;

	(void)arg;
	co_chan_make(0, 0, &gate);
	for (i = 0; i < 100; i++) {
		co_go(exiting, NULL);
		co_go(waiting, (void *)i);
	}
	co_yield();
	CHECK(in_use() > bytes);
	co_chan_close(gate);
	co_yield();
	CHECK_EQUAL(in_use(), bytes);
	/* Those that never go on are dropped with all they have. */
	co_chan_free(gate);
	co_chan_make(0, 0, &gate);
	for (i = 0; i < 100; i++)
		co_go(waiting, (void *)i);
	co_yield();
}

static __attribute__((noinline)) long runaway(long n)
{
	volatile long here = n;

	return OPAQUE(n) ? runaway(n + 1) + here : 0;
}

static void start_runaway(void *arg)
{
	(void)arg;
	printf("%ld\n", runaway(1));
}

int main(int argc, char **argv)
{
	static co_fn *const tests[] = { start_hot, start_passing, start_blocks, start_exits };
	struct co_config small = { .policy = CO_SEGMENTED, .max_stack = 1 << 20 };
	struct co_stats s;
	unsigned i;
	int status;

	if (argc > 1 && !strcmp(argv[1], "runaway"))
		return co_run(&small, start_runaway, NULL);
	for (i = check_moving() ? 1 : 0; i < sizeof(tests) / sizeof(*tests); i++) {
		CHECK_EQUAL(co_run(&config, tests[i], NULL), 0);
		co_stats(&s);
		CHECK_EQUAL(s.stack_in_use, 0);
	}
	status = child_run("runaway", NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("stack of coroutine 1 exceeds the limit of 1048576 bytes");
	CHECK_SAID("fatal error: stack overflow");
	/* The chain leads over the borders. */
	CHECK_SAID("\n\tstart_runaway+");
	child_run("runaway", "CORUN_DEBUG=move");
	CHECK_SAID("\n\tsegment_return+0x1\n\trunaway+");
	CHECK_SAID("\n\tstart_runaway+");
	return check_result();
}
