/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corun.h: coroutines with Go's stacks for C.
 *
 * A coroutine starts with 2 KiB of stack.  When a function needs more, its stack is copied to one
 * twice the size, and every pointer into the old one is adjusted, as in Go.  Compile and link
 * programs with corun-cc, which adds what that takes (gcc -fsplit-stack and a linker that knows
 * it).
 *
 * One rule comes with stacks that move: the address of a local variable may be passed down to
 * functions that are called, and may lie, aligned, in other locals and registers of the same
 * coroutine, but must not be kept anywhere else (globals, the heap, another coroutine) across a
 * call.  Give other coroutines heap memory, globals, or values over a channel.  For the same reason
 * longjmp works only as long as the stack did not move since setjmp, and pointers must not be
 * hidden (packed, xored, tagged in the top bits) while they point to locals.
 *
 * All coroutines of co_run share one thread.  Calls marked (parks) may let others run; no other
 * call does.  Results are 0 or a negated errno; errno itself is never set.
 *
 * C library functions run on the thread's own stack, so that a coroutine that prints stays at
 * 2 KiB.  Functions that they call back (of qsort, twalk, nftw) run there too: they may do
 * everything except park.  Handlers of signals cannot park either, and must return.  Functions of
 * other libraries run on the coroutine's stack with at least 16 KiB, and nothing stops those that
 * need more: use co_call for them.
 *
 * Environment: CORUN_STACK (bytes a stack starts with), CORUN_MAXSTACK (most it may have), both
 * also as 64K or 1M, CORUN_ALLOCATOR (page or mmap), and CORUN_DEBUG, a list of: poison (fill old
 * and free stacks), unmap (take their memory away), stackcheck (find addresses of locals that are
 * kept outside their stack), move (move the stack at every function call; very slow), fail=N (the
 * Nth allocation finds no memory), crash (fatal errors abort and leave a core).
 *
 * A program that runs out of stack, whose coroutines all wait for each other, or that breaks the
 * runtime's rules ends with a report on standard error and exit status 2, as in Go.
 */
#ifndef CORUN_H
#define CORUN_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

typedef void co_fn(void *arg);

/* What happens when a stack is full.  corun(3) says what each costs. */
enum co_policy {
	CO_POLICY_DEFAULT, /* copy, or as linked with corun-cc --stack-policy */
	CO_COPY,	   /* moves to one twice the size, as in Go */
	CO_MMAP,	   /* grows where it is, in a range of max_stack bytes with a guard page */
	CO_FIXED,	   /* the program ends with a report */
	CO_SEGMENTED,	   /* calls go on in a further segment, as in Go before 1.3 */
};

/* What notices that it is full. */
enum co_trigger {
	CO_TRIGGER_DEFAULT, /* CO_GUARD for fixed, else CO_PROLOGUE */
	CO_PROLOGUE,	    /* the check that each function begins with */
	CO_GUARD,	    /* SIGSEGV at a page without access; for mmap and fixed */
};

#define CO_ADAPTIVE ((size_t)-1)

struct co_config {
	size_t stack_size; /* bytes a stack starts with: a power of two of at least 2048; 0: 2048,
			    * with mmap 4096, with fixed 65,536; CO_ADAPTIVE: what coroutines of
			    * the same function needed before, for copy and segmented */
	size_t max_stack;  /* most bytes of one stack; 0: 1,000,000,000, with mmap 2 MiB */
	enum co_policy policy;
	enum co_trigger trigger;
	size_t gap; /* least bytes by which a stack grows in place; 0: 4096 */
};

/*
 * Runs fn(arg) as the first coroutine, on the calling thread, and returns when it ends.  As in Go,
 * the others then end too, wherever they are.  config may be NULL; the environment wins over it.
 *
 * -EINVAL: an impossible config; -EBUSY: the program already is in co_run; -ENOMEM.  An impossible
 * environment is a fatal error.
 */
#define co_run(config, fn, arg) co_run_at((config), (fn), (arg), CO_PC())
int co_run_at(const struct co_config *config, co_fn *fn, void *arg, const void *creator_pc);

