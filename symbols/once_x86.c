/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search in the graph of a function's instructions.  An instruction is on every way to a return
 * if no return can be reached around it, and on no loop if it cannot be reached from itself; such
 * instructions follow one another in one order on every way, so "last" has a meaning.  The graph
 * may have ways too many (a callee that never returns and is not known for it), which only loses
 * candidates.
 */
#include "symbols/once_x86.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/insn_x86.h"

#define MAX_INSNS 8192
#define NOWHERE	  UINT32_MAX

struct node {
	uint64_t vaddr;
	uint64_t call;	/* callee, 0: no call */
	uint64_t jump;	/* where it may jump to, while the graph is made */
	uint32_t next;	/* by falling through, or NOWHERE */
	uint32_t other; /* by jumping, or NOWHERE */
	bool exits;
	bool cheap;
	bool nop5;
	bool seen;
};

struct graph {
	struct node *node;
	uint32_t count;
	uint32_t *todo;
};

static bool falls_through(const struct once_question *q, const struct insn_x86 *insn)
{
	switch (insn->kind) {
	case INSN_JMP:
	case INSN_JMP_INDIRECT:
	case INSN_RETURN:
		return false;
	case INSN_CALL:
		return q->returns(q->arg, insn->target);
	default:
		return !insn_is(insn, "ud2") && !insn_is(insn, "int3");
	}
}

static void add_node(const struct once_question *q, const struct insn_x86 *insn, struct graph *g)
{
	bool inside = insn->target >= q->vaddr && insn->target - q->vaddr < q->len;
	bool jumps = insn->kind == INSN_JMP || insn->kind == INSN_JCC;

	g->node[g->count] = (struct node){
		.vaddr = insn->vaddr,
		.call = insn->kind == INSN_CALL ? insn->target : 0,
		.jump = jumps && inside ? insn->target : 0,
		.next = falls_through(q, insn) ? g->count + 1 : NOWHERE,
		.other = NOWHERE,
		/* A jump out of the function is a return by another's hand. */
		.exits = insn->kind == INSN_RETURN || (jumps && !inside),
		.cheap = insn_is_emulated(insn),
		.nop5 = insn->kind == INSN_NOP5,
	};
	g->count++;
}

