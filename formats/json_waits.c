/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_waits.c: switches, waits, wakes and locks in the document.
 *
 * A waker that is no coroutine is null.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate.h"
#include "formats/json_parts.h"
#include "formats/render.h"
#include "formats/sections_waits.h"
#include "formats/sites.h"
#include "formats/names.h"
#include "formats/waits.h"

/* null where there is no such coroutine. */
static json_t *function_of(const struct site *s)
{
	return *s->function ? json_text(s->function, ESCAPE_FIELD) : json_null();
}

/* One array of rows; each makes an object of one row. */
typedef json_t *row_fn(const struct render_context *c, const void *row);

static json_t *array_of(const struct render_context *c, void *rows, size_t count, size_t size,
			int failed, row_fn *row)
{
	json_t *a = failed ? NULL : json_array();
	bool bad = !a;

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(a, row(c, (const char *)rows + i * size));
	if (!failed)
		free(rows);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

/* {"1024": 10}: counts by the lower end of their slot, in ns. */
static json_t *slots(const uint64_t *count)
{
	uint64_t all[64] = { 0 };

	for (unsigned i = 0; i < EV_SLOTS; i++)
		all[i] = count[i];
	return json_by_log2(all);
}

json_t *json_switching(const struct render_context *c)
{
	const struct totals *all = aggregate_totals(c->aggregate);
	struct waits_totals t;

	waits_totals(aggregate_waits(c->aggregate), &t);

	const struct json_member m[] = {
		{ "windows", json_number(t.windows) },
		{ "per_second", t.windows ? json_real(t.switch_rate) : json_null() },
		{ "estimate",
		  t.windows ? json_number(waits_estimate(&t, all->wall_ns)) : json_null() },
		{ "error_ratio", t.windows ? json_real(t.switch_error) : json_null() },
		{ "probe_ratio", t.windows ? json_real(totals_switch_share(all)) : json_null() },
		{ "parks", json_number(t.parks) },
		{ "wakes", json_number(t.wakes) },
		{ "run_ns", json_number(t.run_ns) },
		{ "wait_ns", json_number(t.wait_ns) },
		{ "watched_ns", json_number(t.watched_ns) },
		{ "latency_ns", json_number(t.latency_ns) },
		{ "latency", slots(t.latency) },
		{ "collections", json_number(t.collections) },
	};

	return JSON_OBJECT(m);
}

static json_t *run_object(const struct render_context *c, const void *row)
{
	const struct run_row *w = row;
	const struct json_member m[] = {
		{ "creator", function_of(&w->creator) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "entry", function_of(&w->entry) },
		{ "switches", json_number(w->switches) },
		{ "run_ns", json_number(w->run_ns) },
		{ "latency_ns", json_number(w->latency_ns) },
		{ "latency", slots(w->latency) },
	};

	(void)c;
	return JSON_OBJECT(m);
}

json_t *json_running(const struct render_context *c)
{
	struct run_row *rows = NULL;
	size_t count = 0;
	int r = waits_runs(aggregate_waits(c->aggregate), c->names, &rows, &count);

	return array_of(c, rows, count, sizeof(*rows), r, run_object);
}

static json_t *wait_object(const struct render_context *c, const void *row)
{
	const struct wait_row *w = row;
	const struct json_member m[] = {
		{ "creator", function_of(&w->creator) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "entry", function_of(&w->entry) },
		{ "reason", json_text(w->reason, ESCAPE_FIELD) },
		{ "parks", json_number(w->parks) },
		{ "ended", json_number(w->ended) },
		{ "wait_ns", json_number(w->wait_ns) },
		{ "max_ns", json_number(w->max_ns) },
	};

	(void)c;
	return JSON_OBJECT(m);
}

json_t *json_waiting(const struct render_context *c)
{
	struct wait_row *rows = NULL;
	size_t count = 0;
	int r = waits_rows(aggregate_waits(c->aggregate), c->names, &rows, &count);

	return array_of(c, rows, count, sizeof(*rows), r, wait_object);
}

static json_t *wake_object(const struct render_context *c, const void *row)
{
	const struct wake_row *w = row;
	const struct json_member m[] = {
		{ "waker", function_of(&w->waker) },
		{ "waker_file", json_file_of(&w->waker) },
		{ "waker_line", json_line_of(&w->waker) },
		{ "wakee", function_of(&w->wakee) },
		{ "wakee_file", json_file_of(&w->wakee) },
		{ "wakee_line", json_line_of(&w->wakee) },
		{ "count", json_number(w->count) },
	};

	(void)c;
	return JSON_OBJECT(m);
}

json_t *json_waking(const struct render_context *c)
{
	struct wake_row *rows = NULL;
	size_t count = 0;
	int r = waits_wakes(aggregate_waits(c->aggregate), c->names, &rows, &count);

	return array_of(c, rows, count, sizeof(*rows), r, wake_object);
}

/* Functions of a call stack, innermost first, inlined ones too; null where none was taken. */
static json_t *stack_array(const struct render_context *c, uint32_t pid, uint64_t stack_id)
{
	const uint64_t *pc;
	uint32_t depth, flags;
	json_t *a;
	bool bad;

	if (aggregate_stack(c->aggregate, stack_id, &pc, &depth, &flags))
		return json_null();
	a = json_array();
	bad = !a;
	for (uint32_t i = 0; i < depth && !bad; i++) {
		size_t n;
		const struct name *v = names_get(c->names, pid, names_call_site(pc[i]), &n);

		for (size_t k = 0; k < n && !bad; k++)
			bad = json_array_append_new(a, json_text(v[k].function, ESCAPE_FIELD));
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *registers(const struct blocked_row *w)
{
	json_t *a = json_array();
	bool bad = !a;

	for (uint32_t i = 0; i < w->reg_count && !bad; i++)
		bad = json_array_append_new(a, json_number(w->reg[i]));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *blocked_object(const struct render_context *c, const void *row)
{
	const struct blocked_row *w = row;
	const struct json_member m[] = {
		{ "pid", json_number(w->pid) },
		{ "goid", json_number(w->goid) },
		{ "creator", function_of(&w->creator) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "entry", function_of(&w->entry) },
		{ "reason", json_text(w->reason, ESCAPE_FIELD) },
		{ "since_ns", json_number(w->since_ns) },
		{ "duration_ns", json_number(w->duration_ns) },
		{ "still", json_boolean(w->still) },
		{ "seen", json_boolean(w->seen) },
		{ "stack", stack_array(c, w->pid, w->stack_id) },
		{ "registers", registers(w) },
	};

	return JSON_OBJECT(m);
}

json_t *json_blocked(const struct render_context *c)
{
	struct blocked_row *rows = NULL;
	size_t count = 0;
	int r = waits_blocked(aggregate_waits(c->aggregate), c->names, &rows, &count);

	return array_of(c, rows, count, sizeof(*rows), r, blocked_object);
}

static json_t *lock_object(const struct render_context *c, const void *row)
{
	const struct lock_row *w = row;
	const struct json_member m[] = {
		{ "pid", json_number(w->pid) },
		{ "lock", json_number(w->lock) },
		{ "name", w->name ? json_text(w->name, ESCAPE_FIELD) : json_null() },
		{ "kind", json_text(lock_kind_name(w->kind), ESCAPE_FIELD) },
		{ "creator", function_of(&w->creator) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "waits", json_number(w->waits) },
		{ "wait_ns", json_number(w->wait_ns) },
		{ "max_wait_ns", json_number(w->max_wait_ns) },
		{ "holds", json_number(w->holds) },
		{ "hold_ns", w->holds ? json_number(w->hold_ns) : json_null() },
		{ "stack", stack_array(c, w->pid, w->stack_id) },
	};

	return JSON_OBJECT(m);
}

json_t *json_locks(const struct render_context *c)
{
	struct lock_row *rows = NULL;
	size_t count = 0;
	int r = waits_locks(aggregate_waits(c->aggregate), c->names, &rows, &count);

	return array_of(c, rows, count, sizeof(*rows), r, lock_object);
}
