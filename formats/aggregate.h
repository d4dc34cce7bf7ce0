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
#include "formats/filter.h"

struct aggregate;
struct diagnose;
struct names;
struct waits;

int aggregate_new(struct aggregate **ret);
void aggregate_free(struct aggregate *a);

/* Takes one record of any kind.  0 or -ENOMEM.  Records of unknown kinds are ignored. */
int aggregate_event(struct aggregate *a, const struct ev_header *ev);

/* What came of switches, waits and locks: formats/waits.h. */
struct waits *aggregate_waits(struct aggregate *a);

/* What the rules of diagnose.h go by. */
struct diagnose *aggregate_diagnose(struct aggregate *a);

/* The same as a filter says. */
int aggregate_take(struct aggregate *a, const struct ev_header *ev, enum filter_verdict v);

/* To be called once after the last event: living coroutines enter the totals. */
void aggregate_finish(struct aggregate *a);

struct totals {
	uint64_t events;
	uint64_t first_ns, last_ns; /* time of first and last event */
	uint64_t wall_ns, cpu_ns;   /* from EV_EXIT, else last_ns - first_ns and 0 */
	uint64_t max_rss;
	uint32_t wait_status;
	bool exited;	  /* EV_EXIT was seen ... */
	uint64_t exit_ns; /* ... of this time; what comes behind it came from taking probes away */
	uint64_t coroutines; /* seen at all: born, or first met in another event */
	uint64_t born, ended;
	uint64_t alive; /* at the end */
	uint64_t peak_alive;
	uint64_t short_lived;		     /* born and ended under tracing within a millisecond */
	uint64_t lifetime[64], end_size[64]; /* as in creator_row */
	uint64_t lived, life_ns, max_life_ns;
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
	uint64_t switch_probe_ns;     /* of them, spent in the probes that follow switches */
	uint64_t probe_hits[EV_PROBE_LIMIT], probe_cost_ns;
	uint64_t lost[EV_LOST_LIMIT];
};
const struct totals *aggregate_totals(const struct aggregate *a);
uint64_t totals_lost(const struct totals *t); /* all reasons */
/*
 * What the probes took of the time in which switches were watched, 0 to 1.  Where it is much, the
 * program could have switched more often without them: a rate is then the least it is.
 */
double totals_switch_share(const struct totals *t);
#define SWITCH_SHARE_MUCH 0.1
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
	uint64_t born, ended, alive;			/* seen to be; alive at the end */
	uint64_t measured, allocated_bytes, used_bytes; /* as in totals */
	uint64_t growths, shrinks, bytes_copied, ns;
	uint64_t peak_alive;
	uint64_t final_size[64]; /* coroutines by log2 of their peak stack size */
	uint64_t end_size[64];	 /* by log2 of the last one */
	uint64_t first_size[64]; /* by log2 of the first one, of those seen to be born */
	uint64_t need_size[64];	 /* by log2 of what they need: what_if.h */
	/* Of those that were seen to be born and to end. */
	uint64_t lifetime[64]; /* by log2 of their nanoseconds */
	uint64_t lived, life_ns, max_life_ns;
	uint64_t grew;	     /* coroutines that grew at all */
	uint64_t most_used;  /* by one coroutine */
	uint64_t idle_waste; /* waste of coroutines that never grew, which is no step's */
};
int aggregate_creators(struct aggregate *a, struct names *n, struct creator_row **ret,
		       size_t *ret_count);

/*
 * What stacks can be weighed by.  Waste is that of coroutines, so it is given to the growth that
 * brought each to its largest stack.
 */
enum weight { WEIGHT_GROWTHS, WEIGHT_BYTES, WEIGHT_NS, WEIGHT_WASTE, WEIGHT_COUNT };

/* Every distinct (creator, call stack) that grew; or, where never_grew is set, what coroutines of
 * one creator waste that never grew: such a row has a creator, no stack, and no weight but waste.
 */
