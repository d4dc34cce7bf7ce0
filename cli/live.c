/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live.h"

#include <string.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/follow.h"
#include "formats/aggregate.h"

/* A program's status is to be told from our own; where there is no program, ours is as any. */
static int own_failure(const struct live *live)
{
	return live->trace.session.argv ? EXIT_TRACER_FAILURE : EXIT_OWN_FAILURE;
}

static int open_status(const struct live *live, int error)
{
	return live->trace.session.argv ? follow_open_status(error) : EXIT_OWN_FAILURE;
}

static int start(void *arg, const struct run_info *info)
{
	struct live *live = arg;

	return intake_begin(&live->in, &live->filter, info, NULL);
}

static int event(void *arg, const struct ev_header *ev)
{
	return intake_event(&((struct live *)arg)->in, ev);
}

static int open_views(struct live *live, struct err *e)
{
	const struct view_options lines = { .format = &format_trace };
	int r = intake_init(&live->in, e);

	if (!r && live->prepare)
		r = live->prepare(live, e);
	if (!r)
		r = view_open(&live->show, live->show.format->result ? stdout : stderr,
			      &live->in.view[0], e);
	if (!r && live->lines)
		r = view_open(&lines, stderr, &live->in.view[1], e);
	return r;
}

/* Finishes the report; returns our own exit status. */
static int report(struct live *live, const struct session_result *res)
{
	struct err e;
	int r, status = EXIT_OK;

	r = intake_end(&live->in);
	if (!r)
		r = res->sink_failure;
	if (view_close(live->in.view[0], &e)) {
		diag_err(&e);
		status = own_failure(live);
	} else if (r < 0) {
		diag_error("the report is incomplete: %s", strerror(-r));
		status = own_failure(live);
	}
	live->in.view[0] = NULL;
	if (!status && live->trace.strict && totals_lost(aggregate_totals(live->in.aggregate)))
		status = EXIT_EVENTS_LOST;
	return status;
}

int live_trace(struct live *live)
{
	const struct session_sink sink = { .start = start, .event = event, .arg = live };
	struct session_result res;
	struct session *s = NULL;
	struct err e;
	int r, own;

	r = session_open(&live->trace.session, &s, &e);
	own = open_status(live, r);
	if (!r) {
		r = open_views(live, &e);
		own = own_failure(live);
	}
	if (!r) {
		session_attach_names(s, live->in.names);
		r = session_run(s, &sink, &res, &e);
		own = open_status(live, r);
	}
	if (r) {
		diag_err(&e);
		session_free(s);
		intake_release(&live->in);
		return own;
	}
	own = report(live, &res);
	intake_release(&live->in);
	return follow_program(s, &res, own);
}

int live_dry_run(const struct live *live)
{
	struct err e;
	int r = session_dry_run(&live->trace.session, stdout, &e);

	if (!r)
		return EXIT_OK;
	diag_err(&e);
	return open_status(live, r);
}
