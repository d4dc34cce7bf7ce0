/* SPDX-License-Identifier: Apache-2.0 */
/* gctrace.h: what GODEBUG=gctrace=1 prints of a collection. */
#ifndef ST_RUNTIME_GCTRACE_H
#define ST_RUNTIME_GCTRACE_H

#include <stdbool.h>
#include <stdint.h>

/* Times are CLOCK_MONOTONIC in ns, sizes bytes. */
struct gc_cycle {
	uint64_t number;
	bool forced;
	uint64_t begun;			      /* co_run */
	uint64_t begin, marking, marked, end; /* of the phases, one after the other */
	uint64_t mark_cpu;		      /* of all threads that marked */
	uint64_t before, live, goal;	      /* of the heap */
	uint64_t stacks, globals;	      /* that were read */
	uint64_t paused;		      /* by all collections so far */
	unsigned processors;
};

/* One line, written at once. */
void gctrace(const struct gc_cycle *c);

#endif
