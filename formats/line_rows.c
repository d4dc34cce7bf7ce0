/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "formats/line_report.h"

struct line_rows {
	const struct line_report *report;
	uint64_t every_ns;
	line_row_fn *fn;
	void *arg;
	struct line_row row; /* being gathered */
	bool gathering;
	uint64_t slice;	      /* of every_ns */
	struct line_row last; /* handed out before, for rates */
	bool has_last;
	void *state;
};

static const int64_t tens[] = { 1,
				10,
				100,
				1000,
				10000,
				100000,
				1000000,
				10000000,
				100000000,
				1000000000,
				10000000000,
				100000000000,
				1000000000000,
				10000000000000,
				100000000000000,
				1000000000000000,
				10000000000000000,
				100000000000000000,
				1000000000000000000 };

double line_cell_value(const struct line_cell *c)
{
	return (double)c->n / (double)tens[c->scale];
}

struct line_cell line_cell_number(int64_t n)
{
	return (struct line_cell){ .n = n, .known = true };
}

struct line_cell line_cell_of(const struct line *l, enum line_field f)
{
	const struct line_value *v = line_get(l, f);

	if (!v || (v->type != LINE_NUMBER && v->type != LINE_BOOL))
		return (struct line_cell){ .known = false };
	return (struct line_cell){ v->n, v->scale, true };
}

/* Both with the decimals of the finer one.  False: too large for that. */
static bool align(struct line_cell *a, struct line_cell *b)
{
	struct line_cell *coarse = a->scale < b->scale ? a : b;
	uint8_t scale = a->scale < b->scale ? b->scale : a->scale;
	int64_t n;

	if (__builtin_mul_overflow(coarse->n, tens[scale - coarse->scale], &n))
		return false;
	coarse->n = n;
	coarse->scale = scale;
	return true;
}

void line_cell_add(struct line_cell *to, const struct line_cell *more)
{
	struct line_cell b = *more;

	if (!b.known)
		return;
	if (!to->known) {
		*to = b;
		return;
	}
	if (!align(to, &b) || __builtin_add_overflow(to->n, b.n, &to->n))
		to->known = false; /* no figure is better than a wrong one */
}

bool line_cell_less(const struct line_cell *a, const struct line_cell *b)
{
	struct line_cell x = *a, y = *b;

	if (!align(&x, &y))
		return line_cell_value(a) < line_cell_value(b);
	return x.n < y.n;
}

struct line_figure line_figure(const struct line_cell *c)
{
	struct line_figure f = { "" };
	int scale = c->scale < 18 ? c->scale : 18;
	int64_t unit = tens[scale];
	uint64_t n = c->n < 0 ? -(uint64_t)c->n : (uint64_t)c->n;

	if (!c->known)
		return f;
	if (c->scale)
		snprintf(f.s, sizeof(f.s), "%s%" PRIu64 ".%0*" PRIu64, c->n < 0 ? "-" : "",
			 n / (uint64_t)unit, scale, n % (uint64_t)unit);
	else
		snprintf(f.s, sizeof(f.s), "%" PRId64, c->n);
	return f;
}

