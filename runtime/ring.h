/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h: the runtime's own events, written into a ring of shared memory that a tracer passed by
 * descriptor (base/event.h).  Without one, each call is a branch that is not taken.
 */
#ifndef ST_RUNTIME_RING_H
#define ST_RUNTIME_RING_H

#include "base/event.h"
#include "runtime/runtime.h"

extern struct ev_ring *ring; /* NULL: nobody listens */

void ring_count_hit(enum ev_probe probe);
uint64_t ring_read_clock(void);
void ring_write_newproc(const struct g *gp);
void ring_write_goexit(const struct g *gp);
void ring_write_copystack(const struct g *gp, uint64_t old_size, uint64_t used, uint64_t begin);
void ring_write_living(void);
void ring_write_gc(enum ev_gc_what what, uint32_t cycle);

static inline void ring_hit(enum ev_probe probe)
{
	if (unlikely(ring))
		ring_count_hit(probe);
}

/* CLOCK_MONOTONIC in ns, or 0 if nobody listens. */
static inline uint64_t ring_clock(void)
{
	return unlikely(ring) ? ring_read_clock() : 0;
}

static inline void ring_newproc(const struct g *gp)
{
	if (unlikely(ring))
		ring_write_newproc(gp);
}

/* The coroutine still has its stack. */
static inline void ring_goexit(const struct g *gp)
{
	if (unlikely(ring))
		ring_write_goexit(gp);
}

/* After the move; begin is what ring_clock said before it. */
static inline void ring_copystack(const struct g *gp, uint64_t old_size, uint64_t used,
				  uint64_t begin)
{
	if (unlikely(ring))
		ring_write_copystack(gp, old_size, used, begin);
}

static inline void ring_gc(enum ev_gc_what what, uint32_t cycle)
{
	if (unlikely(ring))
		ring_write_gc(what, cycle);
}

/* Highest use of all that are still alive, when they are about to be dropped. */
static inline void ring_living(void)
{
	if (unlikely(ring))
		ring_write_living();
}

#endif
