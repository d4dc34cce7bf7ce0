/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/about.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "formats/event_fields.h"
#include "formats/json_parts.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/table.h"

void about_block(void *about, const struct capture_block_info *b)
{
	struct about *a = about;

	a->blocks++;
	a->stored += sizeof(struct capture_block_header) + b->stored_size;
	a->raw += b->raw_size;
	if (b->kind != CAPTURE_EVENTS || !b->records)
		return;
	a->record_bytes += b->stored_size;
	if (!a->first_ns || b->first_ns < a->first_ns)
		a->first_ns = b->first_ns;
	if (b->last_ns > a->last_ns)
		a->last_ns = b->last_ns;
}

/* --- text ---------------------------------------------------------------------------------- */

static void put_file(const struct about *a, const struct render_context *c)
{
	fputs(c->colour ? TABLE_BOLD : "", c->out);
	escape_put(c->out, a->path, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	fputs(c->colour ? TABLE_NORMAL : "", c->out);
	fprintf(c->out, ": capture, format %u.%u, ", a->version.major, a->version.minor);
	fprintf(c->out, "%s in %s block%s, ", human_size(a->stored).s, human_count(a->blocks).s,
		table_plural(a->blocks));
	fprintf(c->out, "%s unpacked\n", human_size(a->raw).s);
}

/* A sentence of parts that come from elsewhere; NULL is behind the last. */
static int put_parts(const struct render_context *c, const char *label, const char *const *part)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r = -ENOMEM;

	if (!f)
		return r;
	for (; *part; part++)
		escape_put(f, *part, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	if (!fclose(f))
		r = table_sentence(c, label, false, "%s", text);
	free(text);
	return r;
}

static int put_recording(const struct render_context *c)
{
	const struct run_info *i = c->info;
	time_t seconds = (time_t)(i->start_realtime_ns / 1000000000u);
	char when[64], cpus[32];
	struct tm tm;
	int r;

	if (!i->start_realtime_ns || !gmtime_r(&seconds, &tm) ||
	    !strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(when, sizeof(when), "at an unknown time");
	snprintf(cpus, sizeof(cpus), ", %u CPU%s", i->cpus, table_plural(i->cpus));

	const char *const recorded[] = { when,	    " on ", i->hostname,	", Linux ",
					 i->kernel, cpus,   ", by stacktrace ", i->tool_version,
					 NULL };
	const char *const command[] = { i->command, NULL };
	const char *const program[] = { i->target,   *i->build_id ? ", build ID " : "",
					i->build_id, ", ",
					i->runtime,  " ",
					i->version,  ", seen by ",
					i->source,   *i->link ? ", " : "",
					i->link,     NULL };

	r = put_parts(c, "recorded:", recorded);
	if (!r)
		r = put_parts(c, "command:", command);
	return r ? r : put_parts(c, "program:", program);
}

/* "1,000 copystack, 7 goexit"; the caller's to free. */
static char *kinds_of(const struct capture_totals *t)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (unsigned i = 0; i < EV_KIND_COUNT; i++) {
		if (!t->records[i])
			continue;
		fprintf(f, "%s%s %s", comma, human_count(t->records[i]).s,
			event_kind_name(i) ? event_kind_name(i) : "empty");
		comma = ", ";
	}
	if (t->other)
		fprintf(f, "%s%s of a later version", comma, human_count(t->other).s);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static int put_records(const struct about *a, const struct render_context *c)
{
	uint64_t count = capture_totals_records(&a->totals);
	char *kinds = kinds_of(&a->totals);
	int r = -ENOMEM;

	if (!count)
		r = table_sentence(c, "records:", false, "none");
	else if (kinds)
		r = table_sentence(c, "records:", false, "%s in %s, %.1f bytes each: %s",
				   human_count(count).s,
				   human_time(a->last_ns - a->first_ns, c->utf8).s,
				   (double)a->record_bytes / (double)count, kinds);
	free(kinds);
	return r;
}

static int put_totals(const struct capture_totals *t, const struct render_context *c)
{
	int r = table_sentence(c, "stacks:", false, "%s growth%s, %s shrink%s: %s copied in %s",
			       human_count(t->growths).s, table_plural(t->growths),
			       human_count(t->shrinks).s, table_plural(t->shrinks),
			       human_size(t->bytes_copied).s, human_time(t->copy_ns, c->utf8).s);

	if (r || (!t->lost && c->damage->truncated))
		return r;
	return table_sentence(c, "lost:", t->lost, "%s event%s", human_count(t->lost).s,
			      table_plural(t->lost));
}

int about_text(const struct about *a, const struct render_context *c)
{
	int r;

	put_file(a, c);
	r = put_recording(c);
	if (!r)
		r = put_records(a, c);
	if (!r)
		r = put_totals(&a->totals, c);
	return r ? r : table_damage(c);
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *kinds_json(const struct capture_totals *t)
{
	json_t *o = json_object();

	for (unsigned i = 0; o && i < EV_KIND_COUNT; i++) {
		const char *name = event_kind_name(i);

		if (name && t->records[i] &&
		    json_object_set_new(o, name, json_number(t->records[i]))) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *totals_json(const struct about *a)
{
	const struct capture_totals *t = &a->totals;
	const struct json_member m[] = {
		{ "records", json_number(capture_totals_records(t)) },
		{ "by_kind", kinds_json(t) },
		{ "record_bytes", json_number(a->record_bytes) },
		{ "first_ns", json_number(a->first_ns) },
		{ "last_ns", json_number(a->last_ns) },
		{ "growths", json_number(t->growths) },
		{ "shrinks", json_number(t->shrinks) },
		{ "bytes_copied", json_number(t->bytes_copied) },
		{ "copy_ns", json_number(t->copy_ns) },
		{ "lost", json_number(t->lost) },
	};

	return JSON_OBJECT(m);
}

int about_json(const struct about *a, const struct render_context *c)
{
	char format[32];
	json_t *root;

	snprintf(format, sizeof(format), "%u.%u", a->version.major, a->version.minor);

	const struct json_member m[] = {
		{ "path", json_text(a->path, ESCAPE_TEXT) },
		{ "format", json_text(format, ESCAPE_TEXT) },
		{ "blocks", json_number(a->blocks) },
		{ "stored_bytes", json_number(a->stored) },
		{ "raw_bytes", json_number(a->raw) },
		{ "recording", json_recording(c->info) },
		{ "totals", totals_json(a) },
		{ "damage", json_damage(c->damage) },
	};

	root = JSON_OBJECT(m);
	if (!root)
		return -ENOMEM;
	json_dumpf(root, c->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', c->out);
	json_decref(root);
	return 0;
}
