/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c: stacktrace report, a capture file shown.  Needs no privilege and no target binary.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/view.h"
#include "formats/aggregate.h"
#include "formats/capture.h"
#include "formats/names.h"

struct report {
	struct view_options show;
	bool strict;
	const char *path;
	struct aggregate *aggregate;
	struct names *names;
	struct view *view;
};

enum { KEY_STRICT_DAMAGE = 0x100 };

static const struct argp_option options[] = {
	{ "strict", KEY_STRICT_DAMAGE, 0, 0,
	  "Exit with status 3 if events were lost or the capture is damaged", 3 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *rep = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rep->show;
		return 0;
	case KEY_STRICT_DAMAGE:
		rep->strict = true;
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

static int event(void *arg, const struct ev_header *ev)
{
	struct report *rep = arg;
	int r = aggregate_event(rep->aggregate, ev);

	if (!r)
		r = view_event(rep->view, ev);
	return !r && view_failed(rep->view) ? -EIO : r;
}

static int show(struct report *rep, struct capture_reader *reader, struct err *e)
{
	struct capture_damage damage = { 0 };
	struct err write_error;
	int r, w;

	e->text[0] = '\0';
	r = view_open(&rep->show, stdout, &rep->view, e);
	if (r)
		return r;
	view_bind(rep->view, capture_info(reader), rep->aggregate, rep->names, &damage);
	r = view_begin(rep->view);
	if (!r)
		r = capture_read(reader, rep->names, event, rep, &damage, e);
	if (r >= 0) {
		aggregate_finish(rep->aggregate);
		r = view_end(rep->view);
	}
	w = view_close(rep->view, &write_error);
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
	    (capture_is_damaged(&damage) || totals_lost(aggregate_totals(rep->aggregate))))
		return 1;
	return 0;
}

int cmd_report(int argc, char **argv)
{
	struct report rep = { .path = NULL };
	struct capture_reader *reader = NULL;
	struct err e;
	int r;

	view_options_init(&rep.show);
	options_parse(&argp, argc, argv, 0, &rep);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	if (aggregate_new(&rep.aggregate) || names_new(&rep.names))
		r = err_sys(&e, ENOMEM, "cannot start");
	else
		r = capture_open(rep.path, &reader, &e);
	if (!r)
		r = show(&rep, reader, &e);
	if (r < 0 && r != -EPIPE)
		diag_err(&e);
	capture_reader_free(reader);
	aggregate_free(rep.aggregate);
	names_free(rep.names);
	if (r < 0)
		return EXIT_OWN_FAILURE;
	return r ? EXIT_EVENTS_LOST : EXIT_OK;
}
