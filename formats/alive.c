/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alive.c: coroutines that were still there at the end, by where they come from and what they wait
 * for.  In a program that has ended by itself these are its leaks.
 *
 * What a coroutine waits for is known from single parks, or from the record of one that is blocked
 * for long; it is forgotten when the coroutine runs again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate_internal.h"
#include "formats/names.h"
#include "formats/sites.h"
#include "formats/waits.h"

int alive_add(struct aggregate *a, const struct life *life)
{
	const struct left_key key = { .origin = life->origin,
				      .reason = life->waiting ? life->reason : 0,
				      .waiting = life->waiting };
	const struct totals *t = &a->totals;
	uint64_t end = t->exited && t->exit_ns < t->last_ns ? t->exit_ns : t->last_ns;
	uint64_t age = life->born && end > life->birth_ns ? end - life->birth_ns : 0;
	struct left *l;

	HASH_FIND(hh, a->left, &key, sizeof(key), l);
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->key = key;
		HASH_ADD(hh, a->left, key, sizeof(l->key), l);
		if (!map_added(l)) {
			free(l);
			return -ENOMEM;
		}
	}
	l->count++;
	sum_add(&l->stack_bytes, life->size);
	if (life->used) {
		l->measured++;
		sum_add(&l->measured_bytes, life->size);
		sum_add(&l->used_bytes, life->used < life->size ? life->used : life->size);
	}
	if (age > l->oldest_ns)
		l->oldest_ns = age;
	return 0;
}

void alive_free(struct aggregate *a)
{
	struct left *l, *next;

	HASH_ITER(hh, a->left, l, next) {
		HASH_DEL(a->left, l);
		free(l);
	}
}

static int compare(const void *x, const void *y)
{
	const struct alive_row *a = x, *b = y;
	int r = (b->count > a->count) - (b->count < a->count);

	if (!r)
		r = site_compare(&a->creator, &b->creator);
	if (!r)
		r = site_compare(&a->entry, &b->entry);
	return r ? r : strcmp(a->reason, b->reason);
}

int aggregate_alive(struct aggregate *a, struct names *n, struct alive_row **ret, size_t *ret_count)
{
	struct alive_row *rows = calloc(HASH_COUNT(a->left) + 1, sizeof(*rows));
	struct left *l, *next;
	size_t count = 0;

	if (!rows)
		return -ENOMEM;
	HASH_ITER(hh, a->left, l, next) {
		const struct origin_key *o = &l->key.origin->key;
		uint32_t pid = (uint32_t)o->pid;
		struct alive_row *row = &rows[count++];

		*row = (struct alive_row){
			.entry = site_entry(n, pid, o->entry_pc),
			.reason = l->key.waiting ? waits_reason(a->waits, pid, l->key.reason) : "",
			.count = l->count,
			.stack_bytes = l->stack_bytes,
			.measured = l->measured,
			.measured_bytes = l->measured_bytes,
			.used_bytes = l->used_bytes,
			.oldest_ns = l->oldest_ns,
		};
		site_creator(n, pid, o->creator_pc, o->entry_pc, &row->creator);
	}
	qsort(rows, count, sizeof(*rows), compare);
	*ret = rows;
	*ret_count = count;
	return 0;
}
