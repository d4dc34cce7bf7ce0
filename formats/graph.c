/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

/* Frames are the same if their texts are: several addresses can have one name. */
struct text {
	uint64_t number;
	UT_hash_handle hh;
	char key[];
};

struct node_key {
	const struct graph_node *parent;
	uint64_t text;
};

struct node {
	struct graph_node public;
	struct node_key key;
	UT_hash_handle hh;
};

struct graph {
	struct graph_node root;
	struct text *texts;
	struct node *nodes;
};

struct growing {
	struct graph *g;
	struct names *names;
	const struct stack_row *row;
	struct graph_node *at;
};

/* 0: no memory. */
static uint64_t text_number(struct graph *g, const struct chain_frame *f)
{
	char *key = NULL;
	struct text *t;
	uint64_t number = 0;
	int len = f->kind == CHAIN_CREATOR ? asprintf(&key, "%d%s\n%s:%" PRIu32, (int)f->kind,
						      f->site.function, f->site.file, f->site.line)
					   : asprintf(&key, "%d%s", (int)f->kind, f->site.function);

	if (len < 0)
		return 0;
	HASH_FIND(hh, g->texts, key, (size_t)len, t);
	if (t) {
		number = t->number;
	} else if ((t = malloc(sizeof(*t) + (size_t)len))) {
		memcpy(t->key, key, (size_t)len);
		t->number = HASH_COUNT(g->texts) + 1;
		HASH_ADD(hh, g->texts, key, (size_t)len, t);
		if (map_added(t))
			number = t->number;
		else
			free(t);
	}
	free(key);
	return number;
}

static void add_weight(struct graph_node *n, const struct stack_row *row)
{
	for (unsigned w = 0; w < WEIGHT_COUNT; w++)
		n->weight[w] += stack_row_weight(row, w);
}

static int descend(void *arg, const struct chain_frame *f)
{
	struct growing *grow = arg;
	const struct node_key key = { grow->at, text_number(grow->g, f) };
	struct node *n;

	if (!key.text)
		return -ENOMEM;
	HASH_FIND(hh, grow->g->nodes, &key, sizeof(key), n);
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->key = key;
		n->public.frame = *f;
		n->public.depth = grow->at->depth + 1;
		HASH_ADD(hh, grow->g->nodes, key, sizeof(key), n);
		if (!map_added(n)) {
			free(n);
			return -ENOMEM;
		}
		n->public.next = grow->at->child;
		grow->at->child = &n->public;
	}
	grow->at = &n->public;
	add_weight(grow->at, grow->row);
	return 0;
}

static int add_stack(void *arg, const struct stack_row *row)
{
	struct growing grow = *(struct growing *)arg;

	grow.row = row;
	grow.at = &grow.g->root;
	add_weight(grow.at, row);
	return chain_each(grow.names, row, descend, &grow);
}

static int compare(const struct graph_node *a, const struct graph_node *b)
{
	int r = strcmp(a->frame.site.function, b->frame.site.function);

	if (!r)
		r = strcmp(a->frame.site.file, b->frame.site.file);
	if (!r)
		r = (a->frame.site.line > b->frame.site.line) -
		    (a->frame.site.line < b->frame.site.line);
	return r ? r : (int)a->frame.kind - (int)b->frame.kind;
}

/* Merges two sorted lists of siblings. */
static struct graph_node *merge(struct graph_node *a, struct graph_node *b)
{
	struct graph_node *head, **end = &head;

	while (a && b) {
		struct graph_node **from = compare(a, b) <= 0 ? &a : &b;

		*end = *from;
		end = &(*from)->next;
		*from = (*from)->next;
	}
	*end = a ? a : b;
	return head;
}

static struct graph_node *sort(struct graph_node *list)
{
	struct graph_node *slow = list, *fast = list ? list->next : NULL, *half;

	if (!fast)
		return list;
	while (fast && (fast = fast->next)) {
		slow = slow->next;
		fast = fast->next;
	}
	half = slow->next;
	slow->next = NULL;
	return merge(sort(list), sort(half));
}

int graph_new(struct aggregate *a, struct names *n, struct graph **ret)
{
	struct graph *g = calloc(1, sizeof(*g));
	struct growing grow = { .g = g, .names = n };
	struct node *node, *next;
	int r;

	if (!g)
		return -ENOMEM;
	g->root.frame = (struct chain_frame){ CHAIN_NOTE, { .function = "all", .file = "" } };
	r = aggregate_each_stack(a, add_stack, &grow);
	if (r) {
		graph_free(g);
		return r;
	}
	g->root.child = sort(g->root.child);
	HASH_ITER(hh, g->nodes, node, next)
		node->public.child = sort(node->public.child);
	*ret = g;
	return 0;
}

void graph_free(struct graph *g)
{
	struct node *n, *next_node;
	struct text *t, *next_text;

	if (!g)
		return;
	HASH_ITER(hh, g->nodes, n, next_node) {
		HASH_DEL(g->nodes, n);
		free(n);
	}
	HASH_ITER(hh, g->texts, t, next_text) {
		HASH_DEL(g->texts, t);
		free(t);
	}
	free(g);
}

const struct graph_node *graph_root(const struct graph *g)
{
	return &g->root;
}
