/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"

#define RING_MIN (64u << 10)
#define RING_MAX (1u << 30)

static const char *const source_words[] = { "auto", "bpf", "ring", NULL };
static const char *const uprobes_words[] = { "auto", "perf", "trap", NULL };
static const char *const weight_words[] = { "growths", "bytes", "time", "waste", NULL };

static const struct argp_option launch_table[] = {
	{ "user", 'u', "USER", 0,
	  "Run the program as USER (a name, UID or UID:GID); under sudo the default is the "
	  "invoking user",
	  GROUP_TRACE },
	{ "source", KEY_SOURCE, "NAME", 0,
	  "Where events come from: bpf (probes), ring (the program's own ring, corun only) or auto "
	  "(default: bpf, else ring)",
	  GROUP_TRACE },
	{ 0 },
};

static const struct argp_option probes_table[] = {
	{ 0, 0, 0, 0, "What to trace:", GROUP_TRACE },
	{ "newstack", KEY_NEWSTACK, 0, 0,
	  "Also count every call of newstack, preemption requests included", 0 },
	{ "max-stack", KEY_MAX_STACK, "N", 0,
	  "Frames in a call stack, 0 to 128 (default 64); 0 takes no stacks", 0 },
	{ "ring-size", KEY_RING_SIZE, "SIZE", 0,
	  "Bytes of the ring between probes and tool, a power of two (default 16M)", 0 },
	{ "uprobes", KEY_UPROBES, "KIND", 0,
	  "How to attach: auto (default: what costs least), perf (not by uprobe_multi) or trap "
	  "(not at NOPs that the kernel makes calls of)",
	  0 },
	{ "follow", 'F', 0, 0, "Also trace what is forked from it, and what any of these execute",
	  0 },
	{ "dry-run", KEY_DRY_RUN, 0, 0,
	  "Print the probes and offsets that would be used and do not run the program", 0 },
	{ "strict", KEY_STRICT, 0, 0, "Exit with status 3 if events were lost", 0 },
	{ 0, 0, 0, 0, "Messages:", GROUP_MESSAGES },
	{ "quiet", 'q', 0, 0, "No notes and warnings", 0 },
	{ "verbose", 'v', 0, 0,
	  "Print the probes in use, and at the end how often each was hit and what that cost", 0 },
	{ 0 },
};

void trace_options_init(struct trace_options *o)
{
	*o = (struct trace_options){ .session.probes = SOURCE_OPTIONS_DEFAULT };
}

static unsigned choice(struct argp_state *state, const char *what, const char *text,
		       const char *const *words)
{
	struct err e;
	unsigned v = 0;

	if (parse_choice(what, text, words, &v, &e))
		argp_error(state, "%s", e.text);
	return v;
}

static void set_ring_size(struct argp_state *state, const char *text, uint64_t *ret)
{
	struct err e;
	uint64_t v = *ret;

	if (parse_size("--ring-size", text, RING_MIN, RING_MAX, &v, &e))
		argp_error(state, "%s", e.text);
	else if (v & (v - 1))
		argp_error(state, "--ring-size: '%s' is not a power of two", text);
	else
		*ret = v;
}

static void set_max_stack(struct argp_state *state, const char *text, unsigned *ret)
{
	struct err e;
	uint64_t v;

	if (parse_u64("--max-stack", text, 0, EV_MAX_FRAMES, &v, &e))
		argp_error(state, "%s", e.text);
	else
		*ret = (unsigned)v;
}

static void set_uprobes(struct source_options *o, unsigned word)
{
	o->force_perf_uprobes = word == 1;
	o->no_nops = word == 2;
}

