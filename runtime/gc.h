/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.h: the collector: when, what from, and by whom.  gc.c says how the parts play together.
 */
#ifndef ST_RUNTIME_GC_H
#define ST_RUNTIME_GC_H

#include "runtime/heap.h"
#include "runtime/runtime.h"

/* pace.c: how much is allocated, and how much may be until the next collection. */
void pace_begin(void);
void pace_read_environment(void); /* GOGC, GOMEMLIMIT */
/* Bytes that a P took out of spans; whether it is time to collect before more are taken. */
bool pace_allocated(uint64_t bytes);
/* Whether it is time to collect before an object of this size is made. */
bool pace_wants(uint64_t size);
/* After a sweep: live is what it left, scanned what the collector read besides the heap. */
void pace_collected(uint64_t live, uint64_t scanned, uint64_t pause_ns);
uint64_t pace_live(void);
uint64_t pace_goal(void);
/* Resident free memory that is worth keeping. */
uint64_t pace_keep(void);

/* gc.c */
int gc_begin(uint64_t frame); /* that of co_run; -ENOMEM */
void gc_end(void);	      /* while the Ps still have their caches */
/* On G or on g0: a collection, now. */
void gc_collect(bool forced);

/* team.c: the threads that mark and sweep.  Worker 0 is who collects. */
#define TEAM_MAX 32

struct work_buffer;
#define BUFFER_SIZE 4096u

struct worker {
	unsigned id;
	bool alone; /* nobody else marks */
	struct work_buffer *buffer;
	uint64_t soon[8]; /* objects whose memory is on its way to the processor */
	unsigned soon_at;
	struct work_buffer *shrink; /* coroutines whose stacks are too large */
	uint64_t stack_bytes, global_bytes, cpu_ns;
	uint64_t stacks;
	uint64_t live_bytes, live_objects;
	uint64_t spans_freed;
	struct span *first[SPAN_CLASSES], *last[SPAN_CLASSES]; /* that a sweep found with room */
	_Alignas(64) unsigned char first_buffer[BUFFER_SIZE];  /* one that needs no memory */
};

/* Runs fn for each worker, on several threads if many is set and there are. */
void team_run(void (*fn)(struct worker *w), bool many);
struct worker *team_worker(unsigned i); /* NULL: no more */
uint64_t thread_cpu_ns(void);
int team_begin(unsigned processors);
void team_end(void);

/* mark.c */
void mark_begin(void);
void mark_work(struct worker *w); /* until nothing is left for anybody */
bool mark_lost(void);		  /* there was no memory to remember an object */
void mark_again(struct worker *w);
/* Every aligned word may be an address. */
void mark_range(struct worker *w, uint64_t from, uint64_t to);
void mark_stack(struct worker *w, uint64_t from, uint64_t to, struct stack s);
void mark_shrink(struct worker *w, struct g *gp);
/* Takes the next coroutine of mark_shrink. */
struct g *mark_next_shrink(struct worker *w);
void mark_end(void);

/* gcroots.c */
void roots_begin(void);
void roots_end(void);
/* Marks from some more roots; false: there are none. */
bool roots_more(struct worker *w);
/* The thread that calls co_run, and where its frame is. */
void roots_thread(uint64_t frame);

/* gcsweep.c */
void sweep_begin(void);
void sweep_work(struct worker *w);

/* shrink.c */
bool stack_is_large(const struct g *gp);
void shrinkstack(struct g *gp);
/* What stacks start with under GODEBUG=adaptivestackstart=1, from what was read of how many. */
extern uint64_t stack_start_size;
void adapt_start(uint64_t bytes, uint64_t stacks);

#endif
