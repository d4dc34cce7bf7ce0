/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_doctor.c: stacktrace doctor, what is in the way of tracing, and whether the stacks of a
 * process are sound.
 */
#include <argp.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/doctor.h"
#include "cli/options.h"
#include "symbols/image.h"

struct doctor_options {
	struct doctor doctor;
	bool json;
};

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Look at this process, its program and the stacks in it", 0 },
	{ "format", 'f', "NAME", 0, "table (default) or json", 0 },
	{ "top", 'n', "N", 0, "Show at most N stacks, 0 for all (default 20)", 0 },
	{ 0 },
};

static void set_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
		       uint64_t max, uint64_t *ret)
{
	struct err e;

	if (parse_u64(option, text, min, max, ret, &e))
		argp_error(state, "%s", e.text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const words[] = { "table", "json", NULL };
	struct doctor_options *o = state->input;
	uint64_t n = 0;
	unsigned v = 0;
	struct err e;

	switch (key) {
	case 'p':
		set_number(state, "--pid", arg, 1, INT32_MAX, &n);
		o->doctor.pid = (pid_t)n;
		return 0;
	case 'n':
		set_number(state, "--top", arg, 0, 1000000, &n);
		o->doctor.top = (unsigned)n;
		return 0;
	case 'f':
		if (parse_choice("--format", arg, words, &v, &e))
			argp_error(state, "%s", e.text);
		o->json = v == 1;
		return 0;
	case ARGP_KEY_ARG:
		if (o->doctor.file)
			argp_error(state, "one program at a time");
		o->doctor.file = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->doctor.file && o->doctor.pid)
			argp_error(state, "a program or --pid, not both");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[PROGRAM]",
	.doc = "Find out whether this kernel, this user and PROGRAM, or a process's program, can "
	       "be "
	       "traced, and what to do where not; and whether the stacks of the process are sound."
	       "\v",
};

int cmd_doctor(int argc, char **argv)
{
	struct doctor_options o = { .doctor = { .top = 20 } };
	struct doctor *d = &o.doctor;
	int r, status;

	options_parse(&argp, argc, argv, 0, &o);
	doctor_program(d);
	doctor_machine(d);
	doctor_process(d);
	r = o.json ? doctor_print_json(d) : doctor_print(d);
	if (r)
		diag_error("no memory");
	status = r || findings_count(&d->findings, FINDING_BAD) ? EXIT_OWN_FAILURE : EXIT_OK;
	free(d->stacks.row);
	findings_release(&d->findings);
	image_free(d->img);
	return status;
}
