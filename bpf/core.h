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
	__s32 wait_reason;
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
	__u16 repeats;		  /* bit by probe: a hit counts only if the branch is not taken */
	__u16 stream;		  /* bit by probe: each hit is sent, too */
	__u8 runs;		  /* switches are followed: who runs on which thread is known */
	__u8 sums;		  /* and added up, with parks and readies */
	__u8 locks;		  /* waits for locks are counted */
	__u8 lock_reg, mutex_reg; /* registers with the lock, at EV_PROBE_LOCK and MUTEX */
	__u8 filter_reg;	  /* at EV_PROBE_MUTEX, 16: none */
	__u32 filter_mask;	  /* without these bits in it, it is no mutex */
	__u64 lock_reasons;	  /* bit by wait reason: a park for a mutex may have it */
	__u64 blocked_ns;	  /* a longer park is reported; 0: none is */
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

/* Whether hits are told.  While the probes are taken away, one by one, nothing new is begun. */
enum core_active { CORE_OFF, CORE_ON, CORE_ENDING };

/* No copy takes longer: later an end without a begin is one whose begin was lost. */
#define CORE_COPY_MAX_NS 1000000000ull

/* A copy of a stack in progress, by thread. */
enum core_pending_state {
	CORE_IDLE,
	CORE_COPYING,
	CORE_ENTERED, /* newstack was entered, which may copy, or find that it is to preempt */
	CORE_DROPPED, /* its begin was lost, and counted: so is its end */
};

/* The points in newstack, if these are used; set before attaching. */
struct core_nops {
	__u64 begin;   /* address of the first one in the file; 0: not used */
	__s64 slot;    /* of the descriptor's address, from the stack pointer there */
	__u64 pair_ns; /* as between other points, see core.bpf.c */
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
	/* The rest is for the programs that follow parks and switches. */
	__u64 creator_pc, entry_pc;
	__u64 run_since_ns, run_ns; /* running since; and what is not yet in the creator's sum */
	__u64 parked_ns, ready_ns;  /* asleep since, runnable since; 0: it is not */
	__u64 lock;		    /* that the next park may be for */
	__u64 stack_id, pc, sp, bp; /* where it sleeps */
	__u32 tid;		    /* that continued it last */
	__u16 reason;
	__u8 known;	  /* creator and entry are */
	__u8 lock_waited; /* for the lock already: it parks again, and is still in the same wait */
};

/* What a thread is doing. */
#define CORE_THREADS 16384
struct core_thread {
	__u64 gp, goid; /* that it runs; 0: none, or not seen */
	__u64 creator_pc, entry_pc;
	__u64 since_ns;
	__u64 lock, lock_ns; /* that it sleeps for */
};

/* Sums: as many keys as the program has places, not as it has coroutines. */
#define CORE_SUMS 4096
struct core_origin {
	__u64 creator_pc, entry_pc;
	__u32 pid;
	__u32 reason; /* 0 in the table of runs */
};

struct core_runs {
	__u64 switches, run_ns, latency_ns;
	__u64 latency[EV_SLOTS];
};

struct core_waits {
	__u64 ended, wait_ns, max_ns;
	__u64 parked; /* not over when tracing ended; the loader's */
};

struct core_edge {
	__u64 waker_creator_pc, waker_entry_pc, wakee_creator_pc, wakee_entry_pc;
	__u32 pid;
	__u32 reserved;
};

#define CORE_LOCK_OF_RUNTIME 0xffffffffu
struct core_lock {
	__u64 lock, creator_pc, entry_pc, stack_id;
	__u32 pid;
	__u32 reason; /* of the park, or CORE_LOCK_OF_RUNTIME */
};

/* Id of a stack: from the process, which is the first, over each pc to the flags; 0 becomes 1. */
static inline __u64 core_mix(__u64 hash, __u64 pc)
{
	hash = (hash ^ pc) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 32);
}

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
