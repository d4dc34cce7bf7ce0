/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breakdown.c: columns, order and merging of rows; where they come from is breakdown_rows.c.
 *
 * Rows that say the same in all texts, and in what else tells them apart, are one: their figures
 * are added up.  The order never depends on addresses or on the order of events, so that the same
 * capture gives the same table.
 */
#include "formats/breakdown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "formats/aggregate.h"
#include "formats/render.h"

static const struct {
	const char *name, *title;
	enum column_type type;
} columns[COLUMN_COUNT] = {
	[COLUMN_START] = { "start", "START", COLUMN_IS_START },
	[COLUMN_PID] = { "pid", "PID", COLUMN_IS_NUMBER },
	[COLUMN_PPID] = { "ppid", "PARENT", COLUMN_IS_NUMBER },
	[COLUMN_ID] = { "id", "ID", COLUMN_IS_NUMBER },
	[COLUMN_COROUTINES] = { "coroutines", "COROUTINES", COLUMN_IS_COUNT },
	[COLUMN_BORN] = { "born", "BORN", COLUMN_IS_COUNT },
	[COLUMN_ENDED] = { "ended", "ENDED", COLUMN_IS_COUNT },
	[COLUMN_ALIVE] = { "alive", "ALIVE", COLUMN_IS_COUNT },
	[COLUMN_AT_ONCE] = { "at_once", "AT ONCE", COLUMN_IS_COUNT },
	[COLUMN_SHORT] = { "short", "UNDER 1 MS", COLUMN_IS_COUNT },
	[COLUMN_GREW] = { "grew", "GREW", COLUMN_IS_COUNT },
	[COLUMN_LIFETIME] = { "lifetime", "LIFETIME", COLUMN_IS_TIME },
	[COLUMN_LONGEST] = { "longest", "LONGEST", COLUMN_IS_TIME },
	[COLUMN_GROWTHS] = { "growths", "GROWTHS", COLUMN_IS_COUNT },
	[COLUMN_SHRINKS] = { "shrinks", "SHRINKS", COLUMN_IS_COUNT },
	[COLUMN_COPIED] = { "copied", "COPIED", COLUMN_IS_SIZE },
	[COLUMN_TIME] = { "time", "TIME", COLUMN_IS_TIME },
	[COLUMN_FROM] = { "from", "FROM", COLUMN_IS_STACK },
	[COLUMN_TO] = { "to", "TO", COLUMN_IS_STACK },
	[COLUMN_STACK] = { "stack", "STACK", COLUMN_IS_STACK },
	[COLUMN_ALLOCATED] = { "allocated", "ALLOCATED", COLUMN_IS_SIZE },
	[COLUMN_USED] = { "used", "USED", COLUMN_IS_SIZE },
	[COLUMN_MOST_USED] = { "most_used", "MOST USED", COLUMN_IS_SIZE },
	[COLUMN_WASTE] = { "waste", "WASTE", COLUMN_IS_SIZE },
	[COLUMN_WASTED] = { "wasted", "WASTED", COLUMN_IS_SHARE },
	[COLUMN_SWITCHES] = { "switches", "SWITCHES", COLUMN_IS_COUNT },
	[COLUMN_STATE] = { "status", "STATUS", COLUMN_IS_NUMBER },
	[COLUMN_FIRST] = { "first", "START WITH", COLUMN_IS_STACK },
	[COLUMN_NOW] = { "now", "NOW", COLUMN_IS_MARK },
	[COLUMN_COPIES] = { "copies", "COPIES", COLUMN_IS_COUNT },
	[COLUMN_MOVED] = { "moved", "AT MOST", COLUMN_IS_SIZE },
	[COLUMN_CREATOR] = { "creator", "CREATED AT", COLUMN_IS_TEXT },
	[COLUMN_ENTRY] = { "entry", "RUNS", COLUMN_IS_TEXT },
	[COLUMN_LEAF] = { "leaf", "GREW IN", COLUMN_IS_TEXT },
	[COLUMN_CHAIN] = { "chain", "CALL CHAIN", COLUMN_IS_TEXT },
	[COLUMN_NAME] = { "name", "PROGRAM", COLUMN_IS_TEXT },
	[COLUMN_REASON] = { "reason", "WAITING FOR", COLUMN_IS_TEXT },
};

