/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c: everything as one document, for scripts.
 *
 * Every key is always there; what is not known is null.  Names are as the runtime prints them,
 * except that control characters, quotes, commas, backslashes and what is not UTF-8 read \xNN, so
 * that they can go into CSV as they are.  Numbers are exact up to 2^63 - 1 and stop there.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/escape.h"
#include "formats/advice.h"
#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/run_info.h"

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *text(const char *s, enum escape_style style)
{
	char *safe = escape_dup(s, style);
	json_t *r = safe ? json_string(safe) : NULL;

	free(safe);
	return r;
}

/* A NULL value is the want of memory. */
struct member {
	const char *key;
	json_t *value;
};

/* Takes all values over.  Object, or NULL: no memory. */
static json_t *object(const struct member *m, size_t count)
{
	json_t *o = json_object();
	bool bad = !o;

	for (size_t i = 0; i < count; i++)
		bad |= json_object_set_new(o, m[i].key, m[i].value) != 0;
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}
#define OBJECT(members) object((members), sizeof(members) / sizeof((members)[0]))

/* Adds the members of from, which is freed, to o.  False: no memory. */
static bool extend(json_t *o, json_t *from)
{
	bool bad = !from || json_object_update(o, from);

	json_decref(from);
	return !bad;
}

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
		bad = json_object_set_new(o, key, number(n[i]));
	}
	for (unsigned i = named; i < all; i++)
		other += n[i];
	if (!bad && !json_object_set_new(o, "other", number(other)))
		return o;
	json_decref(o);
	return NULL;
}

/* --- summary ------------------------------------------------------------------------------- */

static json_t *info_members(const struct run_info *i)
{
	const struct member m[] = {
		{ "tool_version", text(i->tool_version, ESCAPE_TEXT) },
		{ "runtime", text(i->runtime, ESCAPE_TEXT) },
		{ "version", text(i->version, ESCAPE_TEXT) },
		{ "command", text(i->command, ESCAPE_TEXT) },
		{ "target", text(i->target, ESCAPE_TEXT) },
		{ "build_id", text(i->build_id, ESCAPE_TEXT) },
		{ "hostname", text(i->hostname, ESCAPE_TEXT) },
		{ "kernel", text(i->kernel, ESCAPE_TEXT) },
		{ "cpus", number(i->cpus) },
		{ "source", text(i->source, ESCAPE_TEXT) },
		{ "link", text(i->link, ESCAPE_TEXT) },
		{ "start_realtime_ns", number(i->start_realtime_ns) },
	};

	return OBJECT(m);
}

static json_t *waste_ratio(const struct totals *t)
{
	if (!t->measured || !t->allocated_bytes)
		return json_null();
	return json_real((double)(t->allocated_bytes - t->used_bytes) / (double)t->allocated_bytes);
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
	const struct member m[] = {
		{ "wall_ns", number(t->wall_ns) },
		{ "cpu_ns", t->exited ? number(t->cpu_ns) : json_null() },
		{ "max_rss_bytes", t->exited ? number(t->max_rss) : json_null() },
		{ "exit_status", exit_status(t) },
		{ "exit_signal", exit_signal(t) },
		{ "events", number(t->events) },
		{ "coroutines", number(t->coroutines) },
		{ "coroutines_born", number(t->born) },
		{ "coroutines_ended", number(t->ended) },
		{ "coroutines_alive", number(t->alive) },
		{ "coroutines_peak_alive", number(t->peak_alive) },
		{ "coroutines_short_lived", number(t->short_lived) },
		{ "coroutines_measured", number(t->measured) },
		{ "growths", number(t->growths) },
		{ "shrinks", number(t->shrinks) },
		{ "incomplete", number(t->incomplete) },
		{ "bytes_copied", number(t->bytes_copied) },
		{ "copy_ns", number(t->copy_ns) },
		{ "allocated_bytes", number(t->allocated_bytes) },
		{ "used_bytes", number(t->used_bytes) },
		{ "all_allocated_bytes", number(t->all_allocated_bytes) },
		{ "waste_ratio", waste_ratio(t) },
		{ "switches", t->switch_window_ns ? number(t->switches) : json_null() },
		{ "switch_window_ns", number(t->switch_window_ns) },
		{ "probe_hits", number(totals_probe_hits(t)) },
		{ "probe_hits_by_probe",
		  counters(t->probe_hits, EV_PROBE_COUNT, EV_PROBE_LIMIT, probe_hits_name) },
		{ "probe_cost_ns", number(t->probe_cost_ns) },
		{ "lost", number(totals_lost(t)) },
		{ "lost_by_reason",
		  counters(t->lost, EV_LOST_COUNT, EV_LOST_LIMIT, lost_reason_name) },
	};

	return OBJECT(m);
}

