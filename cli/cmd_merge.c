/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_merge.c: stacktrace merge, several captures into one. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "formats/capture_merge.h"

struct merge {
	const char *to;
	char **captures;
	bool quiet;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Capture file to write; '-' is standard output", 0 },
	{ "quiet", 'q', 0, 0, "No notes and warnings", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct merge *m = state->input;

	switch (key) {
	case 'o':
		m->to = arg;
		return 0;
	case 'q':
		m->quiet = true;
		return 0;
	case ARGP_KEY_ARGS:
		m->captures = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no captures to merge");
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!m->to)
			argp_error(state, "say with --output which file to write");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CAPTURE...",
	.doc = "Write several captures, of one machine or of several, into one: events in order of "
	       "time, processes and stacks kept apart.",
};

/* Writing over one of the inputs would destroy it before it is read. */
static int refuse_same(const struct merge *m, const char *path, struct err *e)
{
	struct stat a, b;

	if (stat(m->to, &a) || stat(path, &b) || !S_ISREG(a.st_mode) || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return 0;
	err_set(e, EINVAL, "'%s' is one of the captures to merge", m->to);
	err_hint(e, "write to another file");
	return -EINVAL;
}

static int merge(const struct merge *m, struct capture_merge *c, struct err *e)
{
	struct capture_damage damage;
	struct capture_written written;
	int r = 0;

	for (char **p = m->captures; *p && !r; p++) {
		r = refuse_same(m, *p, e);
		if (!r)
			r = capture_merge_add(c, *p, e);
	}
	if (!r)
		r = capture_merge_write(c, m->to, &written, &damage, e);
	if (r || m->quiet)
		return r;
	if (capture_is_damaged(&damage))
		diag_warning("captures are damaged or cut off: %" PRIu64
			     " records missing, what is "
			     "whole was merged",
			     damage.missing_records);
	diag_note("wrote '%s': %" PRIu64 " events", m->to, written.records);
	return 0;
}

int cmd_merge(int argc, char **argv)
{
	struct merge m = { .to = NULL };
	struct capture_merge *c = NULL;
	struct err e;
	int r;

	options_parse(&argp, argc, argv, 0, &m);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	r = capture_merge_new(&c) ? err_sys(&e, ENOMEM, "cannot start") : merge(&m, c, &e);
	if (r)
		diag_err(&e);
	capture_merge_free(c);
	return r ? EXIT_OWN_FAILURE : EXIT_OK;
}
