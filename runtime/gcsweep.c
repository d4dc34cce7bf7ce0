/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcsweep.c: what was not marked is free.
 *
 * A sweep does not touch the objects: the marks of a span become its allocation bits.  A span of
 * which nothing is left goes back to the page heap, one with room to the central list of its size.
 * So it is short beside the marking, and part of the pause: Go, which sweeps while the program
 * runs, needs a generation in every span and work of everybody who allocates.
 */
#include <string.h>

#include "runtime/gc.h"
#include "runtime/lock.h"

#define POISON 0xfc

static struct lock cursor_lock;
static struct chunk *chunk, *huge;

void sweep_begin(void)
{
	struct worker *w;
	unsigned i;

	chunk = mheap_chunks();
	huge = mheap_huge();
	hcentral_drop_all();
	for (i = 0; (w = team_worker(i)); i++) {
		w->live_bytes = w->live_objects = w->spans_freed = 0;
		memset(w->first, 0, sizeof(w->first));
	}
}

static void poison(const struct span *s, unsigned group, uint64_t bits)
{
	uint64_t base = span_base(s) + group * GROUP * s->o.size;

	for (; bits; bits &= bits - 1)
		memset((void *)(base + (unsigned)__builtin_ctzll(bits) * s->o.size), POISON,
		       s->o.size);
}

static void keep(struct worker *w, struct span *s)
{
	unsigned c = s->o.class * SCANS + s->o.scan;

	s->next = w->first[c];
	if (!s->next)
		w->last[c] = s;
	w->first[c] = s;
}

static void sweep(struct worker *w, struct span *s)
{
	unsigned groups = span_groups(s), i;
	uint64_t left = 0;

	for (i = 0; i < groups; i++) {
		struct group *g = &s->o.group[i];

		if (unlikely(settings.poison))
			poison(s, i, g->alloc & ~g->mark);
		s->o.dirty |= g->alloc != g->mark;
		g->alloc = g->mark;
		g->mark = 0;
		left += (uint64_t)__builtin_popcountll(g->alloc);
	}
	if (!left) {
		w->spans_freed++;
		span_free(s);
		return;
	}
	w->live_objects += left;
	w->live_bytes += left * s->o.size;
	if (left < s->o.count)
		keep(w, s);
}

static void sweep_chunk(struct worker *w, struct chunk *c)
{
	unsigned i;

	for (i = 1; i < CHUNK_SLOTS; i++)
		if (c->span[i].kind == SPAN_OBJECTS)
			sweep(w, &c->span[i]);
}

void sweep_work(struct worker *w)
{
	unsigned i;

	for (;;) {
		struct chunk *c, *h = NULL;

		lock(&cursor_lock);
		c = chunk;
		if (c)
			chunk = c->next;
		else if ((h = huge))
			huge = h->next;
		unlock(&cursor_lock);
		if (c)
			sweep_chunk(w, c);
		else if (h)
			sweep(w, &h->span[1]);
		else
			break;
	}
	for (i = 0; i < SPAN_CLASSES; i++)
		if (w->first[i])
			hcentral_give(i, w->first[i], w->last[i]);
}
