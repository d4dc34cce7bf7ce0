/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.c: one line for each event, as they come.
 *
 *	   0.001234 g17 stack growth: gp=0xc000123000, old=2048, new=4096, used=1872, 1.2 us, in
 *	   main.deep deep.go:5, created at main.main deep.go:7
 *
 * The time counts from the program's release.  "[pid N]" stands in front once a second process has
 * been seen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/event_valid.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/sites.h"
#include "formats/trace_waits.h"

struct trace_state {
	bool started;
	uint64_t zero_ns; /* what the times count from */
	uint32_t pid;	  /* of the first process */
	bool many;	  /* there is another one */
	uint64_t lost;	  /* said so far */
};

static void put_prefix(struct trace_state *t, const struct render_context *c,
		       const struct ev_header *ev)
{
	int64_t ns;

	if (!t->started) {
		t->started = true;
		t->pid = ev_process_id(ev->pid);
		t->zero_ns = c->info->start_monotonic_ns ? c->info->start_monotonic_ns
							 : ev->time_ns;
	}
	if (ev_process_id(ev->pid) != t->pid)
		t->many = true;
	ns = (int64_t)(ev->time_ns - t->zero_ns);
	fprintf(c->out, "%12.6f ", (double)ns / 1e9);
	if (t->many)
		fprintf(c->out, "[pid %" PRIu32 "] ", ev_process_id(ev->pid));
}

static int put_site(const struct render_context *c, const char *before, const struct site *s)
{
	char *label = label_site(s, c->utf8);

	if (!label)
		return -ENOMEM;
	fprintf(c->out, "%s%s", before, label);
	free(label);
	return 0;
}

/* The go statement, if there is one: a runtime's first coroutine has none. */
static int put_creator(const struct render_context *c, uint32_t pid, uint64_t creator_pc,
		       uint64_t entry_pc)
{
	struct site creator;

	if (!site_creator(c->names, pid, creator_pc, entry_pc, &creator))
		return 0;
	return put_site(c, ", created at ", &creator);
}

static int put_copystack(const struct render_context *c, const struct ev_copystack *ev)
{
	const uint64_t *pc;
	uint32_t depth, flags;
	bool growth = ev->new_size > ev->old_size;
	int r = 0;

	fprintf(c->out,
		"g%" PRIu64 " stack %s: gp=0x%" PRIx64 ", old=%" PRIu64 ", new=%" PRIu64
		", used=%" PRIu64,
		(uint64_t)ev->goid, growth ? "growth" : "shrink", (uint64_t)ev->gp,
		(uint64_t)ev->old_size, (uint64_t)ev->new_size, (uint64_t)ev->used);
	if (ev->flags & EV_COPYSTACK_INCOMPLETE)
		fputs(", end not seen", c->out);
	else
		fprintf(c->out, ", %s", human_time(ev->duration_ns, c->utf8).s);
	if (!aggregate_stack(c->aggregate, ev->stack_id, &pc, &depth, &flags)) {
		struct site leaf = site_leaf(c->names, ev->h.pid, pc, depth);

		r = put_site(c, ", in ", &leaf);
	}
	return r ? r : put_creator(c, ev->h.pid, ev->creator_pc, ev->entry_pc);
}

static int put_newproc(const struct render_context *c, const struct ev_newproc *ev)
{
	struct site entry = site_entry(c->names, ev->h.pid, ev->entry_pc);
	int r;

	fprintf(c->out, "g%" PRIu64 " born: gp=0x%" PRIx64 ", stack=%" PRIu64, (uint64_t)ev->goid,
		(uint64_t)ev->gp, (uint64_t)ev->stack_size);
	if (ev->parent_goid)
		fprintf(c->out, ", parent=g%" PRIu64, (uint64_t)ev->parent_goid);
	r = put_site(c, ", runs ", &entry);
	return r ? r : put_creator(c, ev->h.pid, ev->creator_pc, ev->entry_pc);
}

static void put_use(FILE *out, const char *what, uint64_t goid, uint64_t gp, uint64_t stack_size,
		    uint64_t used)
{
	fprintf(out, "g%" PRIu64 " %s: gp=0x%" PRIx64 ", stack=%" PRIu64, goid, what, gp,
		stack_size);
	if (used)
		fprintf(out, ", used=%" PRIu64, used);
}

