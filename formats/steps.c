/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c: growths and shrinks by (origin, call stack, from, to), and the interned call stacks.
 *
 * A step names its stack by number only: the stack's own record may come later, or be lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate_internal.h"

#define SLAB_STEPS 63

struct step_slab {
	_Alignas(CACHE_LINE) struct step step[SLAB_STEPS];
	struct step_slab *next;
	unsigned used;
};

int stacks_add(struct aggregate *a, const struct ev_stack *ev)
{
	struct stack *s;

	if (!ev->stack_id || stack_find(a, ev->stack_id))
		return 0;
	s = malloc(sizeof(*s) + ev->depth * sizeof(s->pc[0]));
	if (!s)
		return -ENOMEM;
	*s = (struct stack){
		.id = ev->stack_id, .pid = ev->h.pid, .depth = ev->depth, .flags = ev->flags
	};
	memcpy(s->pc, ev->pc, ev->depth * sizeof(s->pc[0]));
	HASH_ADD(hh, a->stacks, id, sizeof(s->id), s);
	if (!map_added(s)) {
		free(s);
		return -ENOMEM;
	}
	return 0;
}

const struct stack *stack_find(const struct aggregate *a, uint64_t id)
{
	struct stack *s;

	HASH_FIND(hh, a->stacks, &id, sizeof(id), s);
	return s;
}

/* Steps stand close together: looking one up for each growth costs pages, too. */
static struct step *take_unused(struct steps *l)
{
	if (!l->slabs || l->slabs->used == SLAB_STEPS) {
		struct step_slab *s = aligned_alloc(CACHE_LINE, sizeof(*s));

		if (!s)
			return NULL;
		s->used = 0;
		s->next = l->slabs;
		l->slabs = s;
	}
	return &l->slabs->step[l->slabs->used++];
}

static struct step *make_step(struct steps *l, const struct step_key *key, size_t hash)
{
	struct step *s = take_unused(l);

	if (!s)
		return NULL;
	*s = (struct step){ .key = *key };
	if (!table_add(&l->map, hash, s))
		return s;
	l->slabs->used--;
	return NULL;
}

int steps_add(struct aggregate *a, const struct origin *o, const struct ev_copystack *ev,
	      struct step **ret)
{
	const struct step_key key = { o, ev->stack_id, ev->old_size, ev->new_size };
	size_t hash = map_hash(&key, sizeof(key));
	struct step *s = table_find(&a->steps.map, hash, &key, sizeof(key));

	if (!s)
		s = make_step(&a->steps, &key, hash);
	if (!s)
		return -ENOMEM;
	s->count++;
	sum_add(&s->bytes_copied, ev->used);
	sum_add(&s->ns, ev->duration_ns);
	*ret = s;
	return 0;
}

void steps_free(struct aggregate *a)
{
	struct step_slab *s, *next_slab;
	struct stack *k, *next_stack;

	table_release(&a->steps.map);
	for (s = a->steps.slabs; s; s = next_slab) {
		next_slab = s->next;
		free(s);
	}
	HASH_ITER(hh, a->stacks, k, next_stack) {
		HASH_DEL(a->stacks, k);
		free(k);
	}
}

struct step **steps_array(const struct aggregate *a, size_t *ret_count)
{
	size_t count = a->steps.map.count, n = 0;
	struct step **steps;

	*ret_count = count;
	steps = count ? calloc(count, sizeof(struct step *)) : NULL;
	if (!steps)
		return NULL;
	for (struct step_slab *s = a->steps.slabs; s; s = s->next)
		for (unsigned i = 0; i < s->used; i++)
			steps[n++] = &s->step[i];
	return steps;
}

int aggregate_stack(const struct aggregate *a, uint64_t stack_id, const uint64_t **ret_pc,
		    uint32_t *ret_depth, uint32_t *ret_flags)
{
	const struct stack *s = stack_find(a, stack_id);

	if (!s)
		return -ENOENT;
	*ret_pc = s->pc;
	*ret_depth = s->depth;
	*ret_flags = s->flags;
	return 0;
}

