/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prom.c: what was counted as Prometheus text (exposition format 0.0.4).
 *
 * Names and units are Prometheus's: base units, _total for what only grows.  go_runtime_ is in
 * front whatever the runtime is, since a dashboard should not care; stacktrace_run_info says which
 * it is.
 *
 * A time series is kept for ever by who scrapes it, so their number is bounded: the creators with
 * the most copy time have series of their own, as many as --top says, and all others are one, whose
 * creator is "other".  Series are told apart by labels, and two creators can read the same once
 * hostile names were made safe: these are added up, because a name twice spoils the whole scrape.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/map.h"
#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/waits.h"

struct creator_series {
	UT_hash_handle hh;
	struct creator_row sum;
	char *labels;
};

/* In a label's value a quote, a backslash and a newline are escaped; and UTF-8 is wanted. */
static void put_escaped(FILE *out, const char *safe)
{
	for (; *safe; safe++) {
		if (*safe == '"' || *safe == '\\')
			fputc('\\', out);
		fputc(*safe, out);
	}
}

static int put_label(FILE *out, const char *key, const char *value)
{
	char *safe = escape_dup(value, ESCAPE_TEXT);

	if (!safe)
		return -ENOMEM;
	fprintf(out, "%s=\"", key);
	put_escaped(out, safe);
	fputc('"', out);
	free(safe);
	return 0;
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

/* --- by creator ---------------------------------------------------------------------------- */

static char *creator_labels(const struct creator_row *row)
{
	char *text = NULL, *place = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool bad;

	if (!out)
		return NULL;
	bad = asprintf(&place, row->creator.line ? "%s:%" PRIu32 : "%s", row->creator.file,
		       row->creator.line) < 0;
	if (bad)
		place = NULL;
	bad = bad || put_label(out, "creator", row->creator.function);
	fputc(',', out);
	bad = bad || put_label(out, "location", place);
	fputc(',', out);
	bad = bad || put_label(out, "entry", row->entry.function);
	free(place);
	bad |= ferror(out) != 0;
	if (!fclose(out) && !bad)
		return text;
	free(text);
	return NULL;
}

static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void add_row(struct creator_row *to, const struct creator_row *from)
{
	add(&to->coroutines, from->coroutines);
	add(&to->ended, from->ended);
	add(&to->alive, from->alive);
	add(&to->allocated_bytes, from->allocated_bytes);
	add(&to->used_bytes, from->used_bytes);
	add(&to->growths, from->growths);
	add(&to->shrinks, from->shrinks);
	add(&to->bytes_copied, from->bytes_copied);
	add(&to->ns, from->ns);
}

static int add_series(struct creator_series **all, const struct creator_row *row)
{
	struct creator_series *s = NULL;
	char *labels = creator_labels(row);

	if (!labels)
		return -ENOMEM;
	HASH_FIND_STR(*all, labels, s);
	if (s) {
		free(labels);
		add_row(&s->sum, row);
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (s) {
		s->labels = labels;
		add_row(&s->sum, row);
		HASH_ADD_KEYPTR(hh, *all, s->labels, strlen(labels), s);
	}
	if (s && map_added(s))
		return 0;
	free(s);
	free(labels);
	return -ENOMEM;
}

static void free_series(struct creator_series *all)
{
	struct creator_series *s, *next;

	HASH_ITER(hh, all, s, next) {
		HASH_DEL(all, s);
		free(s->labels);
		free(s);
	}
}

static int make_series(const struct render_context *c, struct creator_series **ret)
{
	struct creator_row *rows, other = { .creator = { "other", "", 0 }, .entry = { "", "", 0 } };
	struct creator_series *all = NULL;
	size_t count, kept;
	int r = aggregate_creators(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	kept = c->top && c->top < count ? c->top : count;
	for (size_t i = 0; i < kept && !r; i++)
		r = add_series(&all, &rows[i]);
	for (size_t i = kept; i < count; i++)
		add_row(&other, &rows[i]);
	if (!r && kept < count)
		r = add_series(&all, &other);
	free(rows);
	if (r)
		free_series(all);
	else
		*ret = all;
	return r;
}

static uint64_t coroutines(const struct creator_row *r)
{
	return r->coroutines;
}
static uint64_t ended(const struct creator_row *r)
{
	return r->ended;
}
static uint64_t alive(const struct creator_row *r)
{
	return r->alive;
}
static uint64_t allocated(const struct creator_row *r)
{
	return r->allocated_bytes;
}
static uint64_t used(const struct creator_row *r)
{
	return r->used_bytes;
}
static uint64_t waste(const struct creator_row *r)
{
	return r->allocated_bytes - r->used_bytes;
}
static uint64_t growths(const struct creator_row *r)
{
	return r->growths;
}
static uint64_t shrinks(const struct creator_row *r)
{
	return r->shrinks;
}
static uint64_t copied(const struct creator_row *r)
{
	return r->bytes_copied;
}
static uint64_t copy_ns(const struct creator_row *r)
{
	return r->ns;
}

static const struct {
	const char *name, *type;
	uint64_t (*value)(const struct creator_row *r);
	bool seconds;
	const char *help;
} metrics[] = {
	{ "go_runtime_stack_allocated_bytes_total", "counter", allocated, false,
	  "Largest stacks of the coroutines whose use was seen." },
	{ "go_runtime_stack_used_bytes_total", "counter", used, false,
	  "The most that was seen in use of these stacks." },
	{ "go_runtime_stack_waste_bytes_total", "counter", waste, false,
	  "Allocated less used: over allocated it is the waste ratio." },
	{ "go_runtime_stack_growths_total", "counter", growths, false,
	  "Stacks moved because they were too small." },
	{ "go_runtime_stack_shrinks_total", "counter", shrinks, false,
	  "Stacks moved by the garbage collector because they were too large." },
	{ "go_runtime_stack_copied_bytes_total", "counter", copied, false,
	  "Bytes copied by growths and shrinks." },
	{ "go_runtime_stack_copy_seconds_total", "counter", copy_ns, true,
	  "Time taken by growths and shrinks." },
	{ "go_runtime_coroutines_seen_total", "counter", coroutines, false,
	  "Coroutines that were born under tracing, or met in another event." },
	{ "go_runtime_coroutines_ended_total", "counter", ended, false,
	  "Coroutines whose end was seen." },
	{ "go_runtime_coroutines_alive", "gauge", alive, false, "Coroutines that are alive." },
};

static int put_creators(const struct render_context *c)
{
	struct creator_series *all = NULL, *s, *next;
	int r = make_series(c, &all);

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]) && !r; i++) {
		put_head(c->out, metrics[i].name, metrics[i].type, metrics[i].help);
		HASH_ITER(hh, all, s, next) {
			uint64_t v = metrics[i].value(&s->sum);

			fprintf(c->out, "%s{%s} ", metrics[i].name, s->labels);
			if (metrics[i].seconds)
				put_seconds(c->out, v);
			else
				fprintf(c->out, "%" PRIu64 "\n", v);
		}
	}
	free_series(all);
	return r;
}