struct stack_row {
	uint32_t pid;
	uint64_t creator_pc, entry_pc;
	const uint64_t *pc;    /* innermost first, return addresses; owned by the aggregate */
	uint32_t depth, flags; /* enum ev_stack_flags */
	uint64_t count, bytes_copied, ns;
	uint64_t waste;
	bool never_grew;
	uint64_t from, to; /* only of aggregate_each_step: else 0 */
};
typedef int stack_row_fn(void *arg, const struct stack_row *row);

/* Growths by (creator, stack), in an order that depends only on the addresses. */
int aggregate_each_stack(struct aggregate *a, stack_row_fn *fn, void *arg);

/* The same by (creator, stack, from, to), and shrinks too. */
int aggregate_each_step(struct aggregate *a, stack_row_fn *fn, void *arg);

uint64_t stack_row_weight(const struct stack_row *row, enum weight w);
const char *weight_name(enum weight w); /* "growths", "bytes", "time", "waste" */
const char *weight_unit(enum weight w); /* "", "bytes", "ns", "bytes" */

/* What happened in slices of one length, one after the other from the first event on. */
struct series_row {
	uint64_t start_ns; /* on the clock of the events */
	uint64_t born, ended, growths, shrinks, bytes_copied, ns, switches;
	uint64_t alive;			    /* at most, in the slice */
	uint64_t stack_bytes, wasted_bytes; /* of those alive at its end, as known by then */
};

/*
 * At most so many slices (SERIES_SLICES can be had at least), none left out, all of *ret_width_ns:
 * 1, 2 or 5 times a power of ten. The array is the caller's to free.
 */
#define SERIES_SLICES 4096
int aggregate_series(const struct aggregate *a, size_t most, struct series_row **ret,
		     size_t *ret_count, uint64_t *ret_width_ns);

/* One coroutine. */
struct coroutine_row {
	uint32_t pid;
	uint64_t goid, gp; /* one of them is 0 */
	uint64_t creator_pc, entry_pc;
	uint64_t birth_ns, end_ns; /* if born, if ended */
	bool born, ended;
	uint64_t peak_size, size; /* largest, last */
	uint64_t used;		  /* highest seen, 0: never */
	uint64_t growths, shrinks, bytes_copied, ns;
};
typedef uint64_t coroutine_rank_fn(const struct coroutine_row *row);

/* Keeps the `most` best coroutines (0: all of them, and the memory grows with their number); to be
 * called before the first event. */
void aggregate_keep_coroutines(struct aggregate *a, size_t most, coroutine_rank_fn *rank);

/* Those kept, in no order, owned by the aggregate. */
int aggregate_coroutines(const struct aggregate *a, const struct coroutine_row **ret,
			 size_t *ret_count);

/* Coroutines that were alive at the end, by creator and what they wait for; most first. */
struct alive_row {
	struct site creator, entry;
	const char *reason; /* "" where they do not wait, or nobody looked */
	uint64_t count, stack_bytes;
	uint64_t measured, measured_bytes, used_bytes; /* of those whose use was seen */
	uint64_t oldest_ns;			       /* age of the oldest, 0: not known */
};
int aggregate_alive(struct aggregate *a, struct names *n, struct alive_row **ret,
		    size_t *ret_count);

struct process_row {
	uint32_t pid, ppid; /* ppid 0: not known */
	const char *name;   /* path, or what the kernel calls it; "": not known.  The aggregate's */
	uint64_t start_ns, end_ns; /* 0: not known */
	bool exited;
	uint64_t status; /* as wait(2) gives it, UINT64_MAX: not known */
	uint64_t coroutines, born, ended, alive;
	uint64_t growths, shrinks, bytes_copied, ns;
	uint64_t measured, allocated_bytes, used_bytes;
};

/* By number; the array is the caller's to free. */
int aggregate_processes(struct aggregate *a, struct process_row **ret, size_t *ret_count);

/* The stack of an id seen earlier; -ENOENT if its record was lost. */
int aggregate_stack(const struct aggregate *a, uint64_t stack_id, const uint64_t **ret_pc,
		    uint32_t *ret_depth, uint32_t *ret_flags);

#endif
