/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * event.h: the records that travel from a probe to everything else.
 *
 * One set of fixed-width, little-endian records serves the BPF programs, the bundled runtime's
 * shared-memory ring and the capture file.  A record starts with struct ev_header, whose size
 * covers the whole record and is a multiple of 8; readers skip kinds they do not know.
 *
 * "Coroutine" stands for a goroutine too.  All sizes are bytes, all times are nanoseconds, all
 * addresses are those of the traced process.  Records of different CPUs may be slightly out of
 * order; time_ns tells.
 */
#ifndef ST_BASE_EVENT_H
#define ST_BASE_EVENT_H

#include <linux/types.h>

#define EV_MAX_FRAMES 128 /* frames in one stack record; deeper stacks are cut at the root end */
#define EV_COMM_LEN   16  /* TASK_COMM_LEN */

/* The logical probes of a coroutine runtime.  The numbers are part of the capture format. */
enum ev_probe {
	EV_PROBE_NEWSTACK = 0,	/* stack check failed: growth or preemption */
	EV_PROBE_COPYSTACK,	/* a stack is about to be moved */
	EV_PROBE_COPYSTACK_END, /* the move is done */
	EV_PROBE_NEWPROC,	/* a coroutine is born */
	EV_PROBE_GOEXIT,	/* a coroutine ends */
	EV_PROBE_GOGO,		/* a coroutine is switched to */
	EV_PROBE_PARK,	/* a coroutine has gone to sleep; its context is saved, its reason set */
	EV_PROBE_READY, /* a coroutine that slept is made runnable */
	EV_PROBE_STACKALLOC, /* a stack is wanted; its size in the second register */
	EV_PROBE_STACKFREE,  /* a stack is given back */
	EV_PROBE_GCSTART,    /* a collection begins */
	EV_PROBE_GCDONE,     /* its marking is done */
	EV_PROBE_LOCK, /* a thread is about to sleep for a lock, which the second register has */
	EV_PROBE_LOCK_END, /* and is awake again */
	EV_PROBE_MUTEX,	   /* a coroutine's next park is for the mutex in the second register */
	EV_PROBE_NEWCORO,  /* a coroutine is born that another one switches to by hand */
	EV_PROBE_COUNT,
};
#define EV_PROBE_LIMIT 16 /* in records; all taken */

enum ev_kind {
	EV_NONE = 0, /* never a finished record: in a ring, "not yet committed" */
	EV_PAD,	     /* fills the end of a shared-memory ring */
	EV_IMAGE, /* a process and where its executable is mapped; before its first other record */
	EV_STACK, /* an interned call stack; before the first record that names it */
	EV_NEWPROC,   /* a coroutine was born */
	EV_GOEXIT,    /* a coroutine ended */
	EV_COPYSTACK, /* a stack grew or shrank */
	EV_STACK_USE, /* highest use seen of a coroutine that is still alive */
	EV_SWITCHES,  /* switches counted in one window */
	EV_LOST,      /* what is missing; counts are totals so far, the last record stands */
	EV_HITS,      /* hits of each probe and what they cost; totals, the last record stands */
	EV_EXIT,      /* the traced program ended */
	EV_PROCESS,   /* a process came under tracing, changed its program, or ended */
	EV_LINE,      /* a line that the runtime wrote: gctrace, schedtrace ... */
	EV_REASON,    /* the name of a wait reason; before the first record that names it */
	EV_GOGO,      /* one switch to a coroutine; only when streamed */
	EV_PARK,      /* one park; only when streamed */
	EV_READY,     /* one wake-up; only when streamed */
	EV_RUNS,      /* running and waiting to run, by creator; totals, the last record stands */
	EV_WAITS,     /* parked time by creator and reason; totals, the last record stands */
	EV_WAKES,     /* who wakes whom, by creators; totals, the last record stands */
	EV_BLOCKED,   /* a coroutine has been parked longer than the threshold */
	EV_LOCK,      /* waits for one lock from one place; totals, the last record stands */
	EV_GC,	      /* a collection began or ended */
	EV_KIND_COUNT,
};

struct ev_header {
	__u16 kind; /* enum ev_kind */
	__u16 size; /* whole record, header included; a multiple of 8 */
	__u32 cpu;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 pid;     /* process (thread group) */
	__u32 tid;
};
_Static_assert(sizeof(struct ev_header) == 24, "wire format");

