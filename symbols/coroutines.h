/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coroutines.h: all coroutines of a process as its memory has them, and whether their stacks are
 * what they can be.
 *
 * The memory belongs to somebody else, who goes on while we look: whatever is read may be half of
 * one state and half of another, or garbage.  Each loop here ends all the same; whoever finds
 * something wrong is to look again before he believes it.
 */
#ifndef ST_SYMBOLS_COROUTINES_H
#define ST_SYMBOLS_COROUTINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target;

/* A process's memory.  read returns 0 when it got all size bytes, or a negative errno. */
struct memory {
	int (*read)(void *arg, uint64_t address, void *to, size_t size);
	void *arg;
	uint64_t bias; /* where the program is, minus where its file says */
};

/* Of FIELD_STATUS: Go's numbers, which the note has adopted. */
enum coroutine_status {
	COROUTINE_IDLE = 0,
	COROUTINE_RUNNABLE = 1,
	COROUTINE_RUNNING = 2,
	COROUTINE_SYSCALL = 3,
	COROUTINE_WAITING = 4,
	COROUTINE_DEAD = 6,
	COROUTINE_COPYSTACK = 8,
	COROUTINE_PREEMPTED = 9,
	COROUTINE_LEAKED = 10,
};

/* One descriptor.  What the runtime has no field for is 0. */
struct coroutine {
	uint64_t gp, id;
	uint64_t lo, hi, guard;
	uint64_t sp, pc, bp; /* saved, valid while it does not run */
	uint64_t creator_pc, entry_pc;
	unsigned status; /* without the bit of a collector that looks at it */
	unsigned reason;
	uint64_t use_max;
};

/* Reads one.  0 or a negative errno. */
int coroutine_read(const struct target *t, const struct memory *m, uint64_t gp,
		   struct coroutine *ret);

/*
 * Calls fn for every descriptor that has ever had a stack; ends with the first result other than 0,
 * which is returned.  -ENOTSUP: where they are is not known.  -EIO: the list cannot be read, or is
 * none.
 */
typedef int coroutine_fn(void *arg, const struct coroutine *c);
int coroutines_each(const struct target *t, const struct memory *m, coroutine_fn *fn, void *arg);

/*
 * The return addresses on the stack of one that is parked, innermost first, without those of the
 * function at the root, which is at root (as in the file) and has root_size bytes: its number, at
 * most max.  *ret_flags is of enum ev_stack_flags.
 */
uint32_t coroutine_frames(const struct coroutine *c, const struct memory *m, uint64_t root,
			  uint64_t root_size, uint64_t *ret, uint32_t max, uint32_t *ret_flags);

/* The largest size that the runtime lets a stack have; 0: not known. */
uint64_t coroutines_limit(const struct target *t, const struct memory *m);

/* Whether the saved stack pointer is that of now. */
bool coroutine_is_saved(const struct coroutine *c);

/* Bytes of its stack in use, as far as that is known. */
uint64_t coroutine_used(const struct coroutine *c);

const char *coroutine_status_name(unsigned status); /* "waiting" */

enum stack_health {
	STACK_HEALTHY,
	STACK_NONE,	/* none: idle or dead */
	STACK_AT_LIMIT, /* the next growth would be one too many */
	STACK_GROWS,	/* is being copied, which should not last */
	/* What a sound runtime never has. */
	STACK_BAD_BOUNDS, /* lo and hi are no stack */
	STACK_BAD_GUARD,  /* outside of the stack, and no request of the runtime */
	STACK_OVERFLOW,	  /* sp is not in the stack */
};

/* limit 0: not known. */
enum stack_health coroutine_judge(const struct target *t, const struct coroutine *c,
				  uint64_t limit);

const char *stack_health_name(enum stack_health h); /* one word */

#endif
