/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_lines.c: stacktrace gc and stacktrace sched, which read what the runtime writes under
 * GODEBUG: from a pipe, files or captures, or from a program that they run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/line_launch.h"
#include "cli/line_run.h"
#include "cli/options.h"
#include "formats/capture_format.h"

struct lines_command {
	struct line_options show;
	struct godebug wanted;
	char **files;	/* NULL-terminated; NULL: standard input */
	char **program; /* behind "--"; NULL: none is run */
};

#define SCHEDTRACE_MS 1000

enum { KEY_EVERY = 0x100, KEY_COLUMNS, KEY_PASS };

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "How to show it:", GROUP_SHOW },
	{ "format", 'f', "NAME", 0, "One of the formats below (default: table)", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE; '-' is standard output", 0 },
	{ "columns", KEY_COLUMNS, "LIST", 0, "Which columns, separated by commas", 0 },
	{ "every", KEY_EVERY, "TIME", 0, "One row for so much of the program's time (1s, 200ms)",
	  0 },
	{ "pass", KEY_PASS, "FILE", 0,
	  "Pass everything else on to FILE; '-' is standard output (default: standard error, of "
	  "files nothing)",
	  0 },
	{ 0 },
};

static void set_every(struct argp_state *state, const char *arg, uint64_t *ret)
{
	struct err e;

	if (parse_time("--every", arg, ret, &e))
		argp_error(state, "%s", e.text);
	else if (!*ret)
		argp_error(state, "--every: '%s' is no time at all", arg);
}

static void set_columns(struct argp_state *state, struct line_options *o, const char *arg)
{
	uint8_t column[LINE_COLUMNS];
	unsigned count;
	struct err e;

	if (line_report_parse_columns(o->report, "--columns", arg, column, &count, &e))
		argp_error(state, "%s", e.text);
	o->columns = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lines_command *c = state->input;
	struct line_options *o = &c->show;

	switch (key) {
	case 'f':
		o->format = line_format_find(arg);
		if (!o->format)
			argp_error(state, "--format: no format '%s'", arg);
		return 0;
	case 'o':
		o->path = arg;
		return 0;
	case KEY_COLUMNS:
		set_columns(state, o, arg);
		return 0;
	case KEY_EVERY:
		set_every(state, arg, &o->every_ns);
		return 0;
	case KEY_PASS:
		o->pass = arg;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->wanted;
		return 0;
	case ARGP_KEY_ARGS:
		c->files = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (c->program && c->files)
			argp_error(state, "a program to run, but also a file to read: '%s'",
				   c->files[0]);
		if (!c->program && (c->wanted.schedtrace_ms || c->wanted.scheddetail))
			argp_error(state, "--schedtrace and --scheddetail are for a program to "
					  "run, behind '--'");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_formats(FILE *f)
{
	fprintf(f, "Formats:\n");
	for (unsigned i = 0; line_formats[i]; i++)
		fprintf(f, "  %-9s %s\n", line_formats[i]->name, line_formats[i]->summary);
}

static char *help_filter(int key, const char *text, void *input)
{
	(void)input;
	return key == ARGP_KEY_HELP_POST_DOC ? options_help(print_formats, text) : (char *)text;
}

/* --- reading ------------------------------------------------------------------------------- */

static bool is_capture(int fd)
{
	char magic[8];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       !memcmp(magic, CAPTURE_MAGIC, sizeof(magic));
}

static int read_one(struct line_run *r, const char *path, struct err *e)
{
	bool standard = !strcmp(path, "-");
	const char *name = standard ? "standard input" : path;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	if (is_capture(fd))
		result = line_run_capture(r, path, e);
	else
		result = line_run_read(r, fd, name, e);
	if (!standard)
		close(fd);
	return result;
}

static int read_all(const struct lines_command *c)
{
	static char *const only_input[] = { (char *)(uintptr_t) "-", NULL };
	char *const *files = c->files ? c->files : only_input;
	struct line_run run;
	struct err e, closing;
	int r = line_run_open(&c->show, c->files ? NULL : stderr, files[0], &run, &e), w;

	for (; *files && !r; files++)
		r = read_one(&run, *files, &e);
	w = line_run_close(&run, &closing);
	if (r == -EPIPE || (!r && w == -EPIPE))
		return EXIT_OK; /* the reader left; main ends as SIGPIPE would */
	if (r || w) {
		diag_err(r ? &e : &closing);
		return EXIT_OWN_FAILURE;
	}
	return EXIT_OK;
}

static int command(const struct argp *argp, const struct line_report *report, int argc, char **argv)
{
	struct lines_command c = { .show = { .report = report, .format = &line_format_table } };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		c.program = argv + i + 1;
		argv[i] = NULL;
		argc = i;
		argp_err_exit_status = EXIT_TRACER_FAILURE;
	}
	options_parse(argp, argc, argv, 0, &c);
	if (c.program && !*c.program) {
		diag_error("no program to run behind '--'");
		return EXIT_TRACER_FAILURE;
	}
	c.wanted.gctrace = report == &line_report_gc;
	if (!c.wanted.gctrace && !c.wanted.schedtrace_ms)
		c.wanted.schedtrace_ms = SCHEDTRACE_MS;
	argp_err_exit_status = EXIT_OWN_FAILURE;
	return c.program ? line_launch(&c.show, &c.wanted, c.program) : read_all(&c);
}

int cmd_gc(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[FILE...]\n-- PROGRAM [ARG...]",
		.doc = "Show the collections of which Go programs, and those on corun, tell under "
		       "GODEBUG=gctrace=1: from standard input, files or captures, or of a "
		       "program that is run."
		       "\v ",
		.help_filter = help_filter,
	};

	return command(&argp, &line_report_gc, argc, argv);
}

int cmd_sched(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &sched_argp, 0, NULL, 0 },
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.args_doc = "[FILE...]\n-- PROGRAM [ARG...]",
		.doc = "Show the state of the scheduler, of which Go programs, and those on corun, "
		       "tell under GODEBUG=schedtrace=MS, with scheddetail=1 also of processors, "
		       "threads and coroutines: from standard input, files or captures, or of a "
		       "program that is run."
		       "\v ",
		.help_filter = help_filter,
	};

	return command(&argp, &line_report_sched, argc, argv);
}
