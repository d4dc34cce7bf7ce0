/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c: stacktrace run, which is record and report in one process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/follow.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/view.h"
#include "formats/aggregate.h"
#include "formats/names.h"

struct run {
	struct trace_options trace;
	struct view_options show;
	bool live; /* -t */
	struct aggregate *aggregate;
	struct names *names;
	struct view *main_view, *live_view; /* live_view may be NULL */
};

static const struct argp_option options[] = {
	{ "trace", 't', 0, 0, "Print each event to standard error as it happens", 3 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->trace;
		state->child_inputs[1] = &run->show;
		return 0;
	case 't':
		run->live = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &trace_argp, 0, NULL, 0 },
	{ &view_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG...]",
	.doc = "Run PROGRAM under probes and report which code grew which stacks, at what cost, "
	       "and how "
	       "much of them was used.  The report goes to standard error unless --output is "
	       "given; "
	       "the exit status is PROGRAM's."
	       "\v",
	.children = children,
};

static int start(void *arg, const struct run_info *info)
{
	struct run *run = arg;
	int r;

	view_bind(run->main_view, info, run->aggregate, run->names, NULL);
	r = view_begin(run->main_view);
	if (!r && run->live_view) {
		view_bind(run->live_view, info, run->aggregate, run->names, NULL);
		r = view_begin(run->live_view);
	}
	return r;
}

static int event(void *arg, const struct ev_header *ev)
{
	struct run *run = arg;
	int r = aggregate_event(run->aggregate, ev);

	if (!r)
		r = view_event(run->main_view, ev);
	if (!r && run->live_view)
		r = view_event(run->live_view, ev);
	return !r && view_failed(run->main_view) ? -EIO : r;
}

static int open_views(struct run *run, struct err *e)
{
	const struct view_options live = { .format = &format_trace };
	int r;

	if (aggregate_new(&run->aggregate) || names_new(&run->names))
		return err_sys(e, ENOMEM, "cannot start");
	r = view_open(&run->show, stderr, &run->main_view, e);
	if (!r && run->live)
		r = view_open(&live, stderr, &run->live_view, e);
	return r;
}

/* Finishes the report; returns our own exit status. */
static int report(struct run *run, const struct session_result *res)
{
	struct err e;
	int r, status = EXIT_OK;

	aggregate_finish(run->aggregate);
	r = view_end(run->main_view);
	if (!r && run->live_view)
		r = view_end(run->live_view);
	if (!r)
		r = res->sink_failure;
	if (view_close(run->main_view, &e)) {
		diag_err(&e);
		status = EXIT_TRACER_FAILURE;
	} else if (r < 0) {
		diag_error("the report is incomplete: %s", strerror(-r));
		status = EXIT_TRACER_FAILURE;
	}
	view_close(run->live_view, NULL);
	run->main_view = run->live_view = NULL;
	if (!status && run->trace.strict && totals_lost(aggregate_totals(run->aggregate)))
		status = EXIT_EVENTS_LOST;
	return status;
}

static void release(struct run *run)
{
	view_close(run->main_view, NULL);
	view_close(run->live_view, NULL);
	aggregate_free(run->aggregate);
	names_free(run->names);
}

static int trace(struct run *run)
{
	const struct session_sink sink = { .start = start, .event = event, .arg = run };
	struct session_result res;
	struct session *s = NULL;
	struct err e;
	int r, own;

	r = session_open(&run->trace.session, &s, &e);
	own = follow_open_status(r);
	if (!r) {
		r = open_views(run, &e);
		own = EXIT_TRACER_FAILURE;
	}
	if (!r) {
		session_attach_names(s, run->names);
		r = session_run(s, &sink, &res, &e);
		own = follow_open_status(r);
	}
	if (r) {
		diag_err(&e);
		session_free(s);
		release(run);
		return own;
	}
	own = report(run, &res);
	release(run);
	return follow_program(s, &res, own);
}

int cmd_run(int argc, char **argv)
{
	struct run run = { .live = false };
	struct err e;
	int r;

	trace_options_init(&run.trace);
	view_options_init(&run.show);
	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &run);
	if (run.trace.dry_run) {
		r = session_dry_run(&run.trace.session, stdout, &e);
		if (r)
			diag_err(&e);
		return r ? follow_open_status(r) : EXIT_OK;
	}
	return trace(&run);
}