/*
 * A process that executes another program goes on under another number, so that addresses from
 * before and after do not mix: the upper bits of ev_header.pid count the programs it ran before
 * this one under tracing.  No process id of Linux needs more than the lower bits.
 */
#define EV_PID_BITS 22
static inline __u32 ev_process_id(__u32 pid)
{
	return pid & ((1u << EV_PID_BITS) - 1);
}

struct ev_image {
	struct ev_header h;
	__u64 load_bias; /* run-time address minus address in the file; 0 unless the file is PIE */
	char comm[EV_COMM_LEN];
};
_Static_assert(sizeof(struct ev_image) == 48, "wire format");

enum ev_stack_flags {
	EV_STACK_TRUNCATED = 1 << 0, /* deeper than the limit: the root end is missing */
	EV_STACK_BROKEN = 1 << 1,    /* a frame could not be read: the root end is missing */
};

/*
 * pc[0] is in the function that ran out of stack, pc[1] in its caller, and so on.  Every pc is a
 * return address: look up pc - 1.  The function at the root of every coroutine, such as
 * runtime.goexit, is left out.
 */
struct ev_stack {
	struct ev_header h;
	__u64 stack_id; /* hash of process and pcs, never 0 */
	__u32 depth;	/* number of pcs that follow */
	__u32 flags;	/* enum ev_stack_flags */
	__u64 pc[];
};
_Static_assert(sizeof(struct ev_stack) == 40, "wire format");

struct ev_newproc {
	struct ev_header h;
	__u64 gp;	   /* address of the descriptor; reused after EV_GOEXIT */
	__u64 goid;	   /* never reused within a process */
	__u64 parent_goid; /* 0: unknown */
	__u64 creator_pc;  /* return address of the go statement's call: look up pc - 1; 0: unknown
			    */
	__u64 entry_pc;	   /* first instruction of the coroutine's function: look up as is */
	__u64 stack_size;
};
_Static_assert(sizeof(struct ev_newproc) == 72, "wire format");

struct ev_goexit {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 stack_size; /* at the end */
	__u64 used;	  /* highest use seen at switches, 0: never seen */
};
_Static_assert(sizeof(struct ev_goexit) == 56, "wire format");

enum ev_copystack_flags {
	EV_COPYSTACK_INCOMPLETE = 1 << 0, /* the end was not seen; duration_ns is 0 */
};

/* A growth if new_size > old_size, else a shrink.  The bytes copied are those in use. */
struct ev_copystack {
	struct ev_header h; /* time of the begin */
	__u64 gp;
	__u64 goid;
	__u64 creator_pc; /* as in ev_newproc, for coroutines born before tracing began */
	__u64 entry_pc;
	__u64 old_size;
	__u64 new_size;
	__u64 used;	   /* bytes in use, and copied */
	__u64 duration_ns; /* cost of the two traps already subtracted */
	__u64 stack_id;	   /* 0: none was taken */
	__u32 flags;	   /* enum ev_copystack_flags */
	__u32 reserved;
};
_Static_assert(sizeof(struct ev_copystack) == 104, "wire format");

struct ev_stack_use {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 stack_size;
	__u64 used; /* highest use seen at switches */
};
_Static_assert(sizeof(struct ev_stack_use) == 56, "wire format");

struct ev_switches {
	struct ev_header h; /* time of the window's begin */
	__u64 count;
	__u64 window_ns; /* length of the window */
};
_Static_assert(sizeof(struct ev_switches) == 40, "wire format");

/* Why something is missing.  The numbers are part of the capture format. */
enum ev_lost_reason {
	EV_LOST_RING_FULL = 0, /* no room in the ring: a record was dropped */
	EV_LOST_STACK_TABLE,   /* no room in the ring for a new stack: growth without its stack */
	EV_LOST_PENDING_TABLE, /* no room for a growth in progress: growth dropped */
	EV_LOST_UNREADABLE,    /* memory of the process could not be read: record dropped */
	EV_LOST_UNPAIRED,      /* an end without its begin */
	EV_LOST_USE_TABLE,     /* no room for a use sample */
	EV_LOST_WAIT_TABLE,    /* no room for a creator, an edge, a lock: not in their totals */
	EV_LOST_COUNT,
};
#define EV_LOST_LIMIT 16

