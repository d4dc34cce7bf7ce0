/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stacks WORK: what stack policies, first sizes and allocators make of the same work; the
 * environment says which (CORUN_POLICY, CORUN_STACK, CORUN_ALLOCATOR).
 */
#include <corun.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "tests/bench/runtime/bench.h"

#define NOINLINE __attribute__((noinline, noclone))

static struct co_chan *done, *forever;
static uint64_t seed = 88172645463325252;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* 128 bytes a call. */
static NOINLINE uint64_t deep(uint64_t n)
{
	volatile char room[96] __attribute__((uninitialized));

	room[n & 63] = (char)n;
	if (n)
		return deep(n - 1) + (uint64_t)room[n & 31];
	return (uint64_t)room[0];
}

/* --- the generations: calls at a border, a deep call, memory ------------------------------------
 */

#define HOT_CALLS 5000

static NOINLINE uint64_t large_frame(uint64_t n)
{
	volatile char room[1000] __attribute__((uninitialized));

	room[n & 511] = (char)n;
	return (uint64_t)room[n & 511];
}

/* At every depth, since some policies have one where each call finds the stack full. */
static NOINLINE uint64_t worst(uint64_t depth)
{
	volatile char room[96] __attribute__((uninitialized));
	uint64_t begin, i, took, below;

	room[depth & 63] = 0;
	large_frame(0);
	begin = now_ns();
	for (i = 0; i < HOT_CALLS; i++)
		large_frame(i);
	took = now_ns() - begin;
	below = depth ? worst(depth - 1) : 0;
	return (took > below ? took : below) + (uint64_t)room[depth & 63];
}

static void hot(void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < 15; i++)
		print_trial("hot", (double)worst(12) / HOT_CALLS);
	co_chan_send(done, NULL);
}

static void once_deep(void *arg)
{
	uint64_t begin = now_ns(), middle;

	(void)arg;
	deep(OPAQUE(256ull));
	middle = now_ns();
	deep(OPAQUE(256ull));
	print_trial("deep-first", (double)(middle - begin));
	print_trial("deep-again", (double)(now_ns() - middle));
	co_chan_send(done, NULL);
}

static void parker(void *arg)
{
	(void)arg;
	co_chan_recv(forever, NULL);
}

#define PARKED 10000

static void generations(void *arg)
{
	uint64_t i, before;

	(void)arg;
	co_go(hot, NULL);
	co_chan_recv(done, NULL);
	for (i = 0; i < 200; i++) {
		co_go(once_deep, NULL);
		co_chan_recv(done, NULL);
	}
	before = resident_bytes();
	for (i = 0; i < PARKED; i++)
		if (co_go(parker, NULL))
			abort();
	co_yield();
	print_trial("wait", (double)(resident_bytes() - before) / PARKED);
}

/* --- first sizes: requests that need little, some more, few much ---------------------------------
 */

#define REQUESTS  20000
#define IN_FLIGHT 64
#define ANSWER	  4096 /* bytes of the collected heap */

static struct co_chan *slots;
static uint64_t answered;

/* Bytes of stack that parsing a request takes: 512, sometimes 3 KiB, seldom 20. */
static uint64_t request_depth(uint64_t kind)
{
	return kind % 100 < 60 ? 4 : kind % 100 < 92 ? 24 : 160;
}

static void request(void *arg)
{
	char *answer = co_alloc_atomic(ANSWER);
	uint64_t kind = (uintptr_t)arg, parsed = deep(request_depth(kind));

	if (!answer)
		abort();
	co_yield(); /* asks somebody else */
	snprintf(answer, ANSWER, "{\"kind\":%llu,\"parsed\":%llu}", (unsigned long long)kind,
		 (unsigned long long)parsed);
	co_yield(); /* sends it */
	answered += answer[0] == '{';
	co_chan_recv(slots, NULL);
}

static void requests(void *arg)
{
	struct co_heap_stats heap;
	struct co_stats s;
	uint64_t i, stacks = 0;

	(void)arg;
	co_chan_make(0, IN_FLIGHT, &slots);
	for (i = 0; i < REQUESTS; i++) {
		co_chan_send(slots, NULL);
		co_go(request, (void *)(uintptr_t)(next_random() >> 8));
	}
	for (i = 0; i < IN_FLIGHT; i++)
		co_chan_send(slots, NULL);
	co_stats(&s);
	for (i = 0; i < CO_ORDERS; i++)
		stacks += s.stackalloc[i];
	if (answered != REQUESTS)
		abort();
	print_trial("stacks", (double)stacks / REQUESTS);
	print_trial("growths", (double)s.growths / REQUESTS);
	print_trial("copied", (double)s.bytes_copied);
	co_heap_stats(&heap);
	print_trial("collections", (double)heap.collections);
}

/* --- allocators: how many coroutines fit under a cap after the load has changed ------------------
 */

#define CAP   (512ull << 20)
#define WAVES 12
#define WAVE  3000

/* One in eight stays, with the stack that it grew to. */
static void visitor(void *arg)
{
	uint64_t n = (uintptr_t)arg;

	deep(n >> 8);
	if (!(n & 7))
		co_chan_recv(forever, NULL);
}

/* Each wave has another size: 0.5, 2, 6, 14 KiB. */
static void waves(void)
{
	static const uint64_t depth[] = { 4, 16, 48, 112 };
	uint64_t w, i;

	for (w = 0; w < WAVES; w++) {
		for (i = 0; i < WAVE; i++)
			if (co_go(visitor, (void *)(depth[w % 4] << 8 | (next_random() & 255))))
				return;
		co_yield();
	}
}

static uint64_t mapped_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096;
}

static void fill(void *arg)
{
	uint64_t resident = resident_bytes(), mapped = mapped_bytes(), n = 0;
	bool space = arg != NULL;
	struct rlimit limit = { mapped + CAP, mapped + CAP };
	struct co_stats s;

	if (space)
		setrlimit(RLIMIT_AS, &limit);
	waves();
	for (;;) {
		if (co_go(parker, NULL))
			break;
		if (++n % 256)
			continue;
		co_yield();
		if (!space && resident_bytes() - resident >= CAP)
			break;
	}
	co_stats(&s);
	resident = resident_bytes() - resident;
	mapped = mapped_bytes() - mapped;
	print_trial("alive", (double)(s.born - s.ended));
	print_trial("lost",
		    100 - 100.0 * (double)s.stack_in_use / (double)(space ? mapped : resident));
}

static const struct work {
	const char *name;
	co_fn *fn;
	uintptr_t arg;
} works[] = {
	{ "generations", generations, 0 },
	{ "requests", requests, 0 },
	{ "cap-resident", fill, 0 },
	{ "cap-space", fill, 1 },
};

static const struct work *chosen;

static void start(void *arg)
{
	(void)arg;
	co_chan_make(0, 0, &done);
	co_chan_make(0, 0, &forever);
	chosen->fn((void *)chosen->arg);
}

int main(int argc, char **argv)
{
	unsigned i;

	for (i = 0; argc > 1 && i < sizeof(works) / sizeof(*works); i++)
		if (!strcmp(works[i].name, argv[1])) {
			chosen = &works[i];
			return co_run(NULL, start, NULL) != 0;
		}
	fprintf(stderr, "stacks: no such work\n");
	return 2;
}
