/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "cli/diag.h"

const struct command commands[] = {
	{ "run", "run a program and report on its stacks", cmd_run, EXIT_TRACER_FAILURE,
	  "stacktrace-run" },
	{ "attach", "report on the stacks of running processes", cmd_attach, EXIT_BAD_USAGE,
	  "stacktrace-attach" },
	{ "record", "run a program and write a capture file", cmd_record, EXIT_TRACER_FAILURE,
	  "stacktrace-record" },
	{ "report", "report on a capture file", cmd_report, EXIT_BAD_USAGE, "stacktrace-report" },
	{ "diff", "compare captures of before with captures of after", cmd_diff, EXIT_BAD_USAGE,
	  "stacktrace-diff" },
	{ "merge", "write several captures into one", cmd_merge, EXIT_BAD_USAGE,
	  "stacktrace-merge" },
	{ "info", "say what captures are, and what they come to", cmd_info, EXIT_BAD_USAGE,
	  "stacktrace-info" },
	{ "dump", "print a capture file as it is", cmd_dump, EXIT_BAD_USAGE, "stacktrace-dump" },
	{ "probe", "show where a program can be probed, and how", cmd_probe, EXIT_BAD_USAGE,
	  "stacktrace-probe" },
	{ "gc", "show collections from the lines of gctrace", cmd_gc, EXIT_BAD_USAGE,
	  "stacktrace-gc" },
	{ "sched", "show the scheduler from the lines of schedtrace", cmd_sched, EXIT_BAD_USAGE,
	  "stacktrace-sched" },
	{ "doctor", "find what is in the way of tracing, and unsound stacks", cmd_doctor,
	  EXIT_BAD_USAGE, "stacktrace-doctor" },
	{ "diagnose", "say what is wrong, by rules over lines and events", cmd_diagnose,
	  EXIT_BAD_USAGE, "stacktrace-diagnose" },
	{ "help", "show the manual of a command", cmd_help, EXIT_BAD_USAGE, "stacktrace" },
	{ "version", "show the version, with -v also of the libraries", cmd_version, EXIT_BAD_USAGE,
	  "stacktrace" },
	{ NULL, NULL, NULL, 0, NULL },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
