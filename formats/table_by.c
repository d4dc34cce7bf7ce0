/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/table_by.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/breakdown.h"
#include "formats/grid.h"
#include "formats/render.h"
#include "formats/table.h"

static struct human share_of(uint64_t millionths)
{
	return human_share((double)millionths, 1e6);
}

static struct human number_of(uint64_t n)
{
	struct human h;

	snprintf(h.s, sizeof(h.s), "%llu", (unsigned long long)n);
	return h;
}

static struct human seconds_of(uint64_t ns)
{
	struct human h;

	snprintf(h.s, sizeof(h.s), "%.6f", (double)ns / 1e9);
	return h;
}

static struct human text_of(enum column column, uint64_t n, bool utf8)
{
	switch (column_type(column)) {
	case COLUMN_IS_START:
		return seconds_of(n);
	case COLUMN_IS_NUMBER:
		return number_of(n);
	case COLUMN_IS_MARK:
		return (struct human){ { n ? '*' : ' ' } };
	case COLUMN_IS_STACK:
		return human_stack(n);
	case COLUMN_IS_SIZE:
		return human_size(n);
	case COLUMN_IS_TIME:
		return human_time(n, utf8);
	case COLUMN_IS_SHARE:
		return share_of(n);
	default:
		return human_count(n);
	}
}

static char *cell_of(const struct render_context *c, const struct breakdown_row *row,
		     enum column column)
{
	const struct breakdown_cell *p = &row->cell[column];

	if (column >= COLUMN_FIRST_LABEL)
		return escape_dup(p->text ? p->text : "-", c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	return p->known ? cell(text_of(column, p->n, c->utf8)) : strdup("-");
}

int table_by(const struct render_context *c)
{
	const char *titles[COLUMN_COUNT];
	struct breakdown b;
	struct grid *g;
	int r = breakdown_make(c, &b);

	if (r)
		return r;
	for (size_t i = 0; i < b.columns; i++)
		titles[i] = column_title(b.column[i]);
	r = grid_new(titles, b.columns, b.labels, &g);
	if (r) {
		breakdown_release(&b);
		return r;
	}
	for (size_t i = 0; i < table_top(c, b.count) && !r; i++) {
		char *cells[COLUMN_COUNT];

		for (size_t k = 0; k < b.columns; k++)
			cells[k] = cell_of(c, &b.row[i], b.column[k]);
		r = grid_add(g, cells);
	}
	if (!r && !b.count)
		fputs("\n  none\n", c->out);
	r = table_grid(c, g, b.count, r);
	breakdown_release(&b);
	return r;
}
