/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.c: what the tables show, merged by name.
 *
 * One go statement can stand at several addresses (inlined copies, several processes); users know
 * it by function, file and line.  Rows are made one for each address key, sorted by name, and
 * neighbours of one name are added up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate_internal.h"
#include "formats/names.h"
#include "formats/sites.h"

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Adds equal neighbours up; returns the new count. */
static size_t merge(void *rows, size_t count, size_t size,
		    int (*compare)(const void *, const void *),
		    void (*add)(void *to, const void *from))
{
	char *base = rows;
	size_t kept = 0;

	if (count)
		qsort(rows, count, size, compare);
	for (size_t i = 0; i < count; i++) {
		const char *row = base + i * size;

		if (kept && !compare(base + (kept - 1) * size, row))
			add(base + (kept - 1) * size, row);
		else
			memmove(base + kept++ * size, row, size);
	}
	return kept;
}

/* --- growth -------------------------------------------------------------------------------- */

static int compare_growth_keys(const void *x, const void *y)
{
	const struct growth_row *a = x, *b = y;
	int r = site_compare(&a->creator, &b->creator);

	if (!r)
		r = site_compare(&a->entry, &b->entry);
	if (!r)
		r = site_compare(&a->leaf, &b->leaf);
	if (!r)
		r = compare_u64(a->from, b->from);
	return r ? r : compare_u64(a->to, b->to);
}

static void add_growth(void *to, const void *from)
{
	struct growth_row *a = to;
	const struct growth_row *b = from;

	sum_add(&a->count, b->count);
	sum_add(&a->bytes_copied, b->bytes_copied);
	sum_add(&a->ns, b->ns);
}

static int compare_growth_rank(const void *x, const void *y)
{
	const struct growth_row *a = x, *b = y;
	int r = compare_u64(b->ns, a->ns);

	if (!r)
		r = compare_u64(b->count, a->count);
	return r ? r : compare_growth_keys(a, b);
}

static struct growth_row growth_row(const struct aggregate *a, struct names *n,
				    const struct step *s)
{
	const struct origin_key *o = &s->key.origin->key;
	const struct stack *stack = stack_find(a, s->key.stack_id);
	uint32_t pid = (uint32_t)o->pid;
	struct growth_row row = {
		.entry = site_entry(n, pid, o->entry_pc),
		.leaf = site_leaf(n, pid, stack ? stack->pc : NULL, stack ? stack->depth : 0),
		.from = s->key.from,
		.to = s->key.to,
		.count = s->count,
		.bytes_copied = s->bytes_copied,
		.ns = s->ns,
	};

	site_creator(n, pid, o->creator_pc, o->entry_pc, &row.creator);
	return row;
}

