/* SPDX-License-Identifier: Apache-2.0 */
/* line_view.c: the formats that write as they read: table, csv, lines. */
#include "formats/line_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/human.h"

const struct line_format *const line_formats[] = {
	&line_format_table,
	&line_format_csv,
	&line_format_json,
	&line_format_lines,
	&line_format_plot,
	&line_format_svg,
	NULL,
};

const struct line_format *line_format_find(const char *name)
{
	for (unsigned i = 0; line_formats[i]; i++)
		if (!strcmp(line_formats[i]->name, name))
			return line_formats[i];
	return NULL;
}

static const struct line_column *column(const struct line_view *v, unsigned i)
{
	return &v->report->columns[v->column[i]];
}

/* --- table --------------------------------------------------------------------------------- */

/* Sums for the last line. */
struct table {
	uint64_t rows;
	struct line_row sum;
};

static int column_width(const struct line_column *c)
{
	int n = (int)strlen(c->title);

	return n > c->width ? n : c->width;
}

/* The columns' widths are fixed, since rows are printed as they come. */
static int table_begin(void *state, const struct line_view *v)
{
	(void)state;
	fputs(v->colour ? "\033[1m" : "", v->out);
	for (unsigned i = 0; i < v->columns; i++)
		fprintf(v->out, "%s%*s", i ? "  " : "", column_width(column(v, i)),
			column(v, i)->title);
	fprintf(v->out, "%s\n", v->colour ? "\033[0m" : "");
	return 0;
}

static int table_row(void *state, const struct line_view *v, const struct line_row *row)
{
	struct table *t = state;

	t->rows++;
	for (unsigned i = 0; i < v->report->count; i++) {
		struct line_cell *s = &t->sum.cell[i];
		const struct line_cell *c = &row->cell[i];

		if (!c->known)
			continue;
		if (v->report->columns[i].merge == MERGE_SUM)
			line_cell_add(s, c);
		else if (!s->known || line_cell_less(s, c))
			*s = *c;
	}
	for (unsigned i = 0; i < v->columns; i++) {
		const struct line_cell *c = &row->cell[v->column[i]];

		fprintf(v->out, "%s%*s", i ? "  " : "", column_width(column(v, i)),
			c->known ? line_figure(c).s : "-");
	}
	fputc('\n', v->out);
	return 0;
}

static void put_summary(const struct line_view *v, const struct table *t)
{
	fprintf(v->out, "\n%s row%s", human_count(t->rows).s, t->rows == 1 ? "" : "s");
	for (unsigned i = 0; i < v->columns; i++) {
		const struct line_column *c = column(v, i);
		const struct line_cell *s = &t->sum.cell[v->column[i]];

		if (s->known && (c->merge == MERGE_SUM || c->merge == MERGE_MOST))
			fprintf(v->out, "; %s %s %s", c->name,
				c->merge == MERGE_SUM ? "in all" : "at most", line_figure(s).s);
	}
	fputc('\n', v->out);
}

static int table_end(void *state, const struct line_view *v, const struct lines_counts *c)
{
	const struct table *t = state;

	if (t->rows)
		put_summary(v, t);
	if (c->torn)
		fprintf(v->out, "%s line%s put together from pieces\n", human_count(c->torn).s,
			c->torn == 1 ? " was" : "s were");
	if (c->unparsed)
		fprintf(v->out, "%s piece%s of lines could not be put together\n",
			human_count(c->unparsed).s, c->unparsed == 1 ? "" : "s");
	return 0;
}

const struct line_format line_format_table = {
	.name = "table",
	.summary = "a row for each line, as they come, and sums at the end",
	.state_size = sizeof(struct table),
	.begin = table_begin,
	.row = table_row,
	.end = table_end,
};

/* --- csv ----------------------------------------------------------------------------------- */

static int csv_begin(void *state, const struct line_view *v)
{
	(void)state;
	for (unsigned i = 0; i < v->columns; i++)
		fprintf(v->out, "%s%s", i ? "," : "", column(v, i)->name);
	fputc('\n', v->out);
	return 0;
}

static int csv_row(void *state, const struct line_view *v, const struct line_row *row)
{
	(void)state;
	for (unsigned i = 0; i < v->columns; i++)
		fprintf(v->out, "%s%s", i ? "," : "", line_figure(&row->cell[v->column[i]]).s);
	fputc('\n', v->out);
	return 0;
}

const struct line_format line_format_csv = {
	.name = "csv",
	.summary = "the same, separated by commas",
	.begin = csv_begin,
	.row = csv_row,
};

/* --- lines --------------------------------------------------------------------------------- */

static int lines_line(void *state, const struct line_view *v, const struct line *l, bool torn)
{
	(void)state;
	(void)torn;
	fwrite(l->text, 1, l->len, v->out);
	fputc('\n', v->out);
	return 0;
}

const struct line_format line_format_lines = {
	.name = "lines",
	.summary = "the lines, byte for byte as the runtime wrote them, put together",
	.line = lines_line,
};
