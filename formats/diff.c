/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.c: the captures of both sides, and rows of their growths matched by name.
 *
 * A row has one number for each capture and weight, as recorded; figures are divided when somebody
 * asks, because rules may ask in another way than the table.  What is not in a capture is 0 there.
 */
#include "formats/diff.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "formats/diff_internal.h"
#include "formats/run_info.h"
#include "formats/sites.h"

int diff_new(const struct diff_spec *spec, struct diff **ret)
{
	struct diff *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->spec = *spec;
	d->captures = spec->captures[DIFF_BEFORE] + spec->captures[DIFF_AFTER];
	d->capture = calloc(d->captures + 1, sizeof(*d->capture));
	if (!d->capture) {
		free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

static void free_row(struct diff_key *k)
{
	free(k->text);
	free(k->creator_file);
	free(k->leaf_file);
	free(k);
}

void diff_free(struct diff *d)
{
	struct diff_key *k, *next;

	if (!d)
		return;
	HASH_ITER(hh, d->keys, k, next) {
		HASH_DEL(d->keys, k);
		free_row(k);
	}
	diff_stacks_free(d);
	for (size_t i = 0; i < d->captures; i++) {
		struct diff_capture *c = &d->capture[i];

		free(c->path);
		free(c->command);
		free(c->target);
		free(c->build_id);
		free(c->runtime);
		free(c->version);
	}
	free(d->capture);
	free(d);
}

const struct diff_spec *diff_spec_of(const struct diff *d)
{
	return &d->spec;
}

static size_t index_of(const struct diff *d, enum diff_side side, size_t i)
{
	return side == DIFF_AFTER ? d->spec.captures[DIFF_BEFORE] + i : i;
}

const struct diff_capture *diff_capture(const struct diff *d, enum diff_side side, size_t i)
{
	return &d->capture[index_of(d, side, i)];
}

/* --- one capture in ------------------------------------------------------------------------ */

/* Three names, each with its NUL.  NULL: no memory. */
static char *key_text(const char *creator, const char *entry, const char *leaf, size_t *ret_size)
{
	size_t c = strlen(creator) + 1, e = strlen(entry) + 1, l = strlen(leaf) + 1;
	char *text = malloc(c + e + l);

	if (!text)
		return NULL;
	memcpy(text, creator, c);
	memcpy(text + c, entry, e);
	memcpy(text + c + e, leaf, l);
	*ret_size = c + e + l;
	return text;
}

/* Finds or makes a row; takes text over.  NULL: no memory. */
static struct diff_key *get_key(struct diff *d, char *text, size_t size)
{
	struct diff_key *k;

	HASH_FIND(hh, d->keys, text, size, k);
	if (k) {
		free(text);
		return k;
	}
	k = calloc(1, sizeof(*k) + d->captures * WEIGHT_COUNT * sizeof(double));
	if (k) {
		k->text = text;
		k->creator = text;
		k->entry = k->creator + strlen(k->creator) + 1;
		k->leaf = k->entry + strlen(k->entry) + 1;
		HASH_ADD_KEYPTR(hh, d->keys, k->text, size, k);
		if (map_added(k))
			return k;
	}
	free(text);
	free(k);
	return NULL;
}

/* The place as last seen: of after, if it is there. */
static int set_place(char **file, uint32_t *line, const struct site *s)
{
	if (!*file || strcmp(*file, s->file)) {
		char *copy = strdup(s->file);

		if (!copy)
			return -ENOMEM;
		free(*file);
		*file = copy;
	}
	*line = s->line;
	return 0;
}

struct taking {
	struct diff *d;
	struct names *names;
	size_t capture;
	enum diff_side side;
};

static int take_row(void *arg, const struct stack_row *row)
{
	struct taking *t = arg;
	struct site creator, entry = site_entry(t->names, row->pid, row->entry_pc);
	struct site leaf = site_leaf(t->names, row->pid, row->pc, row->depth);
	struct diff_key *k;
	double *value;
	size_t size;
	char *text;

	site_creator(t->names, row->pid, row->creator_pc, row->entry_pc, &creator);
	if (row->never_grew)
		leaf = (struct site){ .function = "[never_grew]", .file = "" };
	text = key_text(creator.function, entry.function, leaf.function, &size);
	k = text ? get_key(t->d, text, size) : NULL;
	if (!k || set_place(&k->creator_file, &k->creator_line, &creator) ||
	    set_place(&k->leaf_file, &k->leaf_line, &leaf))
		return -ENOMEM;
	k->there[t->side] = true;
	value = k->value + t->capture * WEIGHT_COUNT;
	for (enum weight w = 0; w < WEIGHT_COUNT; w++)
		value[w] += (double)stack_row_weight(row, w);
	return 0;
}

static bool copy_text(char **to, const char *from)
{
	*to = strdup(from);
	return *to != NULL;
}

/* Births of coroutines that were made by or run a function. */
static int count_births(const struct diff_input *in, const char *glob, double *ret)
{
	struct creator_row *rows;
	size_t count;
	int r = aggregate_creators(in->aggregate, in->names, &rows, &count);

	if (r)
		return r;
	*ret = 0;
	for (size_t i = 0; i < count; i++)
		if (!fnmatch(glob, rows[i].creator.function, 0) ||
		    !fnmatch(glob, rows[i].entry.function, 0))
			*ret += (double)rows[i].born;
	free(rows);
	return 0;
}

static int take_requests(const struct diff *d, enum diff_side side, const struct diff_input *in,
			 double *ret)
{
	if (d->spec.request_function)
		return count_births(in, d->spec.request_function, ret);
	*ret = (double)d->spec.requests[side];
	return 0;
}

int diff_add(struct diff *d, enum diff_side side, const struct diff_input *in)
{
	struct taking t = { d, in->names, index_of(d, side, d->taken[side]), side };
	struct diff_capture *c = &d->capture[t.capture];
	int r;

	d->taken[side]++;
	if (!copy_text(&c->path, in->path) || !copy_text(&c->command, in->info->command) ||
	    !copy_text(&c->target, in->info->target) ||
	    !copy_text(&c->build_id, in->info->build_id) ||
	    !copy_text(&c->runtime, in->info->runtime) ||
	    !copy_text(&c->version, in->info->version))
		return -ENOMEM;
	c->lost = totals_lost(aggregate_totals(in->aggregate));
	c->damage = *in->damage;
	diff_sample_take(in->aggregate, in->info, &c->sample);
	r = take_requests(d, side, in, &c->sample.divisor[DIFF_PER_REQUEST]);
	if (!r)
		r = aggregate_each_stack(in->aggregate, take_row, &t);
	if (!r && d->spec.stacks)
		r = diff_take_stacks(d, t.capture, in);
	return r;
}

int diff_check_per(const struct diff *d, enum diff_per per, struct err *e)
{
	for (size_t i = 0; i < d->captures; i++) {
		const struct diff_capture *c = &d->capture[i];

		if (c->sample.divisor[per] > 0)
			continue;
		if (per == DIFF_PER_COROUTINE)
			return err_set(e, EINVAL, "'%s' has no coroutines to divide by", c->path);
		if (per == DIFF_PER_SECOND)
			return err_set(e, EINVAL, "'%s' took no time to divide by", c->path);
		if (d->spec.request_function)
			return err_set(e, EINVAL,
				       "no coroutine of '%s' was born that '%s' created or that "
				       "runs it, so there is no request to divide by",
				       c->path, d->spec.request_function);
		err_set(e, EINVAL, "how many requests '%s' served is not known", c->path);
		err_hint(e, "say it with --requests=N, or name the function that each one starts");
		return -EINVAL;
	}
	return 0;
}

/* --- figures out --------------------------------------------------------------------------- */

void diff_total(const struct diff *d, enum diff_metric m, enum diff_per per, double *values,
		struct diff_figure *ret)
{
	size_t count[DIFF_SIDES] = { 0 }, n = 0;

	for (enum diff_side side = 0; side < DIFF_SIDES; side++) {
		for (size_t i = 0; i < d->spec.captures[side]; i++) {
			const struct diff_sample *s = &diff_capture(d, side, i)->sample;

			if (!s->known[m])
				continue;
			values[n++] = diff_metric_divides(m, per) ? s->value[m] / s->divisor[per]
								  : s->value[m];
			count[side]++;
		}
	}
	diff_compare(values, count[DIFF_BEFORE], values + count[DIFF_BEFORE], count[DIFF_AFTER],
		     ret);
}

void diff_add_weights(const struct diff *d, const struct diff_key *k, enum weight w, double *values)
{
	for (size_t i = 0; i < d->captures; i++)
		values[i] += k->value[i * WEIGHT_COUNT + w];
}

void diff_divide(const struct diff *d, enum diff_per per, double *values, struct diff_figure *ret)
{
	size_t befores = d->spec.captures[DIFF_BEFORE];

	for (size_t i = 0; i < d->captures; i++)
		values[i] /= d->capture[i].sample.divisor[per];
	diff_compare(values, befores, values + befores, d->captures - befores, ret);
}

void diff_matching(const struct diff *d, const char *glob, enum weight weight, enum diff_per per,
		   double *values, struct diff_figure *ret, size_t *ret_rows)
{
	struct diff_key *k, *next;

	*ret_rows = 0;
	memset(values, 0, d->captures * sizeof(*values));
	HASH_ITER(hh, d->keys, k, next) {
		if (fnmatch(glob, k->creator, 0) && fnmatch(glob, k->entry, 0) &&
		    fnmatch(glob, k->leaf, 0))
			continue;
		diff_add_weights(d, k, weight, values);
		++*ret_rows;
	}
	diff_divide(d, per, values, ret);
}
