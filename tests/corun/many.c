/* SPDX-License-Identifier: Apache-2.0 */
/* A hundred thousand coroutines at once, each with a part of it on its own stack. */
#include <stdint.h>

#include "check.h"

#define COUNT 100000

static struct co_chan *gate;
static uint64_t sum;
static long waiting;

static __attribute__((noinline)) void hold(uint64_t n)
{
	volatile uint64_t mine[4] = { n, ~n, n * 3, 0 };

	waiting++;
	CHECK_EQUAL(co_chan_recv(gate, NULL), -32);
	CHECK(mine[0] == n && mine[1] == ~n && mine[2] == n * 3);
	sum += mine[0];
}

static void worker(void *arg)
{
	hold((uint64_t)(uintptr_t)arg);
}

static long resident_kib(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4;
}

#define NEIGHBOURS 64

static uintptr_t tops[NEIGHBOURS];
static uint64_t fits[NEIGHBOURS];

/* Bytes that fit into the first stack, by trying. */
static __attribute__((noinline)) int fill(uint64_t n, size_t size, uintptr_t begin)
{
	volatile char room[8];

	room[n & 7] = 0;
	if (co_stack_size() > size) {
		fits[n] = begin - (uintptr_t)room;
		return 1;
	}
	return fill(n, size, begin) + room[n & 7];
}

static void neighbour(void *arg)
{
	uint64_t n = (uint64_t)(uintptr_t)arg, size = co_stack_size();

	/* A stack is aligned to its size. */
	tops[n] = (uintptr_t)__builtin_frame_address(0) % size;
	fill(n, size, (uintptr_t)__builtin_frame_address(0));
}

/* The tops of neighbours are in different cache lines, and the same fits into each stack. */
static void check_colours(void)
{
	uint64_t colours = 0;
	uintptr_t i;

	if (check_moving())
		return;
	for (i = 0; i < NEIGHBOURS; i++)
		CHECK_EQUAL(co_go(neighbour, (void *)i), 0);
	co_yield();
	for (i = 0; i < NEIGHBOURS; i++) {
		colours |= 1ull << (tops[i] / 64 % 32);
		CHECK_EQUAL(fits[i], fits[0]);
	}
	CHECK_EQUAL(__builtin_popcountll(colours), 4);
}

static void start(void *arg)
{
	struct co_stats s;
	long before = resident_kib(), used;
	uintptr_t i;

	(void)arg;
	co_chan_make(0, 0, &gate);
	for (i = 1; i <= COUNT; i++)
		CHECK_EQUAL(co_go(worker, (void *)i), 0);
	co_yield();
	CHECK_EQUAL(waiting, COUNT);
	used = resident_kib() - before;
	/* 2,048 of stack, 192 of descriptor; a page for each would be 4 KiB and more. */
	printf("%ld bytes for each of %d parked coroutines\n", used * 1024 / COUNT, COUNT);
	CHECK(used * 1024 / COUNT < 2600);
	co_chan_close(gate);
	co_yield();
	co_stats(&s);
	CHECK_EQUAL(s.born, COUNT + 1);
	CHECK_EQUAL(s.ended, COUNT);
	CHECK_EQUAL(s.stackfree[0], check_moving() ? s.stackfree[0] : COUNT);
	CHECK_EQUAL(s.stackalloc[0] - s.stackfree[0], 1);
	CHECK_EQUAL(sum, (uint64_t)COUNT * (COUNT + 1) / 2);
	/* All of them again: their stacks and descriptors are there already. */
	for (i = 1; i <= COUNT; i++)
		CHECK_EQUAL(co_go(worker, (void *)i), 0);
	co_yield();
	used = resident_kib() - before;
	CHECK(used * 1024 / COUNT < 2700);
	co_chan_free(gate);
	check_colours();
}

int main(void)
{
	check_run(start);
	return check_result();
}
