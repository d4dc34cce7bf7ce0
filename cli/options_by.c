/* SPDX-License-Identifier: Apache-2.0 */
/* options_by.c: rows by what, in which order, with which columns. */
#include <argp.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/options.h"
#include "formats/breakdown.h"

enum { KEY_BY = 0x380, KEY_SORT, KEY_COLUMNS, KEY_REVERSE, KEY_PRUNE };

static const struct argp_option table[] = {
	{ "by", KEY_BY, "WHAT", 0,
	  "Rows by growth, creator, leaf, stack, step, coroutine, process, time, alive "
	  "(at the end) or start (what another first size would change) instead of the "
	  "summary",
	  GROUP_SHOW },
	{ "sort", KEY_SORT, "COLUMN", 0,
	  "Order rows by this column: numbers from the largest, texts from A", GROUP_SHOW },
	{ "reverse", KEY_REVERSE, 0, 0, "Order rows the other way round", GROUP_SHOW },
	{ "columns", KEY_COLUMNS, "LIST", 0, "Which columns, separated by commas", GROUP_SHOW },
	{ "prune", KEY_PRUNE, "PERCENT", 0,
	  "Sum up branches of a tree that weigh less (default 0.5)", GROUP_SHOW },
	{ 0 },
};

static void set_by(struct argp_state *state, const char *arg, enum by *ret)
{
	const char *words[BY_COUNT + 1];
	struct err e;
	unsigned v = 0;

	for (enum by by = 0; by <= BY_COUNT; by++)
		words[by] = by_name(by);
	if (parse_choice("--by", arg, words, &v, &e))
		argp_error(state, "%s", e.text);
	*ret = v;
}

static void set_prune(struct argp_state *state, const char *arg, double *ret)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v >= 0 && v <= 100))
		argp_error(state, "--prune: '%s' is not a percentage from 0 to 100", arg);
	else
		*ret = v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct view_options *o = state->input;
	struct err e;

	switch (key) {
	case KEY_BY:
		set_by(state, arg, &o->breakdown.by);
		return 0;
	case KEY_SORT:
		if (breakdown_parse_sort("--sort", arg, &o->breakdown, &e))
			argp_error(state, "%s", e.text);
		return 0;
	case KEY_REVERSE:
		o->breakdown.reverse = true;
		return 0;
	case KEY_COLUMNS:
		if (breakdown_parse_columns("--columns", arg, &o->breakdown, &e))
			argp_error(state, "%s", e.text);
		return 0;
	case KEY_PRUNE:
		set_prune(state, arg, &o->min_percent);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp by_argp = { .options = table, .parser = parse };
