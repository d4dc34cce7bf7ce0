/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits.h: who runs, who waits for what, who wakes whom.
 *
 * The probes count in the kernel and send totals; the last record of each key stands.  Here they
 * are kept by address and merged by name when a view asks.  An aggregate has one of these
 * (aggregate_waits()) and feeds it.
 *
 * Arrays handed out are the caller's to free; their strings belong to names or to the struct waits.
 */
#ifndef ST_FORMATS_WAITS_H
#define ST_FORMATS_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "formats/aggregate.h"

struct names;
struct waits;

int waits_new(struct waits **ret);
void waits_free(struct waits *w); /* NULL-safe */

/* Takes one record of any kind that event_valid() likes.  0 or -ENOMEM. */
int waits_event(struct waits *w, const struct ev_header *ev);

/* The addresses in a record of this kind that views want names of. */
#define WAITS_ADDRESSES 4
size_t waits_addresses(const struct ev_header *ev, uint64_t ret[WAITS_ADDRESSES]);

struct waits_totals {
	/*
	 * Of the windows in which switches were counted: how many, switches a second, and by how
	 * much of it the number in all may be wrong, with 95 % confidence, as the windows differ.
	 */
	uint64_t windows;
	double switch_rate, switch_error;
	uint64_t switches; /* by creators; counted while watched */
	uint64_t run_ns, latency_ns, watched_ns;
	uint64_t parks, wait_ns, ended;
	uint64_t wakes;
	uint64_t blocked, still; /* records of coroutines parked too long; of them at the end */
	uint64_t lock_waits, lock_wait_ns;
	uint64_t collections;
	uint64_t latency[EV_SLOTS]; /* ready to running, of all creators */
};
void waits_totals(const struct waits *w, struct waits_totals *ret);

/* Switches in so much time, if they went on as in the windows. */
uint64_t waits_estimate(const struct waits_totals *t, uint64_t wall_ns);

/* "chan receive", or "reason 12" where the program does not tell; valid as long as w. */
const char *waits_reason(struct waits *w, uint32_t pid, uint32_t reason);

/* Most run time first. */
struct run_row {
	struct site creator, entry;
	uint64_t switches, run_ns, watched_ns, latency_ns;
	uint64_t latency[EV_SLOTS];
};
int waits_runs(struct waits *w, struct names *n, struct run_row **ret, size_t *ret_count);

/* Most waiting first. */
struct wait_row {
	struct site creator, entry;
	const char *reason;
	uint64_t parks, ended, wait_ns, max_ns; /* wait_ns: of the parks that ended */
};
int waits_rows(struct waits *w, struct names *n, struct wait_row **ret, size_t *ret_count);

/* Most wakes first.  The waker's function is "" where no coroutine did it: a timer, the network. */
struct wake_row {
	struct site waker, wakee; /* their creators */
	uint64_t count;
};
int waits_wakes(struct waits *w, struct names *n, struct wake_row **ret, size_t *ret_count);

/* Longest first. */
struct blocked_row {
	uint32_t pid;
	uint64_t gp, goid;
	struct site creator, entry;
	const char *reason;
	uint64_t since_ns, duration_ns; /* duration till the record */
	uint64_t stack_id;		/* for aggregate_stack(); 0: none */
	bool still;
	bool seen; /* at each look, rather than watched */
	uint32_t reg_count;
	uint64_t reg[EV_BLOCKED_REGS]; /* pc, sp, bp, then the runtime's callee-saved ones */
};
int waits_blocked(struct waits *w, struct names *n, struct blocked_row **ret, size_t *ret_count);

/* Most waiting first. */
struct lock_row {
	uint32_t pid;
	uint64_t lock;	     /* address */
	const char *name;    /* of the variable that it is; NULL: not known, or none */
	uint32_t kind;	     /* enum ev_lock_kind */
	struct site creator; /* of who waits */
	uint64_t stack_id;
	uint64_t waits, wait_ns, max_wait_ns, holds, hold_ns;
};
int waits_locks(struct waits *w, struct names *n, struct lock_row **ret, size_t *ret_count);
const char *lock_kind_name(uint32_t kind); /* "mutex"; never NULL */

/*
 * Value below which a share (0 to 1) of what the slots count lies: the top of its slot, in ns; 0
 * where nothing was counted.
 */
uint64_t slots_quantile(const uint64_t slots[EV_SLOTS], double share);

#endif
