/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_table.c: what changed, for people: the captures, the totals, the rows, what is known of
 * noise, what is missing.
 *
 * With several captures on a side a figure is their median, and beside it stands how far the
 * captures are from it.  A change that may be noise has no percentage but "~", as in benchstat.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/diff_render.h"
#include "formats/grid.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/table.h"

static const char *const side_names[] = { "before:", "after:" };

static bool several(const struct diff *d)
{
	const struct diff_spec *s = diff_spec_of(d);

	return s->captures[DIFF_BEFORE] > 1 || s->captures[DIFF_AFTER] > 1;
}

/* --- which captures ------------------------------------------------------------------------ */

static int print_side(const struct diff_view *v, const struct render_context *c,
		      enum diff_side side)
{
	const struct diff_capture *first = diff_capture(v->diff, side, 0);
	enum escape_style style = c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII;
	char *path = escape_dup(first->path, style);
	char *command = escape_dup(*first->command ? first->command : first->target, style);
	char *version = escape_dup(*first->version ? first->version : "unknown version", style);
	size_t more = diff_spec_of(v->diff)->captures[side] - 1;
	char others[48] = "";
	int r = path && command && version ? 0 : -ENOMEM;

	if (more)
		snprintf(others, sizeof(others), " and %zu more", more);
	if (!r)
		r = table_sentence(c, side_names[side], false, "%s%s: %s, %s", path, others,
				   command, version);
	free(path);
	free(command);
	free(version);
	return r;
}

/* --- figures ------------------------------------------------------------------------------- */

/* Columns of numbers; spreads and p only where a side has several captures. */
static const char *const few_titles[] = { "BEFORE", "AFTER", "CHANGE", "%" };
static const char *const many_titles[] = {
	"BEFORE", "SPREAD", "AFTER", "SPREAD", "CHANGE", "%", "P"
};
#define FEW	    4
#define MANY	    7
#define MAX_COLUMNS (MANY + 2)

static char *value_cell(const struct diff_range *r, enum diff_metric m, bool utf8)
{
	return r->count ? cell(diff_human(m, r->median, utf8)) : strdup("-");
}

/* The farthest from the median, as a share of it. */
static char *spread_cell(const struct diff_range *r)
{
	double far = fmax(r->max - r->median, r->median - r->min);

	if (r->count < 2 || r->median == 0)
		return strdup(r->count > 1 && far == 0 ? "0 %" : "-");
	return cell(human_share(far, r->median));
}

static char *percent_cell(const struct diff_figure *f)
{
	if (!f->before.count || !f->after.count)
		return strdup("-");
	if (f->judged && !f->significant)
		return strdup("~");
	if (isnan(f->percent))
		return strdup(f->change != 0 ? "new" : "0 %");
	if (f->change == 0)
		return strdup("0 %");
	return f->after.max > 0 ? cell(diff_human_percent(f->percent)) : strdup("gone");
}

static char *p_cell(const struct diff_figure *f)
{
	struct human h;

	if (isnan(f->p))
		return strdup("-");
	snprintf(h.s, sizeof(h.s), "%.3f", f->p);
	return cell(h);
}

static char *change_cell(const struct diff_figure *f, enum diff_metric m, bool utf8)
{
	return f->before.count && f->after.count ? cell(diff_human_change(m, f->change, utf8))
						 : strdup("-");
}

/* Fills the columns of numbers; returns how many. */
static size_t put_figure(char **cells, const struct diff_figure *f, enum diff_metric m, bool many,
			 bool utf8)
{
	size_t n = 0;

	cells[n++] = value_cell(&f->before, m, utf8);
	if (many)
		cells[n++] = spread_cell(&f->before);
	cells[n++] = value_cell(&f->after, m, utf8);
	if (many)
		cells[n++] = spread_cell(&f->after);
	cells[n++] = change_cell(f, m, utf8);
	cells[n++] = percent_cell(f);
	if (many)
		cells[n++] = p_cell(f);
	return n;
}

static size_t put_titles(const char **titles, bool many)
{
	size_t n = many ? MANY : FEW;

	memcpy(titles, many ? many_titles : few_titles, n * sizeof(*titles));
	return n;
}

/* --- totals -------------------------------------------------------------------------------- */

static char *metric_cell(enum diff_metric m, enum diff_per per)
{
	char *r;

	if (asprintf(&r, "%s%s%s", diff_metric_title(m), diff_metric_divides(m, per) ? " per " : "",
		     diff_metric_divides(m, per) ? diff_per_names[per] : "") < 0)
		return NULL;
	return r;
}

/* What neither side knows, and what never happened, is left out. */
static bool is_worth_a_line(const struct diff_figure *f)
{
	return (f->before.count && f->before.max > 0) || (f->after.count && f->after.max > 0);
}

