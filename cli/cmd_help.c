/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c: stacktrace help, the manual page of a command. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"

struct help {
	const char *topic;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct help *h = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (h->topic)
		argp_error(state, "only one topic at a time, but also '%s'", arg);
	h->topic = arg;
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[COMMAND]",
	.doc = "Show the manual page of COMMAND, or of stacktrace itself.",
};

/* man's exit status, or -1 if there is no man. */
static int show_page(const char *page)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execlp("man", "man", page, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

int cmd_help(int argc, char **argv)
{
	struct help h = { NULL };
	const struct command *c = NULL;
	const char *page = "stacktrace";

	options_parse(&argp, argc, argv, 0, &h);
	if (h.topic) {
		c = command_find(h.topic);
		if (!c) {
			diag_error("no command '%s'", h.topic);
			diag_hint("'stacktrace --help' lists the commands");
			return EXIT_BAD_USAGE;
		}
		page = c->page;
	}
	if (!show_page(page))
		return EXIT_OK;
	diag_error("cannot show the manual page %s(1)", page);
	diag_hint("install man and stacktrace's pages, or try 'stacktrace%s%s --help'",
		  c ? " " : "", c ? c->name : "");
	return EXIT_OWN_FAILURE;
}