/*
 * Starts a coroutine that runs fn(arg); it runs when its creator parks.  -ENOMEM; -EPERM outside of
 * co_run and in a signal handler.
 */
#define co_go(fn, arg) co_go_at((fn), (arg), CO_PC())
int co_go_at(co_fn *fn, void *arg, const void *creator_pc);

/* An address within the line that uses it: where tracers say the coroutine was created. */
#define CO_PC()                                                      \
	__extension__({                                              \
		const void *co_pc_;                                  \
		__asm__ volatile("lea 0(%%rip), %0" : "=r"(co_pc_)); \
		co_pc_;                                              \
	})

/* (parks) Lets the other runnable coroutines run first.  -EPERM if the caller cannot park. */
int co_yield(void);

/* Ends the calling coroutine.  In the first one this ends co_run.  Returns only if the caller
 * cannot park. */
void co_exit(void);

/* The calling coroutine's number, from 1, never reused; 0 outside of coroutines. */
uint64_t co_self(void);

/* Present size of the calling coroutine's stack; 0 outside of coroutines. */
size_t co_stack_size(void);

/*
 * Calls fn(arg) on the thread's own stack: for foreign code that needs much stack.  fn must not
 * park.  Outside of coroutines it is a plain call.
 */
void co_call(co_fn *fn, void *arg);

/*
 * Channels carry items of one size, first in, first out, by copy.  With capacity 0 sender and
 * receiver meet.
 */
struct co_chan;

/* -EINVAL: impossible sizes; -ENOMEM. */
int co_chan_make(size_t item_size, size_t capacity, struct co_chan **ret);

/* (parks) -EPIPE: the channel is closed, also while waiting; -EPERM: the caller cannot park. */
int co_chan_send(struct co_chan *c, const void *item);

/* (parks) ret_item may be NULL.  -EPIPE: closed, and nothing left in it; -EPERM as above. */
int co_chan_recv(struct co_chan *c, void *ret_item);

/* Wakes everybody who waits.  -EPIPE: already closed; -EPERM: outside of coroutines. */
int co_chan_close(struct co_chan *c);

/* NULL does nothing.  -EBUSY: coroutines wait in it. */
int co_chan_free(struct co_chan *c);

#define CO_ORDERS 32 /* stacks of order n have 2048 << n bytes */

/* What the runtime itself counted since the last co_run began. */
struct co_stats {
	uint64_t born, ended; /* coroutines, the first included */
	uint64_t switches;    /* times a coroutine was switched to */
	uint64_t growths, shrinks;
	uint64_t bytes_copied; /* by both */
	uint64_t segments;     /* entered, with segmented stacks */
	uint64_t stackalloc[CO_ORDERS];
	uint64_t stackfree[CO_ORDERS];
	uint64_t stack_in_use; /* bytes of the stacks that coroutines have now */
	uint64_t stack_mapped; /* bytes of address space that stacks are cut from */
};

/* May be called at any time, also after co_run, by the thread that called co_run. */
void co_stats(struct co_stats *ret);

/*
 * Where stacks come from.  alloc is asked for a power of two of at least 2048 bytes, aligned to
 * itself, of memory that reads as anything, with 128 readable bytes behind it; it returns 0 and the
 * lowest address, or -ENOMEM.  free gets the same address and size back, perhaps long after the
 * coroutine has ended: free stacks are cached.  Both run on the thread's own stack, on several
 * threads at once, and must not call the runtime.
 */
struct co_stack_allocator {
	const char *name;
	int (*alloc)(size_t size, void **ret);
	void (*free)(void *lo, size_t size);
};

extern const struct co_stack_allocator co_page_allocator; /* packed, kept; where nothing is said */
extern const struct co_stack_allocator co_mmap_allocator; /* one mapping each, without reserve */

/*
 * From now on stacks come from there; those in use go back to where they came from.  At any time,
 * by any coroutine, or before co_run.  NULL: the page allocator.  -EINVAL: a function is missing;
 * -ENOSPC: the eleventh that is not the runtime's own.
 */
int co_set_allocator(const struct co_stack_allocator *a);

#pragma GCC visibility pop

#endif
