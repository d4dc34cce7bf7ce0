/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * core.h: what the BPF core and its loader agree on.
 *
 * The core knows a runtime only by struct core_config, which the loader fills in before the
 * programs are verified: to the verifier every value in it is a constant, so what a target does not
 * have costs nothing.
 */
#ifndef ST_BPF_CORE_H
#define ST_BPF_CORE_H

#include <linux/types.h>

#include "base/event.h"

/* Offsets in the coroutine's descriptor; CORE_NO_FIELD where a runtime has none. */
struct core_fields {
	__s32 stack_lo, stack_hi;
	__s32 sched_sp, sched_pc, sched_bp;
	__s32 id, parent_id;
	__s32 creator_pc, entry_pc;
	__s32 use_max;
};
#define CORE_NO_FIELD (-1)

/* The fields are read by one copy of the bytes from the first to the last, if these are not more:
 */
#define CORE_DESCRIPTOR_MAX 512

struct core_config {
	struct core_fields field;
	__u32 first, span; /* of the fields, in bytes; span 0: too wide, each is read alone */
	__u8 coroutine[EV_PROBE_LIMIT]; /* register with the descriptor's address, by probe */
	__u8 new_size;			/* register, at EV_PROBE_COPYSTACK */
	__u8 track_use;			/* keep the highest use of each coroutine */
	__u8 only_tracked;		/* probes are in every process, those in `tracked` count */
	__u16 repeats; /* bit by probe: a hit counts only if the branch is not taken */
	__u32 max_frames;
	__u64 pidns_dev, pidns_ino; /* whose process ids to use; 0: the first namespace's */
	__u64 root, root_size;	    /* link-time range of the function at the root of each stack */
};

/* An attach cookie tells the probe, and the address of its instruction in the file. */
#define CORE_COOKIE_PROBE 56
#define CORE_COOKIE_VADDR ((1ull << CORE_COOKIE_PROBE) - 1)

/*
 * Counters lie in memory that the loader maps, one group per CPU, so that a hit is counted without
 * a call.  With more CPUs than groups some share one: additions are atomic, and must be anyway as a
 * program can be preempted by another one on the same CPU.
 */
#define CORE_COUNTERS 256
struct core_counters {
	__u64 hits[EV_PROBE_LIMIT];
	__u64 lost[EV_LOST_LIMIT];
	__u64 body_ns; /* time spent inside the begin of a copy, the trap not included */
	__u64 pad[7];
} __attribute__((aligned(64)));

/* A copy of a stack in progress, by thread. */
enum core_pending_state {
	CORE_IDLE,
	CORE_COPYING,
	CORE_DROPPED, /* its begin was lost, and counted: so is its end */
};

struct core_pending {
	struct ev_copystack ev;
	__u64 begin_ns;
	__u32 state; /* enum core_pending_state */
	__u32 reserved;
};

/* Highest use seen of a coroutine. */
struct core_use_key {
	__u64 gp;
	__u32 pid;
	__u32 reserved;
};

struct core_use {
	__u64 goid;
	__u64 stack_size;
	__u64 used;
};

/* Calibration: attached to two adjacent instructions of the loader's own text. */
#define CORE_CALIBRATION_MAX 4096
struct core_calibration {
	__u64 begin_ns;
	__u32 count;
	__u32 reserved;
	__u32 pair_ns[CORE_CALIBRATION_MAX];
};
enum { CORE_CALIBRATE_BEGIN, CORE_CALIBRATE_END };

#endif