struct ev_lost {
	struct ev_header h;
	__u64 count[EV_LOST_LIMIT]; /* by enum ev_lost_reason */
};
_Static_assert(sizeof(struct ev_lost) == 152, "wire format");

struct ev_hits {
	struct ev_header h;
	__u64 cost_ns;		    /* estimate of the time all hits took from the program */
	__u64 hits[EV_PROBE_LIMIT]; /* by enum ev_probe */
	/* What one hit of each takes, its program's work included; 0: not known.  Not in records
	 * of the first version, which end at EV_HITS_SHORT. */
	__u64 each_ns[EV_PROBE_LIMIT];
};
#define EV_HITS_SHORT 160
_Static_assert(sizeof(struct ev_hits) == EV_HITS_SHORT + 8 * EV_PROBE_LIMIT, "wire format");

struct ev_exit {
	struct ev_header h;
	__u32 wait_status; /* as wait(2) gives it */
	__u32 reserved;
	__u64 wall_ns; /* from release to end */
	__u64 cpu_ns;  /* user and system time of the program */
	__u64 max_rss; /* bytes */
};
_Static_assert(sizeof(struct ev_exit) == 56, "wire format");

enum ev_process_what {
	EV_PROCESS_START = 1, /* launched, forked by a traced process, or attached to */
	EV_PROCESS_EXEC,      /* runs another program now: addresses before this mean the old one */
	EV_PROCESS_EXIT,      /* value is its wait status, or UINT64_MAX where nobody could tell */
};

struct ev_process {
	struct ev_header h;
	__u32 what; /* enum ev_process_what */
	__u32 ppid; /* 0: unknown */
	__u64 value;
	__u32 length; /* of path, without its terminating zero */
	__u32 reserved;
	char path[]; /* executable; ends with a zero, padded with zeros */
};
_Static_assert(sizeof(struct ev_process) == 48, "wire format");

enum ev_line_flags {
	EV_LINE_CONTINUED = 1 << 0, /* the next record of this process and fd goes on with it */
	EV_LINE_TORN = 1 << 1,	    /* put together again from pieces with other output between */
};

/* One line without its newline, as the program wrote it: any bytes but newlines. */
struct ev_line {
	struct ev_header h; /* time when its first byte was read */
	__u32 fd;
	__u32 flags;  /* enum ev_line_flags */
	__u32 length; /* of text; zeros pad the record */
	__u32 reserved;
	char text[];
};
_Static_assert(sizeof(struct ev_line) == 40, "wire format");

#define EV_REASON_LEN 64
struct ev_reason {
	struct ev_header h;
	__u32 reason; /* the runtime's own number; its meaning changes from version to version */
	__u32 reserved;
	char name[EV_REASON_LEN]; /* "chan receive"; ends with a zero */
};
_Static_assert(sizeof(struct ev_reason) == 96, "wire format");

struct ev_gogo {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 creator_pc;
	__u64 latency_ns; /* since it was made runnable, 0: not seen */
};
_Static_assert(sizeof(struct ev_gogo) == 56, "wire format");

struct ev_park {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 creator_pc;
	__u64 run_ns; /* since it was last switched to, 0: not seen */
	__u64 used;   /* bytes of stack */
	__u32 reason;
	__u32 reserved;
};
_Static_assert(sizeof(struct ev_park) == 72, "wire format");

struct ev_ready {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 creator_pc;
	__u64 waker_goid; /* 0: no coroutine, such as the network poller or a timer */
	__u64 waker_creator_pc;
	__u64 wait_ns; /* since it was parked, 0: not seen */
};
_Static_assert(sizeof(struct ev_ready) == 72, "wire format");

#define EV_SLOTS \
	40 /* slot k counts values in [2^k, 2^(k+1)) ns, slot 0 also 0, the last all above */

struct ev_runs {
	struct ev_header h;
	__u64 creator_pc;
	__u64 entry_pc;
	__u64 switches; /* switches to coroutines of this creator */
	__u64 run_ns;
	__u64 watched_ns;	 /* for how long this was counted */
	__u64 latency_ns;	 /* from ready to running, sum over the slots' switches */
	__u64 latency[EV_SLOTS]; /* histogram of the same */
};
_Static_assert(sizeof(struct ev_runs) == 72 + 8 * EV_SLOTS, "wire format");