/* --- of the run ---------------------------------------------------------------------------- */

static int put_info(const struct render_context *c)
{
	const struct run_info *i = c->info;
	const struct {
		const char *key, *value;
	} labels[] = {
		{ "command", i->command },   { "target", i->target },
		{ "build_id", i->build_id }, { "runtime", i->runtime },
		{ "version", i->version },   { "hostname", i->hostname },
		{ "source", i->source },     { "tool_version", i->tool_version },
	};
	int r = 0;

	put_head(c->out, "stacktrace_run_info", "gauge", "What was traced; always 1.");
	fputs("stacktrace_run_info{", c->out);
	for (size_t k = 0; k < sizeof(labels) / sizeof(labels[0]) && !r; k++) {
		fputs(k ? "," : "", c->out);
		r = put_label(c->out, labels[k].key, labels[k].value);
	}
	fputs("} 1\n", c->out);
	return r;
}

/* Times to live: a bucket for every second power of two from a microsecond to a good hour. */
static int put_lifetimes(const struct render_context *c)
{
	static const char name[] = "go_runtime_coroutine_lifetime_seconds";
	struct creator_row *rows;
	uint64_t slot[64] = { 0 }, count = 0, ns = 0, below = 0;
	size_t n;
	int r = aggregate_creators(c->aggregate, c->names, &rows, &n);

	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		add(&count, rows[i].lived);
		add(&ns, rows[i].life_ns);
		for (unsigned k = 0; k < 64; k++)
			add(&slot[k], rows[i].lifetime[k]);
	}
	free(rows);
	put_head(c->out, name, "histogram", "From birth to end, of coroutines with both seen.");
	for (unsigned k = 0; k < 42; k++) {
		add(&below, slot[k]);
		if (k < 9 || k % 2 == 0)
			continue;
		fprintf(c->out, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name,
			(double)(UINT64_C(2) << k) / 1e9, below);
	}
	fprintf(c->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, count, name);
	put_seconds(c->out, ns);
	fprintf(c->out, "%s_count %" PRIu64 "\n", name, count);
	return 0;
}

