/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"

/* Frames are the same if their texts are: several addresses can have one name. */
struct text {
	uint64_t number;
	UT_hash_handle hh;
	char key[];
};

struct node_key {
	struct graph_node *parent;
	uint64_t text;
};

/* The numbers of texts that were asked for before, without making the text: names are interned. */
struct alias {
	struct alias_key {
		const char *function, *file;
		uint64_t place;
	} key;
	uint64_t number;
	struct alias *next;
};

struct node {
	struct node_key key;
	struct graph_node public;
};

#define SLAB_NODES 128

struct node_slab {
	struct node_slab *next;
	unsigned used;
	struct node node[SLAB_NODES];
};

struct graph {
	struct graph_node root;
	struct text *texts;
	struct table aliases, nodes;
	struct alias *alias;
	struct node_slab *slabs;
};

struct growing {
	struct graph *g;
	struct names *names;
	const struct stack_row *row;
	struct graph_node *at;
};

/* 0: no memory. */
static uint64_t make_text(struct graph *g, const struct chain_frame *f)
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

/* 0: no memory. */
static uint64_t text_number(struct graph *g, const struct chain_frame *f)
{
	bool creator = f->kind == CHAIN_CREATOR; /* only of these the place tells them apart */
	const struct alias_key key = { f->site.function, creator ? f->site.file : NULL,
				       (uint64_t)f->kind << 32 | (creator ? f->site.line : 0) };
	size_t hash = map_hash(&key, sizeof(key));
	struct alias *a = table_find(&g->aliases, hash, &key, sizeof(key));

	if (a)
		return a->number;
	a = malloc(sizeof(*a));
	if (!a)
		return 0;
	*a = (struct alias){ .key = key, .number = make_text(g, f), .next = g->alias };
	if (!a->number || table_add(&g->aliases, hash, a)) {
		free(a);
		return 0;
	}
	g->alias = a;
	return a->number;
}

/* NULL: no memory. */
static struct node *new_node(struct graph *g)
{
	if (!g->slabs || g->slabs->used == SLAB_NODES) {
		struct node_slab *s = malloc(sizeof(*s));

		if (!s)
			return NULL;
		s->next = g->slabs;
		s->used = 0;
		g->slabs = s;
	}
	return &g->slabs->node[g->slabs->used++];
}

static struct node *make_node(struct graph *g, const struct node_key *key, size_t hash,
			      const struct chain_frame *f)
{
	struct node *n = new_node(g);

	if (!n)
		return NULL;
	*n = (struct node){ .key = *key,
			    .public = { .frame = *f, .depth = key->parent->depth + 1 } };
	if (table_add(&g->nodes, hash, n)) {
		g->slabs->used--;
		return NULL;
	}
	n->public.next = key->parent->child;
	key->parent->child = &n->public;
	return n;
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
	size_t hash = map_hash(&key, sizeof(key));
	struct node *n;

	if (!key.text)
		return -ENOMEM;
	n = table_find(&grow->g->nodes, hash, &key, sizeof(key));
	if (!n)
		n = make_node(grow->g, &key, hash, f);
	if (!n)
		return -ENOMEM;
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
	for (struct node_slab *s = g->slabs; s; s = s->next)
		for (unsigned i = 0; i < s->used; i++)
			s->node[i].public.child = sort(s->node[i].public.child);
	*ret = g;
	return 0;
}

void graph_free(struct graph *g)
{
	struct node_slab *s, *next_slab;
	struct alias *a, *next_alias;
	struct text *t, *next_text;

	if (!g)
		return;
	table_release(&g->nodes);
	table_release(&g->aliases);
	for (s = g->slabs; s; s = next_slab) {
		next_slab = s->next;
		free(s);
	}
	for (a = g->alias; a; a = next_alias) {
		next_alias = a->next;
		free(a);
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
