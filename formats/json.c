/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c: everything as one document, for scripts.
 *
 * Every key is always there, but for the rows of --by; what is not known is null.  Names are as the
 * runtime prints them, except that control characters, quotes, commas, backslashes and what is not
 * UTF-8 read \xNN, so that they can go into CSV as they are.  Numbers are exact up to 2^63 - 1 and
 * stop there.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/escape.h"
#include "formats/advice.h"
#include "formats/aggregate.h"
#include "formats/json_parts.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/section.h"
#include "formats/what_if.h"

/* "ring full" -> "ring_full" */
static void key_of(char *key, size_t size, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i < size - 1; i++)
		key[i] = name[i] == ' ' ? '_' : name[i];
	key[i] = '\0';
}

/* Named counters, and the sum of those that only a later version has a name for. */
static json_t *counters(const uint64_t *n, unsigned named, unsigned all,
			const char *(*name)(unsigned))
{
	json_t *o = json_object();
	uint64_t other = 0;
	bool bad = !o;
	char key[64];

	for (unsigned i = 0; i < named && !bad; i++) {
		key_of(key, sizeof(key), name(i));
		bad = json_object_set_new(o, key, json_number(n[i]));
	}
	for (unsigned i = named; i < all; i++)
		other += n[i];
	if (!bad && !json_object_set_new(o, "other", json_number(other)))
		return o;
	json_decref(o);
	return NULL;
}

/* --- summary ------------------------------------------------------------------------------- */

json_t *json_recording(const struct run_info *i)
{
	const struct json_member m[] = {
		{ "tool_version", json_text(i->tool_version, ESCAPE_TEXT) },
		{ "runtime", json_text(i->runtime, ESCAPE_TEXT) },
		{ "version", json_text(i->version, ESCAPE_TEXT) },
		{ "command", json_text(i->command, ESCAPE_TEXT) },
		{ "target", json_text(i->target, ESCAPE_TEXT) },
		{ "build_id", json_text(i->build_id, ESCAPE_TEXT) },
		{ "hostname", json_text(i->hostname, ESCAPE_TEXT) },
		{ "kernel", json_text(i->kernel, ESCAPE_TEXT) },
		{ "cpus", json_number(i->cpus) },
		{ "source", json_text(i->source, ESCAPE_TEXT) },
		{ "link", json_text(i->link, ESCAPE_TEXT) },
		{ "start_realtime_ns", json_number(i->start_realtime_ns) },
	};

	return JSON_OBJECT(m);
}

static json_t *exit_status(const struct totals *t)
{
	int status = (int)t->wait_status;

	return t->exited && WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null();
}

static json_t *exit_signal(const struct totals *t)
{
	int status = (int)t->wait_status;

	return t->exited && WIFSIGNALED(status) ? json_integer(WTERMSIG(status)) : json_null();
}

static json_t *totals_members(const struct totals *t)
{
	const struct json_member m[] = {
		{ "wall_ns", json_number(t->wall_ns) },
		{ "cpu_ns", t->exited ? json_number(t->cpu_ns) : json_null() },
		{ "max_rss_bytes", t->exited ? json_number(t->max_rss) : json_null() },
		{ "exit_status", exit_status(t) },
		{ "exit_signal", exit_signal(t) },
		{ "events", json_number(t->events) },
		{ "coroutines", json_number(t->coroutines) },
		{ "coroutines_born", json_number(t->born) },
		{ "coroutines_ended", json_number(t->ended) },
		{ "coroutines_alive", json_number(t->alive) },
		{ "coroutines_peak_alive", json_number(t->peak_alive) },
		{ "coroutines_short_lived", json_number(t->short_lived) },
		{ "coroutines_measured", json_number(t->measured) },
		{ "growths", json_number(t->growths) },
		{ "shrinks", json_number(t->shrinks) },
		{ "incomplete", json_number(t->incomplete) },
		{ "bytes_copied", json_number(t->bytes_copied) },
		{ "copy_ns", json_number(t->copy_ns) },
		{ "copy_share_of_wall",
		  t->wall_ns ? json_real((double)t->copy_ns / (double)t->wall_ns) : json_null() },
		{ "allocated_bytes", json_number(t->allocated_bytes) },
		{ "used_bytes", json_number(t->used_bytes) },
		{ "all_allocated_bytes", json_number(t->all_allocated_bytes) },
		{ "waste_ratio", json_waste_ratio(t->measured, t->allocated_bytes, t->used_bytes) },
		{ "switches", t->switch_window_ns ? json_number(t->switches) : json_null() },
		{ "switch_window_ns", json_number(t->switch_window_ns) },
		{ "probe_hits", json_number(totals_probe_hits(t)) },
		{ "probe_hits_by_probe",
		  counters(t->probe_hits, EV_PROBE_COUNT, EV_PROBE_LIMIT, probe_hits_name) },
		{ "probe_cost_ns", json_number(t->probe_cost_ns) },
		{ "lost", json_number(totals_lost(t)) },
		{ "lost_by_reason",
		  counters(t->lost, EV_LOST_COUNT, EV_LOST_LIMIT, lost_reason_name) },
	};

	return JSON_OBJECT(m);
}

