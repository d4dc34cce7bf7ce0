/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_view.h: lines of the runtime, and rows of figures from them, written out: the formats of
 * `stacktrace gc` and `stacktrace sched`.
 */
#ifndef ST_FORMATS_LINE_VIEW_H
#define ST_FORMATS_LINE_VIEW_H

#include <stdio.h>

#include "formats/line_report.h"
#include "formats/lines.h"

struct line_view {
	const struct line_report *report;
	FILE *out;
	uint8_t column[LINE_COLUMNS];
	unsigned columns;
	bool rows; /* of several lines each, so that json has rows too */
	bool colour, utf8;
	unsigned width;	  /* of the terminal, 0: unlimited */
	const char *name; /* what was read, for titles */
};

/* 0 or -ENOMEM; whether bytes arrived is for the caller to ask of the stream. */
struct line_format {
	const char *name, *summary;
	size_t state_size; /* the caller allocates it zeroed, and frees it */
	int (*begin)(void *state, const struct line_view *v);
	int (*line)(void *state, const struct line_view *v, const struct line *l, bool torn);
	int (*row)(void *state, const struct line_view *v, const struct line_row *row);
	int (*end)(void *state, const struct line_view *v, const struct lines_counts *c);
};

/* All of them in the order of --help; ends with NULL. */
extern const struct line_format *const line_formats[];
const struct line_format *line_format_find(const char *name); /* NULL: no such format */

extern const struct line_format line_format_table, line_format_csv, line_format_json,
	line_format_lines, line_format_plot, line_format_svg;

/* One line as an object, its keys as in the line, without a newline. */
void line_put_json(FILE *out, const struct line *l, bool torn);

#endif
