/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h: G, M and P, and who does what.
 *
 *	G	a coroutine: its stack, its saved context, its state
 *	M	a thread that runs coroutines (thread.c)
 *	P	what an M needs for that: the run queue and the lists of free things; there are
 *		GOMAXPROCS of them, so as many coroutines run at the same time (sched.h)
 *
 * Code of a coroutine runs on its own stack, where there may be little room.  Everything of the
 * runtime that is not short runs on the M's stack, the stack of its thread, below the frame of
 * co_run or of the thread's first function ("on g0").  mcall goes there for good: it saves the
 * coroutine and calls a function that ends in gogo.  corun_call goes there and comes back, for
 * calls that park nothing.  While code runs on g0 the stack guard in the thread control block is 0;
 * that is how everybody tells.
 *
 * Functions marked "on G" run on a coroutine's stack without a check; see STACK_GUARD.
 *
 * The objects are linked into one, in which all of this becomes local: only co_*, __morestack* and
 * __corun_* are seen by the program.  Names are those of Go's runtime where it has the thing.
 */
#ifndef ST_RUNTIME_RUNTIME_H
#define ST_RUNTIME_RUNTIME_H

#include <features.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/corun.h"
#include "runtime/futex.h"
#include "runtime/layout_amd64.h"
#include "runtime/sanitize.h"
#include "runtime/timer.h"

#if !defined(__x86_64__) || defined(__ILP32__)
#error "corun knows only x86-64"
#endif
#ifndef __GLIBC__
#error "corun needs glibc, which keeps the word of the stack guard in its thread control block free"
#endif

#define NORETURN __attribute__((noreturn))
#define ONE_SITE __attribute__((noinline, noclone)) /* has a probe */
#if defined(__clang__)
#undef ONE_SITE
#define ONE_SITE __attribute__((noinline))
#endif
#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x)   __builtin_expect(!!(x), 1)

/* A word that one thread writes at a time, and others may read at any time. */
#define SET(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
#define GET(word)	 __atomic_load_n(&(word), __ATOMIC_RELAXED)
#ifdef SANITIZED
#define COUNT(word, n) SET(word, (word) + (n))
#else
#define COUNT(word, n) \
	((word) += (n)) /* the same in one instruction, which gcc does not make of it */
#endif

struct stack {
	uint64_t lo, hi; /* hi - lo is a power of two, and lo a multiple of it */
	uint64_t mem;	 /* lowest address that belongs to it | enum stack_owner; see mcache.h */
};

struct gobuf {
	uint64_t sp, pc, bp;
};

/* As in Go; stacktrace-note(5) makes them part of what a tracer may read. */
enum g_status {
	G_IDLE = 0, /* just allocated */
	G_RUNNABLE = 1,
	G_RUNNING = 2,
	G_SYSCALL = 3,
	G_WAITING = 4,
	G_DEAD = 6, /* on the free list */
	G_COPYSTACK = 8,
};

/* Coroutines that wait for one thing; see wait.h. */
struct waitq {
	struct sudog *first, *last;
};

struct sudog {
	struct g *g;
	struct waitq *q; /* in which it is, or NULL */
	struct sudog *next, *prev;
	void *item;	/* where the item is that it sends, or goes that it receives */
	unsigned index; /* of the case in co_select */
	bool shared;	/* the wait may end in other ways, too: who ends it must claim it */
};

struct g {
	struct stack stack; /* 0, 0: none */
	uint64_t stackguard;
	/*
	 * Valid while the coroutine does not run.  In a growth: sp points to the return address
	 * into the caller of the function that grows, pc is in that function, bp is its caller's.
	 */
	struct gobuf sched;
	co_fn *entry;
	void *arg;
	uint64_t id;
	uint64_t parent_id;
	uint64_t creator_pc;
	uint64_t use_max; /* most bytes in use seen at switches and growths */
	uint32_t status;  /* enum g_status */
	uint8_t wait_reason;
	uint8_t colour;	     /* bytes at the top that are left out; see stack.c */
	struct g *schedlink; /* in a run queue or the free list */

	/* While it waits; see wait.h. */
	struct sudog sudog;
	struct sudog *wait_sudog; /* by which it was woken */
	int wait_result;
	uint32_t claimed; /* atomic: somebody ended the wait, if its sudogs are shared */
	struct waitx *waitx;
	struct co_cancel *cancel; /* the token under which its calls wait, or NULL */
	struct own *own;	  /* name and values; see own.h */

	/* Policy segmented. */
	struct segment *segment; /* the newest but the first */
	struct block *blocks;	 /* of alloca */

	uint32_t moves; /* counted where they are remembered: CORUN_DEBUG=unmap and stackcheck */
#ifdef SANITIZED
	struct sanitize_context sanitize;
#endif
} __attribute__((aligned(64)));

struct gqueue {
	struct g *head, *tail;
	size_t size;
};

