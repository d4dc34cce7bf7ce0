/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_json.c: one object a line, its keys as in the line; the last one counts.
 *
 * Numbers are written as they were printed.  What JSON would not take as a number becomes a string.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/line_view.h"

static void put_string(FILE *out, const char *text, size_t len)
{
	char *copy = strndup(text, len), *safe = copy ? escape_dup(copy, ESCAPE_TEXT) : NULL;

	fputc('"', out);
	for (const char *p = safe ? safe : "[no memory]"; *p; p++)
		fprintf(out, "%s%c", *p == '\\' || *p == '"' ? "\\" : "", *p);
	fputc('"', out);
	free(safe);
	free(copy);
}

/* JSON has no zeros in front, and wants digits on both sides of a point. */
static bool is_json_number(const struct line_value *v)
{
	const char *p = v->text;

	return v->type == LINE_NUMBER && !(v->len > 1 && p[0] == '0' && p[1] != '.');
}

static void put_list(FILE *out, const struct line_value *v)
{
	size_t pos = 0;
	int64_t n;

	fputc('[', out);
	for (bool first = true; line_next(v, &pos, &n); first = false)
		fprintf(out, "%s%" PRId64, first ? "" : ",", n);
	fputc(']', out);
}

static void put_value(FILE *out, const struct line_value *v)
{
	if (v->type == LINE_LIST)
		put_list(out, v);
	else if (v->type == LINE_BOOL)
		fputs(v->n ? "true" : "false", out);
	else if (v->type == LINE_ID && v->n < 0)
		fputs("null", out);
	else if (is_json_number(v) || (v->type == LINE_ID && v->text[0] != '0'))
		fwrite(v->text, 1, v->len, out);
	else
		put_string(out, v->text, v->len);
}

void line_put_json(FILE *out, const struct line *l, bool torn)
{
	fprintf(out, "{\"line\":\"%s\"", line_kind_name(l->kind));
	for (unsigned i = 0; i < l->count; i++) {
		const struct line_value *v = &l->value[i];

		fputc(',', out);
		if (v->field)
			fprintf(out, "\"%s\"", line_fields[v->field].name);
		else
			put_string(out, v->name, v->name_len);
		fputc(':', out);
		put_value(out, v);
	}
	fputs(torn ? ",\"torn\":true}" : "}", out);
}

static int json_line(void *state, const struct line_view *v, const struct line *l, bool torn)
{
	(void)state;
	if (v->rows)
		return 0;
	line_put_json(v->out, l, torn);
	fputc('\n', v->out);
	return 0;
}

static int json_row(void *state, const struct line_view *v, const struct line_row *row)
{
	(void)state;
	if (!v->rows)
		return 0;
	fputs("{\"line\":\"row\"", v->out);
	for (unsigned i = 0; i < v->columns; i++) {
		const struct line_cell *c = &row->cell[v->column[i]];

		fprintf(v->out, ",\"%s\":%s", v->report->columns[v->column[i]].name,
			c->known ? line_figure(c).s : "null");
	}
	fputs("}\n", v->out);
	return 0;
}

static int json_end(void *state, const struct line_view *v, const struct lines_counts *c)
{
	uint64_t others = 0;

	(void)state;
	fputs("{\"line\":\"summary\",\"lines\":{", v->out);
	for (unsigned k = 1, n = 0; k < LINE_KINDS; k++) {
		if (!line_report_wants(v->report, k))
			others += c->line[k];
		else if (c->line[k])
			fprintf(v->out, "%s\"%s\":%" PRIu64, n++ ? "," : "", line_kind_name(k),
				c->line[k]);
	}
	fprintf(v->out,
		"},\"other_lines\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"unparsed\":%" PRIu64
		",\"text_bytes\":%" PRIu64 "}\n",
		others, c->torn, c->unparsed, c->text_bytes);
	return 0;
}

const struct line_format line_format_json = {
	.name = "json",
	.summary = "an object for each line, keys as in the line; counts in the last",
	.line = json_line,
	.row = json_row,
	.end = json_end,
};