static int print_totals(const struct diff_view *v, const struct render_context *c)
{
	const char *titles[MAX_COLUMNS];
	bool many = several(v->diff);
	size_t numbers = put_titles(titles, many);
	double *values = diff_values(v->diff);
	struct grid *g;
	int r;

	titles[numbers] = "OF";
	r = values ? grid_new(titles, numbers + 1, 1, &g) : -ENOMEM;
	if (r) {
		free(values);
		return r;
	}
	for (enum diff_metric m = 0; m < DIFF_METRIC_COUNT && !r; m++) {
		char *cells[MAX_COLUMNS];
		struct diff_figure f;

		diff_total(v->diff, m, v->per, values, &f);
		if (!is_worth_a_line(&f))
			continue;
		cells[put_figure(cells, &f, m, many, c->utf8)] = metric_cell(m, v->per);
		r = grid_add(g, cells);
	}
	free(values);
	return table_grid(c, g, grid_rows(g), r);
}

/* --- rows ---------------------------------------------------------------------------------- */

static char *place_cell(const char *function, const char *file, uint32_t line, bool utf8)
{
	const struct site s = { function, file, line };

	return label_site(&s, utf8);
}

static size_t put_labels(char **cells, const struct diff_row *row, bool utf8)
{
	size_t n = 0;

	if (row->creator)
		cells[n++] = place_cell(row->creator, row->creator_file, row->creator_line, utf8);
	if (row->leaf)
		cells[n++] = place_cell(row->leaf, row->leaf_file, row->leaf_line, utf8);
	return n;
}

static size_t put_label_titles(const char **titles, enum diff_by by)
{
	size_t n = 0;

	if (by != DIFF_BY_LEAF)
		titles[n++] = "CREATED AT";
	if (by != DIFF_BY_CREATOR)
		titles[n++] = "GREW IN";
	return n;
}

static int print_rows(const struct diff_view *v, const struct render_context *c)
{
	enum diff_metric m = diff_metric_of_weight(c->weight);
	const char *titles[MAX_COLUMNS];
	bool many = several(v->diff), divides = diff_metric_divides(m, v->per);
	size_t numbers = put_titles(titles, many), labels, count;
	struct diff_row *rows;
	struct grid *g;
	int r = diff_rows(v->diff, v->by, v->per, c->weight, &rows, &count);

	if (r)
		return r;
	labels = put_label_titles(titles + numbers, v->by);
	r = grid_new(titles, numbers + labels, labels, &g);
	if (r) {
		diff_rows_free(rows);
		return r;
	}
	fprintf(c->out, "\n  %s%s%s, largest changes first:\n", diff_metric_title(m),
		divides ? " per " : "", divides ? diff_per_names[v->per] : "");
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		char *cells[MAX_COLUMNS];
		size_t n = put_figure(cells, &rows[i].figure[c->weight], m, many, c->utf8);

		put_labels(cells + n, &rows[i], c->utf8);
		r = grid_add(g, cells);
	}
	diff_rows_free(rows);
	if (!r && !count)
		fputs("\n  none\n", c->out);
	return table_grid(c, g, count, r);
}

/* --- what is to be known of it ------------------------------------------------------------- */

static int print_noise(const struct diff_view *v, const struct render_context *c)
{
	const struct diff_spec *s = diff_spec_of(v->diff);
	size_t b = s->captures[DIFF_BEFORE], a = s->captures[DIFF_AFTER];

	fputc('\n', c->out);
	if (b < 2 || a < 2)
		return table_sentence(c, "noise:", false,
				      "not known of one capture on a side; several show which "
				      "changes are more than that");
	return table_sentence(c, "noise:", false,
			      "medians of %zu captures before and %zu after; a change marked ~ may "
			      "be noise",
			      b, a);
}

static int print_missing(const struct diff_view *v, const struct render_context *c)
{
	const struct diff_spec *s = diff_spec_of(v->diff);
	int r = 0;

	for (enum diff_side side = 0; side < DIFF_SIDES; side++) {
		for (size_t i = 0; i < s->captures[side] && !r; i++) {
			const struct diff_capture *p = diff_capture(v->diff, side, i);
			bool damaged = capture_is_damaged(&p->damage);
			char *path;

			if (!p->lost && !damaged)
				continue;
			path = escape_dup(p->path, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
			r = path ? table_sentence(c, "missing:", true, "in %s: %s event%s lost%s",
						  path, human_count(p->lost).s,
						  table_plural(p->lost),
						  damaged ? ", and the capture is damaged or cut "
							    "off"
							  : "")
				 : -ENOMEM;
			free(path);
		}
	}
	return r;
}

int diff_print_table(const struct diff_view *v, const struct render_context *c)
{
	int r = print_side(v, c, DIFF_BEFORE);

	if (!r)
		r = print_side(v, c, DIFF_AFTER);
	if (!r)
		r = print_totals(v, c);
	if (!r && v->by != DIFF_BY_TOTAL)
		r = print_rows(v, c);
	if (!r)
		r = print_noise(v, c);
	return r ? r : print_missing(v, c);
}
