/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/diagnose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "formats/diagnose_internal.h"
#include "formats/event_valid.h"

struct shrunk {
	struct shrunk_key {
		uint64_t gp, pid;
	} key;
	UT_hash_handle hh;
};

/* --- samples ------------------------------------------------------------------------------- */

/* Every second one goes, so that what is left is spread as before. */
static void thin(struct samples *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (i % 2)
			free(s->at[i].text);
		else
			s->at[i / 2] = s->at[i];
	}
	s->count = (s->count + 1) / 2;
	s->every *= 2;
}

static int take_row(void *arg, const struct line_row *row)
{
	struct samples *s = arg;
	char *text = s->text;

	s->text = NULL;
	if (++s->skipped < s->every || !text) {
		free(text);
		return 0;
	}
	s->skipped = 0;
	if (!s->at)
		s->at = calloc(DIAGNOSE_SAMPLES, sizeof(*s->at));
	if (!s->at) {
		free(text);
		return -ENOMEM;
	}
	s->at[s->count++] = (struct sample){ *row, text };
	if (s->count == DIAGNOSE_SAMPLES)
		thin(s);
	return 0;
}

static int samples_init(struct samples *s, const struct line_report *report)
{
	s->report = report;
	s->every = 1;
	return line_rows_new(report, 0, take_row, s, &s->rows);
}

static void samples_free(struct samples *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->at[i].text);
	free(s->at);
	free(s->text);
	line_rows_free(s->rows);
}

static int samples_take(struct samples *s, const struct line *l, uint64_t time_ns)
{
	bool heads = l->kind == LINE_GC || l->kind == LINE_SCHED;
	char *text = heads ? strndup(l->text, l->len) : NULL;
	int r;

	if (heads && !text)
		return -ENOMEM;
	/* A block is handed out when the next one begins, a single line at once. */
	if (heads && (l->kind == LINE_GC || line_get(l, LINE_F_RUNQUEUES))) {
		free(s->text);
		s->text = text;
		return line_rows_take(s->rows, l, time_ns);
	}
	r = line_rows_take(s->rows, l, time_ns);
	if (heads) {
		free(s->text);
		s->text = text;
	}
	return r;
}

double sample_value(const struct samples *s, size_t i, const char *column)
{
	for (unsigned k = 0; k < s->report->count; k++)
		if (!strcmp(s->report->columns[k].name, column))
			return s->at[i].row.cell[k].known ? line_cell_value(&s->at[i].row.cell[k])
							  : 0;
	return 0;
}

bool sample_has(const struct samples *s, size_t i, const char *column)
{
	for (unsigned k = 0; k < s->report->count; k++)
		if (!strcmp(s->report->columns[k].name, column))
			return s->at[i].row.cell[k].known;
	return false;
}

/* --- gathering ----------------------------------------------------------------------------- */

