/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_tracks.c: which tracks there are, and that what is on one track is in order. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats/label.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/timeline_internal.h"

/* --- events -------------------------------------------------------------------------------- */

static uint64_t move_behind(struct timeline *t, struct timeline_track *track, uint64_t ns)
{
	if (ns < track->last_ns)
		ns = track->last_ns;
	track->last_ns = ns;
	if (ns > t->last_ns)
		t->last_ns = ns;
	return ns;
}

void timeline_slice(struct timeline *t, struct timeline_track *track, uint64_t ns, const char *name,
		    const struct timeline_arg *arg, size_t args)
{
	const struct timeline_event e = { .track = track,
					  .ns = move_behind(t, track, ns),
					  .name = name,
					  .arg = arg,
					  .args = args };

	t->w->begin(t->arg, &e);
}

void timeline_close(struct timeline *t, struct timeline_track *track, uint64_t ns,
		    const struct timeline_arg *arg, size_t args)
{
	const struct timeline_event e = {
		.track = track, .ns = move_behind(t, track, ns), .arg = arg, .args = args
	};

	t->w->end(t->arg, &e);
}

void timeline_instant(struct timeline *t, struct timeline_track *track, uint64_t ns,
		      const char *name, const struct timeline_arg *arg, size_t args, uint64_t from)
{
	const struct timeline_event e = { .track = track,
					  .ns = move_behind(t, track, ns),
					  .name = name,
					  .arg = arg,
					  .args = args,
					  .from = from };

	t->w->instant(t->arg, &e);
}

int64_t timeline_relative(const struct render_context *c, uint64_t ns)
{
	return (int64_t)(ns - c->info->start_monotonic_ns);
}

/* --- tracks -------------------------------------------------------------------------------- */

static void begin_track(struct timeline *t, struct timeline_track *track)
{
	track->id = ++t->tracks;
	t->w->track(t->arg, track);
}

struct timeline_process *timeline_process(struct timeline *t, uint32_t pid)
{
	struct timeline_process *p;

	HASH_FIND(hh, t->processes, &pid, sizeof(pid), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	HASH_ADD(hh, t->processes, pid, sizeof(p->pid), p);
	if (map_added(p))
		return p;
	free(p);
	return NULL;
}

/* What the process is called is known by its first event, if it is known at all. */
static void begin_process(struct timeline *t, struct timeline_process *p)
{
	if (p->track.id)
		return;
	p->track.pid = p->pid;
	p->track.name = p->name && *p->name ? label_base_name(p->name)
					    : label_base_name(t->c->info->target);
	begin_track(t, &p->track);
}

struct timeline_track *timeline_begin_track(struct timeline *t, struct timeline_process *p,
					    struct timeline_track *where, enum timeline_kind kind,
					    uint32_t number, const char *name)
{
	begin_process(t, p);
	if (where->id)
		return where;
	where->kind = kind;
	where->pid = p->pid;
	where->number = number;
	where->parent = p->track.id;
	where->name = name;
	begin_track(t, where);
	return where;
}

static uint64_t thread_key(const struct ev_header *ev)
{
	return (uint64_t)ev->pid << 32 | ev->tid;
}

struct timeline_thread *timeline_find_thread(struct timeline *t, const struct ev_header *ev)
{
	uint64_t key = thread_key(ev);
	struct timeline_thread *th;

	HASH_FIND(hh, t->threads, &key, sizeof(key), th);
	return th;
}

struct timeline_thread *timeline_thread(struct timeline *t, const struct ev_header *ev)
{
	uint64_t key = thread_key(ev);
	struct timeline_process *p = timeline_process(t, ev->pid);
	struct timeline_thread *th = timeline_find_thread(t, ev);

	if (th || !p)
		return th;
	th = calloc(1, sizeof(*th));
	if (!th)
		return NULL;
	th->key = key;
	snprintf(th->name, sizeof(th->name), "thread %" PRIu32, ev->tid);
	HASH_ADD(hh, t->threads, key, sizeof(th->key), th);
	if (!map_added(th)) {
		free(th);
		return NULL;
	}
	timeline_begin_track(t, p, &th->track, TRACK_THREAD, ev->tid, th->name);
	return th;
}

/* One more lane for the process; NULL: no memory. */
static struct timeline_lane *add_lane(struct timeline *t, struct timeline_process *p)
{
	struct timeline_lane **more = reallocarray(p->lane, p->lanes + 1,
						   sizeof(struct timeline_lane *));
	struct timeline_lane *l = more ? calloc(1, sizeof(*l)) : NULL;

	if (more)
		p->lane = more;
	if (!l)
		return NULL;
	p->lane[p->lanes++] = l;
	snprintf(l->name, sizeof(l->name), "coroutines %zu", p->lanes);
	timeline_begin_track(t, p, &l->track, TRACK_COROUTINES, (uint32_t)p->lanes, l->name);
	return l;
}

int timeline_take_lane(struct timeline *t, struct timeline_process *p, struct timeline_lane **ret)
{
	struct timeline_lane *l;

	while (p->lowest < p->lanes && p->lane[p->lowest]->taken)
		p->lowest++;
	*ret = NULL;
	if (p->lowest == TIMELINE_LANES)
		return 0;
	l = p->lowest < p->lanes ? p->lane[p->lowest] : add_lane(t, p);
	if (!l)
		return -ENOMEM;
	l->taken = true;
	*ret = l;
	return 0;
}

void timeline_give_lane(struct timeline_process *p, struct timeline_lane *l)
{
	l->taken = false;
	if (l->track.number - 1 < p->lowest)
		p->lowest = l->track.number - 1;
}

void timeline_release(struct timeline *t)
{
	struct timeline_process *p, *next_process;
	struct timeline_thread *th, *next_thread;
	struct timeline_life *l, *next;

	HASH_ITER(hh, t->lives, l, next) {
		HASH_DEL(t->lives, l);
		free(l->label);
		free(l);
	}
	HASH_ITER(hh, t->threads, th, next_thread) {
		HASH_DEL(t->threads, th);
		free(th);
	}
	HASH_ITER(hh, t->processes, p, next_process) {
		HASH_DEL(t->processes, p);
		for (size_t i = 0; i < p->lanes; i++)
			free(p->lane[i]);
		free(p->lane);
		free(p->name);
		free(p);
	}
}
