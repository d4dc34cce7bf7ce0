/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline.c: events to tracks.
 *
 * A coroutine's track holds at most two open slices: its life, and what it is doing.  That it runs
 * is known from a switch to it until it parks, ends, or its thread is seen to run another one.
 */
#include "formats/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/event_valid.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/sites.h"
#include "formats/timeline_internal.h"
#include "formats/waits.h"

#define LINE_MAX_TEXT 200
#define COUNT(args)   (sizeof(args) / sizeof((args)[0]))

static uint64_t later(uint64_t ns, uint64_t by)
{
	return ns > UINT64_MAX - by ? UINT64_MAX : ns + by;
}

static uint64_t before(uint64_t ns, uint64_t by)
{
	return ns > by ? ns - by : 0;
}

/* --- coroutines ---------------------------------------------------------------------------- */

struct identity {
	const struct ev_header *h;
	uint64_t goid, gp, creator_pc, entry_pc;
};

static struct timeline_key key_of(const struct identity *id)
{
	return (struct timeline_key){ .id = id->goid ? id->goid : id->gp,
				      .pid = id->h->pid,
				      .by_gp = !id->goid };
}

static struct timeline_life *find(struct timeline *t, const struct identity *id)
{
	const struct timeline_key key = key_of(id);
	struct timeline_life *l;

	HASH_FIND(hh, t->lives, &key, sizeof(key), l);
	return l;
}

/* "g17 main.worker" */
static char *label_of(const struct timeline *t, const struct identity *id)
{
	char *r;
	int n;

	if (!id->entry_pc)
		n = id->goid ? asprintf(&r, "g%" PRIu64, id->goid)
			     : asprintf(&r, "0x%" PRIx64, id->gp);
	else if (id->goid)
		n = asprintf(&r, "g%" PRIu64 " %s", id->goid,
			     site_entry(t->c->names, id->h->pid, id->entry_pc).function);
	else
		n = asprintf(&r, "%s", site_entry(t->c->names, id->h->pid, id->entry_pc).function);
	return n < 0 ? NULL : r;
}

static int begin_life(struct timeline *t, struct timeline_life *l, const struct identity *id,
		      uint64_t ns, uint64_t flow)
{
	char *creator = NULL;
	struct site site;

	if (timeline_take_lane(t, l->process, &l->lane))
		return -ENOMEM;
	if (!l->lane) {
		t->without_lane++;
		return 0;
	}
	if (id->creator_pc || id->entry_pc) {
		site_creator(t->c->names, id->h->pid, id->creator_pc, id->entry_pc, &site);
		creator = label_site(&site, true);
	} else {
		creator = strdup("unknown");
	}
	if (!creator)
		return -ENOMEM;

	const struct timeline_arg args[] = { ARG("coroutine", id->goid),
					     TEXT_ARG("creator", creator) };
	struct timeline_track *track = &l->lane->track;
	struct timeline_event e = { .track = track,
				    .ns = ns > track->last_ns ? ns : track->last_ns,
				    .name = l->label,
				    .arg = args,
				    .args = COUNT(args),
				    .to = flow };

	track->last_ns = e.ns;
	t->w->begin(t->arg, &e);
	free(creator);
	return 0;
}

static struct timeline_life *make(struct timeline *t, const struct identity *id, uint64_t ns,
				  uint64_t flow)
{
	struct timeline_life *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->key = key_of(id);
	l->process = timeline_process(t, id->h->pid);
	l->label = label_of(t, id);
	if (l->process && l->label)
		HASH_ADD(hh, t->lives, key, sizeof(l->key), l);
	if (!l->process || !l->label || !map_added(l)) {
		free(l->label);
		free(l);
		return NULL;
	}
	return begin_life(t, l, id, ns, flow) ? NULL : l; /* else in the map, and freed with it */
}

static struct timeline_life *find_or_make(struct timeline *t, const struct identity *id)
{
	struct timeline_life *l = find(t, id);

	return l ? l : make(t, id, id->h->time_ns, 0);
}

/* What it is doing is over. */
static void stop(struct timeline *t, struct timeline_life *l, uint64_t ns)
{
	if (l->on) {
		timeline_close(t, &l->on->track, ns, NULL, 0);
		l->on->runs = NULL;
		l->on = NULL;
	}
	if (l->lane && l->state != LIFE_UNKNOWN)
		timeline_close(t, &l->lane->track, ns, NULL, 0);
	l->state = LIFE_UNKNOWN;
}

