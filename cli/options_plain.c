/* SPDX-License-Identifier: Apache-2.0 */
/* options_plain.c: how to write what is known of captures: dump, info. */
#include "base/err.h"
#include "base/parse.h"
#include "cli/options.h"

static const char *const words[] = { "text", "json", NULL };

static const struct argp_option options[] = {
	{ "format", 'f', "NAME", 0, "text (default) or json: objects, one a line", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE; '-' is standard output", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plain_options *o = state->input;
	struct err e;

	switch (key) {
	case 'f':
		if (parse_choice("--format", arg, words, &o->json, &e))
			argp_error(state, "%s", e.text);
		return 0;
	case 'o':
		o->to = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp plain_argp = { .options = options, .parser = parse };
