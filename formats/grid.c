/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/grid.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "formats/label.h"
#include "formats/render.h"

#define INDENT	  2
#define GAP	  "  "
#define MIN_LABEL 16 /* a label column is never narrower, even if lines then run over */

struct grid {
	const char *const *titles;
	size_t columns, labels;
	char **cells; /* row by row */
	size_t rows, room;
};

int grid_new(const char *const *titles, size_t columns, size_t labels, struct grid **ret)
{
	struct grid *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	*g = (struct grid){ .titles = titles, .columns = columns, .labels = labels };
	*ret = g;
	return 0;
}

void grid_free(struct grid *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->rows * g->columns; i++)
		free(g->cells[i]);
	free(g->cells);
	free(g);
}

int grid_add(struct grid *g, char *const *cells)
{
	bool bad = false;

	if (g->rows == g->room) {
		size_t room = g->room ? 2 * g->room : 32;
		char **p = reallocarray(g->cells, room * g->columns, sizeof(char *));

		bad = !p;
		if (p) {
			g->cells = p;
			g->room = room;
		}
	}
	for (size_t i = 0; i < g->columns; i++)
		bad |= !cells[i];
	if (bad) {
		for (size_t i = 0; i < g->columns; i++)
			free(cells[i]);
		return -ENOMEM;
	}
	memcpy(g->cells + g->rows * g->columns, cells, g->columns * sizeof(char *));
	g->rows++;
	return 0;
}

size_t grid_rows(const struct grid *g)
{
	return g->rows;
}

static size_t column_width(const struct grid *g, size_t column)
{
	size_t width = label_width(g->titles[column]);

	for (size_t r = 0; r < g->rows; r++) {
		size_t w = label_width(g->cells[r * g->columns + column]);

		width = w > width ? w : width;
	}
	return width;
}

static int fit_column(struct grid *g, size_t column, size_t width, bool utf8)
{
	for (size_t r = 0; r < g->rows; r++) {
		char **cell = &g->cells[r * g->columns + column];

		*cell = label_fit(*cell, width, utf8);
		if (!*cell)
			return -ENOMEM;
	}
	return 0;
}

/* Shares what the numbers leave among the labels: each an equal part, less if it needs less. */
static int fit_labels(struct grid *g, const struct render_context *c)
{
	size_t first = g->columns - g->labels, left, taken = INDENT;

	if (!c->width)
		return 0;
	for (size_t i = 0; i < first; i++)
		taken += column_width(g, i);
	taken += (g->columns - 1) * strlen(GAP);
	left = c->width > taken ? c->width - taken : 0;
	for (size_t i = first; i < g->columns; i++) {
		size_t others = 0, wanted = column_width(g, i), part;

		for (size_t k = i + 1; k < g->columns; k++) {
			size_t w = column_width(g, k), equal = left / (g->columns - i);

			others += w < equal ? w : equal;
		}
		part = left > others ? left - others : 0;
		if (part < MIN_LABEL)
			part = MIN_LABEL;
		part = wanted < part ? wanted : part;
		if (fit_column(g, i, part, c->utf8))
			return -ENOMEM;
		left = left > part ? left - part : 0;
	}
	return 0;
}

static int fill(const struct grid *g, const struct render_context *c, struct libscols_table *tb)
{
	for (size_t i = 0; i < g->columns; i++) {
		int flags = i < g->columns - g->labels ? SCOLS_FL_RIGHT : 0;
		struct libscols_column *col = scols_table_new_column(tb, g->titles[i], 0, flags);

		if (!col)
			return -ENOMEM;
		if (c->colour)
			scols_cell_set_color(scols_column_get_header(col), "bold");
	}
	for (size_t r = 0; r < g->rows; r++) {
		struct libscols_line *line = scols_table_new_line(tb, NULL);

		if (!line)
			return -ENOMEM;
		for (size_t i = 0; i < g->columns; i++)
			if (scols_line_set_data(line, i, g->cells[r * g->columns + i]))
				return -ENOMEM;
	}
	return 0;
}

static void print_indented(FILE *out, const char *text)
{
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *last = end;

		while (last > line && last[-1] == ' ')
			last--;
		fprintf(out, "%*s%.*s\n", INDENT, "", (int)(last - line), line);
		line = *end ? end + 1 : end;
	}
}

int grid_print(struct grid *g, const struct render_context *c)
{
	struct libscols_table *tb = scols_new_table();
	char *text = NULL;
	int r = -ENOMEM;

	if (!tb)
		return -ENOMEM;
	if (fit_labels(g, c) || fill(g, c, tb))
		goto out;
	scols_table_enable_colors(tb, c->colour);
	scols_table_set_termforce(tb, SCOLS_TERMFORCE_NEVER);
	if (scols_table_set_column_separator(tb, GAP) || scols_print_table_to_string(tb, &text))
		goto out;
	print_indented(c->out, text);
	r = 0;
out:
	free(text);
	scols_unref_table(tb);
	return r;
}
