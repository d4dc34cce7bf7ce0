/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c: stacktrace run, which is record and report in one process. */
#include "cli/command.h"
#include "cli/live.h"

static const struct argp_option options[] = {
	{ "trace", 't', 0, 0, "Print each event to standard error as it happens", GROUP_SHOW },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct live *run = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->trace;
		state->child_inputs[1] = &run->show;
		state->child_inputs[2] = &run->filter;
		return 0;
	case 't':
		run->lines = true;
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

int cmd_run(int argc, char **argv)
{
	struct live run = { .lines = false };

	trace_options_init(&run.trace);
	view_options_init(&run.show);
	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &run);
	return run.trace.dry_run ? live_dry_run(&run) : live_trace(&run);
}
