/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "cli/diag.h"

const struct command commands[] = {
	{ "run", "run a program and report on its stacks", cmd_run, EXIT_TRACER_FAILURE },
	{ "record", "run a program and write a capture file", cmd_record, EXIT_TRACER_FAILURE },
	{ "report", "report on a capture file", cmd_report, EXIT_BAD_USAGE },
	{ "help", "show the manual of a command", cmd_help, EXIT_BAD_USAGE },
	{ "version", "show the version and what this build and machine can do", cmd_version,
	  EXIT_BAD_USAGE },
	{ NULL, NULL, NULL, 0 },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
