/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_info.c: stacktrace info, what captures are and what they come to, as fast as they can be read
 * from the disk.
 */
#include <errno.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "formats/about.h"
#include "formats/render.h"

struct info {
	char **captures;
	struct plain_options how;
	bool strict;
	bool bad; /* something is lost or damaged */
};

static const struct argp_option options[] = {
	{ "strict", KEY_STRICT, 0, 0,
	  "Exit with status 3 if events were lost or a capture is damaged", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct info *i = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &i->how;
		return 0;
	case KEY_STRICT:
		i->strict = true;
		return 0;
	case ARGP_KEY_ARGS:
		i->captures = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no capture to look at");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &plain_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "CAPTURE...",
	.doc = "Say what captures are, whether they are whole, and what their records come to.  "
	       "Every byte is checked, but no record is read, which takes a fraction of the time "
	       "of a report.  CAPTURE may be '-' for standard input.",
};

static int show(struct info *i, const char *path, struct render_context *c, struct err *e)
{
	struct about about = { .path = path };
	struct capture_reader *reader;
	struct capture_damage damage;
	int r = capture_open(path, &reader, e);

	if (r)
		return r;
	about.version = capture_version_of(reader);
	capture_on_block(reader, about_block, &about);
	r = capture_read_totals(reader, &about.totals, &damage, e);
	if (!r) {
		c->info = capture_info(reader);
		c->damage = &damage;
		r = i->how.json ? about_json(&about, c) : about_text(&about, c);
		if (r)
			err_sys(e, -r, "cannot tell about '%s'", path);
		i->bad |= about.totals.lost || capture_is_damaged(&damage);
	}
	capture_reader_free(reader);
	return r;
}

/* A capture that cannot be read is told, and the others are shown. */
static int show_all(struct info *i, struct err *e)
{
	struct render_context c = { 0 };
	struct output out;
	int r = output_open(i->how.to, stdout, &out, e), bad = 0;

	if (r)
		return r;
	output_describe(&out, &c);
	for (char **p = i->captures; *p; p++) {
		r = show(i, *p, &c, e);
		if (r) {
			diag_err(e);
			bad = 1;
		}
	}
	r = output_close(&out, e);
	return r ? r : bad;
}

int cmd_info(int argc, char **argv)
{
	struct info i = { .captures = NULL };
	struct err e;
	int r;

	options_parse(&argp, argc, argv, 0, &i);
	argp_err_exit_status = EXIT_OWN_FAILURE;
	r = show_all(&i, &e);
	if (r < 0 && r != -EPIPE)
		diag_err(&e);
	if (r)
		return r == -EPIPE ? EXIT_OK : EXIT_OWN_FAILURE;
	return i.strict && i.bad ? EXIT_EVENTS_LOST : EXIT_OK;
}