int diagnose_new(struct diagnose **ret)
{
	struct diagnose *d = calloc(1, sizeof(*d));
	size_t count;
	const struct diagnose_rule *rules = diagnose_rules(&count);

	if (!d)
		return -ENOMEM;
	d->line = malloc(sizeof(*d->line));
	if (!d->line || samples_init(&d->sched, &line_report_sched) ||
	    samples_init(&d->gc, &line_report_gc)) {
		diagnose_free(d);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		for (unsigned k = 0; k < DIAGNOSE_THRESHOLDS; k++)
			d->threshold[i][k] = rules[i].threshold[k].value;
	*ret = d;
	return 0;
}

void diagnose_free(struct diagnose *d)
{
	struct shrunk *s, *next;

	if (!d)
		return;
	HASH_ITER(hh, d->shrunk, s, next) {
		HASH_DEL(d->shrunk, s);
		free(s);
	}
	samples_free(&d->sched);
	samples_free(&d->gc);
	free(d->line);
	free(d);
}

int diagnose_line(struct diagnose *d, const struct line *l, uint64_t time_ns)
{
	if (line_report_wants(d->gc.report, l->kind))
		return samples_take(&d->gc, l, time_ns);
	return line_report_wants(d->sched.report, l->kind) ? samples_take(&d->sched, l, time_ns)
							   : 0;
}

static struct shrunk *find_shrunk(struct diagnose *d, uint64_t gp, uint32_t pid)
{
	const struct shrunk_key key = { gp, pid };
	struct shrunk *s;

	HASH_FIND(hh, d->shrunk, &key, sizeof(key), s);
	return s;
}

static void forget_shrunk(struct diagnose *d, struct shrunk *s)
{
	if (!s)
		return;
	HASH_DEL(d->shrunk, s);
	free(s);
}

static int take_shrink(struct diagnose *d, const struct ev_copystack *ev)
{
	struct shrunk *s;

	if (find_shrunk(d, ev->gp, ev->h.pid))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->key = (struct shrunk_key){ ev->gp, ev->h.pid };
	HASH_ADD(hh, d->shrunk, key, sizeof(s->key), s);
	if (map_added(s))
		return 0;
	free(s);
	return -ENOMEM;
}

static void take_growth(struct diagnose *d, const struct ev_copystack *ev)
{
	struct shrunk *s = d->shrunk ? find_shrunk(d, ev->gp, ev->h.pid) : NULL;
	uint64_t window = ev->h.time_ns / WINDOW_NS;

	d->growths++;
	if (s) {
		d->thrashes++;
		d->thrash_bytes += ev->used;
		forget_shrunk(d, s);
	}
	if (window != d->window) {
		d->window = window;
		d->in_window = 0;
	}
	if (++d->in_window > d->most_in_window)
		d->most_in_window = d->in_window;
	if (ev->new_size > d->largest.new_size)
		d->largest = *ev;
}

int diagnose_event(struct diagnose *d, const struct ev_header *ev)
{
	const struct ev_copystack *copy = (const struct ev_copystack *)ev;
	const struct ev_goexit *end = (const struct ev_goexit *)ev;
	const struct ev_line *l = (const struct ev_line *)ev;

	switch (ev->kind) {
	case EV_COPYSTACK:
		if (copy->new_size <= copy->old_size)
			return take_shrink(d, copy);
		take_growth(d, copy);
		return 0;
	case EV_GOEXIT:
		if (d->shrunk)
			forget_shrunk(d, find_shrunk(d, end->gp, ev->pid));
		return 0;
	case EV_LINE:
		if (event_valid(ev) && line_parse(l->text, l->length, d->line))
			return diagnose_line(d, d->line, ev->time_ns);
		return 0;
	default:
		return 0;
	}
}

/* --- thresholds ---------------------------------------------------------------------------- */

double diagnose_threshold(const struct diagnose *d, size_t rule, size_t threshold)
{
	return d->threshold[rule][threshold];
}

static int no_such(const char *text, struct err *e)
{
	char list[1024] = "";
	size_t count, used = 0;
	const struct diagnose_rule *rules = diagnose_rules(&count);

	for (size_t i = 0; i < count; i++)
		for (unsigned k = 0; k < DIAGNOSE_THRESHOLDS && rules[i].threshold[k].name; k++)
			if (used < sizeof(list))
				used += (size_t)snprintf(list + used, sizeof(list) - used,
							 "%s%s.%s", used ? ", " : "", rules[i].name,
							 rules[i].threshold[k].name);
	return err_set(e, EINVAL, "--set: '%s' does not begin with one of %s", text, list);
}

int diagnose_set(struct diagnose *d, const char *text, struct err *e)
{
	const char *dot = strchr(text, '.'), *equal = dot ? strchr(dot, '=') : NULL;
	size_t count;
	const struct diagnose_rule *rules = diagnose_rules(&count);
	char *end;
	double value;

	if (!equal)
		return no_such(text, e);
	value = strtod(equal + 1, &end);
	if (end == equal + 1 || *end || !(value >= 0 && value < 1e18))
		return err_set(e, EINVAL, "--set: '%s' is not a number", equal + 1);
	for (size_t i = 0; i < count; i++) {
		const char *name = rules[i].name;

		if (strlen(name) != (size_t)(dot - text) || memcmp(name, text, strlen(name)))
			continue;
		for (unsigned k = 0; k < DIAGNOSE_THRESHOLDS && rules[i].threshold[k].name; k++) {
			name = rules[i].threshold[k].name;
			if (strlen(name) != (size_t)(equal - dot - 1) ||
			    memcmp(name, dot + 1, strlen(name)))
				continue;
			d->threshold[i][k] = value;
			return 0;
		}
	}
	return no_such(text, e);
}

/* --- findings ------------------------------------------------------------------------------ */

void finding_add_line(struct finding *f, const struct samples *s, size_t i)
{
	if (f->lines == DIAGNOSE_EVIDENCE)
		return;
	f->line[f->lines] = strdup(s->at[i].text);
	f->lines += f->line[f->lines] != NULL;
}

int finding_say(struct finding *f, double confidence, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&f->seen, fmt, ap);
	va_end(ap);
	if (n < 0)
		f->seen = NULL;
	f->confidence = confidence < 1 ? 1 : confidence > 99 ? 99 : (unsigned)confidence;
	return n < 0 ? -ENOMEM : 1;
}

void findings_free(struct finding *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(f[i].seen);
		for (unsigned k = 0; k < f[i].lines; k++)
			free(f[i].line[k]);
	}
	free(f);
}