/* What m->call_sp is while a coroutine that runs is stopped elsewhere than in a call on g0. */
#define CALL_GROWTH 0 /* gp->sched is that of a growth */
#define CALL_SWITCH 1 /* as if it were parked */

struct m {
	struct g *curg;	  /* what it runs; NULL while it looks for something to run */
	struct p *p;	  /* NULL: it sleeps, or is in a call that blocks */
	uint64_t g0_sp;	  /* where calls on g0 begin; 64-byte aligned */
	uint64_t more_sp; /* __morestack's parking place */
	uint64_t exit_sp; /* g0_enter's context */
	uint64_t call_sp; /* where the coroutine left its stack for a call on g0, or CALL_X */
	uint64_t stop_sp; /* what lies on g0 above it matters while the world is stopped */
	uint32_t in_signal;
	uint32_t random;
	bool spinning; /* it has a P, looks for work, and is counted in sched.spinning */
	/* Of a coroutine that parks, or begins a call that blocks. */
	bool (*park_unlock)(struct g *gp, void *arg);
	void *park_arg;
	co_fn *call_fn;
	void *call_arg;
	/* Asleep: woken with a P, or without when co_run ends. */
	struct bed bed;
	struct p *next_p;
	struct m *idle_link; /* in sched.idle_m */
	struct m *all_link;  /* in sched.all_m, then in sched.left */
	uint64_t thread;     /* pthread_t */
	uint32_t id;	     /* for schedtrace */
	uint64_t alternate;  /* stack for signals, if it is ours; see signal.c */
	uint64_t alternate_size;
#ifdef SANITIZED
	struct sanitize_context sanitize;
	uint64_t stack_lo, stack_hi; /* of the thread */
#endif
};

/* What __morestack saved; gp[] is indexed by register number (rsp: that of the coroutine). */
struct regs {
	uint64_t vector[8][REGS_VECTOR_SIZE / 8];
	uint64_t gp[16];
};
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

#define ASSERT_OFFSET(type, member, value) \
	_Static_assert(offsetof(struct type, member) == (value), "layout_amd64.h")
ASSERT_OFFSET(g, stack.lo, G_STACK_LO);
ASSERT_OFFSET(g, stack.hi, G_STACK_HI);
ASSERT_OFFSET(g, stackguard, G_STACKGUARD);
ASSERT_OFFSET(g, sched.sp, G_SCHED_SP);
ASSERT_OFFSET(g, sched.pc, G_SCHED_PC);
ASSERT_OFFSET(g, sched.bp, G_SCHED_BP);
ASSERT_OFFSET(g, entry, G_ENTRY);
ASSERT_OFFSET(g, arg, G_ARG);
ASSERT_OFFSET(g, id, G_ID);
ASSERT_OFFSET(g, parent_id, G_PARENT_ID);
ASSERT_OFFSET(g, creator_pc, G_CREATOR_PC);
ASSERT_OFFSET(g, use_max, G_USE_MAX);
ASSERT_OFFSET(g, status, G_STATUS);
ASSERT_OFFSET(g, wait_reason, G_WAIT_REASON);
ASSERT_OFFSET(m, curg, M_CURG);
ASSERT_OFFSET(m, p, M_P);
ASSERT_OFFSET(m, g0_sp, M_G0_SP);
ASSERT_OFFSET(m, more_sp, M_MORE_SP);
ASSERT_OFFSET(m, exit_sp, M_EXIT_SP);
ASSERT_OFFSET(m, call_sp, M_CALL_SP);
ASSERT_OFFSET(regs, gp, REGS_GP);
_Static_assert(sizeof(struct regs) == REGS_SIZE, "layout_amd64.h");

extern __thread struct m this_m __attribute__((tls_model("local-exec")));
extern uint32_t vector_level;

/* 0 on g0, in signal handlers and on ordinary threads; else the caller is on G. */
static inline uint64_t tls_guard(void)
{
	uint64_t guard;

	__asm__ volatile("movq %%fs:%c1, %0" : "=r"(guard) : "i"(TLS_GUARD));
	return guard;
}

static inline void tls_set_guard(uint64_t guard)
{
	__asm__ volatile("movq %0, %%fs:%c1" : : "r"(guard), "i"(TLS_GUARD) : "memory");
}

/*
 * On G: the coroutine that runs and its thread.  Not this_m: the compiler may keep an address in
 * thread-local storage over a call that parks, and the coroutine then goes on on another thread.
 */
static inline struct g *getg(void)
{
	struct g *gp;

	__asm__ volatile("movq %%fs:this_m@tpoff + %c1, %0" : "=r"(gp) : "i"(M_CURG));
	return gp;
}

static inline struct m *getm(void)
{
	struct m *mp;

	__asm__ volatile("movq %%fs:0, %0\n\tleaq this_m@tpoff(%0), %0" : "=r"(mp));
	return mp;
}

/* The P of this thread, on G or on g0. */
static inline struct p *getp(void)
{
	struct p *p;

	__asm__ volatile("movq %%fs:this_m@tpoff + %c1, %0" : "=r"(p) : "i"(M_P));
	return p;
}