int aggregate_growth(struct aggregate *a, struct names *n, struct growth_row **ret,
		     size_t *ret_count)
{
	size_t count;
	struct step **steps = steps_array(a, &count);
	struct growth_row *rows = calloc(count ? count : 1, sizeof(*rows));

	if ((count && !steps) || !rows) {
		free(steps);
		free(rows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		rows[i] = growth_row(a, n, steps[i]);
	free(steps);
	count = merge(rows, count, sizeof(*rows), compare_growth_keys, add_growth);
	if (count)
		qsort(rows, count, sizeof(*rows), compare_growth_rank);
	*ret = rows;
	*ret_count = count;
	return 0;
}

/* --- creators ------------------------------------------------------------------------------ */

static int compare_creator_keys(const void *x, const void *y)
{
	const struct creator_row *a = x, *b = y;
	int r = site_compare(&a->creator, &b->creator);

	return r ? r : site_compare(&a->entry, &b->entry);
}

/* The peaks may not have been at one time: their sum is the most it can have been. */
static void add_creator(void *to, const void *from)
{
	struct creator_row *a = to;
	const struct creator_row *b = from;

	sum_add(&a->coroutines, b->coroutines);
	sum_add(&a->short_lived, b->short_lived);
	sum_add(&a->born, b->born);
	sum_add(&a->ended, b->ended);
	sum_add(&a->alive, b->alive);
	sum_add(&a->measured, b->measured);
	sum_add(&a->allocated_bytes, b->allocated_bytes);
	sum_add(&a->used_bytes, b->used_bytes);
	sum_add(&a->growths, b->growths);
	sum_add(&a->shrinks, b->shrinks);
	sum_add(&a->bytes_copied, b->bytes_copied);
	sum_add(&a->ns, b->ns);
	sum_add(&a->peak_alive, b->peak_alive);
	sum_add(&a->lived, b->lived);
	sum_add(&a->life_ns, b->life_ns);
	sum_add(&a->grew, b->grew);
	sum_add(&a->idle_waste, b->idle_waste);
	if (b->max_life_ns > a->max_life_ns)
		a->max_life_ns = b->max_life_ns;
	if (b->most_used > a->most_used)
		a->most_used = b->most_used;
	for (unsigned i = 0; i < 64; i++) {
		sum_add(&a->final_size[i], b->final_size[i]);
		sum_add(&a->end_size[i], b->end_size[i]);
		sum_add(&a->lifetime[i], b->lifetime[i]);
		sum_add(&a->first_size[i], b->first_size[i]);
		sum_add(&a->need_size[i], b->need_size[i]);
	}
}

static int compare_creator_rank(const void *x, const void *y)
{
	const struct creator_row *a = x, *b = y;
	int r = compare_u64(b->ns, a->ns);

	if (!r)
		r = compare_u64(b->growths, a->growths);
	if (!r)
		r = compare_u64(b->coroutines, a->coroutines);
	return r ? r : compare_creator_keys(a, b);
}

static struct creator_row creator_row(struct names *n, const struct origin *o)
{
	uint32_t pid = (uint32_t)o->key.pid;
	struct creator_row row = {
		.entry = site_entry(n, pid, o->key.entry_pc),
		.coroutines = o->coroutines,
		.short_lived = o->short_lived,
		.born = o->born,
		.ended = o->ended,
		.alive = o->alive,
		.measured = o->measured,
		.allocated_bytes = o->allocated_bytes,
		.used_bytes = o->used_bytes,
		.growths = o->growths,
		.shrinks = o->shrinks,
		.bytes_copied = o->bytes_copied,
		.ns = o->ns,
		.peak_alive = o->peak_alive,
		.lived = o->lived,
		.life_ns = o->life_ns,
		.max_life_ns = o->max_life_ns,
		.grew = o->grew,
		.most_used = o->most_used,
		.idle_waste = o->idle_waste,
	};

	site_creator(n, pid, o->key.creator_pc, o->key.entry_pc, &row.creator);
	memcpy(row.final_size, o->final_size, sizeof(row.final_size));
	memcpy(row.end_size, o->end_size, sizeof(row.end_size));
	memcpy(row.lifetime, o->lifetime, sizeof(row.lifetime));
	memcpy(row.first_size, o->first_size, sizeof(row.first_size));
	memcpy(row.need_size, o->need_size, sizeof(row.need_size));
	return row;
}

int aggregate_creators(struct aggregate *a, struct names *n, struct creator_row **ret,
		       size_t *ret_count)
{
	size_t count = 0;
	struct creator_row *rows = calloc(HASH_COUNT(a->origins) + 1, sizeof(*rows));
	struct origin *o, *next;

	if (!rows)
		return -ENOMEM;
	HASH_ITER(hh, a->origins, o, next) {
		/* one whose coroutines all turned out to come from elsewhere is no row */
		if (o->coroutines || o->growths || o->bytes_copied || o->ns)
			rows[count++] = creator_row(n, o);
	}
	count = merge(rows, count, sizeof(*rows), compare_creator_keys, add_creator);
	if (count)
		qsort(rows, count, sizeof(*rows), compare_creator_rank);
	*ret = rows;
	*ret_count = count;
	return 0;
}
