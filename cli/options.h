/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h: option groups that several commands share, as argp children.
 *
 * A command puts the child into its struct argp and, in ARGP_KEY_INIT, points state->child_inputs
 * at the struct below.
 */
#ifndef ST_CLI_OPTIONS_H
#define ST_CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/session.h"
#include "cli/view.h"

/*
 * What to trace and how: run, record, attach.  probes_argp has what concerns the probes; trace_argp
 * has it too, and the program to launch, which lands in session.argv; attach_argp has the processes
 * to attach to, which land in session.pids and are to be freed.
 */
struct trace_options {
	struct session_options session;
	bool dry_run;
	bool strict;
};
extern const struct argp probes_argp, trace_argp, attach_argp;
extern const struct argp sched_argp; /* of it what concerns the scheduler */
extern const struct argp lines_argp; /* lines of the runtime: a child of trace_argp */
/* What to follow of switches, waits and locks: a child of trace_argp, into source_options. */
extern const struct argp hot_argp;
void trace_options_init(struct trace_options *o);

/* How to show it: run, report. */
extern const struct argp view_argp;
void view_options_init(struct view_options *o);
extern const struct argp by_argp; /* part of view_argp, with the same input */

/* Which part of it; the input is a struct filter_spec, which needs no initialisation. */
extern const struct argp filter_argp;

/* Where to write, and whether text or JSON: dump, info. */
struct plain_options {
	const char *to; /* NULL: standard output */
	unsigned json;
};
extern const struct argp plain_argp;

/* Common to all: parses, and lets -h be --help. */
void options_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input);

/*
 * For the help filters: what print writes, allocated as argp wants it, or text itself when there is
 * no memory.
 */
char *options_help(void (*print)(FILE *f), const char *text);

/*
 * The groups of --help, in this order.  A heading stands in one of the tables that have options in
 * its group: argp prints as many as there are.
 */
enum option_group {
	GROUP_TRACE = 1,
	GROUP_HOT,
	GROUP_LINES,
	GROUP_SHOW,
	GROUP_FILTER,
	GROUP_FAIL,
	GROUP_MESSAGES,
};

/* Keys below 0x200 are the commands' own. */
enum option_key {
	KEY_SOURCE = 0x200,
	KEY_SWITCHES,
	KEY_EVENTS,
	KEY_BLOCKED,
	KEY_LOCKS,
	KEY_MAX_OVERHEAD,
	KEY_COUNT,
	KEY_NEWSTACK,
	KEY_MAX_STACK,
	KEY_RING_SIZE,
	KEY_UPROBES,
	KEY_DRY_RUN,
	KEY_STRICT,
	KEY_WEIGHT,
	KEY_DURATION,
};

#endif
