/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c: stacktrace run, which is record and report in one process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/follow.h"
#include "cli/intake.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/view.h"
#include "formats/aggregate.h"

struct run {
	struct trace_options trace;
	struct view_options show;
	bool live; /* -t */
	struct filter_spec filter;
	struct intake in; /* the first view is the report, the second -t's */
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
		state->child_inputs[2] = &run->filter;
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
	{ &filter_argp, 0, NULL, 0 },
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

	return intake_begin(&run->in, &run->filter, info, NULL);
}

static int event(void *arg, const struct ev_header *ev)
{
	return intake_event(&((struct run *)arg)->in, ev);
}

static int open_views(struct run *run, struct err *e)
{
	const struct view_options live = { .format = &format_trace };
	int r = intake_init(&run->in, e);

	if (!r)
		r = view_open(&run->show, stderr, &run->in.view[0], e);
	if (!r && run->live)
		r = view_open(&live, stderr, &run->in.view[1], e);
	return r;
}

/* Finishes the report; returns our own exit status. */
static int report(struct run *run, const struct session_result *res)
{
	struct err e;
	int r, status = EXIT_OK;

	r = intake_end(&run->in);
	if (!r)
		r = res->sink_failure;
	if (view_close(run->in.view[0], &e)) {
		diag_err(&e);
		status = EXIT_TRACER_FAILURE;
	} else if (r < 0) {
		diag_error("the report is incomplete: %s", strerror(-r));
		status = EXIT_TRACER_FAILURE;
	}
	run->in.view[0] = NULL;
	if (!status && run->trace.strict && totals_lost(aggregate_totals(run->in.aggregate)))
		status = EXIT_EVENTS_LOST;
	return status;
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
		session_attach_names(s, run->in.names);
		r = session_run(s, &sink, &res, &e);
		own = follow_open_status(r);
	}
	if (r) {
		diag_err(&e);
		session_free(s);
		intake_release(&run->in);
		return own;
	}
	own = report(run, &res);
	intake_release(&run->in);
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