static uint32_t find(const struct graph *g, uint64_t vaddr)
{
	uint32_t lo = 0, hi = g->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->node[mid].vaddr == vaddr)
			return mid;
		if (g->node[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NOWHERE;
}

/* Jumps to the entry begin the function anew, behind a stack check: they lead nowhere. */
static int connect(struct graph *g)
{
	uint32_t i;

	for (i = 0; i < g->count; i++) {
		struct node *n = &g->node[i];

		if (n->next == g->count)
			n->next = NOWHERE;
		if (!n->jump || n->jump == g->node[0].vaddr)
			continue;
		n->other = find(g, n->jump);
		if (n->other == NOWHERE)
			return -ENOENT;
	}
	return 0;
}

static int make_graph(const struct once_question *q, struct insn_decoder *d, struct graph *g)
{
	struct insn_x86 insn;
	int rc;

	g->node = calloc(MAX_INSNS, sizeof(*g->node));
	g->todo = calloc(MAX_INSNS, sizeof(*g->todo));
	if (!g->node || !g->todo)
		return -ENOMEM;
	insn_decoder_set(d, q->code, q->len, q->vaddr);
	while ((rc = insn_decoder_next(d, &insn)) == 1) {
		if (g->count == MAX_INSNS)
			return -E2BIG;
		if (insn.kind == INSN_JMP_INDIRECT)
			return -ENOENT;
		add_node(q, &insn, g);
	}
	return rc || !g->count ? -ENOENT : connect(g);
}

static void visit(struct graph *g, uint32_t i, uint32_t avoid, uint32_t *waiting)
{
	if (i == NOWHERE || i == avoid || g->node[i].seen)
		return;
	g->node[i].seen = true;
	g->todo[(*waiting)++] = i;
}

/* Marks what can be reached behind `from` (and from itself only by a loop); true if an exit can. */
static bool reach(struct graph *g, uint32_t from, uint32_t avoid)
{
	uint32_t waiting = 0, i;
	bool exits = g->node[from].exits;

	for (i = 0; i < g->count; i++)
		g->node[i].seen = false;
	visit(g, g->node[from].next, avoid, &waiting);
	visit(g, g->node[from].other, avoid, &waiting);
	while (waiting) {
		const struct node *n = &g->node[g->todo[--waiting]];

		exits |= n->exits;
		visit(g, n->next, avoid, &waiting);
		visit(g, n->other, avoid, &waiting);
	}
	return exits;
}

static bool is_once(struct graph *g, uint32_t i)
{
	/* The entry itself is no candidate: nothing precedes it. */
	if (!g->node[i].cheap || !i || g->node[i].exits || reach(g, 0, i))
		return false;
	/* Code that is never reached avoids no return either: it must lead to one. */
	return reach(g, i, NOWHERE) && !g->node[i].seen;
}

/* Of two instructions on every way, the one behind the other; last may be none. */
static uint32_t later(struct graph *g, uint32_t last, uint32_t i)
{
	if (last == NOWHERE)
		return i;
	reach(g, last, NOWHERE);
	return g->node[i].seen ? i : last;
}

static int search(const struct once_question *q, struct graph *g, uint64_t *ret)
{
	uint32_t last = NOWHERE, i, landmark = NOWHERE;

	if (!reach(g, 0, NOWHERE))
		return -ENOENT;
	for (i = 0; i < g->count; i++)
		if (g->node[i].call == q->landmark && (!i || g->node[i].seen))
			landmark = i;
	if (landmark == NOWHERE)
		return -ENOENT;
	for (i = 1; i < g->count; i++)
		if (is_once(g, i))
			last = later(g, last, i);
	if (last == NOWHERE)
		return -ENOENT;
	reach(g, landmark, NOWHERE);
	if (!g->node[last].seen)
		return -ENOENT;
	*ret = g->node[last].vaddr;
	return 0;
}

/* The call of the landmark, if there is one and no other. */
static uint32_t find_landmark(const struct once_question *q, const struct graph *g)
{
	uint32_t found = NOWHERE, i;

	for (i = 0; i < g->count; i++) {
		if (g->node[i].call != q->landmark)
			continue;
		if (found != NOWHERE)
			return NOWHERE;
		found = i;
	}
	return found;
}

static bool is_ahead_of(struct graph *g, uint32_t i, uint32_t end)
{
	reach(g, 0, i);
	if (g->node[end].seen)
		return false;
	reach(g, i, NOWHERE);
	return g->node[end].seen && !g->node[i].seen;
}

static int search_nop(const struct once_question *q, struct graph *g, uint64_t *ret)
{
	uint32_t end = find_landmark(q, g), last = NOWHERE, i;

	if (end == NOWHERE)
		return -ENOENT;
	for (i = 1; i < g->count; i++)
		if (g->node[i].nop5 && is_ahead_of(g, i, end))
			last = later(g, last, i);
	if (last == NOWHERE)
		return -ENOENT;
	*ret = g->node[last].vaddr;
	return 0;
}

static int open_graph(const struct once_question *q, struct graph *g)
{
	struct insn_decoder *d;
	int rc = insn_decoder_new(&d);

	if (rc)
		return rc;
	rc = make_graph(q, d, g);
	insn_decoder_free(d);
	return rc;
}

static void close_graph(struct graph *g)
{
	free(g->node);
	free(g->todo);
}

int once_last(const struct once_question *q, uint64_t *ret)
{
	struct graph g = { .count = 0 };
	int rc = open_graph(q, &g);

	if (!rc)
		rc = search(q, &g, ret);
	close_graph(&g);
	return rc;
}

int once_nop_before(const struct once_question *q, uint64_t *ret)
{
	struct graph g = { .count = 0 };
	int rc = open_graph(q, &g);

	if (!rc)
		rc = search_nop(q, &g, ret);
	close_graph(&g);
	return rc;
}

int once_passes(const struct once_question *q, uint64_t at, uint64_t to)
{
	struct graph g = { .count = 0 };
	int rc = open_graph(q, &g);
	uint32_t i, j;

	if (!rc) {
		i = find(&g, at);
		j = find(&g, to);
		rc = -ENOENT;
		if (i != NOWHERE && j != NOWHERE) {
			reach(&g, 0, i);
			rc = !i || (j && !g.node[j].seen) ? 0 : -ENOENT;
		}
	}
	close_graph(&g);
	return rc;
}