/* Steps that differ only in their sizes become neighbours. */
static int compare_stacks(const void *x, const void *y)
{
	const struct step_key *a = &(*(struct step *const *)x)->key;
	const struct step_key *b = &(*(struct step *const *)y)->key;

	if (a->origin != b->origin)
		return memcmp(&a->origin->key, &b->origin->key, sizeof(a->origin->key));
	return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static void describe_stack(const struct aggregate *a, const struct step_key *key,
			   struct stack_row *row)
{
	const struct stack *s = stack_find(a, key->stack_id);

	*row = (struct stack_row){
		.pid = (uint32_t)key->origin->key.pid,
		.creator_pc = key->origin->key.creator_pc,
		.entry_pc = key->origin->key.entry_pc,
	};
	if (s) {
		row->pc = s->pc;
		row->depth = s->depth;
		row->flags = s->flags;
	}
}

static void add_step(struct stack_row *row, const struct step *s)
{
	sum_add(&row->count, s->count);
	sum_add(&row->bytes_copied, s->bytes_copied);
	sum_add(&row->ns, s->ns);
	sum_add(&row->waste, s->waste);
}

/* What coroutines waste that never grew, by origin. */
static int each_idle(struct aggregate *a, stack_row_fn *fn, void *arg)
{
	struct origin *o, *next;
	int r = 0;

	HASH_ITER(hh, a->origins, o, next) {
		const struct stack_row row = { .pid = (uint32_t)o->key.pid,
					       .creator_pc = o->key.creator_pc,
					       .entry_pc = o->key.entry_pc,
					       .waste = o->idle_waste,
					       .never_grew = true };

		if (!r && row.waste)
			r = fn(arg, &row);
	}
	return r;
}

int aggregate_each_stack(struct aggregate *a, stack_row_fn *fn, void *arg)
{
	size_t count, i = 0;
	struct step **steps = steps_array(a, &count);
	int r = 0;

	if (!steps && count)
		return -ENOMEM;
	if (count)
		qsort(steps, count, sizeof(struct step *), compare_stacks);
	while (i < count && !r) {
		const struct step *first = steps[i];
		struct stack_row row;

		describe_stack(a, &first->key, &row);
		for (; i < count && !compare_stacks(&first, &steps[i]); i++)
			if (steps[i]->key.to > steps[i]->key.from)
				add_step(&row, steps[i]);
		if (row.count)
			r = fn(arg, &row);
	}
	free(steps);
	return r ? r : each_idle(a, fn, arg);
}

/* As compare_stacks, and then by the sizes. */
static int compare_steps(const void *x, const void *y)
{
	const struct step_key *a = &(*(struct step *const *)x)->key;
	const struct step_key *b = &(*(struct step *const *)y)->key;
	int r = compare_stacks(x, y);

	if (!r)
		r = (a->from > b->from) - (a->from < b->from);
	return r ? r : (a->to > b->to) - (a->to < b->to);
}

int aggregate_each_step(struct aggregate *a, stack_row_fn *fn, void *arg)
{
	size_t count;
	struct step **steps = steps_array(a, &count);
	int r = 0;

	if (!steps && count)
		return -ENOMEM;
	if (count)
		qsort(steps, count, sizeof(struct step *), compare_steps);
	for (size_t i = 0; i < count && !r; i++) {
		struct stack_row row;

		describe_stack(a, &steps[i]->key, &row);
		row.from = steps[i]->key.from;
		row.to = steps[i]->key.to;
		add_step(&row, steps[i]);
		r = fn(arg, &row);
	}
	free(steps);
	return r ? r : each_idle(a, fn, arg);
}

uint64_t stack_row_weight(const struct stack_row *row, enum weight w)
{
	switch (w) {
	case WEIGHT_BYTES:
		return row->bytes_copied;
	case WEIGHT_NS:
		return row->ns;
	case WEIGHT_WASTE:
		return row->waste;
	default:
		return row->count;
	}
}

const char *weight_name(enum weight w)
{
	static const char *const names[WEIGHT_COUNT] = { "growths", "bytes", "time", "waste" };

	return names[w < WEIGHT_COUNT ? w : 0];
}

const char *weight_unit(enum weight w)
{
	static const char *const units[WEIGHT_COUNT] = { "", "bytes", "ns", "bytes" };

	return units[w < WEIGHT_COUNT ? w : 0];
}
