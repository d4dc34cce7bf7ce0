/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chrome.c: the tracks of timeline.h as the Trace Event Format, which Chromium's tracing, Perfetto
 * and other programs read: one JSON document with an event a line, written as they come.
 *
 * Tracks are what the format calls threads; those that are none of the program's have numbers
 * beyond all that a thread can have.  Times are microseconds after the release of the program, with
 * nanoseconds behind the point.
 */
#include <inttypes.h>
#include <stdbool.h>

#include "base/escape.h"
#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/timeline.h"

#define NO_THREAD (1u << 30)

struct chrome {
	struct timeline t;
	bool many; /* events: a comma stands before the next */
};

static FILE *out_of(const struct chrome *s)
{
	return s->t.c->out;
}

static uint32_t tid_of(const struct timeline_track *t)
{
	switch (t->kind) {
	case TRACK_THREAD:
		return t->number;
	case TRACK_COROUTINES:
		return NO_THREAD + 100 + t->number;
	default:
		return NO_THREAD + t->kind;
	}
}

/* From the top: collections, lines, threads, coroutines. */
static uint32_t rank_of(const struct timeline_track *t)
{
	static const uint32_t ranks[] = {
		[TRACK_PROCESS] = 0, [TRACK_COLLECTIONS] = 1, [TRACK_LINES] = 2,
		[TRACK_THREAD] = 3,  [TRACK_OTHERS] = 4,      [TRACK_COROUTINES] = 5,
		[TRACK_COUNTER] = 0,
	};

	return ranks[t->kind] + (t->kind == TRACK_COROUTINES ? t->number : 0);
}

static uint64_t value(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : n;
}

static void put_text(FILE *out, const char *text)
{
	fputc('"', out);
	escape_put(out, text, ESCAPE_JSON);
	fputc('"', out);
}

/* "{"ph":"B","pid":1,"tid":2", to be gone on with. */
static void put_head(struct chrome *s, const char *phase, const struct timeline_track *t)
{
	fprintf(out_of(s), "%s{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32,
		s->many ? ",\n" : "\n", phase, t->pid, tid_of(t));
	s->many = true;
}

static void put_time(struct chrome *s, uint64_t ns)
{
	int64_t after = timeline_relative(s->t.c, ns);
	uint64_t size = after < 0 ? -(uint64_t)after : (uint64_t)after;

	fprintf(out_of(s), ",\"ts\":%s%" PRIu64 ".%03u", after < 0 ? "-" : "", size / 1000,
		(unsigned)(size % 1000));
}

static void put_args(struct chrome *s, const struct timeline_event *e)
{
	FILE *out = out_of(s);

	if (!e->args)
		return;
	fputs(",\"args\":{", out);
	for (size_t i = 0; i < e->args; i++) {
		if (i)
			fputc(',', out);
		put_text(out, e->arg[i].name);
		fputc(':', out);
		if (e->arg[i].text)
			put_text(out, e->arg[i].text);
		else
			fprintf(out, "%" PRIu64, value(e->arg[i].number));
	}
	fputc('}', out);
}

static void put_event(struct chrome *s, const char *phase, const struct timeline_event *e)
{
	put_head(s, phase, e->track);
	put_time(s, e->ns);
	if (e->name) {
		fputs(",\"cat\":\"stacks\",\"name\":", out_of(s));
		put_text(out_of(s), e->name);
	}
}

/* An end of a flow belongs to the slice that is open on its track. */
static void put_flow(struct chrome *s, const char *phase, const struct timeline_event *e,
		     uint64_t flow)
{
	put_head(s, phase, e->track);
	put_time(s, e->ns);
	fprintf(out_of(s), ",\"cat\":\"go\",\"name\":\"go\",\"id\":%" PRIu64 "%s}", flow,
		*phase == 'f' ? ",\"bp\":\"e\"" : "");
}

