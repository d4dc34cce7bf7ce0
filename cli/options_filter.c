/* SPDX-License-Identifier: Apache-2.0 */
/* options_filter.c: which part of what happened is shown, for every command that shows something.
 */
#include <argp.h>

#include "base/err.h"
#include "base/parse.h"
#include "cli/options.h"
#include "formats/filter.h"

enum { KEY_SINCE = 0x300, KEY_UNTIL, KEY_PROCESS, KEY_COROUTINE, KEY_FUNCTION };

static const struct argp_option table[] = {
	{ 0, 0, 0, 0, "What of it to show:", GROUP_FILTER },
	{ "since", KEY_SINCE, "TIME", 0, "From TIME after the start on, as in 1.5s or 200ms", 0 },
	{ "until", KEY_UNTIL, "TIME", 0, "Up to TIME after the start", 0 },
	{ "process", KEY_PROCESS, "PID", 0, "Only this process; may be given several times", 0 },
	{ "coroutine", KEY_COROUTINE, "ID", 0,
	  "Only the coroutine of this number; may be given several times", 0 },
	{ "function", KEY_FUNCTION, "GLOB", 0,
	  "Only growths with such a function in their call chain, and coroutines made by or "
	  "running "
	  "one; may be given several times",
	  0 },
	{ 0 },
};

static void set_time(struct argp_state *state, const char *what, const char *text, uint64_t *ret)
{
	struct filter_spec *s = state->input;
	struct err e;

	if (parse_time(what, text, ret, &e))
		argp_error(state, "%s", e.text);
	s->by_time = true;
}

/* The next number of a list of FILTER_MAX. */
static uint64_t next_number(struct argp_state *state, const char *what, const char *text,
			    uint64_t most, size_t count)
{
	struct err e;
	uint64_t v = 0;

	if (count == FILTER_MAX)
		argp_error(state, "%s: at most %d times", what, FILTER_MAX);
	if (parse_u64(what, text, 1, most, &v, &e))
		argp_error(state, "%s", e.text);
	return v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct filter_spec *s = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		*s = (struct filter_spec){ .until_ns = UINT64_MAX };
		return 0;
	case KEY_SINCE:
		set_time(state, "--since", arg, &s->since_ns);
		return 0;
	case KEY_UNTIL:
		set_time(state, "--until", arg, &s->until_ns);
		return 0;
	case KEY_PROCESS:
		s->pid[s->pids] = (uint32_t)next_number(state, "--process", arg, INT32_MAX,
							s->pids);
		s->pids++;
		return 0;
	case KEY_COROUTINE:
		s->coroutine[s->coroutines] = next_number(state, "--coroutine", arg, UINT64_MAX,
							  s->coroutines);
		s->coroutines++;
		return 0;
	case KEY_FUNCTION:
		if (s->functions == FILTER_MAX)
			argp_error(state, "--function: at most %d times", FILTER_MAX);
		s->function[s->functions++] = arg;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (s->until_ns <= s->since_ns)
			argp_error(state, "--until is not after --since: nothing is between");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp filter_argp = { .options = table, .parser = parse };
