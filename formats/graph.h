/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h: all call chains that grew a stack as one tree, with every weight: what flame graphs are
 * drawn from.
 *
 * The children of the root are go statements, below them come the chains as chain.h gives them.
 * Memory grows with distinct chains, never with events.
 */
#ifndef ST_FORMATS_GRAPH_H
#define ST_FORMATS_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "formats/aggregate.h"
#include "formats/chain.h"

struct names;

struct graph_node {
	struct chain_frame frame;	 /* strings belong to names; the root's function is "all" */
	uint64_t weight[WEIGHT_COUNT];	 /* what is above it included */
	struct graph_node *child, *next; /* children by name; siblings */
	unsigned depth;			 /* the root's is 0 */
};

struct graph;

/* names must outlive the graph.  0 or -ENOMEM. */
int graph_new(struct aggregate *a, struct names *n, struct graph **ret);
void graph_free(struct graph *g); /* NULL-safe */

const struct graph_node *graph_root(const struct graph *g);

#endif