/* Counters by a short word: "ring full" -> reason="ring_full". */
static void put_words(FILE *out, const char *name, const char *key, const uint64_t *n,
		      unsigned count, const char *(*word)(unsigned))
{
	for (unsigned i = 0; i < count; i++) {
		fprintf(out, "%s{%s=\"", name, key);
		for (const char *p = word(i); *p; p++)
			fputc(*p == ' ' ? '_' : *p, out);
		fprintf(out, "\"} %" PRIu64 "\n", n[i]);
	}
}

static void put_tracing(const struct render_context *c, const struct totals *t)
{
	struct waits_totals w;

	waits_totals(aggregate_waits(c->aggregate), &w);
	put_head(c->out, "go_runtime_coroutines_peak", "gauge",
		 "The most coroutines that were alive at once.");
	fprintf(c->out, "go_runtime_coroutines_peak %" PRIu64 "\n", t->peak_alive);
	put_head(c->out, "go_runtime_gc_cycles_seen_total", "counter",
		 "Garbage collections that began under tracing.");
	fprintf(c->out, "go_runtime_gc_cycles_seen_total %" PRIu64 "\n", w.collections);
	put_head(c->out, "stacktrace_run_seconds", "gauge",
		 "From the program's release to its end, or to the last event.");
	fputs("stacktrace_run_seconds ", c->out);
	put_seconds(c->out, t->wall_ns);
	put_head(c->out, "stacktrace_events_total", "counter", "Events taken in.");
	fprintf(c->out, "stacktrace_events_total %" PRIu64 "\n", t->events);
	put_head(c->out, "stacktrace_events_lost_total", "counter",
		 "Events that are missing, by reason.");
	put_words(c->out, "stacktrace_events_lost_total", "reason", t->lost, EV_LOST_COUNT,
		  lost_reason_name);
	put_head(c->out, "stacktrace_probe_hits_total", "counter", "How often probes were hit.");
	put_words(c->out, "stacktrace_probe_hits_total", "probe", t->probe_hits, EV_PROBE_COUNT,
		  probe_hits_name);
	put_head(c->out, "stacktrace_probe_cost_seconds_total", "counter",
		 "What the probes took from the program, about.");
	fputs("stacktrace_probe_cost_seconds_total ", c->out);
	put_seconds(c->out, t->probe_cost_ns);
}

static int prom_end(void *state, const struct render_context *c)
{
	int r = put_info(c);

	(void)state;
	if (!r)
		r = put_creators(c);
	if (!r)
		r = put_lifetimes(c);
	put_tracing(c, aggregate_totals(c->aggregate));
	if (c->damage && capture_is_damaged(c->damage)) {
		put_head(c->out, "stacktrace_capture_missing_records", "gauge",
			 "Records known to be missing from a damaged capture.");
		fprintf(c->out, "stacktrace_capture_missing_records %" PRIu64 "\n",
			c->damage->missing_records);
	}
	return r;
}

const struct format format_prom = {
	.name = "prom",
	.summary = "counters as Prometheus text, by creator",
	.end = prom_end,
};