static void start(struct timeline *t, struct timeline_life *l, enum life_state state, uint64_t ns,
		  const char *name, const struct timeline_arg *arg, size_t args)
{
	l->state = state;
	if (l->lane)
		timeline_slice(t, &l->lane->track, ns, name, arg, args);
}

static void run(struct timeline *t, struct timeline_life *l, struct timeline_thread *th,
		const struct ev_header *h, uint64_t ns)
{
	const struct timeline_arg on[] = { ARG("thread", h->tid) };
	const struct timeline_arg who[] = { ARG("coroutine", l->key.by_gp ? 0 : l->key.id) };

	start(t, l, LIFE_RUNS, ns, "running", on, COUNT(on));
	l->on = th;
	th->runs = l;
	timeline_slice(t, &th->track, ns, l->label, who, COUNT(who));
}

void timeline_end_life(struct timeline *t, struct timeline_life *l, uint64_t ns)
{
	const struct timeline_arg args[] = { ARG("stack", l->size), ARG("used", l->used) };

	stop(t, l, ns);
	if (l->lane) {
		timeline_close(t, &l->lane->track, ns, args, l->used ? 2 : !!l->size);
		timeline_give_lane(l->process, l->lane);
	}
	HASH_DEL(t->lives, l);
	free(l->label);
	free(l);
}

/* --- events -------------------------------------------------------------------------------- */

/* Who made it: named by the record, or seen to run on its thread. */
static struct timeline_life *find_parent(struct timeline *t, const struct ev_newproc *ev)
{
	const struct identity id = { .h = &ev->h, .goid = ev->parent_goid };
	struct timeline_thread *th;

	if (id.goid)
		return find(t, &id);
	th = timeline_find_thread(t, &ev->h);
	return th ? th->runs : NULL;
}

/* The begin of a flow on the track of who makes a coroutine.  0: there is none. */
static int put_go(struct timeline *t, const struct ev_newproc *ev, uint64_t *ret_flow)
{
	struct timeline_life *parent = find_parent(t, ev);
	struct site entry = site_entry(t->c->names, ev->h.pid, ev->entry_pc);
	const struct timeline_arg args[] = { ARG("coroutine", ev->goid) };
	char *name;

	*ret_flow = 0;
	if (!parent || !parent->lane)
		return 0;
	if (asprintf(&name, "go %s", entry.function) < 0)
		return -ENOMEM;
	*ret_flow = ++t->flows;
	timeline_instant(t, &parent->lane->track, ev->h.time_ns, name, args, 1, *ret_flow);
	free(name);
	return 0;
}

static int take_newproc(struct timeline *t, const struct ev_newproc *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, ev->entry_pc };
	struct timeline_life *l = find(t, &id);
	uint64_t flow;

	if (l && l->born) { /* the process runs another program */
		timeline_end_life(t, l, ev->h.time_ns);
		l = NULL;
	}
	if (!l) {
		if (put_go(t, ev, &flow))
			return -ENOMEM;
		l = make(t, &id, ev->h.time_ns, flow);
	}
	if (!l)
		return -ENOMEM;
	l->born = true;
	if (!l->size)
		l->size = ev->stack_size;
	return 0;
}

static void take_goexit(struct timeline *t, const struct ev_goexit *ev)
{
	const struct identity id = { .h = &ev->h, .goid = ev->goid, .gp = ev->gp };
	struct timeline_life *l = find(t, &id);

	if (!l)
		return;
	l->size = ev->stack_size;
	if (ev->used > l->used)
		l->used = ev->used;
	timeline_end_life(t, l, ev->h.time_ns);
}

static void take_use(struct timeline *t, const struct ev_stack_use *ev)
{
	const struct identity id = { .h = &ev->h, .goid = ev->goid, .gp = ev->gp };
	struct timeline_life *l = find(t, &id);

	if (!l)
		return;
	l->size = ev->stack_size;
	if (ev->used > l->used)
		l->used = ev->used;
}

