/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breakdown.h: what happened, cut by one criterion: rows of typed cells, from which every tabular
 * format is printed.
 */
#ifndef ST_FORMATS_BREAKDOWN_H
#define ST_FORMATS_BREAKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aggregate;
struct err;
struct render_context;

enum by {
	BY_NOTHING, /* the summary */
	BY_GROWTH,  /* creator, leaf and step */
	BY_CREATOR,
	BY_LEAF,
	BY_STACK,
	BY_STEP,
	BY_COROUTINE,
	BY_PROCESS,
	BY_TIME,
	BY_ALIVE, /* at the end: creator and wait reason */
	BY_START, /* what if coroutines of a creator began with another size */
	BY_COUNT,
};
const char *by_name(enum by by); /* "creator"; NULL from BY_COUNT on */

enum column {
	COLUMN_START,
	COLUMN_PID,
	COLUMN_PPID,
	COLUMN_ID,
	COLUMN_COROUTINES,
	COLUMN_BORN,
	COLUMN_ENDED,
	COLUMN_ALIVE,
	COLUMN_AT_ONCE,
	COLUMN_SHORT,
	COLUMN_GREW,
	COLUMN_LIFETIME,
	COLUMN_LONGEST,
	COLUMN_GROWTHS,
	COLUMN_SHRINKS,
	COLUMN_COPIED,
	COLUMN_TIME,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_STACK,
	COLUMN_ALLOCATED,
	COLUMN_USED,
	COLUMN_MOST_USED,
	COLUMN_WASTE,
	COLUMN_WASTED,
	COLUMN_SWITCHES,
	COLUMN_STATE,
	COLUMN_FIRST,
	COLUMN_NOW,
	COLUMN_COPIES,
	COLUMN_MOVED,
	COLUMN_FIRST_LABEL, /* texts from here on */
	COLUMN_CREATOR = COLUMN_FIRST_LABEL,
	COLUMN_ENTRY,
	COLUMN_LEAF,
	COLUMN_CHAIN,
	COLUMN_NAME,
	COLUMN_REASON,
	COLUMN_COUNT,
};
const char *column_name(enum column c);	 /* "at_once"; NULL from COLUMN_COUNT on */
const char *column_title(enum column c); /* "AT ONCE" */

enum column_type {
	COLUMN_IS_COUNT,
	COLUMN_IS_NUMBER, /* names something: as it is */
	COLUMN_IS_SIZE,	  /* bytes */
	COLUMN_IS_STACK,  /* the size of a stack: exact */
	COLUMN_IS_TIME,	  /* nanoseconds */
	COLUMN_IS_START,  /* nanoseconds since the beginning */
	COLUMN_IS_SHARE,  /* millionths */
	COLUMN_IS_MARK,	  /* 0 or 1 */
	COLUMN_IS_TEXT,
};
enum column_type column_type(enum column c);

struct breakdown_cell {
	bool known;
	uint64_t n; /* of a share: in millionths */
	char *text; /* raw: to be escaped */
};
struct breakdown_row {
	struct breakdown_cell cell[COLUMN_COUNT];
};

struct breakdown_spec {
	enum by by;
	bool sorted, reverse;
	enum column sort; /* if sorted */
	size_t columns;	  /* 0: those of the criterion */
	enum column column[COLUMN_COUNT];
};

/* "creator,growths" -> columns.  -EINVAL: e names the choices. */
int breakdown_parse_columns(const char *what, const char *text, struct breakdown_spec *s,
			    struct err *e);
int breakdown_parse_sort(const char *what, const char *text, struct breakdown_spec *s,
			 struct err *e);

/* To be called before the first event. */
void breakdown_prepare(const struct render_context *c);

struct breakdown {
	struct breakdown_row *row;
	size_t count; /* all; what of it is shown is the format's business */
	size_t columns;
	enum column column[COLUMN_COUNT]; /* numbers, then labels */
	size_t labels;			  /* of them */
};

/* Rows sorted and columns chosen, by c->breakdown.  0 or -ENOMEM. */
int breakdown_make(const struct render_context *c, struct breakdown *ret);
void breakdown_release(struct breakdown *b);

/* --- between breakdown.c and what fills it (breakdown_rows.c) ------------------------------ */

struct breakdown_list {
	struct breakdown_row *row;
	size_t count, room;
};

/* An empty row more; NULL: no memory. */
struct breakdown_row *breakdown_add(struct breakdown_list *l);
int breakdown_fill(const struct render_context *c, enum by by, struct breakdown_list *l);

static inline void breakdown_set(struct breakdown_row *r, enum column c, uint64_t n)
{
	r->cell[c].known = true;
	r->cell[c].n = n;
}

#endif
