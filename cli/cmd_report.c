/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c: stacktrace report, a capture file shown.  Needs no privilege and no target binary.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/intake.h"
#include "cli/options.h"
#include "cli/pager.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "formats/aggregate.h"
#include "formats/capture.h"

struct report {
	struct view_options show;
	struct filter_spec filter;
	bool strict, no_pager;
	const char *path, *sysroot;
	struct capture_reader *reader;
	struct intake in;
};

enum { KEY_STRICT_DAMAGE = 0x100, KEY_NO_PAGER, KEY_SYSROOT };

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "When to fail:", GROUP_FAIL },
	{ "strict", KEY_STRICT_DAMAGE, 0, 0,
	  "Exit with status 3 if events were lost or the capture is damaged", GROUP_FAIL },
	{ "sysroot", KEY_SYSROOT, "DIR", 0,
	  "Look below DIR for the program, or its debug information, where the capture has no "
	  "names",
	  GROUP_SHOW },
	{ "no-pager", KEY_NO_PAGER, 0, 0, "Do not page on a terminal", GROUP_SHOW },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *rep = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rep->show;
		state->child_inputs[1] = &rep->filter;
		return 0;
	case KEY_STRICT_DAMAGE:
		rep->strict = true;
		return 0;
	case KEY_SYSROOT:
		rep->sysroot = arg;
		return 0;
	case KEY_NO_PAGER:
		rep->no_pager = true;
		return 0;
	case ARGP_KEY_ARG:
		if (rep->path)
			argp_error(state, "only one capture at a time, but also '%s'", arg);
		rep->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no capture file to report on");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &view_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CAPTURE",
	.doc = "Show what 'stacktrace record' wrote; CAPTURE may be '-' for standard input.  A "
	       "damaged or "
	       "cut capture gives everything that is whole."
	       "\v",
	.children = children,
};

static int show(struct report *rep, struct err *e)
{
	struct capture_damage damage = { 0 };
	struct err write_error;
	int r, w;

	r = view_check(&rep->show, stdout, e);
	if (r)
		return r;
	e->text[0] = '\0';
	if (!rep->no_pager && (!rep->show.path || !strcmp(rep->show.path, "-")))
		pager_start();
	r = view_open(&rep->show, stdout, &rep->in.view[0], e);
	if (r)
		return r;
	rep->in.reader = rep->reader;
	progress_start(rep->path);
	r = intake_find_names(&rep->in, rep->sysroot, capture_info(rep->reader));
	if (!r)
		r = intake_begin(&rep->in, &rep->filter, capture_info(rep->reader), &damage);
	if (!r)
		r = capture_read(rep->reader, rep->in.names, intake_event, &rep->in, &damage, e);
	progress_end();
	if (r >= 0)
		r = intake_end(&rep->in);
	w = view_close(rep->in.view[0], &write_error);
	rep->in.view[0] = NULL;
	if (w == -EPIPE) /* the reader left; main ends as SIGPIPE would */
		return -EPIPE;
	if (w) {
		*e = write_error;
		return w;
	}
	if (r < 0 && !e->text[0])
		err_sys(e, -r, "cannot report on '%s'", rep->path);
	if (r < 0)
		return r;
	if (rep->strict &&
	    (capture_is_damaged(&damage) || totals_lost(aggregate_totals(rep->in.aggregate))))
		return 1;
	return 0;
}

int cmd_report(int argc, char **argv)
{
	struct report rep = { .path = NULL };
	struct err e;
	int r;

	view_options_init(&rep.show);
	options_parse(&argp, argc, argv, 0, &rep);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	r = intake_init(&rep.in, &e);
	if (!r)
		r = capture_open(rep.path, &rep.reader, &e);
	if (!r)
		r = show(&rep, &e);
	if (r < 0 && r != -EPIPE)
		diag_err(&e);
	intake_release(&rep.in);
	capture_reader_free(rep.reader);
	if (r < 0)
		return EXIT_OWN_FAILURE;
	return r ? EXIT_EVENTS_LOST : EXIT_OK;
}
