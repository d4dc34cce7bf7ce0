/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate.h: events in, totals out.  Memory grows with living coroutines and with distinct call
 * sites, never with the number of events.
 *
 * Keys are addresses while events come in; aggregate_growth() and aggregate_creators() merge them
 * by name for the renderers.
 */
#ifndef ST_FORMATS_AGGREGATE_H
#define ST_FORMATS_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

struct aggregate;
struct names;
struct waits;

int aggregate_new(struct aggregate **ret);
void aggregate_free(struct aggregate *a);

/* Takes one record of any kind.  0 or -ENOMEM.  Records of unknown kinds are ignored. */
int aggregate_event(struct aggregate *a, const struct ev_header *ev);

/* What came of switches, waits and locks: formats/waits.h. */
struct waits *aggregate_waits(struct aggregate *a);

/* To be called once after the last event: living coroutines enter the totals. */
void aggregate_finish(struct aggregate *a);

struct totals {
	uint64_t events;
	uint64_t first_ns, last_ns; /* time of first and last event */
	uint64_t wall_ns, cpu_ns;   /* from EV_EXIT, else last_ns - first_ns and 0 */
	uint64_t max_rss;
	uint32_t wait_status;
	bool exited;	     /* EV_EXIT was seen */
	uint64_t coroutines; /* seen at all: born, or first met in another event */
	uint64_t born, ended;
	uint64_t alive; /* at the end */
	uint64_t peak_alive;
	uint64_t short_lived; /* born and ended under tracing within a millisecond */
	uint64_t growths, shrinks;
	uint64_t incomplete;   /* of them, end not seen */
	uint64_t bytes_copied; /* growths and shrinks */
	uint64_t copy_ns;
	/*
	 * Waste, over coroutines whose use was observed at all (measured): the peak stack size of
	 * each, and the highest use seen of each.  waste = (allocated - used) / allocated.
	 */
	uint64_t measured, allocated_bytes, used_bytes;
	uint64_t all_allocated_bytes; /* the same sum of peak sizes over all coroutines */
	uint64_t switches;	      /* counted in windows */
	uint64_t switch_window_ns;    /* the windows' length in all; 0: switches were not watched */
	uint64_t probe_hits[EV_PROBE_LIMIT], probe_cost_ns;
	uint64_t lost[EV_LOST_LIMIT];
};
const struct totals *aggregate_totals(const struct aggregate *a);
uint64_t totals_lost(const struct totals *t);	    /* all reasons */
uint64_t totals_probe_hits(const struct totals *t); /* all probes */
const char *lost_reason_name(unsigned reason);	    /* "ring full"; never NULL */
const char *probe_hits_name(unsigned probe);	    /* "copystack"; never NULL */

/* A place by name: what a user sees as one creator or one leaf. */
struct site {
	const char *function; /* never NULL */
	const char *file;     /* "" if not known; base name is the renderer's business */
	uint32_t line;
};

/* One growth (or shrink) step of one (creator, leaf). */
struct growth_row {
	struct site
		creator; /* the go statement; for a runtime's first coroutine its entry function */
	struct site entry; /* the coroutine's function */
	struct site leaf;  /* function that ran out of stack */
	uint64_t from, to;
	uint64_t count, bytes_copied, ns;
};

/*
 * Rows merged by name, most time first (ties: count, then names, so that the order is stable).  The
 * array is the caller's to free; its strings belong to names.
 */
int aggregate_growth(struct aggregate *a, struct names *n, struct growth_row **ret,
		     size_t *ret_count);

struct creator_row {
	struct site creator, entry;
	uint64_t coroutines, short_lived;
	uint64_t measured, allocated_bytes, used_bytes; /* as in totals */
	uint64_t growths, bytes_copied, ns;
	uint64_t peak_alive;
	uint64_t final_size[64]; /* coroutines by log2 of their peak stack size */
};
int aggregate_creators(struct aggregate *a, struct names *n, struct creator_row **ret,
		       size_t *ret_count);

/* Every distinct (creator, call stack) that grew. */
struct stack_row {
	uint32_t pid;
	uint64_t creator_pc, entry_pc;
	const uint64_t *pc;    /* innermost first, return addresses; owned by the aggregate */
	uint32_t depth, flags; /* enum ev_stack_flags */
	uint64_t count, bytes_copied, ns;
};
typedef int stack_row_fn(void *arg, const struct stack_row *row);
int aggregate_each_stack(struct aggregate *a, stack_row_fn *fn, void *arg);

/* The stack of an id seen earlier; -ENOENT if its record was lost. */
int aggregate_stack(const struct aggregate *a, uint64_t stack_id, const uint64_t **ret_pc,
		    uint32_t *ret_depth, uint32_t *ret_flags);

#endif
