/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/grid.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/table.h"

char *cell(struct human h)
{
	return strdup(h.s);
}

const char *table_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

int table_sentence(const struct render_context *c, const char *label, bool bad, const char *fmt,
		   ...)
{
	size_t column = 2 + strlen(label);
	char *text, *word, *rest = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	fprintf(c->out, "  %s%s%s",
		!c->colour ? ""
		: bad	   ? TABLE_RED
			   : TABLE_BOLD,
		label, c->colour ? TABLE_NORMAL : "");
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		size_t width = label_width(word);

		if (c->width && column + 1 + width > c->width) {
			fputs("\n   ", c->out);
			column = 3;
		}
		fprintf(c->out, " %s", word);
		column += 1 + width;
	}
	fputc('\n', c->out);
	free(text);
	return 0;
}

static int print_more(const struct render_context *c, size_t shown, size_t all)
{
	if (shown < all)
		fprintf(c->out, "  %s%s more\n", c->utf8 ? "… " : "... ",
			human_count(all - shown).s);
	return 0;
}

int table_grid(const struct render_context *c, struct grid *g, size_t all, int r)
{
	if (!r && all) {
		fputc('\n', c->out);
		r = grid_print(g, c);
	}
	if (!r)
		r = print_more(c, grid_rows(g), all);
	grid_free(g);
	return r;
}

size_t table_top(const struct render_context *c, size_t count)
{
	return c->top && c->top < count ? c->top : count;
}
