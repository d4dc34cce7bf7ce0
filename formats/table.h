/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: what the parts of the text report are made of. */
#ifndef ST_FORMATS_TABLE_H
#define ST_FORMATS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/human.h"

struct grid;
struct render_context;

#define TABLE_BOLD   "\033[1m"
#define TABLE_RED    "\033[31m"
#define TABLE_NORMAL "\033[0m"

/* A cell of a grid: a copy of the text.  NULL: no memory. */
char *cell(struct human h);

const char *table_plural(uint64_t n); /* "s", or "" for one */

/*
 * One sentence, indented by two; what does not fit the width goes on below, indented by four.  The
 * label in front is bold, or red if it is bad news.  0 or -ENOMEM.
 */
int table_sentence(const struct render_context *c, const char *label, bool bad, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/* How many of count rows are shown. */
size_t table_top(const struct render_context *c, size_t count);

/*
 * Prints what is in g, if r, which is handed on, is 0, behind an empty line, and that all is more
 * than that.  Frees g.
 */
int table_grid(const struct render_context *c, struct grid *g, size_t all, int r);

/* The first line: what ran, for how long, and what it came to.  0 or -ENOMEM. */
int table_head(const struct render_context *c);

/* What of the capture could not be read, if anything.  0 or -ENOMEM. */
int table_damage(const struct render_context *c);

/* What was lost and what is damaged, if anything, behind an empty line.  0 or -ENOMEM. */
int table_missing(const struct render_context *c);

#endif