static json_t *summary(const struct render_context *c)
{
	json_t *o = info_members(c->info);

	if (o && extend(o, totals_members(aggregate_totals(c->aggregate))))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *calibration(const struct run_info *i)
{
	const struct member m[] = {
		{ "pair_ns", number(i->pair_ns) },
		{ "hit_ns", number(i->hit_ns) },
		{ "offsets", text(i->offsets, ESCAPE_TEXT) },
	};

	return OBJECT(m);
}

static json_t *damage(const struct capture_damage *d)
{
	if (!d)
		return json_null();

	const struct member m[] = {
		{ "truncated", json_boolean(d->truncated) },
		{ "bad_blocks", number(d->bad_blocks) },
		{ "skipped_bytes", number(d->skipped_bytes) },
		{ "unknown_blocks", number(d->unknown_blocks) },
		{ "bad_records", number(d->bad_records) },
		{ "missing_records", number(d->missing_records) },
	};

	return OBJECT(m);
}

static json_t *warnings(const struct run_info *i)
{
	json_t *a = json_array();
	const char *line = i->warnings;

	while (a && *line) {
		size_t len = strcspn(line, "\n");
		char *one = strndup(line, len);

		if (!one || (len && json_array_append_new(a, text(one, ESCAPE_TEXT)))) {
			json_decref(a);
			a = NULL;
		}
		free(one);
		line += len + (line[len] == '\n');
	}
	return a;
}

/* --- rows ---------------------------------------------------------------------------------- */

static json_t *file_of(const struct site *s)
{
	return *s->file ? text(s->file, ESCAPE_FIELD) : json_null();
}

static json_t *line_of(const struct site *s)
{
	return s->line ? number(s->line) : json_null();
}

static json_t *growth_object(const struct growth_row *g)
{
	const struct member m[] = {
		{ "creator", text(g->creator.function, ESCAPE_FIELD) },
		{ "creator_file", file_of(&g->creator) },
		{ "creator_line", line_of(&g->creator) },
		{ "entry", text(g->entry.function, ESCAPE_FIELD) },
		{ "leaf", text(g->leaf.function, ESCAPE_FIELD) },
		{ "leaf_file", file_of(&g->leaf) },
		{ "leaf_line", line_of(&g->leaf) },
		{ "from", number(g->from) },
		{ "to", number(g->to) },
		{ "count", number(g->count) },
		{ "bytes_copied", number(g->bytes_copied) },
		{ "ns", number(g->ns) },
	};

	return OBJECT(m);
}

/* {"2048": 10, "4096": 2}: coroutines by their largest stack. */
static json_t *sizes(const uint64_t *by_log2)
{
	json_t *o = json_object();
	char key[24];

	for (unsigned i = 0; i < 64 && o; i++) {
		if (!by_log2[i])
			continue;
		snprintf(key, sizeof(key), "%llu", 1ull << i);
		if (json_object_set_new(o, key, number(by_log2[i]))) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

static json_t *creator_object(const struct creator_row *w)
{
	const struct member m[] = {
		{ "creator", text(w->creator.function, ESCAPE_FIELD) },
		{ "creator_file", file_of(&w->creator) },
		{ "creator_line", line_of(&w->creator) },
		{ "entry", text(w->entry.function, ESCAPE_FIELD) },
		{ "entry_file", file_of(&w->entry) },
		{ "entry_line", line_of(&w->entry) },
		{ "coroutines", number(w->coroutines) },
		{ "short_lived", number(w->short_lived) },
		{ "measured", number(w->measured) },
		{ "allocated_bytes", number(w->allocated_bytes) },
		{ "used_bytes", number(w->used_bytes) },
		{ "growths", number(w->growths) },
		{ "bytes_copied", number(w->bytes_copied) },
		{ "ns", number(w->ns) },
		{ "peak_alive", number(w->peak_alive) },
		{ "stack_sizes", sizes(w->final_size) },
	};

	return OBJECT(m);
}

static json_t *advice_object(const struct advice *a)
{
	char *sentence = advice_text(a, true);
	const struct member m[] = {
		{ "kind", json_string(a->kind == ADVICE_START_SIZE ? "start_size" : "big_frame") },
		{ "creator", text(a->creator.function, ESCAPE_FIELD) },
		{ "entry", text(a->entry.function, ESCAPE_FIELD) },
		{ "leaf", a->leaf.function ? text(a->leaf.function, ESCAPE_FIELD) : json_null() },
		{ "from", number(a->from) },
		{ "to", number(a->to) },
		{ "saved_copies", number(a->copies) },
		{ "saved_bytes", number(a->bytes) },
		{ "saved_ns", number(a->ns) },
		{ "cost_bytes", number(a->cost_bytes) },
		{ "text", sentence ? json_string(sentence) : NULL },
	};

	free(sentence);
	return OBJECT(m);
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

static json_t *advice_array(const struct render_context *c)
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

static int json_end(void *state, const struct render_context *c)
{
	json_t *growth, *shrink, *root;
	int r;

	(void)state;
	growth_arrays(c, &growth, &shrink);

	const struct member m[] = {
		{ "summary", summary(c) },
		{ "growth", growth },
		{ "shrink", shrink },
		{ "creators", creators_array(c) },
		{ "advice", advice_array(c) },
		{ "calibration", calibration(c->info) },
		{ "warnings", warnings(c->info) },
		{ "damage", damage(c->damage) },
	};

	root = OBJECT(m);
	if (!root)
		return -ENOMEM;
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
	.end = json_end,
};