/* switch_amd64.S */
void mcall(void (*fn)(struct g *)); /* on G */
void gogo(struct g *gp) NORETURN;
void gostart(void);		 /* root of each coroutine's stack; never called from C */
void g0_enter(void (*fn)(void)); /* runs fn on g0 until g0_leave */
void g0_leave(void) NORETURN;

/* proc.c: coroutines and who runs next; more in proc.h */
void goexit0(struct g *gp);
/* Calls fn for every coroutine that is alive, or for those of one block of descriptors. */
struct g_block;
struct g_block *g_blocks(void);
struct g_block *g_blocks_next(const struct g_block *b);
void for_each_g_in(struct g_block *b, void (*fn)(struct g *gp, void *arg), void *arg);
void for_each_g(void (*fn)(struct g *gp, void *arg), void *arg);

/* gfree.c: descriptors */
struct g *gget(void); /* NULL: no memory */
void gput(struct g *gp);
/* Whether the address lies in a descriptor. */
bool is_descriptor(uint64_t address);
void gfree_all(void);

/* stack.c: the stack of a coroutine */
int stack_begin(struct g *gp); /* gives it its first; -ENOMEM */
void stack_end(struct g *gp);  /* takes away all that it has */
void set_stack(struct g *gp, struct stack s);
uint64_t stack_top(const struct g *gp);	 /* where its first frame ends */
uint64_t stack_size(const struct g *gp); /* of all its segments */

/* Room between its guard and the end of its stack: what its colour left is taken here. */
static inline uint64_t guard_room(const struct g *gp)
{
	return STACK_GUARD + STACK_COLOURS_ROOM - gp->colour;
}
/* How far down a stack that stays in place grows, so that needed_lo is in it. */
uint64_t stack_grown_lo(const struct g *gp, uint64_t needed_lo);

/* trouble.c: why there is no memory, in words */
void memory_trouble(uint64_t wanted, char *ret, size_t size);

/* adapt.c: first sizes, by entry function */
uint64_t adapt_size(uint64_t entry);
void adapt_learn(const struct g *gp);
void adapt_reset(void);

/* newstack.c: sched describes the growth; fatal if there is no memory */
void growstack_in_place(struct g *gp, uint64_t needed_lo);
/* Moves the stack of a coroutine that is saved to one of another size; -ENOMEM. */
int copystack(struct g *gp, uint64_t new_size);

/* relocate.c */
void relocate(uint64_t *to, const uint64_t *from, size_t words, struct stack old, uint64_t delta);
void relocate_init(void);

/* config.c */
struct settings {
	uint64_t stack_size, max_stack;
	uint64_t gap;	  /* least bytes by which a stack grows in place */
	unsigned procs;	  /* Ps to begin with */
	unsigned policy;  /* enum co_policy */
	unsigned trigger; /* enum co_trigger */
	bool adaptive;	  /* the first size of a stack is what its entry function used before */
	bool poison, move, crash, unmap, stackcheck;
	uint64_t fail_at;   /* the allocation that fails, counted from 1; 0: none */
	unsigned allocator; /* enum stack_owner; 0: as the program says */
	/* GODEBUG */
	uint64_t gctrace, schedtrace, scheddetail, gcshrinkstackoff, adaptivestackstart,
		asyncpreemptoff;
};
extern struct settings settings;
int settings_read(const struct co_config *config); /* -EINVAL; a bad environment is fatal */

void godebug_read(void); /* godebug.c */

/* debug.c: what CORUN_DEBUG says; fatal if that is not understood */
void debug_read(const char *s);
/* Whether the allocation that is about to be made shall fail (CORUN_DEBUG=fail=N). */
bool debug_fail(void);

/* linkcheck.c: fatal if the program was not linked by corun-cc */
void check_link(void);
/* Whether a function begins with the check of -fsplit-stack. */
bool is_split(co_fn *fn);

/* signal.c */
int signal_stack_install(void);
void signal_stack_remove(void);

/* fatal.c */
void fatal(const char *fmt, ...) NORETURN __attribute__((format(printf, 1, 2)));
void fatal_overflow(struct g *gp, uint64_t frame) NORETURN;
void fatal_no_memory(const struct g *gp, uint64_t size) NORETURN;
void fatal_guard(struct g *gp, uint64_t address) NORETURN;
void fatal_stale(struct g *gp, uint64_t address) NORETURN;
/* The program broke a rule: on G with the coroutine and its chain.  what is a constant. */
void fatal_misuse(const char *what) NORETURN;
void fatal_deadlock(void) NORETURN;
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* unwind.c: return addresses, innermost first, of a coroutine in a growth (or parked). */
enum unwind_end { UNWIND_WHOLE, UNWIND_CUT, UNWIND_BROKEN };
size_t unwind(const struct g *gp, bool growing, uint64_t *ret, size_t max, enum unwind_end *end);

#endif
