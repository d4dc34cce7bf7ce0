/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options_diff.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/options.h"
#include "formats/aggregate.h"

enum { KEY_PER = 0x100, KEY_REQUESTS, KEY_BY, KEY_FAIL_IF, KEY_STRICT_CAPTURES };

#define MAX_CAPTURES 1000 /* a side; the cost of ranks grows with the square */

/* While parsing. */
struct parsing {
	struct diff_options *o;
	enum diff_side side;
	bool per_given;
	const char **rules;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "What to compare:", GROUP_TRACE },
	{ "after", 'a', 0, 0,
	  "The captures named from here on are of after; only needed where there are more than two",
	  GROUP_TRACE },
	{ "per", KEY_PER, "WHAT", 0, "Figures per run (default), second, coroutine or request",
	  GROUP_TRACE },
	{ "requests", KEY_REQUESTS, "N[,M]|GLOB", 0,
	  "Each capture served N requests, those of after M; or each coroutine made by or running "
	  "a function is one.  Implies --per=request",
	  GROUP_TRACE },
	{ "by", KEY_BY, "WHAT", 0,
	  "Rows by growth (default: creator and leaf), creator or leaf; total: no rows",
	  GROUP_TRACE },
	{ "weight", KEY_WEIGHT, "WHAT", 0,
	  "Rows of growths (default), bytes copied, time of the copies, or waste", GROUP_TRACE },
	{ 0, 0, 0, 0, "How to show it:", GROUP_SHOW },
	{ "format", 'f', "NAME", 0, "One of the formats below (default: table)", GROUP_SHOW },
	{ "output", 'o', "FILE", 0, "Write to FILE; '-' is standard output", GROUP_SHOW },
	{ "top", 'n', "N", 0, "Show at most N rows, 0 for all (default 20)", GROUP_SHOW },
	{ "quiet", 'q', 0, 0, "No notes and warnings", GROUP_SHOW },
	{ 0, 0, 0, 0, "When to fail:", GROUP_FAIL },
	{ "fail-if", KEY_FAIL_IF, "RULE", 0,
	  "Exit with status 3 if RULE holds, as in 'growths>+10%' or 'waste_ratio>0.3'; may be "
	  "given several times",
	  GROUP_FAIL },
	{ "strict", KEY_STRICT_CAPTURES, 0, 0,
	  "Exit with status 3 if events were lost or a capture is damaged", GROUP_FAIL },
	{ 0 },
};

static const char *const weight_words[] = { "growths", "bytes", "time", "waste", NULL };

static unsigned choose(struct argp_state *state, const char *what, const char *text,
		       const char *const *words)
{
	unsigned v = 0;
	struct err e;

	if (parse_choice(what, text, words, &v, &e))
		argp_error(state, "%s", e.text);
	return v;
}

static const struct diff_format *find_format(struct argp_state *state, const char *name)
{
	const struct diff_format *f = diff_formats;

	while (f->name && strcmp(f->name, name))
		f++;
	if (!f->name)
		argp_error(state, "--format: no format '%s'", name);
	return f;
}

static void set_requests(struct argp_state *state, struct diff_options *o, char *arg)
{
	char *comma = strchr(arg, ',');
	struct err e;
	int r;

	if (arg[strspn(arg, "0123456789,")]) {
		o->spec.request_function = arg;
		return;
	}
	if (comma)
		*comma = '\0';
	r = parse_u64("--requests", arg, 1, UINT64_MAX, &o->spec.requests[DIFF_BEFORE], &e);
	if (!r)
		r = parse_u64("--requests", comma ? comma + 1 : arg, 1, UINT64_MAX,
			      &o->spec.requests[DIFF_AFTER], &e);
	if (r)
		argp_error(state, "%s", e.text);
}

static void set_top(struct argp_state *state, struct diff_options *o, const char *arg)
{
	uint64_t v = 0;
	struct err e;

	if (parse_u64("--top", arg, 0, 1000000, &v, &e))
		argp_error(state, "%s", e.text);
	o->top = (unsigned)v;
}

static void add_capture(struct argp_state *state, struct parsing *p, char *path)
{
	struct diff_spec *s = &p->o->spec;

	if (s->captures[p->side] == MAX_CAPTURES)
		argp_error(state, "more than %d captures on a side", MAX_CAPTURES);
	p->o->captures[s->captures[DIFF_BEFORE] + s->captures[DIFF_AFTER]] = path;
	s->captures[p->side]++;
}

