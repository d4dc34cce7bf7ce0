/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline.h: what happened as tracks over time, for the formats that programs for looking at
 * traces read; how these write a track, a slice or a flow is theirs (struct timeline_writer).
 *
 * A process has a track for
 *
 *	each thread	which coroutine it runs (from EV_GOGO and EV_PARK: only if streamed)
 *	coroutines	each from birth to end, and inside of that running, waiting and runnable (if
 *			streamed), blocked for long, and each growth and shrink
 *	collections	of garbage
 *	lines		that the runtime wrote
 *
 * and there are counters of what is alive.  Threads stand for a scheduler's processors, which
 * events do not name.
 *
 * A track can hold one coroutine at a time: the lowest that is free at its birth.  So most tracks
 * hold many coroutines, one after the other, and there are no more of them than coroutines alive at
 * once, up to TIMELINE_LANES; of those beyond, growths are single events on one track more.
 *
 * Memory grows with coroutines alive, never with events.  Records of different CPUs may be slightly
 * out of order; on a track, what comes late is moved to the end of what is there, so that slices
 * always nest.
 */
#ifndef ST_FORMATS_TIMELINE_H
#define ST_FORMATS_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

struct render_context;
struct timeline_life;
struct timeline_process;
struct timeline_thread;

#define TIMELINE_LANES 500 /* tracks of coroutines, of each process */

enum timeline_kind {
	TRACK_PROCESS,
	TRACK_THREAD,
	TRACK_COLLECTIONS,
	TRACK_LINES,
	TRACK_OTHERS, /* coroutines without a track */
	TRACK_COROUTINES,
	TRACK_COUNTER,
};

struct timeline_track {
	uint64_t id; /* from 1 on, 0: not begun */
	enum timeline_kind kind;
	uint32_t pid;	   /* as in events; of a counter that of the first process */
	uint32_t number;   /* a thread's; which one of coroutines */
	uint64_t parent;   /* id of the process's track; 0: it is that, or a counter */
	const char *name;  /* not escaped */
	const char *units; /* of a counter */
	uint64_t last_ns;  /* nothing on it is later */
};

/* text NULL: a number. */
struct timeline_arg {
	const char *name, *text;
	uint64_t number;
};

/*
 * Flows lead from the event that has a number as `from` to the one that has it as `to`; 0: none.
 * Texts are not escaped.
 */
struct timeline_event {
	struct timeline_track *track;
	uint64_t ns;
	const char *name;
	const struct timeline_arg *arg;
	size_t args;
	uint64_t from, to;
};

struct timeline_writer {
	void (*track)(void *arg, const struct timeline_track *t); /* before the first event on it */
	void (*begin)(void *arg,
		      const struct timeline_event *e);		/* a slice, inside the open ones */
	void (*end)(void *arg, const struct timeline_event *e); /* of the innermost one; no name */
	void (*instant)(void *arg, const struct timeline_event *e);
	void (*counter)(void *arg, const struct timeline_track *t, uint64_t ns, uint64_t value);
};

/* Part of the state of a format, zeroed; w and arg are to be set. */
struct timeline {
	const struct timeline_writer *w;
	void *arg;
	const struct render_context *c; /* of the call in progress */
	uint64_t tracks, flows, last_ns, without_lane;
	struct timeline_process *processes;
	struct timeline_thread *threads;
	struct timeline_life *lives;
};

/* 0 or -ENOMEM. */
int timeline_event(struct timeline *t, const struct render_context *c, const struct ev_header *ev);
int timeline_end(struct timeline *t, const struct render_context *c);
void timeline_release(struct timeline *t);

/* Relative to the release of the program, or to zero where that is not known. */
int64_t timeline_relative(const struct render_context *c, uint64_t ns);

#endif
