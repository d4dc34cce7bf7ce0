/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coroutines.c: single coroutines, of which only the best by one figure are kept, so that memory
 * does not grow with how many there were.
 *
 * A heap with the worst of those kept on top: a coroutine that is better takes its place.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate_internal.h"

void aggregate_keep_coroutines(struct aggregate *a, size_t most, coroutine_rank_fn *rank)
{
	a->kept.rank = rank;
	a->kept.most = most;
}

static void swap(struct coroutine_row *a, struct coroutine_row *b)
{
	const struct coroutine_row t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct kept *k, size_t i)
{
	for (; i; i = (i - 1) / 2) {
		if (k->rank(&k->row[i]) >= k->rank(&k->row[(i - 1) / 2]))
			return;
		swap(&k->row[i], &k->row[(i - 1) / 2]);
	}
}

static void sift_down(struct kept *k)
{
	for (size_t i = 0, worst = 0;; i = worst) {
		for (size_t child = 2 * i + 1; child < 2 * i + 3 && child < k->count; child++)
			if (k->rank(&k->row[child]) < k->rank(&k->row[worst]))
				worst = child;
		if (worst == i)
			return;
		swap(&k->row[i], &k->row[worst]);
	}
}

static int make_room(struct kept *k)
{
	size_t room = k->room ? 2 * k->room : 64;
	struct coroutine_row *p;

	if (k->count < k->room)
		return 0;
	p = reallocarray(k->row, room, sizeof(*p));
	if (!p)
		return -ENOMEM;
	k->row = p;
	k->room = room;
	return 0;
}

void coroutines_note(struct aggregate *a, const struct life *life)
{
	struct kept *k = &a->kept;
	const struct coroutine_row row = {
		.pid = life->key.pid,
		.goid = life->key.by_gp ? 0 : life->key.id,
		.gp = life->key.by_gp ? life->key.id : 0,
		.creator_pc = life->origin->key.creator_pc,
		.entry_pc = life->origin->key.entry_pc,
		.birth_ns = life->birth_ns,
		.end_ns = life->end_ns,
		.born = life->born,
		.ended = life->ended,
		.peak_size = life->peak_size,
		.size = life->size,
		.used = life->used < life->peak_size ? life->used : life->peak_size,
		.growths = life->growths,
		.shrinks = life->shrinks,
		.bytes_copied = life->bytes_copied,
		.ns = life->ns,
	};

	if (!k->rank)
		return;
	if (!k->most || k->count < k->most) {
		k->failed |= make_room(k) != 0;
		if (k->failed)
			return;
		k->row[k->count++] = row;
		sift_up(k, k->count - 1);
	} else if (k->rank(&row) > k->rank(&k->row[0])) {
		k->row[0] = row;
		sift_down(k);
	}
}

int aggregate_coroutines(const struct aggregate *a, const struct coroutine_row **ret,
			 size_t *ret_count)
{
	if (a->kept.failed)
		return -ENOMEM;
	*ret = a->kept.row;
	*ret_count = a->kept.count;
	return 0;
}
