/* SPDX-License-Identifier: Apache-2.0 */
/* options_hot.c: what to follow of switches, waits and locks, a child of trace_argp. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/options.h"

#define MS		1000000ull
#define BLOCKED_DEFAULT (200 * MS)

static const char *const switches_words[] = { "off", "auto", "count", "on", NULL };

/* Names of --events and --count, and the probes they stand for. */
struct word {
	const char *name;
	enum ev_probe probe;
};

static const struct word events[] = {
	{ "gogo", EV_PROBE_GOGO },
	{ "park", EV_PROBE_PARK },
	{ "ready", EV_PROBE_READY },
	{ NULL, 0 },
};

static const struct word counts[] = {
	{ "newstack", EV_PROBE_NEWSTACK },
	{ "stackalloc", EV_PROBE_STACKALLOC },
	{ "stackfree", EV_PROBE_STACKFREE },
	{ NULL, 0 },
};

static const struct argp_option hot_table[] = {
	{ 0, 0, 0, 0, "Switches, waits and locks:", GROUP_HOT },
	{ "switches", KEY_SWITCHES, "WHEN", OPTION_ARG_OPTIONAL,
	  "Watch coroutine switches: off, auto (default: counted in short windows, for the use of "
	  "stacks), count (all the time) or on (as without WHEN: parks and wakes too, added up by "
	  "creator and reason)",
	  0 },
	{ "events", KEY_EVENTS, "LIST", 0,
	  "Record switches, parks or wakes one by one: gogo, park, ready, with commas between", 0 },
	{ "blocked", KEY_BLOCKED, "MS", OPTION_ARG_OPTIONAL,
	  "Take stack, reason and creator of coroutines parked longer than MS milliseconds "
	  "(default 200)",
	  0 },
	{ "locks", KEY_LOCKS, 0, 0,
	  "Count waits for mutexes and for locks of the runtime: which, how long, whose", 0 },
	{ "max-overhead", KEY_MAX_OVERHEAD, "PCT", 0,
	  "Watch switches, waits and locks in windows when they would cost more than PCT percent "
	  "of the time (default 5); 100 watches all the time",
	  0 },
	{ "count", KEY_COUNT, "LIST", 0,
	  "Also count hits of newstack, stackalloc, stackfree, with commas between", 0 },
	{ 0 },
};

/* Bits of the probes in a list of words. */
static uint32_t word_list(struct argp_state *state, const char *option, const char *text,
			  const struct word *words)
{
	char *copy = strdup(text), *rest = NULL, *name;
	uint32_t set = 0;

	if (!copy)
		argp_error(state, "%s: no memory", option);
	for (name = copy ? strtok_r(copy, ",", &rest) : NULL; name;
	     name = strtok_r(NULL, ",", &rest)) {
		const struct word *w = words;

		while (w->name && strcmp(w->name, name))
			w++;
		if (!w->name)
			argp_error(state, "%s: '%s' is not one of %s, %s, %s", option, name,
				   words[0].name, words[1].name, words[2].name);
		else
			set |= 1u << w->probe;
	}
	free(copy);
	if (!set)
		argp_error(state, "%s: the list is empty", option);
	return set;
}

static void set_switches(struct argp_state *state, const char *text, struct source_options *o)
{
	unsigned v = SWITCHES_ON;
	struct err e;

	if (text && parse_choice("--switches", text, switches_words, &v, &e))
		argp_error(state, "%s", e.text);
	o->switches = v;
}

/* A number alone is of milliseconds. */
static void set_blocked(struct argp_state *state, const char *text, struct source_options *o)
{
	uint64_t v = BLOCKED_DEFAULT / MS;
	struct err e;

	if (text && parse_u64("--blocked", text, 1, 1000000000, &v, &e))
		argp_error(state, "%s", e.text);
	o->blocked_ns = v * MS;
}

static void set_overhead(struct argp_state *state, const char *text, struct source_options *o)
{
	uint64_t v = 0;
	struct err e;

	if (parse_u64("--max-overhead", text, 1, 100, &v, &e))
		argp_error(state, "%s", e.text);
	o->hot_budget_pm = (unsigned)v * 10;
}

static error_t hot_parse(int key, char *arg, struct argp_state *state)
{
	struct source_options *o = state->input;

	switch (key) {
	case KEY_SWITCHES:
		set_switches(state, arg, o);
		return 0;
	case KEY_EVENTS:
		o->stream |= word_list(state, "--events", arg, events);
		return 0;
	case KEY_BLOCKED:
		set_blocked(state, arg, o);
		return 0;
	case KEY_LOCKS:
		o->locks = true;
		return 0;
	case KEY_MAX_OVERHEAD:
		set_overhead(state, arg, o);
		return 0;
	case KEY_COUNT:
		o->count |= word_list(state, "--count", arg, counts);
		o->newstack |= o->count >> EV_PROBE_NEWSTACK & 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp hot_argp = { .options = hot_table, .parser = hot_parse };