#define END COLUMN_COUNT
static const struct {
	const char *name;
	enum column sort;
	bool up; /* smallest first */
	enum column keys[4], shown[COLUMN_COUNT];
} criteria[BY_COUNT] = {
	[BY_NOTHING] = { .name = "summary" },
	[BY_GROWTH] = { "growth",
			COLUMN_TIME,
			false,
			{ COLUMN_FROM, COLUMN_TO, END },
			{ COLUMN_GROWTHS, COLUMN_SHRINKS, COLUMN_COPIED, COLUMN_TIME, COLUMN_FROM,
			  COLUMN_TO, COLUMN_CREATOR, COLUMN_LEAF, END } },
	[BY_CREATOR] = { "creator",
			 COLUMN_TIME,
			 false,
			 { END },
			 { COLUMN_COROUTINES, COLUMN_ALIVE, COLUMN_AT_ONCE, COLUMN_LIFETIME,
			   COLUMN_GROWTHS, COLUMN_COPIED, COLUMN_TIME, COLUMN_STACK,
			   COLUMN_ALLOCATED, COLUMN_USED, COLUMN_WASTED, COLUMN_CREATOR,
			   COLUMN_ENTRY, END } },
	[BY_LEAF] = { "leaf",
		      COLUMN_TIME,
		      false,
		      { END },
		      { COLUMN_GROWTHS, COLUMN_SHRINKS, COLUMN_COPIED, COLUMN_TIME, COLUMN_LEAF,
			END } },
	[BY_STACK] = { "stack",
		       COLUMN_TIME,
		       false,
		       { END },
		       { COLUMN_GROWTHS, COLUMN_COPIED, COLUMN_TIME, COLUMN_WASTE, COLUMN_CHAIN,
			 END } },
	[BY_STEP] = { "step",
		      COLUMN_FROM,
		      true,
		      { COLUMN_FROM, COLUMN_TO, END },
		      { COLUMN_FROM, COLUMN_TO, COLUMN_GROWTHS, COLUMN_SHRINKS, COLUMN_COPIED,
			COLUMN_TIME, END } },
	[BY_COROUTINE] = { "coroutine",
			   COLUMN_TIME,
			   false,
			   { COLUMN_PID, COLUMN_ID, COLUMN_START, END },
			   { COLUMN_PID, COLUMN_ID, COLUMN_START, COLUMN_LIFETIME, COLUMN_GROWTHS,
			     COLUMN_SHRINKS, COLUMN_COPIED, COLUMN_TIME, COLUMN_STACK, COLUMN_USED,
			     COLUMN_WASTED, COLUMN_CREATOR, COLUMN_ENTRY, END } },
	[BY_PROCESS] = { "process",
			 COLUMN_TIME,
			 false,
			 { COLUMN_PID, END },
			 { COLUMN_PID, COLUMN_PPID, COLUMN_STATE, COLUMN_COROUTINES, COLUMN_ALIVE,
			   COLUMN_GROWTHS, COLUMN_COPIED, COLUMN_TIME, COLUMN_ALLOCATED,
			   COLUMN_USED, COLUMN_WASTED, COLUMN_NAME, END } },
	[BY_TIME] = { "time",
		      COLUMN_START,
		      true,
		      { COLUMN_START, END },
		      { COLUMN_START, COLUMN_BORN, COLUMN_ENDED, COLUMN_AT_ONCE, COLUMN_GROWTHS,
			COLUMN_SHRINKS, COLUMN_COPIED, COLUMN_TIME, COLUMN_ALLOCATED, COLUMN_WASTE,
			COLUMN_SWITCHES, END } },
	[BY_ALIVE] = { "alive",
		       COLUMN_ALIVE,
		       false,
		       { END },
		       { COLUMN_ALIVE, COLUMN_LONGEST, COLUMN_ALLOCATED, COLUMN_USED, COLUMN_WASTED,
			 COLUMN_CREATOR, COLUMN_ENTRY, COLUMN_REASON, END } },
	[BY_START] = { "start",
		       COLUMN_CREATOR,
		       true,
		       { COLUMN_FIRST, END },
		       { COLUMN_FIRST, COLUMN_NOW, COLUMN_COROUTINES, COLUMN_COPIES, COLUMN_MOVED,
			 COLUMN_ALLOCATED, COLUMN_WASTED, COLUMN_CREATOR, COLUMN_ENTRY, END } },
};

const char *by_name(enum by by)
{
	return by < BY_COUNT ? criteria[by].name : NULL;
}

const char *column_name(enum column c)
{
	return c < COLUMN_COUNT ? columns[c].name : NULL;
}

const char *column_title(enum column c)
{
	return columns[c].title;
}

enum column_type column_type(enum column c)
{
	return columns[c].type;
}

/* --- what users type ----------------------------------------------------------------------- */

static int find_column(const char *what, const char *name, size_t len, enum column *ret,
		       struct err *e)
{
	char list[512] = "";
	size_t used = 0;

