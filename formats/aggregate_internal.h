/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate_internal.h: the tables of an aggregate, one file each.
 *
 *	lives.c    coroutines that are alive, or ended a moment ago
 *	origins.c  what each go statement (creator, entry) has made
 *	steps.c    growths and shrinks by (origin, call stack, from, to), and the call stacks
 *	series.c   what happened when
 *	coroutines.c, processes.c   single ones
 *	alive.c    what was there at the end
 *	rows.c     all of these merged by name
 *
 * An event costs two look-ups at most: its coroutine and its step; both are laid out for that.
 * What a view needs beyond these is worked out when it asks.
 */
#ifndef ST_FORMATS_AGGREGATE_INTERNAL_H
#define ST_FORMATS_AGGREGATE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/sum.h"
#include "base/table.h"
#include "formats/aggregate.h"

#define CACHE_LINE 64

/* A place where coroutines come from. */
struct origin {
	struct origin_key {
		uint64_t pid, creator_pc, entry_pc;
	} key;
	UT_hash_handle hh;
	uint64_t coroutines, short_lived;
	uint64_t born, ended;
	uint64_t measured, allocated_bytes, used_bytes, most_used;
	uint64_t growths, shrinks, bytes_copied, ns; /* bytes and time of shrinks too */
	uint64_t alive, peak_alive;
	uint64_t lived, life_ns, max_life_ns, grew, idle_waste;
	uint64_t final_size[64], end_size[64], lifetime[64];
	uint64_t first_size[64], need_size[64];
};

/*
 * A coroutine.  Its identity is (pid, goid); runtimes that number nothing give goid 0, and then it
 * is (pid, gp) until it ends.
 */
struct life {
	/* What every event needs, in one cache line ... */
	struct life_key {
		uint64_t id;
		uint32_t pid;
		uint32_t by_gp;
	} key;
	struct origin *origin;	  /* NULL: this life is unused */
	struct step *step;	  /* that brought it to peak_size; NULL: it never grew */
	uint64_t peak_size, size; /* largest, last */
	uint64_t used;		  /* highest seen, 0: never */
	bool born;		  /* its birth was seen */
	bool ended;
	bool counted; /* has gone into its origin's totals */
	bool shown;   /* is in the view: counted at all */
	bool waiting; /* for reason, as far as is known */
	/* ... and the rest in another. */
	uint64_t growths, shrinks, bytes_copied, ns;
	uint64_t birth_ns, end_ns;
	struct life *next; /* in the queue of the dead, or in the free list */
	uint32_t reason;
};
_Static_assert(sizeof(struct life) == CACHE_LINE * 2, "one line more is one miss more an event");

struct life_slab;

/*
 * Records of different CPUs may be out of order, so that a coroutine's last growth can come behind
 * its end.  The dead are therefore kept until this many more have died.
 */
#define LIVES_GRACE 1024

struct lives {
	struct table map;
	struct life *dead, **dead_tail;
	size_t dead_count;
	struct life *unused;
	struct life_slab *slabs;
	uint64_t alive;
};

struct step {
	struct step_key {
		const struct origin *origin;
		uint64_t stack_id, from, to;
	} key;
	uint64_t count, bytes_copied, ns, waste;
};
_Static_assert(sizeof(struct step) == CACHE_LINE, "the same");

struct step_slab;

struct steps {
	struct table map;
	struct step_slab *slabs;
};

struct stack {
	uint64_t id;
	UT_hash_handle hh;
	uint32_t pid, depth, flags;
	uint64_t pc[];
};

struct slice {
	uint64_t born, ended, growths, shrinks, bytes_copied, ns, switches;
	uint64_t alive, alive_end, stack_bytes, wasted_bytes;
	bool seen; /* what is alive is known here; else it is as in the slice before */
};

/* Slices get ten times as long whenever the time does not fit: memory does not grow with it. */
struct series {
	bool started;
	uint64_t begin_ns, width_ns;
	size_t used;
	uint64_t stack_bytes, wasted_bytes;	  /* of the living, now */
	uint64_t slice_begin_ns, slice_length_ns; /* of the one looked up last ... */
	size_t slice_index;			  /* ... which is this */
	struct slice slice[SERIES_SLICES];
};

