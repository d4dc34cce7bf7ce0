/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_diagnose.c: stacktrace diagnose, the rules of formats/diagnose.h over a capture, over lines
 * of the runtime in a file, or over a program that is run under probes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/live.h"
#include "cli/options.h"
#include "formats/capture_format.h"
#include "formats/diagnose.h"
#include "formats/diagnose_print.h"
#include "formats/lines.h"
#include "formats/run_info.h"

#define SETTINGS_MOST 64
#define SCHEDTRACE_MS 100

enum { KEY_SET = 0x100, KEY_LIST };

struct diagnosing {
	struct live live; /* of a program; the view and the intake in any case */
	const char *path;
	char **program; /* behind "--"; NULL: none is run */
	const char *set[SETTINGS_MOST];
	unsigned settings;
	bool list;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "What to do:", GROUP_TRACE },
	{ "set", KEY_SET, "RULE.THRESHOLD=VALUE", 0,
	  "Set a threshold, as --list names them; may be repeated", 0 },
	{ "list", KEY_LIST, 0, 0, "Print the rules and their thresholds", 0 },
	{ "format", 'f', "NAME", 0, "text (default) or json", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE; '-' is standard output", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diagnosing *d = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &d->live.trace.session.lines;
		return 0;
	case KEY_SET:
		if (d->settings == SETTINGS_MOST)
			argp_error(state, "--set: more than %d of them", SETTINGS_MOST);
		d->set[d->settings++] = arg;
		return 0;
	case KEY_LIST:
		d->list = true;
		return 0;
	case 'f':
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--format: '%s' is not one of text, json", arg);
		d->live.show.format = *arg == 'j' ? &format_diagnose_json : &format_diagnose;
		return 0;
	case 'o':
		d->live.show.path = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (d->path || d->program)
			argp_error(state, "one file or one program at a time, but also '%s'", arg);
		d->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!d->path && !d->program && !d->list)
			argp_error(state, "no file to read and, behind '--', no program to run");
		if (!d->program && godebug_wanted(&d->live.trace.session.lines))
			argp_error(state, "--schedtrace is for a program to run, behind '--'");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &sched_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE\n-- PROGRAM [ARG...]",
	.doc = "Say what is wrong with a program, by rules over the lines of its runtime and the "
	       "events "
	       "of the probes: from a capture, from lines in a file ('-' for standard input), or "
	       "of a "
	       "program that is run under probes.",
	.children = children,
};

static int set_thresholds(const struct diagnosing *d, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < d->settings && !r; i++)
		r = diagnose_set(aggregate_diagnose(d->live.in.aggregate), d->set[i], e);
	return r;
}

static void list(const struct diagnosing *d)
{
	const struct diagnose *rules = aggregate_diagnose(d->live.in.aggregate);
	size_t count;
	const struct diagnose_rule *r = diagnose_rules(&count);

	for (size_t i = 0; i < count; i++) {
		printf("%s%s: %s\n", i ? "\n" : "", r[i].name, r[i].condition);
		for (unsigned k = 0; k < DIAGNOSE_THRESHOLDS && r[i].threshold[k].name; k++)
			printf("  --set=%s.%s=%.12g  %s%s%s\n", r[i].name, r[i].threshold[k].name,
			       diagnose_threshold(rules, i, k), r[i].threshold[k].what,
			       *r[i].threshold[k].unit ? ", " : "", r[i].threshold[k].unit);
	}
}

/* --- a file -------------------------------------------------------------------------------- */

static int take_line(void *arg, const struct line *l, bool torn)
{
	(void)torn;
	return diagnose_line(arg, l, UINT64_MAX);
}

static int read_lines(struct diagnosing *d, int fd, struct err *e)
{
	static char chunk[65536];
	const struct lines_sink sink = { .line = take_line,
					 .arg = aggregate_diagnose(d->live.in.aggregate) };
	struct lines *l;
	ssize_t n;
	int r = lines_new(&sink, &l);

	while (!r && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : lines_feed(l, chunk, (size_t)n);
	}
	if (!r) {
		r = lines_flush(l, true);
		aggregate_finish(d->live.in.aggregate);
	}
	if (r)
		err_sys(e, -r, "cannot read '%s'", d->path);
	lines_free(l);
	return r;
}

static bool is_capture(int fd)
{
	char magic[8];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       !memcmp(magic, CAPTURE_MAGIC, sizeof(magic));
}

static int read_file(struct diagnosing *d, struct err *e)
{
	bool standard = !strcmp(d->path, "-");
	int fd = standard ? STDIN_FILENO : open(d->path, O_RDONLY | O_CLOEXEC), r;
	struct run_info nothing = { .command = (char *)(uintptr_t)d->path };
	struct capture_damage damage = { 0 };
	struct capture_reader *reader = NULL;
	const struct run_info *info = &nothing;
	struct view *view = NULL;
	struct err closing;

	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", d->path);
	if (is_capture(fd)) {
		r = intake_load(&d->live.in, d->path, &d->live.filter, &reader, &damage, e);
		info = r ? info : capture_info(reader);
	} else {
		r = read_lines(d, fd, e);
	}
	if (!standard)
		close(fd);
	if (!r)
		r = view_open(&d->live.show, stdout, &view, e);
	if (!r) {
		view_bind(view, info, d->live.in.aggregate, d->live.in.names, &damage);
		r = view_end(view);
		if (r)
			err_sys(e, -r, "cannot finish the output");
		if (view_close(view, &closing) && !r) {
			*e = closing;
			r = -EIO;
		}
	}
	capture_reader_free(reader);
	return r;
}

static int on_file(struct diagnosing *d)
{
	struct err e;
	int r = intake_init(&d->live.in, &e), status = EXIT_OWN_FAILURE;

	if (!r && set_thresholds(d, &e)) {
		r = -EINVAL;
		status = EXIT_BAD_USAGE;
	}
	if (!r && d->list)
		list(d);
	else if (!r)
		r = read_file(d, &e);
	if (r)
		diag_err(&e);
	intake_release(&d->live.in);
	return r ? status : EXIT_OK;
}

/* --- a program ----------------------------------------------------------------------------- */

static int prepare(struct live *live, struct err *e)
{
	return set_thresholds((const struct diagnosing *)live, e);
}

static int on_program(struct diagnosing *d)
{
	struct session_options *s = &d->live.trace.session;

	s->argv = d->program;
	s->lines.gctrace = true;
	if (!s->lines.schedtrace_ms)
		s->lines.schedtrace_ms = SCHEDTRACE_MS;
	s->probes.locks = true;
	d->live.prepare = prepare;
	return live_trace(&d->live);
}

int cmd_diagnose(int argc, char **argv)
{
	struct diagnosing d = { .list = false };

	for (int i = 1; i < argc && !d.program; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		d.program = argv + i + 1;
		argv[i] = NULL;
		argc = i;
		argp_err_exit_status = EXIT_TRACER_FAILURE;
	}
	trace_options_init(&d.live.trace);
	d.live.show.format = &format_diagnose;
	options_parse(&argp, argc, argv, 0, &d);
	if (d.program && !*d.program) {
		diag_error("no program to run behind '--'");
		return EXIT_TRACER_FAILURE;
	}
	argp_err_exit_status = EXIT_OWN_FAILURE;
	return d.program && !d.list ? on_program(&d) : on_file(&d);
}
