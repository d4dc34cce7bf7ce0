/* SPDX-License-Identifier: Apache-2.0 */
/* diff_rows.c: the finest rows added up by what the user asks for, compared, and put in order. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/diff_internal.h"

/* Order of keys that are one row by `by` is 0. */
static int compare_keys(const struct diff_key *a, const struct diff_key *b, enum diff_by by)
{
	int r = by == DIFF_BY_LEAF ? 0 : strcmp(a->creator, b->creator);

	if (!r && by != DIFF_BY_LEAF)
		r = strcmp(a->entry, b->entry);
	return r || by == DIFF_BY_CREATOR ? r : strcmp(a->leaf, b->leaf);
}

static int sort_keys(const void *x, const void *y, void *arg)
{
	return compare_keys(*(struct diff_key *const *)x, *(struct diff_key *const *)y,
			    *(const enum diff_by *)arg);
}

/* All keys, sorted; the caller's to free.  NULL: no memory. */
static const struct diff_key **sorted_keys(const struct diff *d, enum diff_by by)
{
	const struct diff_key **keys = calloc(HASH_COUNT(d->keys) + 1, sizeof(*keys));
	struct diff_key *k, *next;
	size_t n = 0;

	if (!keys)
		return NULL;
	HASH_ITER(hh, d->keys, k, next)
		keys[n++] = k;
	qsort_r(keys, n, sizeof(*keys), sort_keys, &by);
	return keys;
}

static void begin_row(struct diff_row *row, const struct diff_key *k, enum diff_by by)
{
	*row = (struct diff_row){
		.creator = by == DIFF_BY_LEAF ? NULL : k->creator,
		.entry = by == DIFF_BY_LEAF ? NULL : k->entry,
		.leaf = by == DIFF_BY_CREATOR ? NULL : k->leaf,
		.creator_file = k->creator_file,
		.leaf_file = k->leaf_file,
		.creator_line = k->creator_line,
		.leaf_line = k->leaf_line,
	};
}

/* The keys of one row, whose places are those of one that is there after, if any.  values:
 * WEIGHT_COUNT numbers for each capture. */
static void make_row(const struct diff *d, const struct diff_key **keys, size_t count,
		     enum diff_by by, enum diff_per per, double *values, struct diff_row *row)
{
	size_t told = 0;

	while (told + 1 < count && !keys[told]->there[DIFF_AFTER])
		told++;
	begin_row(row, keys[told], by);
	memset(values, 0, d->captures * WEIGHT_COUNT * sizeof(*values));
	for (size_t i = 0; i < count; i++) {
		row->there[DIFF_BEFORE] |= keys[i]->there[DIFF_BEFORE];
		row->there[DIFF_AFTER] |= keys[i]->there[DIFF_AFTER];
		for (enum weight w = 0; w < WEIGHT_COUNT; w++)
			diff_add_weights(d, keys[i], w, values + w * d->captures);
	}
	for (enum weight w = 0; w < WEIGHT_COUNT; w++)
		diff_divide(d, per, values + w * d->captures, &row->figure[w]);
}

static int compare_names(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : 0;
}

static int sort_rows(const void *x, const void *y, void *arg)
{
	const struct diff_row *a = x, *b = y;
	enum weight w = *(const enum weight *)arg;
	const struct diff_figure *f = &a->figure[w], *g = &b->figure[w];
	int r;

	if (f->significant != g->significant)
		return f->significant ? -1 : 1;
	if (fabs(f->change) != fabs(g->change))
		return fabs(f->change) > fabs(g->change) ? -1 : 1;
	if (f->after.median != g->after.median)
		return f->after.median > g->after.median ? -1 : 1;
	r = compare_names(a->creator, b->creator);
	if (!r)
		r = compare_names(a->entry, b->entry);
	return r ? r : compare_names(a->leaf, b->leaf);
}

static bool weighs(const struct diff_row *row, enum weight w)
{
	return row->figure[w].before.max > 0 || row->figure[w].after.max > 0;
}

/* The rows, and behind them the numbers that they point to, in one piece. */
int diff_rows(const struct diff *d, enum diff_by by, enum diff_per per, enum weight weight,
	      struct diff_row **ret, size_t *ret_count)
{
	const struct diff_key **keys = sorted_keys(d, by);
	size_t all = HASH_COUNT(d->keys), count = 0, numbers = d->captures * WEIGHT_COUNT;
	struct diff_row *rows;
	double *values;

	rows = calloc(all + 1, sizeof(*rows) + numbers * sizeof(double));
	if (!keys || !rows) {
		free(keys);
		free(rows);
		return -ENOMEM;
	}
	values = (double *)(rows + all + 1);
	for (size_t i = 0, k; i < all; i = k) {
		for (k = i + 1; k < all && !compare_keys(keys[i], keys[k], by);)
			k++;
		make_row(d, keys + i, k - i, by, per, values + count * numbers, &rows[count]);
		count += weighs(&rows[count], weight);
	}
	free(keys);
	qsort_r(rows, count, sizeof(*rows), sort_rows, &weight);
	*ret = rows;
	*ret_count = count;
	return 0;
}

void diff_rows_free(struct diff_row *rows)
{
	free(rows);
}