static void put_meta(struct chrome *s, const struct timeline_track *t, const char *what)
{
	put_head(s, "M", t);
	fprintf(out_of(s), ",\"name\":\"%s\",\"args\":{", what);
}

static void chrome_track(void *arg, const struct timeline_track *t)
{
	struct chrome *s = arg;
	FILE *out = out_of(s);

	if (t->kind == TRACK_COUNTER)
		return; /* their events name them */
	put_meta(s, t, t->kind == TRACK_PROCESS ? "process_name" : "thread_name");
	fputs("\"name\":", out);
	put_text(out, t->name);
	fputs("}}", out);
	if (t->kind == TRACK_PROCESS)
		return;
	put_meta(s, t, "thread_sort_index");
	fprintf(out, "\"sort_index\":%" PRIu32 "}}", rank_of(t));
}

static void chrome_begin(void *arg, const struct timeline_event *e)
{
	struct chrome *s = arg;

	put_event(s, "B", e);
	put_args(s, e);
	fputc('}', out_of(s));
	if (e->to)
		put_flow(s, "f", e, e->to);
}

static void chrome_end(void *arg, const struct timeline_event *e)
{
	struct chrome *s = arg;

	put_event(s, "E", e);
	put_args(s, e);
	fputc('}', out_of(s));
}

static void chrome_instant(void *arg, const struct timeline_event *e)
{
	struct chrome *s = arg;

	put_event(s, "i", e);
	fprintf(out_of(s), ",\"s\":\"%c\"", e->track->kind == TRACK_PROCESS ? 'p' : 't');
	put_args(s, e);
	fputc('}', out_of(s));
	if (e->from)
		put_flow(s, "s", e, e->from);
}

static void chrome_counter(void *arg, const struct timeline_track *t, uint64_t ns, uint64_t v)
{
	struct chrome *s = arg;
	FILE *out = out_of(s);

	put_head(s, "C", t);
	put_time(s, ns);
	fputs(",\"cat\":\"stacks\",\"name\":", out);
	put_text(out, t->name);
	fprintf(out, ",\"args\":{\"%s\":%" PRIu64 "}}", t->units, value(v));
}

static const struct timeline_writer chrome_writer = {
	.track = chrome_track,
	.begin = chrome_begin,
	.end = chrome_end,
	.instant = chrome_instant,
	.counter = chrome_counter,
};

static int chrome_start(void *state, const struct render_context *c)
{
	struct chrome *s = state;

	s->t.w = &chrome_writer;
	s->t.arg = s;
	s->t.c = c;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", c->out);
	return 0;
}

static int chrome_event(void *state, const struct render_context *c, const struct ev_header *ev)
{
	return timeline_event(&((struct chrome *)state)->t, c, ev);
}

static int chrome_finish(void *state, const struct render_context *c)
{
	struct chrome *s = state;
	const struct run_info *i = c->info;
	const char *const about[][2] = {
		{ "command", i->command },
		{ "host", i->hostname },
		{ "version", i->version },
		{ "kernel", i->kernel },
		{ "made_by", "stacktrace " ST_VERSION },
	};
	int r = timeline_end(&s->t, c);

	fputs("\n],\"otherData\":{", c->out);
	for (size_t k = 0; k < sizeof(about) / sizeof(about[0]); k++) {
		fprintf(c->out, "%s\"%s\":", k ? "," : "", about[k][0]);
		put_text(c->out, about[k][1]);
	}
	fprintf(c->out, ",\"lost\":%" PRIu64 "}}\n",
		value(totals_lost(aggregate_totals(c->aggregate))));
	return r;
}

static void chrome_release(void *state)
{
	timeline_release(&((struct chrome *)state)->t);
}

const struct format format_chrome = {
	.name = "chrome",
	.summary = "a timeline as JSON for Chromium's tracing and Perfetto",
	.state_size = sizeof(struct chrome),
	.begin = chrome_start,
	.event = chrome_event,
	.end = chrome_finish,
	.release = chrome_release,
};
