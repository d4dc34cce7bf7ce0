/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c: who calls what grows: call chains as a tree from the go statements down.
 *
 *	100.0 %  10,003  all growths
 *	 99.9 %  10,000  go main.main deep.go:7
 *	 99.9 %  10,000    main.main.func1 deep.go:8
 *	 60.2 %   6,024      main.deep deep.go:5 (x12)
 *
 * What weighs less than the limit is summed up in one line, so that the percentages of a node's
 * lines add up to its own, less what grew in the node itself.  Direct recursion is one node: the
 * number behind it says how deep it was at most.  A chain without branches goes down without
 * indentation, for chains are long and terminals narrow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/chain.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/sites.h"
#include "formats/table.h"

#define MAX_DEPTH 400 /* deeper chains end there */

struct node {
	struct node *child, *next;
	struct chain_frame frame;
	uint64_t weight, own;
	unsigned repeats; /* direct recursion: the most frames in a row */
};

struct growing {
	struct node *at;
	unsigned repeats, depth;
	uint64_t weight;
};

struct printing {
	const struct render_context *c;
	uint64_t all, least;
	int error;
};

static void free_nodes(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		free_nodes(n->child);
		free(n);
		n = next;
	}
}

static bool same(const struct chain_frame *a, const struct chain_frame *b)
{
	return a->kind == b->kind && !strcmp(a->site.function, b->site.function) &&
	       (a->kind != CHAIN_CREATOR || !site_compare(&a->site, &b->site));
}

static int descend(void *arg, const struct chain_frame *f)
{
	struct growing *g = arg;
	struct node *n;

	if (g->depth && same(&g->at->frame, f)) {
		if (++g->repeats > g->at->repeats)
			g->at->repeats = g->repeats;
		return 0;
	}
	if (g->depth++ == MAX_DEPTH)
		return 1;
	for (n = g->at->child; n && !same(&n->frame, f); n = n->next)
		;
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->frame = *f;
		n->next = g->at->child;
		g->at->child = n;
	}
	n->weight += g->weight;
	g->repeats = 0;
	g->at = n;
	return 0;
}

struct building {
	const struct render_context *c;
	struct node root;
};

static int add_stack(void *arg, const struct stack_row *row)
{
	struct building *b = arg;
	struct growing g = { .at = &b->root, .weight = stack_row_weight(row, b->c->weight) };
	int r;

	if (!g.weight)
		return 0;
	r = chain_each(b->c->names, row, descend, &g);
	if (r < 0)
		return r;
	b->root.weight += g.weight;
	g.at->own += g.weight;
	return 0;
}

static int compare_nodes(const void *x, const void *y)
{
	const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	if (a->frame.kind != b->frame.kind)
		return (int)a->frame.kind - (int)b->frame.kind;
	return site_compare(&a->frame.site, &b->frame.site);
}

/* Children, heaviest first, as an array; NULL: no memory. */
static struct node **sorted(const struct node *n, size_t *ret_count)
{
	size_t count = 0;
	struct node **v;

	for (const struct node *k = n->child; k; k = k->next)
		count++;
	v = calloc(count + 1, sizeof(struct node *));
	if (!v)
		return NULL;
	*ret_count = 0;
	for (struct node *k = n->child; k; k = k->next)
		v[(*ret_count)++] = k;
	qsort(v, count, sizeof(struct node *), compare_nodes);
	return v;
}

static struct human weight_text(const struct render_context *c, uint64_t weight)
{
	switch (c->weight) {
	case WEIGHT_NS:
		return human_time(weight, c->utf8);
	case WEIGHT_BYTES:
	case WEIGHT_WASTE:
		return human_size(weight);
	default:
		return human_count(weight);
	}
}

static void put_line(struct printing *p, uint64_t weight, unsigned indent, const char *before,
		     const char *text, const char *behind)
{
	fprintf(p->c->out, "%8s  %9s  %*s%s%s%s\n", human_share((double)weight, (double)p->all).s,
		weight_text(p->c, weight).s, (int)(2 * indent), "", before, text, behind);
}

static void put_node(struct printing *p, const struct node *n, unsigned indent)
{
	char behind[32] = "", *label = label_site(&n->frame.site, p->c->utf8);
	unsigned taken = 21 + 2 * indent + (n->frame.kind == CHAIN_CREATOR ? 3 : 0);

	if (n->repeats)
		snprintf(behind, sizeof(behind), " (x%u)", n->repeats + 1);
	taken += (unsigned)strlen(behind);
	if (p->c->width)
		label = label_fit(label, p->c->width > taken + 16 ? p->c->width - taken : 16,
				  p->c->utf8);
	if (!label) {
		p->error = -ENOMEM;
		return;
	}
	put_line(p, n->weight, indent, n->frame.kind == CHAIN_CREATOR ? "go " : "", label, behind);
	free(label);
}

static void put_children(struct printing *p, const struct node *n, unsigned indent)
{
	size_t count, shown = 0;
	struct node **v = sorted(n, &count);
	uint64_t rest = 0;
	bool branches;

	if (!v) {
		p->error = -ENOMEM;
		return;
	}
	branches = count > 1 || n->own || n->frame.kind == CHAIN_CREATOR;
	for (size_t i = 0; i < count && !p->error; i++) {
		if (v[i]->weight < p->least || (p->c->top && shown == p->c->top)) {
			rest += v[i]->weight;
			continue;
		}
		shown++;
		put_node(p, v[i], indent + branches);
		put_children(p, v[i], indent + branches);
	}
	if (rest) {
		char text[64];

		snprintf(text, sizeof(text), "%s%s more", p->c->utf8 ? "… " : "... ",
			 human_count(count - shown).s);
		put_line(p, rest, indent + branches, "", text, "");
	}
	free(v);
}

static int tree_end(void *state, const struct render_context *c)
{
	static const char *const all[WEIGHT_COUNT] = {
		"all growths",
		"all bytes copied by growths",
		"all time of growths",
		"all waste seen",
	};
	struct building b = { .c = c };
	struct printing p = { .c = c };
	int r = aggregate_each_stack(c->aggregate, add_stack, &b);

	(void)state;
	if (!r)
		r = table_head(c);
	if (!r) {
		fputc('\n', c->out);
		p.all = b.root.weight ? b.root.weight : 1;
		p.least = (uint64_t)((double)p.all * c->min_percent / 100);
		put_line(&p, b.root.weight, 0, "", all[c->weight], "");
		put_children(&p, &b.root, 0);
		r = p.error;
	}
	free_nodes(b.root.child);
	return r ? r : table_missing(c);
}

const struct format format_tree = {
	.name = "tree",
	.summary = "call chains that grew stacks, as a tree with percentages",
	.end = tree_end,
};