int line_rows_new(const struct line_report *report, uint64_t every_ns, line_row_fn *fn, void *arg,
		  struct line_rows **ret)
{
	struct line_rows *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct line_rows){ .report = report, .every_ns = every_ns, .fn = fn, .arg = arg };
	r->state = calloc(1, report->state_size);
	if (!r->state) {
		free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void line_rows_free(struct line_rows *r)
{
	if (!r)
		return;
	free(r->state);
	free(r);
}

/* How much a column rose, a second; unknown if it fell, as when another program began. */
static struct line_cell rate(const struct line_rows *r, const struct line_row *row, unsigned column)
{
	const struct line_cell *now = &row->cell[column], *before = &r->last.cell[column];
	const struct line_cell *clock = &row->cell[r->report->clock];
	const struct line_cell *last = &r->last.cell[r->report->clock];
	double seconds, rise;

	if (!r->has_last || !now->known || !before->known || !clock->known || !last->known)
		return (struct line_cell){ .known = false };
	seconds = (line_cell_value(clock) - line_cell_value(last)) * (double)r->report->clock_ns /
		  1e9;
	rise = line_cell_value(now) - line_cell_value(before);
	if (seconds <= 0 || rise < 0 || rise / seconds > 1e15)
		return (struct line_cell){ .known = false };
	return (struct line_cell){ llround(rise / seconds * 10), 1, true };
}

static int hand_out(struct line_rows *r)
{
	const struct line_report *p = r->report;

	if (!r->gathering)
		return 0;
	r->gathering = false;
	for (unsigned i = 0; i < p->count; i++)
		if (p->columns[i].merge == MERGE_RATE)
			r->row.cell[i] = rate(r, &r->row, p->columns[i].field);
	r->last = r->row;
	r->has_last = true;
	return r->fn(r->arg, &r->row);
}

static void merge(const struct line_report *p, struct line_row *to, const struct line_row *more)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct line_cell *a = &to->cell[i];
		const struct line_cell *b = &more->cell[i];

		if (!b->known)
			continue;
		if (p->columns[i].merge == MERGE_SUM)
			line_cell_add(a, b);
		else if (p->columns[i].merge == MERGE_LAST || !a->known || line_cell_less(a, b))
			*a = *b;
	}
}

static uint64_t slice_of(const struct line_rows *r, const struct line_row *row)
{
	const struct line_cell *c = &row->cell[r->report->clock];
	double ns = line_cell_value(c) * (double)r->report->clock_ns;

	return c->known ? (uint64_t)(ns / (double)r->every_ns) : r->slice;
}

static int take_sample(struct line_rows *r, struct line_row *sample)
{
	int result = 0;

	if (r->gathering && (!r->every_ns || slice_of(r, sample) != r->slice))
		result = hand_out(r);
	if (!r->gathering) {
		memset(&r->row, 0, sizeof(r->row));
		r->gathering = true;
		r->slice = r->every_ns ? slice_of(r, sample) : 0;
	}
	merge(r->report, &r->row, sample);
	if (!result && !r->every_ns)
		result = hand_out(r);
	return result;
}

int line_rows_take(struct line_rows *r, const struct line *l, uint64_t time_ns)
{
	const struct line_cell time = { (int64_t)(time_ns / 1000), 6, time_ns != UINT64_MAX };
	struct line_row sample = { 0 };

	if (!line_report_wants(r->report, l->kind) || !r->report->take(r->state, l, time, &sample))
		return 0;
	return take_sample(r, &sample);
}

int line_rows_end(struct line_rows *r)
{
	struct line_row sample = { 0 };
	int result = 0;

	if (r->report->end && r->report->end(r->state, &sample))
		result = take_sample(r, &sample);
	return result ? result : hand_out(r);
}

int line_report_parse_columns(const struct line_report *r, const char *what, const char *list,
			      uint8_t *ret, unsigned *ret_count, struct err *e)
{
	char names[1024] = "";
	unsigned n = 0;
	size_t used = 0;

	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ",");
		unsigned i = 0;

		while (i < r->count &&
		       (strlen(r->columns[i].name) != len || memcmp(r->columns[i].name, p, len)))
			i++;
		if (i == r->count)
			goto unknown;
		if (n == LINE_COLUMNS)
			return err_set(e, EINVAL, "%s: more than %d columns", what, LINE_COLUMNS);
		ret[n++] = (uint8_t)i;
		p += len;
		if (*p == ',' && !*++p)
			goto unknown;
	}
	if (n) {
		*ret_count = n;
		return 0;
	}
unknown:
	for (unsigned i = 0; i < r->count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 r->columns[i].name);
	return err_set(e, EINVAL, "%s: '%s' is not one of %s", what, list, names);
}
