/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_graph.c: all call chains with all weights, for the flame graph of the page.
 *
 * Frames stand in the order of a walk that visits a frame before what it calls, so that depths say
 * what is whose child; figures of one kind stand together, which is shorter and quicker to parse.
 * The page has a bounded number of frames: those with the largest share of any weight, and of
 * equals those next to the root.  No frame can have more than what it stands on, so what is left is
 * still one tree.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "formats/chain.h"
#include "formats/graph.h"
#include "formats/html_data.h"
#include "formats/json_parts.h"
#include "formats/render.h"

struct item {
	const struct graph_node *node;
	double share; /* of the weight that it has most of */
	bool shown;
};

struct label {
	json_int_t number;
	UT_hash_handle hh;
	char text[];
};

struct drawing {
	const struct graph_node *root;
	struct item *item;
	size_t count;
	struct label *labels;
	json_t *texts, *kinds, *label, *depth, *weights;
	size_t shown;
	double largest_left_out;
};

static size_t count_nodes(const struct graph_node *n)
{
	size_t count = 1;

	for (const struct graph_node *k = n->child; k; k = k->next)
		count += count_nodes(k);
	return count;
}

static double best_share(const struct graph_node *root, const struct graph_node *n)
{
	double best = 0;

	for (enum weight w = 0; w < WEIGHT_COUNT; w++) {
		double all = (double)root->weight[w], share = all ? (double)n->weight[w] / all : 0;

		best = share > best ? share : best;
	}
	return best;
}

static void fill_items(struct drawing *d, const struct graph_node *n)
{
	d->item[d->count++] = (struct item){ .node = n, .share = best_share(d->root, n) };
	for (const struct graph_node *k = n->child; k; k = k->next)
		fill_items(d, k);
}

static int compare_items(const void *x, const void *y)
{
	const struct item *a = *(struct item *const *)x, *b = *(struct item *const *)y;

	if (a->share != b->share)
		return a->share < b->share ? 1 : -1;
	if (a->node->depth != b->node->depth)
		return a->node->depth > b->node->depth ? 1 : -1;
	return a > b ? 1 : -1; /* both are of one array, in order of the walk */
}

static int choose(struct drawing *d)
{
	struct item **order = calloc(d->count, sizeof(struct item *));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < d->count; i++)
		order[i] = &d->item[i];
	qsort(order, d->count, sizeof(struct item *), compare_items);
	d->shown = d->count < HTML_FRAMES ? d->count : HTML_FRAMES;
	for (size_t i = 0; i < d->shown; i++)
		order[i]->shown = true;
	if (d->shown < d->count)
		d->largest_left_out = order[d->shown]->share;
	free(order);
	return 0;
}

/* --- as JSON ------------------------------------------------------------------------------- */

static const char *kind_of(const struct graph_node *n)
{
	switch (n->frame.kind) {
	case CHAIN_CREATOR:
		return "go";
	case CHAIN_NOTE:
		return "note";
	default:
		return !strncmp(n->frame.site.function, "runtime.", 8) ? "runtime" : "function";
	}
}

/* Each text once; -1: no memory. */
static json_int_t number_of(struct drawing *d, const struct graph_node *n)
{
	char *text = chain_label(&n->frame);
	size_t len = text ? strlen(text) : 0;
	struct label *l = NULL;

	if (!text)
		return -1;
	HASH_FIND(hh, d->labels, text, len, l);
	if (!l && (l = malloc(sizeof(*l) + len + 1))) {
		l->number = (json_int_t)json_array_size(d->texts);
		memcpy(l->text, text, len + 1);
		HASH_ADD(hh, d->labels, text, len, l);
		if (!map_added(l) || json_array_append_new(d->texts, json_string(text)) ||
		    json_array_append_new(d->kinds, json_string(kind_of(n)))) {
			if (map_added(l))
				HASH_DEL(d->labels, l);
			free(l);
			l = NULL;
		}
	}
	free(text);
	return l ? l->number : -1;
}

static bool add_item(struct drawing *d, const struct item *item)
{
	json_int_t label = number_of(d, item->node);
	bool bad = label < 0 || json_array_append_new(d->label, json_integer(label)) ||
		   json_array_append_new(d->depth, json_integer(item->node->depth));

	for (enum weight w = 0; w < WEIGHT_COUNT && !bad; w++)
		bad = json_array_append_new(json_array_get(d->weights, w),
					    json_number(item->node->weight[w]));
	return !bad;
}

static bool make_weights(struct drawing *d)
{
	bool bad = !d->weights;

	for (enum weight w = 0; w < WEIGHT_COUNT && !bad; w++)
		bad = json_array_append_new(d->weights, json_array());
	return !bad;
}

static json_t *draw(struct drawing *d)
{
	bool bad = !make_weights(d) || choose(d);

	for (size_t i = 0; i < d->count && !bad; i++)
		bad = d->item[i].shown && !add_item(d, &d->item[i]);

	const struct json_member m[] = {
		{ "texts", d->texts },
		{ "kinds", d->kinds },
		{ "label", d->label },
		{ "depth", d->depth },
		{ "weight", d->weights },
		{ "left_out", json_number(d->count - d->shown) },
		{ "largest_left_out", json_real(d->largest_left_out) },
	};
	json_t *o = JSON_OBJECT(m);

	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

json_t *html_graph(const struct render_context *c)
{
	struct drawing d = { .texts = json_array(),
			     .kinds = json_array(),
			     .label = json_array(),
			     .depth = json_array(),
			     .weights = json_array() };
	struct label *l, *next;
	struct graph *g = NULL;
	json_t *r = NULL;

	if (!graph_new(c->aggregate, c->names, &g)) {
		d.root = graph_root(g);
		d.item = calloc(count_nodes(d.root), sizeof(*d.item));
	}
	if (d.item)
		fill_items(&d, d.root);
	if (d.item && d.texts && d.kinds && d.label && d.depth && d.weights) {
		r = draw(&d);
	} else {
		json_decref(d.texts);
		json_decref(d.kinds);
		json_decref(d.label);
		json_decref(d.depth);
		json_decref(d.weights);
	}
	HASH_ITER(hh, d.labels, l, next) {
		HASH_DEL(d.labels, l);
		free(l);
	}
	free(d.item);
	graph_free(g);
	return r;
}
