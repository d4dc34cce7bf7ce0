/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hcentral.c: spans of objects: the lists of those with room, which all Ps share, and how a span is
 * made and unmade.
 *
 * A span is in a P's cache, or listed here because some of its objects are free, or full and
 * nowhere: a sweep, which goes through the chunks, finds it there.
 */
#include <string.h>

#include "runtime/heap.h"
#include "runtime/lock.h"

static struct hcentral {
	struct lock lock;
	struct span *spans;
} __attribute__((aligned(64))) central[SPAN_CLASSES];

static size_t group_bytes(const struct span *s)
{
	return span_groups(s) * sizeof(struct group);
}

static size_t pointer_bytes(const struct span *s)
{
	return s->o.slots * SLOT / 64;
}

void span_free(struct span *s)
{
	if (s->o.group && s->o.group != &s->o.one)
		meta_free(s->o.group, group_bytes(s));
	if (s->o.pointers)
		meta_free(s->o.pointers, pointer_bytes(s));
	mheap_give_slots(s);
}

static struct span *new_span(unsigned span_class)
{
	unsigned class = span_class / SCANS;
	struct span *s = mheap_take_slots(class_slots[class]);
	struct objects *o;

	if (!s)
		return NULL;
	o = &s->o;
	o->class = (uint8_t) class;
	o->scan = span_class % SCANS;
	o->size = class_size[class];
	o->count = (uint32_t)(o->slots * SLOT / o->size);
	o->magic = ((1ull << 40) + o->size - 1) / o->size;
	o->group = meta_alloc(group_bytes(s));
	if (o->group && o->scan == SCAN_TYPED)
		o->pointers = meta_alloc(pointer_bytes(s));
	if (!o->group || (o->scan == SCAN_TYPED && !o->pointers)) {
		span_free(s);
		return NULL;
	}
	return s;
}

struct span *large_object(uint64_t size, enum scan scan, const struct co_type *type)
{
	struct span *s = mheap_take_slots((size + SLOT - 1) / SLOT);

	if (!s)
		return NULL;
	s->o.scan = (uint8_t)scan;
	s->o.type = type;
	s->o.size = (size + 7) & ~7ull;
	s->o.count = 1;
	s->o.group = &s->o.one;
	s->o.one.alloc = 1;
	return s;
}

struct span *hcentral_take(unsigned span_class)
{
	struct hcentral *m = &central[span_class];
	struct span *s;

	lock(&m->lock);
	s = m->spans;
	if (s)
		m->spans = s->next;
	unlock(&m->lock);
	return s ? s : new_span(span_class);
}

void hcentral_give(unsigned span_class, struct span *first, struct span *last)
{
	struct hcentral *m = &central[span_class];

	lock(&m->lock);
	last->next = m->spans;
	m->spans = first;
	unlock(&m->lock);
}

void hcentral_drop_all(void)
{
	unsigned i;

	for (i = 0; i < SPAN_CLASSES; i++)
		central[i].spans = NULL;
}