/* What was alive at the end. */
struct left {
	struct left_key {
		const struct origin *origin;
		uint32_t reason, waiting;
	} key;
	UT_hash_handle hh;
	uint64_t count, stack_bytes, measured, measured_bytes, used_bytes, oldest_ns;
};

/* Single coroutines; a heap with the worst on top. */
struct kept {
	coroutine_rank_fn *rank; /* NULL: none are kept */
	size_t most, count, room;
	struct coroutine_row *row;
	bool failed; /* no memory */
};

struct process {
	uint32_t pid, ppid;
	UT_hash_handle hh;
	char *path; /* NULL: not known */
	char comm[EV_COMM_LEN + 1];
	uint64_t start_ns, end_ns, status;
	bool ended;
};

struct aggregate {
	struct totals totals;
	enum filter_verdict verdict; /* of the record being taken */
	struct series series;
	struct kept kept;
	struct process *processes;
	struct left *left;
	struct lives lives;
	struct origin *origins;
	struct steps steps;
	struct stack *stacks;
	struct waits *waits;
	struct diagnose *diagnose;
};

/* Finds or makes the origin; NULL: no memory. */
struct origin *origin_get(struct aggregate *a, uint32_t pid, uint64_t creator_pc,
			  uint64_t entry_pc);
void origin_born(struct origin *o); /* one more is alive */
void origin_gone(struct origin *o);
void origins_free(struct aggregate *a);

void lives_init(struct lives *l);
void lives_free(struct aggregate *a);

/* The four events of a life.  0 or -ENOMEM; *ret is the coroutine. */
int lives_newproc(struct aggregate *a, const struct ev_newproc *ev);
int lives_goexit(struct aggregate *a, const struct ev_goexit *ev);
/* What a coroutine waits for: EV_PARK, EV_BLOCKED; and that it does not any more: EV_GOGO,
 * EV_READY.
 */
void lives_wait(struct aggregate *a, const struct ev_header *ev);
int lives_stack_use(struct aggregate *a, const struct ev_stack_use *ev);
int lives_copystack(struct aggregate *a, const struct ev_copystack *ev, struct life **ret);

/* Counts everything that is still alive, or dead and kept, into the totals.  Without memory what is
 * alive is not all in alive.c's tables. */
void lives_finish(struct aggregate *a);

int alive_add(struct aggregate *a, const struct life *life);
void alive_free(struct aggregate *a);

int stacks_add(struct aggregate *a, const struct ev_stack *ev);
const struct stack *stack_find(const struct aggregate *a, uint64_t id); /* or NULL */
int steps_add(struct aggregate *a, const struct origin *o, const struct ev_copystack *ev,
	      struct step **ret);
void steps_free(struct aggregate *a);

/* All steps as an array, the caller's to free; NULL with *ret_count 0: none, NULL else: no memory.
 */
struct step **steps_array(const struct aggregate *a, size_t *ret_count);

/* To be called once for each coroutine, when all of it is known. */
void coroutines_note(struct aggregate *a, const struct life *life);

int processes_image(struct aggregate *a, const struct ev_image *ev);
int processes_event(struct aggregate *a, const struct ev_process *ev);
void processes_free(struct aggregate *a);

/* The slice of a moment, made the last one if it is.  Never NULL. */
struct slice *series_find(struct series *s, uint64_t time_ns);

static inline struct slice *series_at(struct series *s, uint64_t time_ns)
{
	if (time_ns - s->slice_begin_ns < s->slice_length_ns)
		return &s->slice[s->slice_index];
	return series_find(s, time_ns);
}

/* Notes how many are alive, and what their stacks take, at a moment. */
static inline void series_note(struct series *s, uint64_t time_ns, uint64_t alive)
{
	struct slice *p = series_at(s, time_ns);

	if (alive > p->alive)
		p->alive = alive;
	p->alive_end = alive;
	p->stack_bytes = s->stack_bytes;
	p->wasted_bytes = s->wasted_bytes;
	p->seen = true;
}

#endif
