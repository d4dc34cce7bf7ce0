/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources know nothing of each other: each numbers its processes by their ids and tells its own
 * totals.  Here the records of all of them become those of one run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "cli/resolver.h"
#include "cli/run_context.h"
#include "cli/session_internal.h"

#define RECORD_MAX 65536 /* ev_header.size has 16 bits */

struct held_record {
	struct held_record *next;
	uint64_t data[];
};

void session_drop_held(struct session *s)
{
	struct held_record *h, *next;

	for (h = s->held; h; h = next) {
		next = h->next;
		free(h);
	}
	s->held = NULL;
	s->held_last = &s->held;
}

static int hand_on(struct session *s, const struct ev_header *ev)
{
	return s->sink->event ? s->sink->event(s->sink->arg, ev) : 0;
}

int session_begin(struct session *s, const struct program *first)
{
	int r = 0;

	if (s->begun)
		return 0;
	s->begun = true;
	if (run_context_describe(&s->info, s->opt.argv, first))
		return -ENOMEM;
	s->info.start_realtime_ns = s->start_realtime_ns;
	s->info.start_monotonic_ns = s->start_ns;
	if (s->sink->start)
		r = s->sink->start(s->sink->arg, &s->info);
	for (struct held_record *h = s->held; h && !r; h = h->next)
		r = hand_on(s, (const struct ev_header *)h->data);
	session_drop_held(s);
	return r;
}

int session_tell(struct session *s, const struct ev_header *ev)
{
	struct held_record *h;

	if (s->begun)
		return hand_on(s, ev);
	h = calloc(1, sizeof(*h) + ev->size);
	if (!h)
		return -ENOMEM;
	memcpy(h->data, ev, ev->size);
	*s->held_last = h;
	s->held_last = &h->next;
	return 0;
}

int session_tell_process(struct session *s, const struct tracee *p, enum ev_process_what what,
			 pid_t ppid, uint64_t value)
{
	const char *path = p->path ? p->path : "";
	size_t length = strlen(path), size;
	struct ev_process *ev;
	int r;

	size = (sizeof(*ev) + length + 8) & ~(size_t)7;
	ev = calloc(1, size);
	if (!ev)
		return -ENOMEM;
	ev->h = (struct ev_header){ .kind = EV_PROCESS,
				    .size = (__u16)size,
				    .time_ns = session_now_ns() };
	ev->h.pid = tracee_number(p, ev->h.time_ns);
	ev->h.tid = p->pid;
	ev->what = what;
	ev->ppid = (__u32)ppid;
	ev->value = value;
	ev->length = (__u32)length;
	memcpy(ev->path, path, length);
	r = session_tell(s, &ev->h);
	free(ev);
	return r;
}

/* Totals are told by each source for itself: here they become those of all. */
static const struct ev_header *add_up(struct program *p, const struct ev_header *ev,
				      struct ev_header *room)
{
	struct ev_lost *lost = (struct ev_lost *)room;
	struct ev_hits *hits = (struct ev_hits *)room;

	memcpy(ev->kind == EV_LOST ? (void *)&p->lost : (void *)&p->hits, ev,
	       ev->kind == EV_LOST ? sizeof(p->lost) : sizeof(p->hits));
	memset(room, 0, ev->kind == EV_LOST ? sizeof(*lost) : sizeof(*hits));
	*room = *ev;
	for (p = p->session->programs; p; p = p->next) {
		if (ev->kind == EV_LOST) {
			for (int i = 0; i < EV_LOST_LIMIT; i++)
				lost->count[i] += p->lost.count[i];
			continue;
		}
		hits->cost_ns += p->hits.cost_ns;
		for (int i = 0; i < EV_PROBE_LIMIT; i++)
			hits->hits[i] += p->hits.hits[i];
	}
	return room;
}

/* The record under the number that its process had at the time. */
static const struct ev_header *renumber(struct session *s, const struct ev_header *ev)
{
	struct tracee *p = tracees_find(&s->tracees, ev->pid);
	uint32_t number;

	if (!p)
		return ev;
	p->seen |= ev->kind == EV_IMAGE; /* before any other of its own */
	number = tracee_number(p, ev->time_ns);
	if (number == ev->pid)
		return ev;
	memcpy(s->scratch, ev, ev->size);
	s->scratch->pid = number;
	return s->scratch;
}

static bool has_one_source(const struct session *s)
{
	return s->programs && !s->programs->next;
}

int session_take(void *arg, const struct ev_header *ev)
{
	struct program *p = arg;
	struct session *s = p->session;
	int r;

	if (!s->scratch) {
		s->scratch = malloc(RECORD_MAX);
		if (!s->scratch)
			return -ENOMEM;
	}
	if (ev->kind == EV_HITS && ev->size >= sizeof(p->hits))
		memcpy(&p->hits, ev, sizeof(p->hits));
	if ((ev->kind == EV_LOST || ev->kind == EV_HITS) && !has_one_source(s))
		ev = add_up(p, ev, s->scratch);
	else if (s->opt.follow)
		ev = renumber(s, ev);
	r = session_begin(s, p);
	if (r)
		return r;
	resolver_event(s->resolver, p->img, ev);
	return hand_on(s, ev);
}
