/* SPDX-License-Identifier: Apache-2.0 */
/* options_lines.c: which lines the runtime of the program is to write. */
#include "base/err.h"
#include "base/parse.h"
#include "cli/godebug.h"
#include "cli/options.h"

#define LONGEST_MS 86400000

enum { KEY_GCTRACE = 0x400, KEY_SCHEDTRACE, KEY_SCHEDDETAIL, KEY_TEE };

static const struct argp_option sched_table[] = {
	{ 0, 0, 0, 0, "Lines of the runtime:", GROUP_LINES },
	{ "schedtrace", KEY_SCHEDTRACE, "MS", 0, "A line on the scheduler each MS milliseconds",
	  GROUP_LINES },
	{ "scheddetail", KEY_SCHEDDETAIL, 0, 0,
	  "With each a line for every processor, thread and coroutine", GROUP_LINES },
	{ 0 },
};

static void set_interval(struct argp_state *state, const char *arg, unsigned *ret)
{
	struct err e;
	uint64_t v = 0;

	if (parse_u64("--schedtrace", arg, 1, LONGEST_MS, &v, &e))
		argp_error(state, "%s", e.text);
	*ret = (unsigned)v;
}

static error_t sched_parse(int key, char *arg, struct argp_state *state)
{
	struct godebug *g = state->input;

	switch (key) {
	case KEY_SCHEDTRACE:
		set_interval(state, arg, &g->schedtrace_ms);
		return 0;
	case KEY_SCHEDDETAIL:
		g->scheddetail = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp sched_argp = { .options = sched_table, .parser = sched_parse };

static const struct argp_option table[] = {
	{ "gctrace", KEY_GCTRACE, 0, 0, "A line for each collection", GROUP_LINES },
	{ "tee", KEY_TEE, 0, 0, "Leave the lines in the program's standard error, too", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct godebug *g = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = g;
		return 0;
	case KEY_GCTRACE:
		g->gctrace = true;
		return 0;
	case KEY_TEE:
		g->tee = true;
		return 0;
	case ARGP_KEY_END:
		if (g->scheddetail && !g->schedtrace_ms)
			argp_error(state, "--scheddetail needs --schedtrace=MS");
		if (g->tee && !godebug_wanted(g))
			argp_error(state, "--tee needs --gctrace or --schedtrace=MS");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &sched_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp lines_argp = { .options = table, .parser = parse, .children = children };