json_t *json_summary(const struct render_context *c)
{
	json_t *o = json_recording(c->info);

	if (o && json_extend(o, totals_members(aggregate_totals(c->aggregate))))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *calibration(const struct run_info *i)
{
	const struct json_member m[] = {
		{ "pair_ns", json_number(i->pair_ns) },
		{ "hit_ns", json_number(i->hit_ns) },
		{ "offsets", json_text(i->offsets, ESCAPE_TEXT) },
	};

	return JSON_OBJECT(m);
}

json_t *json_damage(const struct capture_damage *d)
{
	if (!d)
		return json_null();

	const struct json_member m[] = {
		{ "truncated", json_boolean(d->truncated) },
		{ "bad_blocks", json_number(d->bad_blocks) },
		{ "skipped_bytes", json_number(d->skipped_bytes) },
		{ "unknown_blocks", json_number(d->unknown_blocks) },
		{ "bad_records", json_number(d->bad_records) },
		{ "missing_records", json_number(d->missing_records) },
	};

	return JSON_OBJECT(m);
}

json_t *json_warnings(const struct run_info *i)
{
	json_t *a = json_array();
	const char *line = i->warnings;

	while (a && *line) {
		size_t len = strcspn(line, "\n");
		char *one = strndup(line, len);

		if (!one || (len && json_array_append_new(a, json_text(one, ESCAPE_TEXT)))) {
			json_decref(a);
			a = NULL;
		}
		free(one);
		line += len + (line[len] == '\n');
	}
	return a;
}

/* --- rows ---------------------------------------------------------------------------------- */

static json_t *growth_object(const struct growth_row *g)
{
	const struct json_member m[] = {
		{ "creator", json_text(g->creator.function, ESCAPE_FIELD) },
		{ "creator_file", json_file_of(&g->creator) },
		{ "creator_line", json_line_of(&g->creator) },
		{ "entry", json_text(g->entry.function, ESCAPE_FIELD) },
		{ "leaf", json_text(g->leaf.function, ESCAPE_FIELD) },
		{ "leaf_file", json_file_of(&g->leaf) },
		{ "leaf_line", json_line_of(&g->leaf) },
		{ "from", json_number(g->from) },
		{ "to", json_number(g->to) },
		{ "count", json_number(g->count) },
		{ "bytes_copied", json_number(g->bytes_copied) },
		{ "ns", json_number(g->ns) },
	};

	return JSON_OBJECT(m);
}

/* What other first sizes would change: what_if.h. */
static json_t *what_if_array(const struct creator_row *c)
{
	json_t *a = json_array();
	struct what_if w[64];
	size_t count = what_if(c, w);
	bool bad = !a;

	for (size_t i = 0; i < count && !bad; i++) {
		const struct json_member m[] = {
			{ "start", json_number(w[i].start) },
			{ "now", json_boolean(w[i].is_now) },
			{ "copies", json_number(w[i].copies) },
			{ "copied_at_most", json_number(w[i].copied) },
			{ "stack_bytes", json_number(w[i].stack_bytes) },
		};

		bad = json_array_append_new(a, JSON_OBJECT(m));
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *creator_object(const struct creator_row *w)
{
	const struct json_member m[] = {
		{ "creator", json_text(w->creator.function, ESCAPE_FIELD) },
		{ "creator_file", json_file_of(&w->creator) },
		{ "creator_line", json_line_of(&w->creator) },
		{ "entry", json_text(w->entry.function, ESCAPE_FIELD) },
		{ "entry_file", json_file_of(&w->entry) },
		{ "entry_line", json_line_of(&w->entry) },
		{ "coroutines", json_number(w->coroutines) },
		{ "short_lived", json_number(w->short_lived) },
		{ "born", json_number(w->born) },
		{ "ended", json_number(w->ended) },
		{ "alive", json_number(w->alive) },
		{ "grew", json_number(w->grew) },
		{ "measured", json_number(w->measured) },
		{ "allocated_bytes", json_number(w->allocated_bytes) },
		{ "used_bytes", json_number(w->used_bytes) },
		{ "most_used", json_number(w->most_used) },
		{ "waste_ratio", json_waste_ratio(w->measured, w->allocated_bytes, w->used_bytes) },
		{ "growths", json_number(w->growths) },
		{ "shrinks", json_number(w->shrinks) },
		{ "bytes_copied", json_number(w->bytes_copied) },
		{ "ns", json_number(w->ns) },
		{ "peak_alive", json_number(w->peak_alive) },
		{ "lifetime_mean_ns", w->lived ? json_number(w->life_ns / w->lived) : json_null() },
		{ "lifetime_max_ns", w->lived ? json_number(w->max_life_ns) : json_null() },
		{ "lifetimes", json_by_log2(w->lifetime) },
		{ "end_sizes", json_by_log2(w->end_size) },
		{ "stack_sizes", json_by_log2(w->final_size) },
		{ "what_if", what_if_array(w) },
	};

	return JSON_OBJECT(m);
}

static json_t *advice_object(const struct advice *a)
{
	char *sentence = advice_text(a, true);
	const struct json_member m[] = {
		{ "kind", json_string(a->kind == ADVICE_START_SIZE ? "start_size" : "big_frame") },
		{ "creator", json_text(a->creator.function, ESCAPE_FIELD) },
		{ "entry", json_text(a->entry.function, ESCAPE_FIELD) },
		{ "leaf",
		  a->leaf.function ? json_text(a->leaf.function, ESCAPE_FIELD) : json_null() },
		{ "from", json_number(a->from) },
		{ "to", json_number(a->to) },
		{ "saved_copies", json_number(a->copies) },
		{ "saved_bytes", json_number(a->bytes) },
		{ "saved_ns", json_number(a->ns) },
		{ "cost_bytes", json_number(a->cost_bytes) },
		{ "spare_bytes", json_number(a->spare_bytes) },
		{ "text", sentence ? json_string(sentence) : NULL },
	};

	free(sentence);
	return JSON_OBJECT(m);
}

/* Growths into *ret_growth, shrinks into *ret_shrink; both NULL: no memory. */
static void growth_arrays(const struct render_context *c, json_t **ret_growth, json_t **ret_shrink)
{
	json_t *growth = json_array(), *shrink = json_array();
	struct growth_row *rows = NULL;
	size_t count = 0;
	bool bad = aggregate_growth(c->aggregate, c->names, &rows, &count) || !growth || !shrink;

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(rows[i].to > rows[i].from ? growth : shrink,
					    growth_object(&rows[i]));
	free(rows);
	if (bad) {
		json_decref(growth);
		json_decref(shrink);
		growth = shrink = NULL;
	}
	*ret_growth = growth;
	*ret_shrink = shrink;
}

static json_t *creators_array(const struct render_context *c)
{
	json_t *a = json_array();
	struct creator_row *rows = NULL;
	size_t count = 0;
	bool bad = !a || aggregate_creators(c->aggregate, c->names, &rows, &count);

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(a, creator_object(&rows[i]));
	free(rows);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

json_t *json_advice(const struct render_context *c)
{
	json_t *a = json_array();
	struct advice *rows = NULL;
	size_t count = 0;
	bool bad = !a || advise(c->aggregate, c->names, c->info, &rows, &count);

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(a, advice_object(&rows[i]));
	free(rows);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

json_t *json_cell(const struct breakdown_cell *p, enum column column)
{
	if (column >= COLUMN_FIRST_LABEL)
		return p->text ? json_text(p->text, ESCAPE_FIELD) : json_null();
	if (!p->known)
		return json_null();
	return column == COLUMN_WASTED ? json_real((double)p->n / 1e6) : json_number(p->n);
}

/* What --by asks for, as objects by the names of the columns. */
static json_t *by_rows(const struct render_context *c)
{
	json_t *a = json_array();
	struct breakdown b = { 0 };
	bool bad = !a || breakdown_make(c, &b);

	for (size_t i = 0; i < (c->top && c->top < b.count ? c->top : b.count) && !bad; i++) {
		json_t *o = json_object();

		for (size_t k = 0; k < b.columns && !bad; k++)
			bad = json_object_set_new(
				o, column_name(b.column[k]),
				json_cell(&b.row[i].cell[b.column[k]], b.column[k]));
		bad = json_array_append_new(a, o) || bad;
	}
	breakdown_release(&b);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static bool add_breakdown(const struct render_context *c, json_t *root)
{
	if (!c->breakdown.by)
		return true;
	return !json_object_set_new(root, "by", json_string(by_name(c->breakdown.by))) &&
	       !json_object_set_new(root, "rows", by_rows(c));
}

static int json_begin(void *state, const struct render_context *c)
{
	(void)state;
	breakdown_prepare(c);
	return 0;
}

static int json_end(void *state, const struct render_context *c)
{
	json_t *growth, *shrink, *root;
	int r;

	(void)state;
	growth_arrays(c, &growth, &shrink);

	const struct json_member m[] = {
		{ "summary", json_summary(c) },
		{ "growth", growth },
		{ "shrink", shrink },
		{ "creators", creators_array(c) },
		{ "advice", json_advice(c) },
		{ "calibration", calibration(c->info) },
		{ "warnings", json_warnings(c->info) },
		{ "damage", json_damage(c->damage) },
	};

	root = JSON_OBJECT(m);
	if (!root || !sections_json(c, root) || !add_breakdown(c, root)) {
		json_decref(root);
		return -ENOMEM;
	}
	/* a stream that fails is the caller's to find out; jansson only says that it failed */
	r = json_dumpf(root, c->out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	json_decref(root);
	if (r && !ferror(c->out))
		return -ENOMEM;
	fputc('\n', c->out);
	return 0;
}

const struct format format_json = {
	.name = "json",
	.summary = "everything as one JSON document, for scripts",
	.begin = json_begin,
	.end = json_end,
};
