/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.c: coroutines from birth to end, in the table and in the document.
 *
 * The document gets what a chart needs (histograms by powers of two), the table one sentence.
 */
#include "formats/lifecycle.h"

#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate.h"
#include "formats/json_parts.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/table.h"

/* The length that so many of a hundred lives did not reach, to the next power of two. */
static uint64_t life_percentile(const struct totals *t, unsigned percent)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < 63; i++) {
		seen += t->lifetime[i];
		if ((double)seen * 100 >= (double)t->lived * percent)
			return UINT64_C(1) << (i + 1);
	}
	return UINT64_MAX;
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

#define WORTH_TELLING 10 /* coroutines of one creator alive at the end */

/* Those of whom most are left: in a program that has ended, it may be a leak. */
static int print_left(const struct render_context *c)
{
	struct alive_row *rows;
	size_t count;
	char *label = NULL, *reason = NULL;
	int r = aggregate_alive(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	if (count && rows[0].count >= WORTH_TELLING) {
		label = label_site(&rows[0].creator, c->utf8);
		reason = escape_dup(rows[0].reason, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
		r = !label || !reason
			    ? -ENOMEM
			    : table_sentence(c, "left:", false,
					     "%s of %s, created at %s, hold %s of stacks%s%s",
					     human_count(rows[0].count).s,
					     human_count(aggregate_totals(c->aggregate)->alive).s,
					     label, human_size(rows[0].stack_bytes).s,
					     *reason ? ", waiting: " : "", reason);
	}
	free(reason);
	free(label);
	free(rows);
	return r;
}

static int lifecycle_table(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	int r = print_left(c);

	if (r || !t->lived)
		return r;
	return table_sentence(
		c, "lifetimes:", false,
		"mean %s, half under %s, 90 %% under %s, longest %s (of %s)",
		human_time(t->life_ns / t->lived, c->utf8).s,
		human_time(at_most(life_percentile(t, 50), t->max_life_ns), c->utf8).s,
		human_time(at_most(life_percentile(t, 90), t->max_life_ns), c->utf8).s,
		human_time(t->max_life_ns, c->utf8).s, human_count(t->lived).s);
}

static json_t *alive_object(const struct alive_row *w)
{
	const struct json_member m[] = {
		{ "creator", json_text(w->creator.function, ESCAPE_FIELD) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "entry", json_text(w->entry.function, ESCAPE_FIELD) },
		{ "reason", *w->reason ? json_text(w->reason, ESCAPE_FIELD) : json_null() },
		{ "count", json_number(w->count) },
		{ "stack_bytes", json_number(w->stack_bytes) },
		{ "used_bytes", w->measured ? json_number(w->used_bytes) : json_null() },
		{ "oldest_ns", w->oldest_ns ? json_number(w->oldest_ns) : json_null() },
	};

	return JSON_OBJECT(m);
}

static json_t *alive_array(const struct render_context *c)
{
	json_t *a = json_array();
	struct alive_row *rows = NULL;
	size_t count = 0;
	bool bad = !a || aggregate_alive(c->aggregate, c->names, &rows, &count);

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(a, alive_object(&rows[i]));
	free(rows);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *lifecycle_json(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	const struct json_member m[] = {
		{ "lived", json_number(t->lived) },
		{ "mean_ns", t->lived ? json_number(t->life_ns / t->lived) : json_null() },
		{ "max_ns", t->lived ? json_number(t->max_life_ns) : json_null() },
		{ "lifetimes", json_by_log2(t->lifetime) },
		{ "end_sizes", json_by_log2(t->end_size) },
		{ "alive", alive_array(c) },
	};

	return JSON_OBJECT(m);
}

const struct section section_lifecycle = {
	.key = "lifecycle",
	.table = lifecycle_table,
	.json = lifecycle_json,
};
