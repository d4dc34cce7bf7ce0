/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c: how long coroutines lived and how large their stacks were at their end, as bars. */
#include <string.h>

#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/table.h"

#define BAR_WIDTH 40

static void put_bar(const struct render_context *c, double share)
{
	unsigned length = (unsigned)(share * BAR_WIDTH + 0.5);

	if (!length && share > 0)
		length = 1;
	for (unsigned i = 0; i < length; i++)
		fputs(c->utf8 ? "█" : "#", c->out);
}

static struct human range_of(unsigned slot, bool is_time, bool utf8)
{
	struct human h;

	if (!is_time)
		return human_stack(UINT64_C(1) << slot);
	snprintf(h.s, sizeof(h.s), "under %.30s",
		 slot < 63 ? human_time(UINT64_C(1) << (slot + 1), utf8).s : "ever");
	return h;
}

static void put_histogram(const struct render_context *c, const char *title, const char *unit,
			  const uint64_t *count, bool is_time)
{
	unsigned first = 64, last = 0;
	double all = 0, most = 0;

	for (unsigned i = 0; i < 64; i++) {
		if (!count[i])
			continue;
		first = i < first ? i : first;
		last = i;
		all += (double)count[i];
		most = (double)count[i] > most ? (double)count[i] : most;
	}
	fprintf(c->out, "\n%s%s%s\n", c->colour ? TABLE_BOLD : "", title,
		c->colour ? TABLE_NORMAL : "");
	if (first > last) {
		fprintf(c->out, "  none was seen\n");
		return;
	}
	fprintf(c->out, "  %16s  %12s  %7s\n", unit, "COROUTINES", "SHARE");
	for (unsigned i = first; i <= last; i++) {
		struct human range = range_of(i, is_time, c->utf8);

		/* a micro sign has two bytes and one column */
		fprintf(c->out, "  %*s  %12s  %7s", 16 + (strstr(range.s, "µ") != NULL), range.s,
			human_count(count[i]).s, human_share((double)count[i], all).s);
		fputs(count[i] ? "  " : "", c->out);
		put_bar(c, (double)count[i] / most);
		fputc('\n', c->out);
	}
}

static int histogram_end(void *state, const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	int r = table_head(c);

	(void)state;
	if (r)
		return r;
	put_histogram(c, "Lifetimes, of coroutines that were seen to be born and to end",
		      "LIFETIME", t->lifetime, true);
	put_histogram(c, "Last stack sizes, of all coroutines", "STACK", t->end_size, false);
	return table_missing(c);
}

const struct format format_histogram = {
	.name = "histogram",
	.summary = "lifetimes and last stack sizes of coroutines, as bars",
	.end = histogram_end,
};
