/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_data.c: the summary, the tables and the timeline of the page.
 *
 * Everything is bounded: a page of a day's recording opens as quickly as one of a second's.
 */
#include "formats/html_data.h"

#include <stdbool.h>
#include <stdlib.h>

#include "formats/aggregate.h"
#include "formats/breakdown.h"
#include "formats/json_parts.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/waits.h"

/* --- tables -------------------------------------------------------------------------------- */

static json_t *column_object(enum column column)
{
	static const char *const types[] = {
		[COLUMN_IS_COUNT] = "count", [COLUMN_IS_NUMBER] = "number",
		[COLUMN_IS_SIZE] = "size",   [COLUMN_IS_STACK] = "stack",
		[COLUMN_IS_TIME] = "time",   [COLUMN_IS_START] = "start",
		[COLUMN_IS_SHARE] = "share", [COLUMN_IS_MARK] = "mark",
		[COLUMN_IS_TEXT] = "text",
	};
	const struct json_member m[] = {
		{ "name", json_string(column_name(column)) },
		{ "title", json_string(column_title(column)) },
		{ "type", json_string(types[column_type(column)]) },
	};

	return JSON_OBJECT(m);
}

static json_t *columns_array(const struct breakdown *b)
{
	json_t *a = json_array();
	bool bad = !a;

	for (size_t k = 0; k < b->columns && !bad; k++)
		bad = json_array_append_new(a, column_object(b->column[k]));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *row_array(const struct breakdown *b, const struct breakdown_row *row)
{
	json_t *a = json_array();
	bool bad = !a;

	for (size_t k = 0; k < b->columns && !bad; k++) {
		const struct breakdown_cell *p = &row->cell[b->column[k]];

		bad = json_array_append_new(a, b->column[k] < COLUMN_FIRST_LABEL
						       ? json_cell(p, b->column[k])
					       : p->text ? json_text(p->text, ESCAPE_TEXT)
							 : json_null());
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *rows_array(const struct breakdown *b)
{
	json_t *a = json_array();
	bool bad = !a;

	for (size_t i = 0; i < b->count && i < HTML_ROWS && !bad; i++)
		bad = json_array_append_new(a, row_array(b, &b->row[i]));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *table_object(const struct render_context *c, enum by by, const char *title)
{
	struct render_context own = *c;
	struct breakdown b;
	json_t *o;

	own.breakdown = (struct breakdown_spec){ .by = by };
	own.top = HTML_ROWS;
	if (breakdown_make(&own, &b))
		return NULL;

	const struct json_member m[] = {
		{ "by", json_string(by_name(by)) }, { "title", json_string(title) },
		{ "columns", columns_array(&b) },   { "rows", rows_array(&b) },
		{ "count", json_number(b.count) },
	};

	o = JSON_OBJECT(m);
	breakdown_release(&b);
	return o;
}

static json_t *tables_array(const struct render_context *c)
{
	static const struct {
		enum by by;
		const char *title;
	} tables[] = {
		{ BY_GROWTH, "Growths" },	{ BY_CREATOR, "Creators" },
		{ BY_LEAF, "Functions" },	{ BY_STEP, "Steps" },
		{ BY_COROUTINE, "Coroutines" }, { BY_START, "First sizes" },
		{ BY_ALIVE, "At the end" },	{ BY_PROCESS, "Processes" },
	};
	json_t *a = json_array();
	bool bad = !a;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !bad; i++)
		bad = json_array_append_new(a, table_object(c, tables[i].by, tables[i].title));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

/* --- timeline ------------------------------------------------------------------------------ */

/* After the release; what the capture says of clocks may be nonsense. */
static json_t *moment(const struct render_context *c, uint64_t ns)
{
	return json_integer((json_int_t)(ns - c->info->start_monotonic_ns));
}

static json_t *figures(const struct series_row *rows, size_t count, size_t offset)
{
	json_t *a = json_array();
	bool bad = !a;

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(
			a, json_number(*(const uint64_t *)((const char *)&rows[i] + offset)));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *collections_array(const struct render_context *c, const struct html_collections *gc)
{
	json_t *a = json_array();
	bool bad = !a;

	for (size_t i = 0; i < gc->count && i < HTML_COLLECTIONS && !bad; i++)
		bad = json_array_append_new(
			a, json_pack("[o, o]", moment(c, gc->start_ns[i]),
				     gc->end_ns[i] ? moment(c, gc->end_ns[i]) : json_null()));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *timeline(const struct render_context *c, const struct html_collections *gc)
{
#define FIGURES(member) figures(rows, count, offsetof(struct series_row, member))
	bool watched = aggregate_totals(c->aggregate)->switch_window_ns;
	struct series_row *rows;
	uint64_t width;
	size_t count;
	json_t *o;

	if (aggregate_series(c->aggregate, HTML_SLICES, &rows, &count, &width))
		return NULL;

	const struct json_member m[] = {
		{ "start_ns", count ? moment(c, rows[0].start_ns) : json_integer(0) },
		{ "width_ns", json_number(width) },
		{ "born", FIGURES(born) },
		{ "ended", FIGURES(ended) },
		{ "alive", FIGURES(alive) },
		{ "growths", FIGURES(growths) },
		{ "shrinks", FIGURES(shrinks) },
		{ "stack_bytes", FIGURES(stack_bytes) },
		{ "wasted_bytes", FIGURES(wasted_bytes) },
		{ "switches", watched ? FIGURES(switches) : json_null() },
		{ "collections", collections_array(c, gc) },
		{ "collections_seen", json_number(gc->count) },
	};

	o = JSON_OBJECT(m);
	free(rows);
	return o;
#undef FIGURES
}

/* --- all ----------------------------------------------------------------------------------- */

static json_t *weights_array(void)
{
	return json_pack("[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]", "name", "growths",
			 "type", "count", "name", "bytes", "type", "size", "name", "time", "type",
			 "time", "name", "waste", "type", "size");
}

json_t *html_data(const struct render_context *c, const struct html_collections *gc)
{
	const struct json_member m[] = {
		{ "summary", json_summary(c) },
		{ "advice", json_advice(c) },
		{ "warnings", json_warnings(c->info) },
		{ "damage", json_damage(c->damage) },
		{ "weights", weights_array() },
		{ "weight", json_integer(c->weight) },
		{ "by", json_string(by_name(c->breakdown.by ? c->breakdown.by : BY_GROWTH)) },
		{ "graph", html_graph(c) },
		{ "timeline", timeline(c, gc) },
		{ "tables", tables_array(c) },
	};

	return JSON_OBJECT(m);
}