static void put_growth(struct timeline *t, struct timeline_life *l, const struct ev_copystack *ev,
		       const char *leaf, const char *creator)
{
	bool seen = !(ev->flags & EV_COPYSTACK_INCOMPLETE);
	const struct timeline_arg args[] = {
		ARG("coroutine", ev->goid),  ARG("old", ev->old_size), ARG("new", ev->new_size),
		ARG("used", ev->used),	     TEXT_ARG("leaf", leaf),   TEXT_ARG("creator", creator),
		TEXT_ARG("end", "not seen"),
	};
	size_t count = COUNT(args) - seen;
	char name[96];

	snprintf(name, sizeof(name), "%s %s to %s",
		 ev->new_size > ev->old_size ? "growth" : "shrink", human_stack(ev->old_size).s,
		 human_stack(ev->new_size).s);
	if (!l->lane) {
		timeline_instant(t,
				 timeline_begin_track(t, l->process, &l->process->others,
						      TRACK_OTHERS, 0,
						      "coroutines without a track"),
				 ev->h.time_ns, name, args, count, 0);
		return;
	}
	timeline_slice(t, &l->lane->track, ev->h.time_ns, name, args, count);
	timeline_close(t, &l->lane->track, later(ev->h.time_ns, ev->duration_ns), NULL, 0);
}

static int take_copystack(struct timeline *t, const struct ev_copystack *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, ev->entry_pc };
	struct timeline_life *l = find_or_make(t, &id);
	struct site leaf = { .function = "unknown", .file = "" }, creator;
	char *leaf_text, *creator_text;
	uint32_t depth, flags;
	const uint64_t *pc;

	if (!l)
		return -ENOMEM;
	if (!aggregate_stack(t->c->aggregate, ev->stack_id, &pc, &depth, &flags))
		leaf = site_leaf(t->c->names, ev->h.pid, pc, depth);
	site_creator(t->c->names, ev->h.pid, ev->creator_pc, ev->entry_pc, &creator);
	leaf_text = label_site(&leaf, true);
	creator_text = label_site(&creator, true);
	if (leaf_text && creator_text)
		put_growth(t, l, ev, leaf_text, creator_text);
	l->size = ev->new_size;
	if (ev->used > l->used)
		l->used = ev->used;
	free(leaf_text);
	free(creator_text);
	return leaf_text && creator_text ? 0 : -ENOMEM;
}

static int take_gogo(struct timeline *t, const struct ev_gogo *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, 0 };
	struct timeline_life *l = find_or_make(t, &id);
	struct timeline_thread *th = timeline_thread(t, &ev->h);

	if (!l || !th)
		return -ENOMEM;

	if (th->runs && th->runs != l)
		stop(t, th->runs, ev->h.time_ns);
	if (th->runs == l) /* a switch from it to the scheduler and back */
		return 0;
	if (l->state == LIFE_UNKNOWN && ev->latency_ns)
		start(t, l, LIFE_RUNNABLE, before(ev->h.time_ns, ev->latency_ns), "runnable", NULL,
		      0);
	stop(t, l, ev->h.time_ns);
	run(t, l, th, &ev->h, ev->h.time_ns);
	return 0;
}

static int take_park(struct timeline *t, const struct ev_park *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, 0 };
	struct timeline_life *l = find_or_make(t, &id);
	struct timeline_thread *th = timeline_thread(t, &ev->h);
	const struct timeline_arg args[] = { ARG("used", ev->used) };

	if (!l || !th)
		return -ENOMEM;
	if (l->state != LIFE_RUNS && ev->run_ns) {
		uint64_t since = before(ev->h.time_ns, ev->run_ns);

		if (th->runs)
			stop(t, th->runs, since);
		stop(t, l, since);
		run(t, l, th, &ev->h, since);
	}
	stop(t, l, ev->h.time_ns);
	start(t, l, LIFE_WAITS, ev->h.time_ns,
	      waits_reason(aggregate_waits(t->c->aggregate), ev->h.pid, ev->reason), args, 1);
	return 0;
}

static int take_ready(struct timeline *t, const struct ev_ready *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, 0 };
	struct timeline_life *l = find_or_make(t, &id);
	const struct timeline_arg args[] = { ARG("woken_by", ev->waker_goid) };

	if (!l)
		return -ENOMEM;
	if (l->state == LIFE_RUNS || l->state == LIFE_RUNNABLE)
		return 0; /* out of order */
	if (l->state == LIFE_UNKNOWN && ev->wait_ns)
		start(t, l, LIFE_WAITS, before(ev->h.time_ns, ev->wait_ns), "waiting", NULL, 0);
	stop(t, l, ev->h.time_ns);
	start(t, l, LIFE_RUNNABLE, ev->h.time_ns, "runnable", args, ev->waker_goid ? 1 : 0);
	return 0;
}

