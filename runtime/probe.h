/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h: where tracers learn who waits for what, see stacktrace-note(5).  Each is one function,
 * for a tracer uses one place a probe; untraced it is a call and a test.
 */
#ifndef ST_RUNTIME_PROBE_H
#define ST_RUNTIME_PROBE_H

struct g;

/* On g0: it sleeps from now on; saved, its reason set, and nobody can have woken it. */
void probe_park(struct g *gp);
/* It waited, and is about to be made ready. */
void probe_ready(struct g *gp);
/* On G: what the coroutine parks for next is this mutex or lock of the program. */
void probe_mutex(struct g *gp, const void *mutex);
/* The thread is about to sleep for a lock of the runtime, and is awake again. */
void probe_lock(const void *lock);
void probe_lock_end(const void *lock);

#endif