static void put_goexit(FILE *out, const struct ev_goexit *ev)
{
	put_use(out, "end", ev->goid, ev->gp, ev->stack_size, ev->used);
}

static void put_stack_use(FILE *out, const struct ev_stack_use *ev)
{
	put_use(out, "alive", ev->goid, ev->gp, ev->stack_size, ev->used);
}

static void put_exit(const struct render_context *c, const struct ev_exit *ev)
{
	int status = (int)ev->wait_status;

	if (WIFSIGNALED(status))
		fprintf(c->out, "program killed by signal %d", WTERMSIG(status));
	else
		fprintf(c->out, "program ended with status %d", WEXITSTATUS(status));
	fprintf(c->out, ": %s wall, %s CPU", human_time(ev->wall_ns, c->utf8).s,
		human_time(ev->cpu_ns, c->utf8).s);
}

static void put_lost(FILE *out, const struct ev_lost *ev)
{
	const char *between = "";

	fputs("lost so far: ", out);
	for (unsigned i = 0; i < EV_LOST_LIMIT; i++) {
		if (!ev->count[i])
			continue;
		fprintf(out, "%s%s %s", between, human_count(ev->count[i]).s, lost_reason_name(i));
		between = ", ";
	}
}

/* As the runtime wrote it, but for what a terminal must not see. */
static int put_runtime_line(const struct render_context *c, const struct ev_line *ev)
{
	char *text = strndup(ev->text, ev->length);

	if (!text)
		return -ENOMEM;
	escape_put(c->out, text, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
	free(text);
	return 0;
}

/* Losses are told when there are new ones; the totals of hits are the summary's. */
static bool worth_a_line(struct trace_state *t, const struct ev_header *ev)
{
	uint64_t lost = 0;

	switch (ev->kind) {
	case EV_NEWPROC:
	case EV_GOEXIT:
	case EV_COPYSTACK:
	case EV_STACK_USE:
	case EV_SWITCHES:
	case EV_EXIT:
	case EV_LINE:
		return true;
	case EV_LOST:
		for (unsigned i = 0; i < EV_LOST_LIMIT; i++)
			lost += ((const struct ev_lost *)ev)->count[i];
		if (lost == t->lost)
			return false;
		t->lost = lost;
		return true;
	default:
		return trace_waits_has(ev->kind);
	}
}

static int trace_event(void *state, const struct render_context *c, const struct ev_header *ev)
{
	const struct ev_switches *s = (const struct ev_switches *)ev;
	int r = 0;

	if (!event_valid(ev) || !worth_a_line(state, ev))
		return 0;
	put_prefix(state, c, ev);
	switch (ev->kind) {
	case EV_NEWPROC:
		r = put_newproc(c, (const struct ev_newproc *)ev);
		break;
	case EV_GOEXIT:
		put_goexit(c->out, (const struct ev_goexit *)ev);
		break;
	case EV_COPYSTACK:
		r = put_copystack(c, (const struct ev_copystack *)ev);
		break;
	case EV_STACK_USE:
		put_stack_use(c->out, (const struct ev_stack_use *)ev);
		break;
	case EV_SWITCHES:
		fprintf(c->out, "%s switches in %s", human_count(s->count).s,
			human_time(s->window_ns, c->utf8).s);
		break;
	case EV_EXIT:
		put_exit(c, (const struct ev_exit *)ev);
		break;
	case EV_LINE:
		r = put_runtime_line(c, (const struct ev_line *)ev);
		break;
	case EV_LOST:
		put_lost(c->out, (const struct ev_lost *)ev);
		break;
	default:
		r = trace_waits_put(c, ev);
		break;
	}
	fputc('\n', c->out);
	return r;
}

static int trace_end(void *state, const struct render_context *c)
{
	(void)state;
	if (c->damage && capture_is_damaged(c->damage))
		fprintf(c->out, "# the capture is damaged: %s records missing%s\n",
			human_count(c->damage->missing_records).s,
			c->damage->truncated ? ", and whatever was behind the last one" : "");
	return 0;
}

const struct format format_trace = {
	.name = "trace",
	.summary = "one line for each growth, shrink, birth and end",
	.state_size = sizeof(struct trace_state),
	.event = trace_event,
	.end = trace_end,
};
