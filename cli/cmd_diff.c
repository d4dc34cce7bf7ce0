/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_diff.c: stacktrace diff, captures of before against captures of after; the status says
 * whether a rule was broken.
 *
 * Captures are read one after the other, so that memory does not grow with their number.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/intake.h"
#include "cli/options_diff.h"
#include "cli/output.h"
#include "formats/capture.h"
#include "formats/render.h"

static void warn_of(const struct diff_options *o, const struct diff_capture *c)
{
	if (o->quiet)
		return;
	if (capture_is_damaged(&c->damage))
		diag_warning("'%s' is damaged or cut off%s: what is whole was compared", c->path,
			     c->damage.missing_records ? ", and records are missing" : "");
	if (c->lost)
		diag_warning("'%s': %" PRIu64 " events were lost when it was recorded", c->path,
			     c->lost);
}

static int load(const struct diff_options *o, struct diff *d, enum diff_side side, size_t i,
		struct err *e)
{
	const char *path = o->captures[side == DIFF_AFTER ? o->spec.captures[0] + i : i];
	struct capture_damage damage = { 0 };
	struct capture_reader *reader = NULL;
	struct intake in;
	int r = intake_init(&in, e);

	if (!r)
		r = intake_load(&in, path, &o->filter, &reader, &damage, e);
	if (!r) {
		const struct diff_input input = { path, in.aggregate, in.names,
						  capture_info(reader), &damage };

		r = diff_add(d, side, &input);
		if (r)
			err_sys(e, -r, "cannot compare '%s'", path);
		else
			warn_of(o, diff_capture(d, side, i));
	}
	intake_release(&in);
	capture_reader_free(reader);
	return r;
}

static int load_all(const struct diff_options *o, struct diff *d, struct err *e)
{
	int r = 0;

	for (enum diff_side side = 0; side < DIFF_SIDES && !r; side++)
		for (size_t i = 0; i < o->spec.captures[side] && !r; i++)
			r = load(o, d, side, i, e);
	return r ? r : diff_check_per(d, o->view.per, e);
}

static int print(const struct diff_options *o, struct diff *d, struct err *e)
{
	const struct diff_view view = { d, o->view.by, o->view.per };
	struct render_context c = { .top = o->top, .weight = o->spec.weight };
	struct output out;
	int r = output_open(o->to, stdout, &out, e), w;

	if (r)
		return r;
	output_describe(&out, &c);
	c.out = out.file;
	r = o->format->print(&view, &c);
	w = output_close(&out, e);
	if (r)
		err_sys(e, -r, "cannot compare");
	return r ? r : w;
}

/* --- rules --------------------------------------------------------------------------------- */

static void tell_broken(const struct diff_rule *rule, const struct diff_figure *f)
{
	bool divides = diff_metric_divides(rule->metric, rule->per);
	struct human before = f->before.count ? diff_human(rule->metric, f->before.median, false)
					      : (struct human){ "unknown" };
	struct human percent = { "" };

	if (f->before.count && f->before.median != 0)
		percent = diff_human_percent(f->percent);
	diag_error("'%s' holds: %s%s%s %s before, %s after%s%s%s", rule->text,
		   diff_metric_title(rule->metric), divides ? " per " : "",
		   divides ? diff_per_names[rule->per] : "", before.s,
		   diff_human(rule->metric, f->after.median, false).s, *percent.s ? " (" : "",
		   percent.s, *percent.s ? ")" : "");
}

/* How many are broken, or a negative errno. */
static int check_rules(const struct diff_options *o, const struct diff *d, struct err *e)
{
	double *values = diff_values(d);
	int broken = 0, r = values ? 0 : err_sys(e, ENOMEM, "cannot compare");

	for (size_t i = 0; i < o->rule_count && !r; i++) {
		const struct diff_rule *rule = &o->rules[i];
		struct diff_verdict v;

		r = diff_rule_check(d, rule, values, &v, e);
		if (r)
			break;
		if (rule->function && !v.rows && !o->quiet)
			diag_warning("'%s': no growth has such a function", rule->text);
		if (v.broken)
			tell_broken(rule, &v.figure);
		broken += v.broken;
	}
	free(values);
	return r ? r : broken;
}

static bool is_whole(const struct diff_options *o, const struct diff *d)
{
	for (enum diff_side side = 0; side < DIFF_SIDES; side++) {
		for (size_t i = 0; i < o->spec.captures[side]; i++) {
			const struct diff_capture *c = diff_capture(d, side, i);

			if (c->lost || capture_is_damaged(&c->damage))
				return false;
		}
	}
	return true;
}

int cmd_diff(int argc, char **argv)
{
	struct diff_options o;
	struct diff *d = NULL;
	struct err e;
	int r;

	r = diff_options_parse(argc, argv, &o);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	if (r || (r = diff_new(&o.spec, &d)))
		err_sys(&e, -r, "cannot start");
	if (!r)
		r = load_all(&o, d, &e);
	if (!r)
		r = print(&o, d, &e);
	if (!r)
		r = check_rules(&o, d, &e);
	if (r < 0 && r != -EPIPE)
		diag_err(&e);
	if (!r && o.strict && !is_whole(&o, d))
		r = 1;
	diff_free(d);
	diff_options_release(&o);
	if (r < 0)
		return EXIT_OWN_FAILURE;
	return r ? EXIT_RULE_BROKEN : EXIT_OK;
}