struct ev_waits {
	struct ev_header h;
	__u64 creator_pc;
	__u64 entry_pc;
	__u32 reason;
	__u32 reserved;
	__u64 parks;
	__u64 wait_ns; /* of the parks that ended */
	__u64 max_ns;
	__u64 ended;
};
_Static_assert(sizeof(struct ev_waits) == 80, "wire format");

struct ev_wakes {
	struct ev_header h;
	__u64 waker_creator_pc, waker_entry_pc; /* both 0: no coroutine */
	__u64 wakee_creator_pc, wakee_entry_pc;
	__u64 count;
};
_Static_assert(sizeof(struct ev_wakes) == 64, "wire format");

enum ev_blocked_flags {
	EV_BLOCKED_STILL = 1 << 0, /* still parked when the record was made */
	EV_BLOCKED_SEEN = 1 << 1,  /* was each time it was looked at; not watched all the while */
};
#define EV_BLOCKED_REGS 16

struct ev_blocked {
	struct ev_header h;
	__u64 gp;
	__u64 goid;
	__u64 creator_pc;
	__u64 entry_pc;
	__u64 since_ns; /* when it was parked, on the clock of ev_header */
	__u64 stack_id; /* 0: none was taken */
	__u32 reason;
	__u32 flags;	 /* enum ev_blocked_flags */
	__u32 reg_count; /* saved registers that follow as values, 0: not known */
	__u32 reserved;
	__u64 reg[EV_BLOCKED_REGS]; /* pc, sp, bp, then the runtime's callee-saved ones */
};
_Static_assert(sizeof(struct ev_blocked) == 88 + 8 * EV_BLOCKED_REGS, "wire format");

enum ev_lock_kind {
	EV_LOCK_RUNTIME = 1, /* a lock of the runtime itself */
	EV_LOCK_MUTEX,	     /* sync.Mutex, co_mutex */
	EV_LOCK_RWMUTEX,
};

struct ev_lock {
	struct ev_header h;
	__u64 lock;		    /* address */
	__u64 creator_pc, entry_pc; /* of who waits; both 0: no coroutine */
	__u64 stack_id;		    /* of the waiter, 0: none was taken */
	__u32 kind;		    /* enum ev_lock_kind */
	__u32 reserved;
	__u64 waits;
	__u64 wait_ns;
	__u64 max_wait_ns;
	__u64 holds; /* of these the time held is known */
	__u64 hold_ns;
};
_Static_assert(sizeof(struct ev_lock) == 104, "wire format");

enum ev_gc_what { EV_GC_START = 1, EV_GC_DONE };

struct ev_gc {
	struct ev_header h;
	__u32 what;  /* enum ev_gc_what */
	__u32 cycle; /* 0: unknown */
};
_Static_assert(sizeof(struct ev_gc) == 32, "wire format");

/*
 * The shared-memory ring: how a runtime that carries its own probes hands records to the tool
 * without privilege.  The tool makes a memfd of EV_RING_HEADER + size bytes, fills in magic,
 * abi and size, and passes the descriptor's number in the environment variable EV_RING_ENV.
 *
 * A producer reserves room by moving head with compare-and-swap (only if the room is free,
 * else it adds to lost), fills the record, and stores header.kind last, with release order.  A
 * record never wraps: EV_PAD fills the end.  The consumer reads records with a kind other than
 * EV_NONE (acquire), sets their bytes to zero, and then moves tail (release).  head and tail count
 * bytes and never wrap; the position in the ring is the value modulo size.
 */
#define EV_RING_ENV    "CORUN_TRACE_FD"
#define EV_RING_MAGIC  0x474e495245565453ull /* "STVERING" */
#define EV_RING_ABI    1
#define EV_RING_HEADER 4096

struct ev_ring {
	__u64 magic;
	__u32 abi;
	__u32 max_frames; /* in a stack record, at most EV_MAX_FRAMES; 0: no stacks are wanted */
	__u64 size;	  /* bytes of data, a power of two */
	__u64 pad0[5];
	__u64 head; /* producers */
	__u64 lost[EV_LOST_LIMIT];
	__u64 hits[EV_PROBE_LIMIT];
	__u64 pad1[7];
	__u64 tail; /* consumer */
	__u64 pad2[7];
};
_Static_assert(sizeof(struct ev_ring) <= EV_RING_HEADER, "fits its page");

#endif
