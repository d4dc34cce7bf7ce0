/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trees.h: the binary-trees work, on whatever new_node() gives and collect() collects.
 *
 * Trees of all depths are built and dropped beside one that stays; then the heap is one large tree,
 * which is collected again and again.
 */
#ifndef ST_TESTS_BENCH_GC_TREES_H
#define ST_TESTS_BENCH_GC_TREES_H

#include "tests/bench/runtime/bench.h"

#define DEPTH	    16
#define LARGE_DEPTH 21
#define COLLECTIONS 5

struct node {
	struct node *left, *right;
};

/* Of the program that includes this. */
struct node *new_node(void);
void collect(void);

static inline struct node *bottom_up(int depth)
{
	struct node *n = new_node();

	if (!n)
		abort();
	if (depth > 0) {
		n->left = bottom_up(depth - 1);
		n->right = bottom_up(depth - 1);
	}
	return n;
}

static inline int count(const struct node *n)
{
	return n->left ? 1 + count(n->left) + count(n->right) : 1;
}

static struct node *kept; /* what stays */

static inline void trees(void)
{
	uint64_t begin = now_ns();
	long sum = 0;
	int d, i;

	kept = bottom_up(DEPTH);
	for (d = 4; d <= DEPTH; d += 4)
		for (i = 0; i < 1 << (DEPTH - d + 4); i++)
			sum += count(bottom_up(d));
	if (count(kept) != (2 << DEPTH) - 1 || sum != 8318704)
		abort();
	print_trial("gc-trees", (double)(now_ns() - begin) / 1e6);
	kept = NULL;
}

static inline void large_tree(void)
{
	uint64_t begin = now_ns();
	int i;

	kept = bottom_up(LARGE_DEPTH);
	print_trial("gc-build", (double)(now_ns() - begin) / 1e6);
	for (i = 0; i < COLLECTIONS; i++) {
		begin = now_ns();
		collect();
		print_trial("gc-large", (double)(now_ns() - begin) / 1e6);
	}
	if (count(kept) != (2 << LARGE_DEPTH) - 1)
		abort();
}

#endif
