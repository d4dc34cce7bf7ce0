/* SPDX-License-Identifier: Apache-2.0 */
/* diff_json.c: all of a diff as one document; numbers are exact, what is not known is null. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "formats/diff_render.h"
#include "formats/json_parts.h"
#include "formats/render.h"

static json_t *real(bool known, double v)
{
	if (!known || !isfinite(v))
		return json_null();
	return v == floor(v) && fabs(v) < 0x1p53 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *text_or_null(const char *s)
{
	return s ? json_text(s, ESCAPE_FIELD) : json_null();
}

static json_t *file_of(const char *function, const char *file)
{
	return text_or_null(function && *file ? file : NULL);
}

static json_t *values_of(const struct diff_range *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->count && a; i++) {
		if (json_array_append_new(a, real(true, r->value[i]))) {
			json_decref(a);
			a = NULL;
		}
	}
	return a;
}

static json_t *range(const struct diff_range *r)
{
	const struct json_member m[] = {
		{ "median", real(r->count, r->median) },
		{ "min", real(r->count, r->min) },
		{ "max", real(r->count, r->max) },
		{ "values", values_of(r) },
	};

	return JSON_OBJECT(m);
}

static json_t *figure(const struct diff_figure *f)
{
	bool both = f->before.count && f->after.count;
	const struct json_member m[] = {
		{ "before", range(&f->before) },
		{ "after", range(&f->after) },
		{ "change", real(both, f->change) },
		{ "percent", real(both, f->percent) },
		{ "p", real(true, f->p) },
		{ "significant", f->judged ? json_boolean(f->significant) : json_null() },
	};

	return JSON_OBJECT(m);
}

static json_t *capture(const struct diff_capture *c, enum diff_per per)
{
	const struct json_member m[] = {
		{ "capture", json_text(c->path, ESCAPE_FIELD) },
		{ "command", json_text(c->command, ESCAPE_FIELD) },
		{ "target", json_text(c->target, ESCAPE_FIELD) },
		{ "build_id", json_text(c->build_id, ESCAPE_FIELD) },
		{ "runtime", json_text(c->runtime, ESCAPE_FIELD) },
		{ "version", json_text(c->version, ESCAPE_FIELD) },
		{ "divisor", real(true, c->sample.divisor[per]) },
		{ "lost", json_number(c->lost) },
		{ "damaged", json_boolean(capture_is_damaged(&c->damage)) },
		{ "missing_records", json_number(c->damage.missing_records) },
	};

	return JSON_OBJECT(m);
}

/* Appends to an array; NULL, and the array gone, where there is no memory. */
static json_t *append(json_t *a, json_t *item)
{
	if (a && !json_array_append_new(a, item))
		return a;
	json_decref(a);
	return NULL;
}

static json_t *captures(const struct diff_view *v, enum diff_side side)
{
	json_t *a = json_array();

	for (size_t i = 0; i < diff_spec_of(v->diff)->captures[side] && a; i++)
		a = append(a, capture(diff_capture(v->diff, side, i), v->per));
	return a;
}

static json_t *total(const struct diff_view *v, enum diff_metric m, double *values)
{
	enum diff_per per = diff_metric_divides(m, v->per) ? v->per : DIFF_PER_RUN;
	const char *unit = diff_unit_name(diff_metric_unit(m));
	struct diff_figure f;
	json_t *o;

	diff_total(v->diff, m, v->per, values, &f);
	o = figure(&f);
	if (o && !json_object_set_new(o, "unit", json_string(unit)) &&
	    !json_object_set_new(o, "per", json_string(diff_per_names[per])))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *totals(const struct diff_view *v)
{
	double *values = diff_values(v->diff);
	json_t *o = values ? json_object() : NULL;

	for (enum diff_metric m = 0; m < DIFF_METRIC_COUNT && o; m++) {
		if (json_object_set_new(o, diff_metric_name(m), total(v, m, values))) {
			json_decref(o);
			o = NULL;
		}
	}
	free(values);
	return o;
}

static json_t *row_object(const struct diff_row *r)
{
	const struct json_member m[] = {
		{ "status", json_string(diff_status_name(r)) },
		{ "creator", text_or_null(r->creator) },
		{ "creator_file", file_of(r->creator, r->creator_file) },
		{ "creator_line", real(r->creator && r->creator_line, r->creator_line) },
		{ "entry", text_or_null(r->entry) },
		{ "leaf", text_or_null(r->leaf) },
		{ "leaf_file", file_of(r->leaf, r->leaf_file) },
		{ "leaf_line", real(r->leaf && r->leaf_line, r->leaf_line) },
		{ "growths", figure(&r->figure[WEIGHT_GROWTHS]) },
		{ "bytes_copied", figure(&r->figure[WEIGHT_BYTES]) },
		{ "copy_time", figure(&r->figure[WEIGHT_NS]) },
		{ "waste_bytes", figure(&r->figure[WEIGHT_WASTE]) },
	};

	return JSON_OBJECT(m);
}

static json_t *rows_array(const struct diff_view *v, const struct render_context *c)
{
	json_t *a = json_array();
	struct diff_row *rows = NULL;
	size_t count = 0;

	if (v->by != DIFF_BY_TOTAL && diff_rows(v->diff, v->by, v->per, c->weight, &rows, &count)) {
		json_decref(a);
		return NULL;
	}
	if (c->top && c->top < count)
		count = c->top;
	for (size_t i = 0; i < count && a; i++)
		a = append(a, row_object(&rows[i]));
	diff_rows_free(rows);
	return a;
}

int diff_print_json(const struct diff_view *v, const struct render_context *c)
{
	const struct json_member m[] = {
		{ "stacktrace", json_string(ST_VERSION) },
		{ "per", json_string(diff_per_names[v->per]) },
		{ "by", json_string(diff_by_names[v->by]) },
		{ "weight", json_string(weight_name(c->weight)) },
		{ "before", captures(v, DIFF_BEFORE) },
		{ "after", captures(v, DIFF_AFTER) },
		{ "totals", totals(v) },
		{ "rows", rows_array(v, c) },
	};
	json_t *root = JSON_OBJECT(m);
	int r = root ? json_dumpf(root, c->out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;

	json_decref(root);
	if (r)
		return ferror(c->out) ? 0 : -ENOMEM; /* whether bytes arrived, the caller asks */
	fputc('\n', c->out);
	return 0;
}