	for (unsigned c = 0; c < COLUMN_COUNT; c++) {
		if (strlen(columns[c].name) == len && !strncmp(columns[c].name, name, len)) {
			*ret = c;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", c ? ", " : "",
					 columns[c].name);
	}
	return err_set(e, EINVAL, "%s: '%.*s' is not one of %s", what, (int)len, name, list);
}

int breakdown_parse_columns(const char *what, const char *text, struct breakdown_spec *s,
			    struct err *e)
{
	size_t count = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		enum column c;
		int r = find_column(what, text, len, &c, e);

		if (r)
			return r;
		for (size_t i = 0; i < count; i++)
			if (s->column[i] == c)
				return err_set(e, EINVAL, "%s: '%s' is there twice", what,
					       columns[c].name);
		s->column[count++] = c;
		text += len + (text[len] == ',');
	}
	if (!count)
		return err_set(e, EINVAL, "%s: no column is named", what);
	s->columns = count;
	return 0;
}

int breakdown_parse_sort(const char *what, const char *text, struct breakdown_spec *s,
			 struct err *e)
{
	int r = find_column(what, text, strlen(text), &s->sort, e);

	if (!r)
		s->sorted = true;
	return r;
}

/* --- coroutines: which ones are worth keeping is known before there are any ---------------- */

static uint64_t rank_time(const struct coroutine_row *r)
{
	return r->ns;
}

static uint64_t rank_growths(const struct coroutine_row *r)
{
	return r->growths;
}

static uint64_t rank_copied(const struct coroutine_row *r)
{
	return r->bytes_copied;
}

static uint64_t rank_stack(const struct coroutine_row *r)
{
	return r->peak_size;
}

static uint64_t rank_used(const struct coroutine_row *r)
{
	return r->used;
}

static uint64_t rank_waste(const struct coroutine_row *r)
{
	return r->used ? r->peak_size - r->used : 0;
}

static uint64_t rank_lifetime(const struct coroutine_row *r)
{
	return r->born && r->ended && r->end_ns > r->birth_ns ? r->end_ns - r->birth_ns : 0;
}

/* What else users sort by is not known to be best by a number: then all are kept. */
static uint64_t rank_all(const struct coroutine_row *r)
{
	(void)r;
	return 0;
}

void breakdown_prepare(const struct render_context *c)
{
	static coroutine_rank_fn *const ranks[COLUMN_COUNT] = {
		[COLUMN_TIME] = rank_time,	   [COLUMN_GROWTHS] = rank_growths,
		[COLUMN_COPIED] = rank_copied,	   [COLUMN_STACK] = rank_stack,
		[COLUMN_USED] = rank_used,	   [COLUMN_WASTE] = rank_waste,
		[COLUMN_LIFETIME] = rank_lifetime,
	};
	const struct breakdown_spec *s = &c->breakdown;
	enum column sort = s->sorted ? s->sort : COLUMN_TIME;
	coroutine_rank_fn *rank = s->reverse ? NULL : ranks[sort];

	if (s->by == BY_COROUTINE)
		aggregate_keep_coroutines(c->aggregate, rank ? c->top : 0, rank ? rank : rank_all);
}

/* --- rows ---------------------------------------------------------------------------------- */

struct breakdown_row *breakdown_add(struct breakdown_list *l)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct breakdown_row *p = reallocarray(l->row, room, sizeof(*p));

		if (!p)
			return NULL;
		l->row = p;
		l->room = room;
	}
	memset(&l->row[l->count], 0, sizeof(l->row[0]));
	return &l->row[l->count++];
}

static void release_row(struct breakdown_row *r)
{
	for (unsigned c = COLUMN_FIRST_LABEL; c < COLUMN_COUNT; c++)
		free(r->cell[c].text);
}

void breakdown_release(struct breakdown *b)
{
	for (size_t i = 0; i < b->count; i++)
		release_row(&b->row[i]);
	free(b->row);
	*b = (struct breakdown){ 0 };
}

static int compare_cells(const struct breakdown_cell *a, const struct breakdown_cell *b)
{
	if (a->text || b->text)
		return strcmp(a->text ? a->text : "", b->text ? b->text : "");
	if (a->known != b->known)
		return a->known ? 1 : -1; /* what is not known is smallest */
	return (a->n > b->n) - (a->n < b->n);
}

/* By what tells rows apart: all texts, and the keys of the criterion. */
static int compare_keys(const void *x, const void *y, void *arg)
{
	const struct breakdown_row *a = x, *b = y;
	enum by by = *(const enum by *)arg;
	int r = 0;

	for (unsigned i = 0; criteria[by].keys[i] != END && !r; i++)
		r = compare_cells(&a->cell[criteria[by].keys[i]], &b->cell[criteria[by].keys[i]]);
	for (unsigned c = COLUMN_FIRST_LABEL; c < COLUMN_COUNT && !r; c++)
		r = compare_cells(&a->cell[c], &b->cell[c]);
	return r;
}

