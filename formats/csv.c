/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.c: a breakdown as comma-separated values, with a line of names first; lines end as text does
 * here.
 *
 * Numbers are exact: bytes, nanoseconds, shares as fractions of 1; what is not known is empty.
 * Names hold no quotes, commas, backslashes or control characters (these read \xNN), so that no
 * reader needs to know about quoting; and none begins as a formula does, for the sake of
 * spreadsheets.
 */
#include "formats/csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/breakdown.h"
#include "formats/render.h"

void csv_put_text(FILE *out, const char *text)
{
	if (strchr("=+-@", *text) && *text)
		fprintf(out, "\\x%02x", (unsigned char)*text++);
	escape_put(out, text, ESCAPE_FIELD);
}

static void put_cell(FILE *out, const struct breakdown_cell *p, enum column column)
{
	if (p->text)
		csv_put_text(out, p->text);
	else if (p->known && column == COLUMN_WASTED)
		fprintf(out, "%.6f", (double)p->n / 1e6);
	else if (p->known)
		fprintf(out, "%" PRIu64, p->n);
}

static int csv_begin(void *state, const struct render_context *c)
{
	(void)state;
	breakdown_prepare(c);
	return 0;
}

static int csv_end(void *state, const struct render_context *c)
{
	struct breakdown b;
	size_t rows;
	int r = breakdown_make(c, &b);

	(void)state;
	if (r)
		return r;
	rows = c->top && c->top < b.count ? c->top : b.count;
	for (size_t k = 0; k < b.columns; k++)
		fprintf(c->out, "%s%s", k ? "," : "", column_name(b.column[k]));
	fputc('\n', c->out);
	for (size_t i = 0; i < rows; i++) {
		for (size_t k = 0; k < b.columns; k++) {
			if (k)
				fputc(',', c->out);
			put_cell(c->out, &b.row[i].cell[b.column[k]], b.column[k]);
		}
		fputc('\n', c->out);
	}
	breakdown_release(&b);
	return 0;
}

const struct format format_csv = {
	.name = "csv",
	.summary = "rows by what --by says, for spreadsheets and scripts",
	.begin = csv_begin,
	.end = csv_end,
};
