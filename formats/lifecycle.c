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

static int lifecycle_table(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);

	if (!t->lived)
		return 0;
	return table_sentence(
		c, "lifetimes:", false,
		"mean %s, half under %s, 90 %% under %s, longest %s (of %s)",
		human_time(t->life_ns / t->lived, c->utf8).s,
		human_time(at_most(life_percentile(t, 50), t->max_life_ns), c->utf8).s,
		human_time(at_most(life_percentile(t, 90), t->max_life_ns), c->utf8).s,
		human_time(t->max_life_ns, c->utf8).s, human_count(t->lived).s);
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
	};

	return JSON_OBJECT(m);
}

const struct section section_lifecycle = {
	.key = "lifecycle",
	.table = lifecycle_table,
	.json = lifecycle_json,
};
