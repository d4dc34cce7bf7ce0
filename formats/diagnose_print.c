/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_print.c: findings as text, as JSON, and as a section of the report. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/diagnose_internal.h"
#include "formats/diagnose_print.h"
#include "formats/json_parts.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/section.h"
#include "formats/table.h"

static int find(const struct render_context *c, struct finding **ret, size_t *ret_count)
{
	return diagnose_find(aggregate_diagnose(c->aggregate), c->aggregate, c->names, ret,
			     ret_count);
}

/* --- text ---------------------------------------------------------------------------------- */

static int put_finding(const struct render_context *c, const struct finding *f)
{
	int r;

	fprintf(c->out, "\n%s%s%s (confidence %u %%): %s\n", c->colour ? TABLE_BOLD : "",
		f->rule->name, c->colour ? TABLE_NORMAL : "", f->confidence, f->rule->condition);
	r = table_sentence(c, "seen:", false, "%s", f->seen);
	for (unsigned i = 0; i < f->lines; i++) {
		fputs("    ", c->out);
		escape_put(c->out, f->line[i], c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
		fputc('\n', c->out);
	}
	return r ? r : table_sentence(c, "remedy:", false, "%s", f->rule->remedy);
}

static int text_end(void *state, const struct render_context *c)
{
	const struct diagnose *d = aggregate_diagnose(c->aggregate);
	struct finding *f;
	size_t count;
	int r = find(c, &f, &count);

	(void)state;
	if (r)
		return r;
	fputs("stacktrace: ", c->out);
	escape_put(c->out, c->info->command, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	fprintf(c->out, ": %s finding%s, from %s sample%s of the scheduler, ",
		count ? human_count(count).s : "no", table_plural(count),
		human_count(d->sched.count).s, table_plural(d->sched.count));
	fprintf(c->out, "%s collection%s, %s growth%s\n", human_count(d->gc.count).s,
		table_plural(d->gc.count), human_count(d->growths).s, table_plural(d->growths));
	for (size_t i = 0; i < count && !r; i++)
		r = put_finding(c, &f[i]);
	findings_free(f, count);
	return r;
}

const struct format format_diagnose = {
	.name = "text",
	.summary = "what fires, why, and what to do",
	.end = text_end,
};

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *lines_array(const struct finding *f)
{
	json_t *a = json_array();
	bool bad = !a;

	for (unsigned i = 0; i < f->lines && !bad; i++)
		bad = json_array_append_new(a, json_text(f->line[i], ESCAPE_TEXT));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *finding_object(const struct finding *f)
{
	const struct json_member m[] = {
		{ "rule", json_text(f->rule->name, ESCAPE_TEXT) },
		{ "confidence", json_number(f->confidence) },
		{ "condition", json_text(f->rule->condition, ESCAPE_TEXT) },
		{ "seen", json_text(f->seen, ESCAPE_TEXT) },
		{ "lines", lines_array(f) },
		{ "remedy", json_text(f->rule->remedy, ESCAPE_TEXT) },
	};

	return JSON_OBJECT(m);
}

static json_t *findings_array(const struct render_context *c)
{
	json_t *a = json_array();
	struct finding *f = NULL;
	size_t count = 0;
	bool bad = !a || find(c, &f, &count);

	for (size_t i = 0; i < count && !bad; i++)
		bad = json_array_append_new(a, finding_object(&f[i]));
	findings_free(f, count);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static int json_end(void *state, const struct render_context *c)
{
	const struct diagnose *d = aggregate_diagnose(c->aggregate);
	const struct json_member m[] = {
		{ "findings", findings_array(c) },
		{ "scheduler_samples", json_number(d->sched.count) },
		{ "collections", json_number(d->gc.count) },
		{ "growths", json_number(d->growths) },
	};
	json_t *o = JSON_OBJECT(m);

	(void)state;
	if (!o)
		return -ENOMEM;
	json_dumpf(o, c->out, JSON_INDENT(2));
	fputc('\n', c->out);
	json_decref(o);
	return 0;
}

const struct format format_diagnose_json = {
	.name = "json",
	.summary = "the same as one document",
	.end = json_end,
};

/* --- in the report ------------------------------------------------------------------------- */

static int section_table(const struct render_context *c)
{
	struct finding *f;
	size_t count;
	int r = find(c, &f, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++)
		r = table_sentence(c, "diagnosis:", false, "%s (%u %%): %s", f[i].rule->name,
				   f[i].confidence, f[i].seen);
	findings_free(f, count);
	return r;
}

const struct section section_diagnosis = {
	.key = "diagnosis",
	.table = section_table,
	.json = findings_array,
};
