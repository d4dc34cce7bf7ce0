/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_report.h: lines of the runtime as rows of figures: one report on scheduling, one on
 * collecting.
 *
 * A column is a field of the line, a figure that the report works out, or the rate at which another
 * column rises.  Figures are integers with a count of decimals, so that sums of what was printed
 * are exact; only rates are rounded.
 */
#ifndef ST_FORMATS_LINE_REPORT_H
#define ST_FORMATS_LINE_REPORT_H

#include "formats/line.h"

#define LINE_COLUMNS 40

struct err;

/* What becomes of a column's figures when several lines make one row. */
enum line_merge {
	MERGE_LAST,
	MERGE_SUM,
	MERGE_MOST,
	MERGE_RATE, /* a second, of the column in field */
};

struct line_column {
	const char *name;  /* for --columns, CSV and JSON: "pause_ms" */
	const char *title; /* for the table: "PAUSE ms" */
	uint8_t field;	   /* enum line_field that it is copied from, or 0; of a rate its column */
	uint8_t merge;	   /* enum line_merge */
	uint8_t width;	   /* what figures usually need */
	bool usual;	   /* shown if nothing else is said */
	const char *what;
};

struct line_cell {
	int64_t n; /* the figure times 10^scale */
	uint8_t scale;
	bool known;
};

struct line_row {
	struct line_cell cell[LINE_COLUMNS];
};

struct line_report {
	const char *name; /* "gc" */
	const struct line_column *columns;
	unsigned count;
	unsigned clock;	  /* the column that tells the time ... */
	int64_t clock_ns; /* ... and what its last decimal is at scale 0 */
	unsigned kinds;	  /* bit mask of the kinds of lines that it is about */
	size_t state_size;
	/* Takes a line that was read at a time; true: *ret is a sample, of this line or of those
	 * before. */
	bool (*take)(void *state, const struct line *l, struct line_cell time,
		     struct line_row *ret);
	bool (*end)(void *state, struct line_row *ret); /* the same behind the last line */
};

/* Column 0 of both: when the line was read, where that is known. */
#define LINE_COLUMN_TIME 0

extern const struct line_report line_report_gc, line_report_sched;

static inline bool line_report_wants(const struct line_report *r, enum line_kind k)
{
	return r->kinds & 1u << k;
}

/* "0.049"; an empty text if it is not known. */
struct line_figure {
	char s[48];
};
struct line_figure line_figure(const struct line_cell *c);

double line_cell_value(const struct line_cell *c);
void line_cell_add(struct line_cell *to, const struct line_cell *more); /* exact */
bool line_cell_less(const struct line_cell *a, const struct line_cell *b);
struct line_cell line_cell_of(const struct line *l, enum line_field f);
struct line_cell line_cell_number(int64_t n);

/* --- rows ---------------------------------------------------------------------------------- */

struct line_rows;
typedef int line_row_fn(void *arg, const struct line_row *row);

/* every_ns: samples of that much time make one row; 0: each is one. */
int line_rows_new(const struct line_report *report, uint64_t every_ns, line_row_fn *fn, void *arg,
		  struct line_rows **ret);
void line_rows_free(struct line_rows *r); /* NULL-safe */

/* time_ns: when it was read, since the program's start; UINT64_MAX: not known.  What fn returned.
 */
int line_rows_take(struct line_rows *r, const struct line *l, uint64_t time_ns);
int line_rows_end(struct line_rows *r);

/* Names separated by commas, into indices.  -EINVAL lists the names. */
int line_report_parse_columns(const struct line_report *r, const char *what, const char *list,
			      uint8_t *ret, unsigned *ret_count, struct err *e);

#endif