static error_t probes_parse(int key, char *arg, struct argp_state *state)
{
	struct trace_options *o = state->input;
	struct session_options *s = &o->session;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &s->probes;
		return 0;
	case KEY_NEWSTACK:
		s->probes.newstack = true;
		return 0;
	case KEY_MAX_STACK:
		set_max_stack(state, arg, &s->probes.max_frames);
		return 0;
	case KEY_RING_SIZE:
		set_ring_size(state, arg, &s->probes.ring_size);
		return 0;
	case KEY_UPROBES:
		set_uprobes(&s->probes, choice(state, "--uprobes", arg, uprobes_words));
		return 0;
	case 'F':
		s->follow = true;
		return 0;
	case KEY_DRY_RUN:
		o->dry_run = true;
		return 0;
	case KEY_STRICT:
		o->strict = true;
		return 0;
	case 'q':
		s->quiet = true;
		return 0;
	case 'v':
		s->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child probes_children[] = {
	{ &hot_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp probes_argp = {
	.options = probes_table,
	.parser = probes_parse,
	.children = probes_children,
};

/* What says the opposite of something else on the line. */
static void check_launch(struct argp_state *state, const struct trace_options *o)
{
	const struct session_options *s = &o->session;

	if (s->argv && s->pid_count)
		argp_error(state, "a program to run, but also --pid");
	if (s->pid_count && (s->user || s->source == SOURCE_RING))
		argp_error(state,
			   "--user and --source=ring are for a program to run, not for --pid");
	if (s->follow && s->source == SOURCE_RING)
		argp_error(state, "--follow needs probes, which --source=ring does without");
}

static error_t launch_parse(int key, char *arg, struct argp_state *state)
{
	struct trace_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		state->child_inputs[1] = &o->session.lines;
		return 0;
	case 'u':
		o->session.user = arg;
		return 0;
	case KEY_SOURCE:
		o->session.source = choice(state, "--source", arg, source_words);
		return 0;
	case ARGP_KEY_ARGS:
		o->session.argv = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (!o->session.pid_count)
			argp_error(state, "no program to run");
		return 0;
	case ARGP_KEY_END:
		check_launch(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child launch_children[] = {
	{ &probes_argp, 0, NULL, 0 },
	{ &lines_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp trace_argp = {
	.options = launch_table,
	.parser = launch_parse,
	.children = launch_children,
};

static const struct argp_option view_table[] = {
	{ 0, 0, 0, 0, "How to show it:", GROUP_SHOW },
	{ "format", 'f', "NAME", 0, "One of the formats below (default: table)", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE; '-' is standard output", 0 },
	{ "top", 'n', "N", 0, "Show at most N rows in a table, 0 for all (default 20)", 0 },
	{ "weight", KEY_WEIGHT, "WHAT", 0,
	  "Draw stacks by growths (default), bytes copied, time of the copies, or waste", 0 },
	{ 0 },
};

void view_options_init(struct view_options *o)
{
	*o = (struct view_options){ .format = format_find("table"), .top = 20, .min_percent = 0.5 };
}

static error_t view_parse(int key, char *arg, struct argp_state *state)
{
	struct view_options *o = state->input;
	struct err e;
	uint64_t v = 0;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'f':
		o->format = format_find(arg);
		if (!o->format)
			argp_error(state, "--format: no format '%s'", arg);
		return 0;
	case 'o':
		o->path = arg;
		return 0;
	case 'n':
		if (parse_u64("--top", arg, 0, 1000000, &v, &e))
			argp_error(state, "%s", e.text);
		o->top = (unsigned)v;
		return 0;
	case KEY_WEIGHT:
		o->weight = choice(state, "--weight", arg, weight_words);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

char *options_help(void (*print)(FILE *f), const char *text)
{
	char *list = NULL;
	size_t size;
	FILE *f = open_memstream(&list, &size);

	if (!f)
		return (char *)text;
	print(f);
	if (!fclose(f))
		return list;
	free(list);
	return (char *)text;
}

static void print_formats(FILE *f)
{
	size_t count;
	const struct format *const *all = formats_all(&count);

	fprintf(f, "Formats:\n");
	for (size_t i = 0; i < count; i++)
		fprintf(f, "  %-9s %s\n", all[i]->name, all[i]->summary);
}

static char *view_help(int key, const char *text, void *input)
{
	(void)input;
	return key == ARGP_KEY_HELP_POST_DOC ? options_help(print_formats, text) : (char *)text;
}

static const struct argp_child view_children[] = {
	{ &by_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp view_argp = {
	.options = view_table,
	.parser = view_parse,
	.children = view_children,
	.doc = "\v ", /* argp asks the filter only where there is a text */
	.help_filter = view_help,
};

static const struct argp_option help_table[] = {
	{ "help", 'h', 0, OPTION_HIDDEN, 0, 0 },
	{ 0 },
};

static error_t help_parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'h')
		return ARGP_ERR_UNKNOWN;
	argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	return 0;
}

static const struct argp help_argp = { .options = help_table, .parser = help_parse };

void options_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
	struct argp_child children[8] = { { 0 } };
	struct argp with_help = *argp;
	size_t n = 0;

	for (; argp->children && argp->children[n].argp; n++)
		children[n] = argp->children[n];
	children[n] = (struct argp_child){ &help_argp, 0, NULL, 0 };
	with_help.children = children;
	argp_parse(&with_help, argc, argv, flags, NULL, input);
}