/* Behind a window nobody watches, and what coroutines do is not known any more. */
static void take_switches(struct timeline *t, const struct ev_switches *ev)
{
	struct timeline_life *l, *next;

	HASH_ITER(hh, t->lives, l, next)
		stop(t, l, later(ev->h.time_ns, ev->window_ns));
}

/* Known already where parks are streamed. */
static int take_blocked(struct timeline *t, const struct ev_blocked *ev)
{
	const struct identity id = { &ev->h, ev->goid, ev->gp, ev->creator_pc, ev->entry_pc };
	struct timeline_life *l = find(t, &id);
	char *name = NULL;

	if (!l)
		l = make(t, &id, ev->since_ns, 0);
	if (!l)
		return -ENOMEM;
	if (l->state != LIFE_UNKNOWN || !l->lane)
		return 0;
	if (asprintf(&name, "blocked: %s",
		     waits_reason(aggregate_waits(t->c->aggregate), ev->h.pid, ev->reason)) < 0)
		return -ENOMEM;
	timeline_slice(t, &l->lane->track, ev->since_ns, name, NULL, 0);
	timeline_close(t, &l->lane->track, ev->h.time_ns, NULL, 0);
	free(name);
	return 0;
}

static int take_gc(struct timeline *t, const struct ev_gc *ev)
{
	struct timeline_process *p = timeline_process(t, ev->h.pid);
	struct timeline_track *track;

	if (!p)
		return -ENOMEM;
	track = timeline_begin_track(t, p, &p->collections, TRACK_COLLECTIONS, 0, "collections");
	if (p->collecting)
		timeline_close(t, track, ev->h.time_ns, NULL, 0);
	p->collecting = ev->what == EV_GC_START;
	if (p->collecting)
		timeline_slice(t, track, ev->h.time_ns, "collection", NULL, 0);
	return 0;
}

static int take_line(struct timeline *t, const struct ev_line *ev)
{
	struct timeline_process *p = timeline_process(t, ev->h.pid);
	char text[LINE_MAX_TEXT + 1];
	size_t len = ev->length < LINE_MAX_TEXT ? ev->length : LINE_MAX_TEXT;
	const struct timeline_arg args[] = { ARG("fd", ev->fd) };

	if (!p)
		return -ENOMEM;
	memcpy(text, ev->text, len);
	text[len] = '\0';
	timeline_instant(t, timeline_begin_track(t, p, &p->lines, TRACK_LINES, 0, "lines"),
			 ev->h.time_ns, text, args, 1, 0);
	return 0;
}

static int set_name(struct timeline *t, const struct ev_header *ev, const char *name, size_t size)
{
	struct timeline_process *p = timeline_process(t, ev->pid);

	if (!p)
		return -ENOMEM;
	if (p->name || !size || !*name)
		return 0;
	p->name = strndup(name, size);
	return p->name ? 0 : -ENOMEM;
}

int timeline_event(struct timeline *t, const struct render_context *c, const struct ev_header *ev)
{
	t->c = c;
	if (!event_valid(ev))
		return 0;
	switch (ev->kind) {
	case EV_IMAGE:
		return set_name(t, ev, ((const struct ev_image *)ev)->comm, EV_COMM_LEN);
	case EV_PROCESS:
		return set_name(t, ev, ((const struct ev_process *)ev)->path,
				((const struct ev_process *)ev)->length);
	case EV_NEWPROC:
		return take_newproc(t, (const struct ev_newproc *)ev);
	case EV_GOEXIT:
		take_goexit(t, (const struct ev_goexit *)ev);
		return 0;
	case EV_STACK_USE:
		take_use(t, (const struct ev_stack_use *)ev);
		return 0;
	case EV_COPYSTACK:
		return take_copystack(t, (const struct ev_copystack *)ev);
	case EV_GOGO:
		return take_gogo(t, (const struct ev_gogo *)ev);
	case EV_PARK:
		return take_park(t, (const struct ev_park *)ev);
	case EV_READY:
		return take_ready(t, (const struct ev_ready *)ev);
	case EV_SWITCHES:
		take_switches(t, (const struct ev_switches *)ev);
		return 0;
	case EV_BLOCKED:
		return take_blocked(t, (const struct ev_blocked *)ev);
	case EV_GC:
		return take_gc(t, (const struct ev_gc *)ev);
	case EV_LINE:
		return take_line(t, (const struct ev_line *)ev);
	default:
		return 0;
	}
}
