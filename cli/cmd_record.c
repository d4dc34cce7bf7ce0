/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_record.c: stacktrace record, events into a capture file. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/follow.h"
#include "cli/options.h"
#include "cli/session.h"
#include "formats/aggregate.h"
#include "formats/capture.h"
#include "formats/names.h"

#define DEFAULT_CAPTURE "stacktrace.capture"

struct record {
	struct trace_options trace;
	const char *path;
	struct capture_writer *writer;
	struct aggregate *aggregate; /* for the totals of the closing line */
	struct names *names;
	struct err write_error;
	bool write_failed;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0,
	  "Capture file to write (default: " DEFAULT_CAPTURE "); '-' is standard output",
	  GROUP_TRACE },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record *rec = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &rec->trace;
		return 0;
	case 'o':
		rec->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &trace_argp, 0, NULL, 0 },
	{ &attach_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG...]\n-p PID",
	.doc = "Run PROGRAM under probes and write what happened to its stacks into a capture "
	       "file, for "
	       "'stacktrace report' on any machine.  The exit status is PROGRAM's.",
	.children = children,
};

static int failed(struct record *rec, int r)
{
	if (r)
		rec->write_failed = true;
	return r;
}

static int start(void *arg, const struct run_info *info)
{
	struct record *rec = arg;

	int r = failed(rec, capture_create(rec->path, info, &rec->writer, &rec->write_error));

	if (!r)
		capture_set_names(rec->writer, rec->names);
	return r;
}

static int event(void *arg, const struct ev_header *ev)
{
	struct record *rec = arg;
	int r = aggregate_event(rec->aggregate, ev);

	return r ? r : failed(rec, capture_event(rec->writer, ev, &rec->write_error));
}

static int tick(void *arg)
{
	struct record *rec = arg;

	return failed(rec, capture_flush(rec->writer, false, &rec->write_error));
}

/* Closes the capture and says what was written; returns our own exit status. */
static int finish(struct record *rec, const struct session_result *res)
{
	const struct totals *t;
	struct err e;

	aggregate_finish(rec->aggregate);
	t = aggregate_totals(rec->aggregate);
	if (capture_close(rec->writer, rec->names, &e) && !rec->write_failed) {
		rec->write_error = e;
		rec->write_failed = true;
	}
	if (rec->write_failed) {
		diag_err(&rec->write_error);
		diag_hint("what was written before can be read with 'stacktrace report'");
		return EXIT_TRACER_FAILURE;
	}
	if (res->sink_failure) {
		diag_error("the recording is incomplete: %s", strerror(-res->sink_failure));
		return EXIT_TRACER_FAILURE;
	}
	if (!rec->trace.session.quiet)
		diag_note("wrote '%s': %" PRIu64 " events, %" PRIu64 " growths, %" PRIu64 " lost",
			  rec->path, t->events, t->growths, totals_lost(t));
	return rec->trace.strict && totals_lost(t) ? EXIT_EVENTS_LOST : EXIT_OK;
}

static void release(struct record *rec)
{
	aggregate_free(rec->aggregate);
	names_free(rec->names);
}

static int trace(struct record *rec)
{
	const struct session_sink sink = {
		.start = start, .event = event, .tick = tick, .arg = rec
	};
	struct session_result res = { 0 };
	struct session *s = NULL;
	struct err e;
	int r, own;

	if (aggregate_new(&rec->aggregate) || names_new(&rec->names))
		r = err_sys(&e, ENOMEM, "cannot start");
	else
		r = session_open(&rec->trace.session, &s, &e);
	if (!r) {
		session_attach_names(s, rec->names);
		r = session_run(s, &sink, &res, &e);
	}
	if (r) {
		capture_close(rec->writer, NULL, NULL);
		diag_err(rec->write_failed ? &rec->write_error : &e);
		session_free(s);
		release(rec);
		return res.sink_failure ? EXIT_TRACER_FAILURE : follow_open_status(r);
	}
	own = finish(rec, &res);
	release(rec);
	return follow_program(s, &res, own);
}

int cmd_record(int argc, char **argv)
{
	struct record rec = { .path = DEFAULT_CAPTURE };
	struct err e;
	int r, status;

	trace_options_init(&rec.trace);
	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &rec);
	if (rec.trace.dry_run) {
		r = session_dry_run(&rec.trace.session, stdout, &e);
		if (r)
			diag_err(&e);
		status = r ? follow_open_status(r) : EXIT_OK;
	} else {
		status = trace(&rec);
	}
	free((pid_t *)rec.trace.session.pids);
	return status;
}
