/* SPDX-License-Identifier: Apache-2.0 */
/* options_attach.c: which processes to attach to, and for how long. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/event.h"
#include "base/parse.h"
#include "cli/options.h"

#define MAX_PID ((1u << EV_PID_BITS) - 1)

static const struct argp_option table[] = {
	{ "pid", 'p', "PID[,PID...]", 0,
	  "Trace these processes, which run already; may be repeated", GROUP_TRACE },
	{ "duration", KEY_DURATION, "TIME", 0,
	  "End the tracing after TIME, in seconds if nothing follows (10, 500ms, 2m)",
	  GROUP_TRACE },
	{ 0 },
};

static void add_pid(struct argp_state *state, struct session_options *s, const char *text)
{
	struct err e;
	pid_t *grown;
	uint64_t v;

	if (parse_u64("--pid", text, 1, MAX_PID, &v, &e)) {
		argp_error(state, "%s", e.text);
		return;
	}
	for (size_t i = 0; i < s->pid_count; i++)
		if (s->pids[i] == (pid_t)v)
			return;
	grown = reallocarray((pid_t *)s->pids, s->pid_count + 1, sizeof(*grown));
	if (!grown) {
		argp_failure(state, argp_err_exit_status, 0, "no memory");
		return;
	}
	grown[s->pid_count++] = (pid_t)v;
	s->pids = grown;
}

static void add_pids(struct argp_state *state, struct session_options *s, const char *list)
{
	char *copy = strdup(list), *rest = copy, *one;

	while (copy && (one = strsep(&rest, ",")))
		add_pid(state, s, one);
	free(copy);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace_options *o = state->input;
	struct err e;

	switch (key) {
	case 'p':
		add_pids(state, &o->session, arg);
		return 0;
	case KEY_DURATION:
		if (parse_time("--duration", arg, &o->session.duration_ns, &e))
			argp_error(state, "%s", e.text);
		else if (!o->session.duration_ns)
			argp_error(state, "--duration: '%s' is no time at all", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp attach_argp = { .options = table, .parser = parse };
