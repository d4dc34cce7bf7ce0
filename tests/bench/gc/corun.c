/* SPDX-License-Identifier: Apache-2.0 */
/* gc-corun WORK: corun's part of `make bench-gc`; main.go and boehm.c do the same. */
#include <corun.h>

#include "tests/bench/gc/trees.h"

static const struct co_type node_type = { 16, 3, 0 };

struct node *new_node(void)
{
	return co_alloc_typed(&node_type, 1);
}

void collect(void)
{
	co_gc();
}

#define PARKED 1000000

static struct co_chan *never;

static void waiter(void *arg)
{
	struct node *mine = new_node();

	(void)arg;
	co_chan_recv(never, NULL);
	if (mine->left)
		abort();
}

static void parked(void)
{
	uint64_t begin;
	int i;

	co_chan_make(0, 0, &never);
	for (i = 0; i < PARKED; i++)
		if (co_go(waiter, NULL))
			abort();
	co_yield();
	for (i = 0; i < COLLECTIONS; i++) {
		begin = now_ns();
		collect();
		print_trial("gc-parked", (double)(now_ns() - begin) / 1e6);
	}
}

static void start(void *arg)
{
	struct co_heap_stats s;
	const char *work = arg;

	if (!strcmp(work, "trees")) {
		trees();
		co_heap_stats(&s);
		print_trial("gc-trees-pauses", (double)s.pause_ns / 1e6);
		print_trial("gc-trees-pause", (double)s.pause_ns / 1e6 / (double)s.collections);
		print_trial("gc-trees-count", (double)s.collections);
	} else if (!strcmp(work, "large")) {
		large_tree();
	} else {
		parked();
	}
}

int main(int argc, char **argv)
{
	return argc != 2 || co_run(NULL, start, argv[1]);
}
