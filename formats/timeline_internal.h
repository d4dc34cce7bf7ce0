/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_internal.h: between timeline.c, which knows events, timeline_end.c and
 * timeline_tracks.c.
 */
#ifndef ST_FORMATS_TIMELINE_INTERNAL_H
#define ST_FORMATS_TIMELINE_INTERNAL_H

#include <stdbool.h>

#include "base/map.h"
#include "formats/timeline.h"

#define ARG(n, v)                      \
	{                              \
		.name = n, .number = v \
	}
#define TEXT_ARG(n, v)               \
	{                            \
		.name = n, .text = v \
	}

struct timeline_lane;

struct timeline_process {
	uint32_t pid;
	UT_hash_handle hh;
	char *name; /* NULL: not known yet */
	struct timeline_track track, collections, lines, others;
	bool collecting;
	struct timeline_lane **lane; /* by number - 1 */
	size_t lanes, lowest;	     /* none is free below this one */
};

/* A place for a coroutine at a time. */
struct timeline_lane {
	struct timeline_track track;
	bool taken;
	char name[32];
};

struct timeline_thread {
	uint64_t key; /* process and thread */
	UT_hash_handle hh;
	struct timeline_track track;
	struct timeline_life *runs;
	char name[32];
};

enum life_state { LIFE_UNKNOWN, LIFE_RUNS, LIFE_WAITS, LIFE_RUNNABLE };

/* A coroutine that is alive. */
struct timeline_life {
	struct timeline_key {
		uint64_t id;
		uint32_t pid, by_gp;
	} key;
	UT_hash_handle hh;
	struct timeline_process *process;
	struct timeline_lane *lane; /* NULL: all were taken */
	struct timeline_thread *on; /* that it runs on */
	enum life_state state;	    /* other than unknown: a slice is open inside its life's */
	bool born;
	uint64_t size, used; /* 0: not known */
	char *label;	     /* "g17 main.worker" */
};

/* NULL: no memory. */
struct timeline_process *timeline_process(struct timeline *t, uint32_t pid);
struct timeline_thread *timeline_thread(struct timeline *t, const struct ev_header *ev);
struct timeline_thread *timeline_find_thread(struct timeline *t,
					     const struct ev_header *ev); /* or NULL: none yet */

/* *ret is NULL where all are taken.  0 or -ENOMEM. */
int timeline_take_lane(struct timeline *t, struct timeline_process *p, struct timeline_lane **ret);
void timeline_give_lane(struct timeline_process *p, struct timeline_lane *l);

/* Ends what it is doing and its life, and frees it. */
void timeline_end_life(struct timeline *t, struct timeline_life *l, uint64_t ns);

/* A track of the process, begun if it has not been; there is room for it in where. */
struct timeline_track *timeline_begin_track(struct timeline *t, struct timeline_process *p,
					    struct timeline_track *where, enum timeline_kind kind,
					    uint32_t number, const char *name);

/* Events, with their time moved behind what is on the track. */
void timeline_slice(struct timeline *t, struct timeline_track *track, uint64_t ns, const char *name,
		    const struct timeline_arg *arg, size_t args);
void timeline_close(struct timeline *t, struct timeline_track *track, uint64_t ns,
		    const struct timeline_arg *arg, size_t args);
void timeline_instant(struct timeline *t, struct timeline_track *track, uint64_t ns,
		      const char *name, const struct timeline_arg *arg, size_t args, uint64_t from);

#endif
