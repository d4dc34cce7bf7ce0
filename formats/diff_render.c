/* SPDX-License-Identifier: Apache-2.0 */
/* diff_render.c: the formats, those of one line each, and what they share. */
#include "formats/diff_render.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/human.h"
#include "formats/csv.h"
#include "formats/render.h"

const struct diff_format diff_formats[] = {
	{ "table", "what changed, for people (default)", diff_print_table },
	{ "csv", "rows, or with --by=total the totals, for spreadsheets and scripts",
	  diff_print_csv },
	{ "json", "all of it as one document", diff_print_json },
	{ "folded", "call chains with two counts, for differential flame graphs",
	  diff_print_folded },
	{ NULL, NULL, NULL },
};

const char *const diff_by_names[] = { "growth", "creator", "leaf", "total", NULL };

const char *diff_status_name(const struct diff_row *row)
{
	return !row->there[DIFF_BEFORE] ? "new" : !row->there[DIFF_AFTER] ? "gone" : "both";
}

double *diff_values(const struct diff *d)
{
	const struct diff_spec *s = diff_spec_of(d);

	return calloc(s->captures[DIFF_BEFORE] + s->captures[DIFF_AFTER] + 1, sizeof(double));
}

/* --- numbers ------------------------------------------------------------------------------- */

static uint64_t whole(double v)
{
	return v >= 0x1p63 ? UINT64_C(1) << 63 : (uint64_t)(v + 0.5);
}

/* Below this what is behind the point counts. */
#define SMALL 100

static struct human human_of(enum diff_metric m, double v, bool utf8)
{
	static const char *const behind[] = {
		[DIFF_UNIT_COUNT] = "", [DIFF_UNIT_BYTES] = " B", [DIFF_UNIT_NS] = " ns"
	};
	enum diff_unit unit = diff_metric_unit(m);
	struct human h;

	if (unit == DIFF_UNIT_RATIO) {
		snprintf(h.s, sizeof(h.s), "%.1f %%", 100 * v);
		return h;
	}
	if (v < SMALL && v != floor(v)) {
		snprintf(h.s, sizeof(h.s), "%.3g%s", v, behind[unit]);
		return h;
	}
	if (unit == DIFF_UNIT_BYTES)
		return human_size(whole(v));
	return unit == DIFF_UNIT_NS ? human_time(whole(v), utf8) : human_count(whole(v));
}

static struct human with_sign(const char *sign, struct human h)
{
	struct human r;

	snprintf(r.s, sizeof(r.s), "%s%.30s", sign, h.s);
	return r;
}

struct human diff_human(enum diff_metric m, double v, bool utf8)
{
	return with_sign(v < 0 ? "-" : "", human_of(m, fabs(v), utf8));
}

struct human diff_human_change(enum diff_metric m, double v, bool utf8)
{
	const char *sign = v < 0 ? "-" : v > 0 ? "+" : "";
	struct human h;

	if (diff_metric_unit(m) != DIFF_UNIT_RATIO)
		return with_sign(sign, human_of(m, fabs(v), utf8));
	if (fabs(v) < 0.0005)
		sign = ""; /* 0.0 points, as shown */
	snprintf(h.s, sizeof(h.s), "%s%.1f points", sign, 100 * fabs(v));
	return h;
}

struct human diff_human_percent(double percent)
{
	struct human h;

	snprintf(h.s, sizeof(h.s), fabs(percent) < 1000 ? "%+.1f %%" : "%+.0f %%", percent);
	return h;
}

/* --- csv ----------------------------------------------------------------------------------- */

static void put_number(FILE *out, bool known, double v)
{
	if (known && isfinite(v))
		fprintf(out, "%.15g", v);
	fputc(',', out);
}

static void put_figure(FILE *out, const struct diff_figure *f)
{
	bool b = f->before.count, a = f->after.count;

	put_number(out, b, f->before.median);
	put_number(out, a, f->after.median);
	put_number(out, a && b, f->change);
	put_number(out, a && b, f->percent);
	put_number(out, b, f->before.min);
	put_number(out, b, f->before.max);
	put_number(out, a, f->after.min);
	put_number(out, a, f->after.max);
	put_number(out, true, f->p);
	fprintf(out, "%s,", !f->judged ? "" : f->significant ? "1" : "0");
}

#define FIGURE_COLUMNS \
	"before,after,change,percent,before_min,before_max,after_min,after_max,p,significant,"

static int csv_totals(const struct diff_view *v, const struct render_context *c)
{
	double *values = diff_values(v->diff);

	if (!values)
		return -ENOMEM;
	fputs(FIGURE_COLUMNS "unit,per,metric\n", c->out);
	for (enum diff_metric m = 0; m < DIFF_METRIC_COUNT; m++) {
		bool divides = diff_metric_divides(m, v->per);
		struct diff_figure f;

		diff_total(v->diff, m, v->per, values, &f);
		put_figure(c->out, &f);
		fprintf(c->out, "%s,%s,%s\n", diff_unit_name(diff_metric_unit(m)),
			divides ? diff_per_names[v->per] : "run", diff_metric_name(m));
	}
	free(values);
	return 0;
}

static void put_name(FILE *out, const char *name)
{
	if (name)
		csv_put_text(out, name);
}

int diff_print_csv(const struct diff_view *v, const struct render_context *c)
{
	struct diff_row *rows;
	size_t count;
	int r;

	if (v->by == DIFF_BY_TOTAL)
		return csv_totals(v, c);
	r = diff_rows(v->diff, v->by, v->per, c->weight, &rows, &count);
	if (r)
		return r;
	if (c->top && c->top < count)
		count = c->top;
	fputs(FIGURE_COLUMNS "status,creator,entry,leaf\n", c->out);
	for (size_t i = 0; i < count; i++) {
		const struct diff_row *row = &rows[i];

		put_figure(c->out, &row->figure[c->weight]);
		fprintf(c->out, "%s,", diff_status_name(row));
		put_name(c->out, row->creator);
		fputc(',', c->out);
		put_name(c->out, row->entry);
		fputc(',', c->out);
		put_name(c->out, row->leaf);
		fputc('\n', c->out);
	}
	diff_rows_free(rows);
	return 0;
}

/* --- folded -------------------------------------------------------------------------------- */

static void put_weight(FILE *out, double v)
{
	if (v == floor(v))
		fprintf(out, " %.0f", v);
	else
		fprintf(out, " %.2f", v);
}

static int put_chain(void *arg, const char *chain, double before, double after)
{
	const struct render_context *c = arg;

	fputs(chain, c->out);
	put_weight(c->out, before);
	put_weight(c->out, after);
	fputc('\n', c->out);
	return 0;
}

int diff_print_folded(const struct diff_view *v, const struct render_context *c)
{
	return diff_each_stack(v->diff, v->per, put_chain, (void *)(uintptr_t)c);
}
