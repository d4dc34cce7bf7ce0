/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the top level: finds the command and hands it the rest of the line. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/pager.h"

const char *argp_program_version = "stacktrace " ST_VERSION;

struct top {
	int first; /* index of the command in argv, 0: none */
};

#define TRY                                                                  \
	"Try 'sudo stacktrace run ./prog', 'stacktrace COMMAND --help' and " \
	"'stacktrace help COMMAND'."

enum { KEY_LIST_COMMANDS = 0x100 };

static const struct argp_option options[] = {
	{ "list-commands", KEY_LIST_COMMANDS, 0, OPTION_HIDDEN, "Print the names of the commands",
	  0 },
	{ "help", 'h', 0, OPTION_HIDDEN, 0, 0 },
	{ 0 },
};

static void list_commands(void)
{
	for (const struct command *c = commands; c->name; c++)
		puts(c->name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	(void)arg;
	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case KEY_LIST_COMMANDS:
		list_commands();
		exit(output_close_stdout() ? EXIT_OWN_FAILURE : EXIT_OK);
	case ARGP_KEY_ARG: /* the command's own arguments are not ours to parse */
		top->first = state->next - 1;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_commands(FILE *f)
{
	fprintf(f, "Commands:\n");
	for (const struct command *c = commands; c->name; c++)
		fprintf(f, "  %-10s %s\n", c->name, c->summary);
	fprintf(f, "\n" TRY);
}

static char *help_filter(int key, const char *text, void *input)
{
	(void)input;
	return key == ARGP_KEY_HELP_POST_DOC ? options_help(print_commands, text) : (char *)text;
}

static const char doc[] = "Trace the growth of goroutine and coroutine stacks: who grows them, to "
			  "which size, at what "
			  "cost, and how much of them is ever used."
			  "\v" TRY;

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "COMMAND [ARG...]",
	.doc = doc,
	.help_filter = help_filter,
};

/* argp takes the name in its messages from argv[0]. */
static int run_command(const struct command *c, int argc, char **argv)
{
	char name[64];
	int status;

	snprintf(name, sizeof(name), "stacktrace %s", c->name);
	diag_set_prefix(name);
	argp_err_exit_status = c->failure_status;
	argv[0] = name;
	status = c->run(argc, argv);
	if (output_close_stdout() && status == EXIT_OK)
		status = c->failure_status == EXIT_TRACER_FAILURE ? EXIT_TRACER_FAILURE
								  : EXIT_OWN_FAILURE;
	pager_wait();
	diag_set_prefix("stacktrace");
	return status;
}

int main(int argc, char **argv)
{
	static char own_name[] = "stacktrace";
	struct top top = { 0 };
	const struct command *c;

	argp_err_exit_status = EXIT_BAD_USAGE;
	if (argc > 0)
		argv[0] = own_name;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &top);
	if (!top.first) {
		argp_help(&argp, stderr, ARGP_HELP_USAGE | ARGP_HELP_SEE, own_name);
		return EXIT_BAD_USAGE;
	}
	c = command_find(argv[top.first]);
	if (!c) {
		diag_error("no command '%s'", argv[top.first]);
		diag_hint("'stacktrace --help' lists the commands");
		return EXIT_BAD_USAGE;
	}
	return run_command(c, argc - top.first, argv + top.first);
}