/* Two captures need nothing said about which is which. */
static void check_captures(struct argp_state *state, struct parsing *p)
{
	size_t *n = p->o->spec.captures;

	if (p->side == DIFF_BEFORE && n[DIFF_BEFORE] == 2) {
		n[DIFF_BEFORE] = n[DIFF_AFTER] = 1;
	} else if (p->side == DIFF_BEFORE && n[DIFF_BEFORE] > 2) {
		argp_error(state, "%zu captures: put --after in front of the first one of after",
			   n[DIFF_BEFORE]);
	} else if (!n[DIFF_BEFORE] || !n[DIFF_AFTER]) {
		argp_error(state, "no capture of %s", n[DIFF_BEFORE] ? "after" : "before");
	}
}

static void finish(struct argp_state *state, struct parsing *p)
{
	struct diff_options *o = p->o;
	bool requests = o->spec.request_function || o->spec.requests[DIFF_BEFORE];
	struct err e;

	check_captures(state, p);
	if (!p->per_given && requests)
		o->view.per = DIFF_PER_REQUEST;
	if (o->view.per == DIFF_PER_REQUEST && !requests)
		argp_error(state, "--per=request: say with --requests how many there were");
	for (size_t i = 0; i < o->rule_count; i++)
		if (diff_rule_parse(p->rules[i], o->view.per, &o->rules[i], &e))
			argp_error(state, "--fail-if: %s", e.text);
	o->spec.stacks = o->format->print == diff_print_folded;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	struct diff_options *o = p->o;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->filter;
		return 0;
	case 'a':
		p->side = DIFF_AFTER;
		return 0;
	case 'f':
		o->format = find_format(state, arg);
		return 0;
	case 'o':
		o->to = arg;
		return 0;
	case 'n':
		set_top(state, o, arg);
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case KEY_PER:
		o->view.per = choose(state, "--per", arg, diff_per_names);
		p->per_given = true;
		return 0;
	case KEY_REQUESTS:
		set_requests(state, o, arg);
		return 0;
	case KEY_BY:
		o->view.by = choose(state, "--by", arg, diff_by_names);
		return 0;
	case KEY_WEIGHT:
		o->spec.weight = choose(state, "--weight", arg, weight_words);
		return 0;
	case KEY_FAIL_IF:
		p->rules[o->rule_count++] = arg;
		return 0;
	case KEY_STRICT_CAPTURES:
		o->strict = true;
		return 0;
	case ARGP_KEY_ARG:
		add_capture(state, p, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no captures to compare");
		return 0;
	case ARGP_KEY_SUCCESS:
		finish(state, p);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_formats(FILE *f)
{
	fprintf(f, "Formats:\n");
	for (const struct diff_format *d = diff_formats; d->name; d++)
		fprintf(f, "  %-9s %s\n", d->name, d->summary);
}

static char *help(int key, const char *text, void *input)
{
	(void)input;
	return key == ARGP_KEY_HELP_POST_DOC ? options_help(print_formats, text) : (char *)text;
}

static const struct argp_child children[] = {
	{ &filter_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "BEFORE AFTER\nBEFORE... --after AFTER...",
	.doc = "Compare captures of before with captures of after: what grows more, or less, what "
	       "that costs, and whether the change is more than noise."
	       "\v ", /* argp asks the filter only where there is a text */
	.children = children,
	.help_filter = help,
};

int diff_options_parse(int argc, char **argv, struct diff_options *ret)
{
	struct parsing p = { .o = ret, .rules = calloc((size_t)argc + 1, sizeof(char *)) };

	*ret = (struct diff_options){ .format = &diff_formats[0], .top = 20 };
	ret->captures = calloc((size_t)argc + 1, sizeof(char *));
	ret->rules = calloc((size_t)argc + 1, sizeof(*ret->rules));
	if (!p.rules || !ret->captures || !ret->rules) {
		free(p.rules);
		return -ENOMEM;
	}
	options_parse(&argp, argc, argv, ARGP_IN_ORDER, &p);
	free(p.rules);
	return 0;
}

void diff_options_release(struct diff_options *o)
{
	for (size_t i = 0; i < o->rule_count; i++)
		diff_rule_release(&o->rules[i]);
	free(o->rules);
	free(o->captures);
}