struct order {
	enum by by;
	enum column column;
	bool up;
};

static int compare_order(const void *x, const void *y, void *arg)
{
	const struct breakdown_row *a = x, *b = y;
	struct order *o = arg;
	int r = compare_cells(&a->cell[o->column], &b->cell[o->column]);

	if (r)
		return o->up ? r : -r;
	return compare_keys(x, y, &o->by);
}

/* The mean of two means, each of so many. */
static uint64_t mean(uint64_t a, uint64_t of_a, uint64_t b, uint64_t of_b)
{
	double all = (double)of_a + (double)of_b;

	return all > 0 ? (uint64_t)(((double)a * (double)of_a + (double)b * (double)of_b) / all)
		       : a;
}

static void merge_cell(struct breakdown_row *to, const struct breakdown_row *from, enum column c)
{
	struct breakdown_cell *a = &to->cell[c];
	const struct breakdown_cell *b = &from->cell[c];

	if (!b->known || c == COLUMN_STACK || c == COLUMN_WASTED || c == COLUMN_NOW)
		return;
	a->known = true;
	if (c == COLUMN_LONGEST || c == COLUMN_MOST_USED)
		a->n = b->n > a->n ? b->n : a->n;
	else if (c == COLUMN_LIFETIME)
		a->n = mean(a->n, to->cell[COLUMN_ENDED].n, b->n, from->cell[COLUMN_ENDED].n);
	else if (__builtin_add_overflow(a->n, b->n, &a->n))
		a->n = UINT64_MAX;
}

/* Adds up what can be added up. */
static void merge_into(struct breakdown_row *to, const struct breakdown_row *from, enum by by)
{
	bool key[COLUMN_COUNT] = { false };
	const struct breakdown_cell *all = &to->cell[COLUMN_ALLOCATED];

	for (unsigned i = 0; criteria[by].keys[i] != END; i++)
		key[criteria[by].keys[i]] = true;
	merge_cell(to, from, COLUMN_LIFETIME); /* before the counts that it needs */
	for (unsigned c = 0; c < COLUMN_FIRST_LABEL; c++)
		if (!key[c] && c != COLUMN_LIFETIME)
			merge_cell(to, from, c);
	if (all->known && all->n)
		breakdown_set(to, COLUMN_WASTED,
			      (uint64_t)((double)to->cell[COLUMN_WASTE].n * 1e6 / (double)all->n));
}

static void merge_rows(struct breakdown_list *l, enum by by)
{
	size_t kept = 0;

	if (l->count)
		qsort_r(l->row, l->count, sizeof(*l->row), compare_keys, &by);
	for (size_t i = 0; i < l->count; i++) {
		if (kept && !compare_keys(&l->row[kept - 1], &l->row[i], &by)) {
			merge_into(&l->row[kept - 1], &l->row[i], by);
			release_row(&l->row[i]);
		} else {
			l->row[kept++] = l->row[i];
		}
	}
	l->count = kept;
}

/* Numbers first, then labels, each in the order asked for. */
static void choose_columns(const struct breakdown_spec *s, enum by by, struct breakdown *b)
{
	size_t count = s->columns;
	const enum column *from = s->column;

	if (!count) {
		from = criteria[by].shown;
		while (from[count] != END)
			count++;
	}
	for (size_t i = 0; i < count; i++)
		if (from[i] < COLUMN_FIRST_LABEL)
			b->column[b->columns++] = from[i];
	for (size_t i = 0; i < count; i++) {
		if (from[i] < COLUMN_FIRST_LABEL)
			continue;
		b->column[b->columns++] = from[i];
		b->labels++;
	}
}

int breakdown_make(const struct render_context *c, struct breakdown *ret)
{
	const struct breakdown_spec *s = &c->breakdown;
	enum by by = s->by ? s->by : BY_GROWTH;
	struct order order = { by, criteria[by].sort, criteria[by].up };
	struct breakdown_list l = { 0 };
	int r = breakdown_fill(c, by, &l);

	*ret = (struct breakdown){ .row = l.row, .count = l.count };
	if (r) {
		breakdown_release(ret);
		return r;
	}
	merge_rows(&l, by);
	ret->count = l.count;
	if (s->sorted) {
		order.column = s->sort;
		order.up = s->sort >= COLUMN_FIRST_LABEL;
	}
	order.up ^= s->reverse;
	if (l.count)
		qsort_r(l.row, l.count, sizeof(*l.row), compare_order, &order);
	choose_columns(s, by, ret);
	return 0;
}
