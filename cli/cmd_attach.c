/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_attach.c: stacktrace attach, run for processes that run already. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/live.h"

static const struct argp_option options[] = {
	{ "trace", 't', 0, 0, "Print each event to standard error as it happens", GROUP_SHOW },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct live *at = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &at->trace;
		state->child_inputs[2] = &at->show;
		state->child_inputs[3] = &at->filter;
		return 0;
	case 't':
		at->lines = true;
		return 0;
	case ARGP_KEY_END:
		if (!at->trace.session.pid_count)
			argp_error(state, "no process to trace");
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option; a process is -p %s", arg, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &attach_argp, 0, NULL, 0 },
	{ &probes_argp, 0, NULL, 0 },
	{ &view_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-p PID",
	.doc = "Trace running processes and report which code grew which stacks, at what cost, and "
	       "how much of them was used.  The tracing ends with the processes, after --duration, "
	       "or with Ctrl-C; the processes go on untouched.  The report goes to standard error "
	       "unless --output is given."
	       "\v",
	.children = children,
};

int cmd_attach(int argc, char **argv)
{
	struct live at = { .lines = false };
	int status;

	trace_options_init(&at.trace);
	view_options_init(&at.show);
	options_parse(&argp, argc, argv, 0, &at);
	status = at.trace.dry_run ? live_dry_run(&at) : live_trace(&at);
	free((pid_t *)at.trace.session.pids);
	return status;
}
