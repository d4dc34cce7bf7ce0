/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h: records made by hand, and one small run whose totals are known by arithmetic.
 *
 * The run, times in us from the program's release:
 *
 *	g1        runtime.main, born 10; 2K -> 8K in fmt.Fprintln; alive at the end
 *	g10..g29  born 100, 200 ... at deep.go:7, run main.main.func1; each grows 2K -> 64K in five
 *	          steps in main.deep, ends 555 us later having used 40000 bytes
 *	g40, g41  born at deep.go:30, run main.worker; each grows 2K -> 32K at once, in main.big,
 *	          into which main.small was inlined; g40 shrinks to 16K and ends having used 9000;
 *	          of g41 the growth's end is not seen, and it is alive at the end with 3000 used
 *	g50       only its end is seen
 */
#ifndef ST_TESTS_UNIT_EVENTS_H
#define ST_TESTS_UNIT_EVENTS_H

#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "formats/names.h"
#include "formats/run_info.h"

#define RUN_START    UINT64_C(5000000000)
#define RUN_PID	     100u
#define RUN_GP(goid) (0xc000000000u + 0x1000 * (uint64_t)(goid))

/* Addresses; of what is called, the return address. */
#define PC_RT0_GO      0x410001u
#define PC_GO_7	       0x401008u
#define PC_GO_30       0x401108u
#define PC_RUNTIMEMAIN 0x411000u
#define PC_FUNC1       0x402000u
#define PC_WORKER      0x406000u

#define STACK_DEEP  0xa1a2a3a4a5a6a7a8u
#define STACK_BIG   0xb1b2b3b4b5b6b7b8u
#define STACK_FIRST 0xc1c2c3c4c5c6c7c8u

typedef int take_fn(void *arg, const struct ev_header *ev);

static inline struct ev_header ev_head(unsigned kind, size_t size, uint64_t us, uint32_t pid)
{
	return (struct ev_header){ .kind = (uint16_t)kind,
				   .size = (uint16_t)size,
				   .cpu = (uint32_t)(us / 100 % 2),
				   .time_ns = RUN_START + us * 1000,
				   .pid = pid,
				   .tid = pid + (uint32_t)(us / 100 % 2) };
}

static inline struct ev_newproc ev_newproc(uint64_t us, uint64_t goid, uint64_t creator,
					   uint64_t entry, uint64_t size)
{
	return (struct ev_newproc){ .h = ev_head(EV_NEWPROC, sizeof(struct ev_newproc), us,
						 RUN_PID),
				    .gp = RUN_GP(goid),
				    .goid = goid,
				    .parent_goid = goid > 1,
				    .creator_pc = creator,
				    .entry_pc = entry,
				    .stack_size = size };
}

static inline struct ev_goexit ev_goexit(uint64_t us, uint64_t goid, uint64_t size, uint64_t used)
{
	return (struct ev_goexit){ .h = ev_head(EV_GOEXIT, sizeof(struct ev_goexit), us, RUN_PID),
				   .gp = RUN_GP(goid),
				   .goid = goid,
				   .stack_size = size,
				   .used = used };
}

static inline struct ev_copystack ev_copystack(uint64_t us, uint64_t goid, uint64_t creator,
					       uint64_t entry, uint64_t from, uint64_t to,
					       uint64_t used, uint64_t ns, uint64_t stack_id)
{
	return (struct ev_copystack){
		.h = ev_head(EV_COPYSTACK, sizeof(struct ev_copystack), us, RUN_PID),
		.gp = RUN_GP(goid),
		.goid = goid,
		.creator_pc = creator,
		.entry_pc = entry,
		.old_size = from,
		.new_size = to,
		.used = used,
		.duration_ns = ns,
		.stack_id = stack_id,
	};
}

static inline struct ev_stack_use ev_stack_use(uint64_t us, uint64_t goid, uint64_t size,
					       uint64_t used)
{
	return (struct ev_stack_use){ .h = ev_head(EV_STACK_USE, sizeof(struct ev_stack_use), us,
						   RUN_PID),
				      .gp = RUN_GP(goid),
				      .goid = goid,
				      .stack_size = size,
				      .used = used };
}

struct stack_record {
	struct ev_stack s;
	uint64_t pc[8];
};

static inline struct stack_record ev_stack(uint64_t us, uint64_t id, const uint64_t *pc,
					   unsigned depth, unsigned flags)
{
	struct stack_record r = {
		.s = { .h = ev_head(EV_STACK, sizeof(struct ev_stack) + depth * 8, us, RUN_PID),
		       .stack_id = id,
		       .depth = depth,
		       .flags = flags },
	};

	for (unsigned i = 0; i < depth; i++)
		r.pc[i] = pc[i];
	return r;
}

/* --- the run ------------------------------------------------------------------------------- */

struct run_list {
	union {
		struct ev_header h;
		uint64_t words[64];
	} ev[512];
	size_t count;
};

static inline void run_put(struct run_list *l, const void *ev)
{
	memcpy(&l->ev[l->count++], ev, ((const struct ev_header *)ev)->size);
}

static inline int run_compare(const void *x, const void *y)
{
	const struct ev_header *a = x, *b = y;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static inline void run_put_deep(struct run_list *l)
{
	static const uint64_t used[] = { 1800, 3600, 7200, 14400, 28800 };
	static const uint64_t ns[] = { 1000, 1500, 2000, 3000, 4500 };

	for (uint64_t i = 0; i < 20; i++) {
		uint64_t us = 100 + 100 * i, goid = 10 + i;
		struct ev_newproc born = ev_newproc(us, goid, PC_GO_7, PC_FUNC1, 2048);
		struct ev_goexit gone = ev_goexit(us + 555, goid, 65536, 40000);

		run_put(l, &born);
		for (unsigned s = 0; s < 5; s++) {
			struct ev_copystack c = ev_copystack(us + 20 + 10 * s, goid, PC_GO_7,
							     PC_FUNC1, 2048u << s, 4096u << s,
							     used[s], ns[s], STACK_DEEP);

			run_put(l, &c);
		}
		run_put(l, &gone);
	}
}

static inline void run_put_others(struct run_list *l)
{
	struct ev_newproc first = ev_newproc(10, 1, PC_RT0_GO, PC_RUNTIMEMAIN, 2048);
	struct ev_copystack grown = ev_copystack(40, 1, PC_RT0_GO, PC_RUNTIMEMAIN, 2048, 8192, 1700,
						 900, STACK_FIRST);
	struct ev_newproc worker[] = { ev_newproc(5000, 40, PC_GO_30, PC_WORKER, 2048),
				       ev_newproc(5010, 41, PC_GO_30, PC_WORKER, 2048) };
	struct ev_copystack big[] = {
		ev_copystack(5020, 40, PC_GO_30, PC_WORKER, 2048, 32768, 1500, 5000, STACK_BIG),
		ev_copystack(5030, 41, PC_GO_30, PC_WORKER, 2048, 32768, 1500, 0, STACK_BIG),
		ev_copystack(6000, 40, PC_GO_30, PC_WORKER, 32768, 16384, 1000, 800, 0),
	};
	struct ev_goexit gone[] = { ev_goexit(8000, 40, 16384, 9000),
				    ev_goexit(8010, 50, 4096, 0) };
	struct ev_stack_use use = ev_stack_use(9990, 41, 32768, 3000);

	big[1].flags = EV_COPYSTACK_INCOMPLETE;
	run_put(l, &first);
	run_put(l, &grown);
	for (unsigned i = 0; i < 2; i++) {
		run_put(l, &worker[i]);
		run_put(l, &gone[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		run_put(l, &big[i]);
	run_put(l, &use);
}

static inline void run_put_stacks(struct run_list *l)
{
	const uint64_t deep[] = { 0x403001, 0x403031, 0x402021, 0x412001 };
	const uint64_t big[] = { 0x404001, 0x406021 };
	const uint64_t first[] = { 0x405001, 0x411021 };
	struct stack_record r = ev_stack(39, STACK_FIRST, first, 2, 0);

	run_put(l, &r);
	r = ev_stack(119, STACK_DEEP, deep, 4, 0);
	run_put(l, &r);
	r = ev_stack(5019, STACK_BIG, big, 2, EV_STACK_TRUNCATED);
	run_put(l, &r);
}

static inline void run_put_rest(struct run_list *l)
{
	struct ev_image image = { .h = ev_head(EV_IMAGE, sizeof(image), 1, RUN_PID),
				  .comm = "deep" };
	struct ev_switches switches = { .h = ev_head(EV_SWITCHES, sizeof(switches), 3000, RUN_PID),
					.count = 5000,
					.window_ns = 1000000 };
	struct ev_lost lost = { .h = ev_head(EV_LOST, sizeof(lost), 9995, RUN_PID),
				.count = { [EV_LOST_RING_FULL] = 3, [EV_LOST_UNPAIRED] = 1 } };
	struct ev_hits hits = { .h = ev_head(EV_HITS, sizeof(hits), 9996, RUN_PID),
				.cost_ns = 150000,
				.hits = { [EV_PROBE_COPYSTACK] = 104,
					  [EV_PROBE_COPYSTACK_END] = 103,
					  [EV_PROBE_NEWPROC] = 23,
					  [EV_PROBE_GOEXIT] = 22,
					  [EV_PROBE_GOGO] = 5000 } };
	struct ev_exit end = { .h = ev_head(EV_EXIT, sizeof(end), 10000, RUN_PID),
			       .wall_ns = 10000000,
			       .cpu_ns = 8000000,
			       .max_rss = 4u << 20 };

	run_put(l, &image);
	run_put(l, &switches);
	run_put(l, &lost);
	run_put(l, &hits);
	run_put(l, &end);
}

/* All records, in order of time. */
static inline void run_make(struct run_list *l)
{
	l->count = 0;
	run_put_rest(l);
	run_put_stacks(l);
	run_put_others(l);
	run_put_deep(l);
	qsort(l->ev, l->count, sizeof(l->ev[0]), run_compare);
}

static inline int run_each(const struct run_list *l, take_fn *fn, void *arg)
{
	int r = 0;

	for (size_t i = 0; i < l->count && !r; i++)
		r = fn(arg, &l->ev[i].h);
	return r;
}

static inline void run_names(struct names *n)
{
	static const struct {
		uint64_t addr;
		struct name name[2];
	} known[] = {
		{ PC_RT0_GO - 1,
		  { { "runtime.rt0_go", "/go/src/runtime/asm_amd64.s", 200, false } } },
		{ PC_GO_7 - 1, { { "main.main", "/src/deep.go", 7, false } } },
		{ PC_GO_30 - 1, { { "main.main", "/src/deep.go", 30, false } } },
		{ PC_RUNTIMEMAIN, { { "runtime.main", "/go/src/runtime/proc.go", 145, false } } },
		{ PC_FUNC1, { { "main.main.func1", "/src/deep.go", 7, false } } },
		{ PC_WORKER, { { "main.worker", "/src/deep.go", 24, false } } },
		{ 0x403000, { { "main.deep", "/src/deep.go", 5, false } } },
		{ 0x403030, { { "main.deep", "/src/deep.go", 6, false } } },
		{ 0x402020, { { "main.main.func1", "/src/deep.go", 8, false } } },
		{ 0x412000, { { "runtime.goexit", "/go/src/runtime/asm_amd64.s", 1594, false } } },
		{ 0x404000,
		  { { "main.small", "/src/deep.go", 20, true },
		    { "main.big", "/src/deep.go", 12, false } } },
		{ 0x406020, { { "main.worker", "/src/deep.go", 25, false } } },
		{ 0x405000, { { "fmt.Fprintln", "/go/src/fmt/print.go", 303, false } } },
		{ 0x411020, { { "runtime.main", "/go/src/runtime/proc.go", 250, false } } },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		names_add(n, RUN_PID, known[i].addr, known[i].name,
			  known[i].name[1].function ? 2 : 1);
}

/* Strings are literals: not to be released. */
static inline struct run_info run_info_made(void)
{
	return (struct run_info){
		.tool_version = (char *)"0.1.0",
		.hostname = (char *)"host",
		.kernel = (char *)"6.1.0",
		.command = (char *)"./deep 'a b'",
		.target = (char *)"/src/deep",
		.build_id = (char *)"c0ffee",
		.runtime = (char *)"go",
		.version = (char *)"go1.19.8",
		.source = (char *)"bpf",
		.link = (char *)"uprobe_multi",
		.offsets = (char *)"stack.lo=0(dwarf)",
		.warnings = (char *)"",
		.start_realtime_ns = UINT64_C(1700000000000000000),
		.start_monotonic_ns = RUN_START,
		.pair_ns = 700,
		.hit_ns = 550,
		.cpus = 2,
	};
}

/* A record of every kind and of two unknown ones, filled with numbers that differ. */
static inline int kinds_each(take_fn *fn, void *arg)
{
	int r = 0;

	for (unsigned kind = EV_IMAGE; kind < EV_KIND_COUNT + 2 && !r; kind++) {
		union {
			struct ev_header h;
			struct ev_stack stack;
			struct ev_process process;
			struct ev_line line;
			struct ev_reason reason;
			uint64_t word[64];
		} ev = { .word = { 0 } };

		for (unsigned i = 3; i < 64; i++)
			ev.word[i] = i * UINT64_C(0x1000003) + kind;
		ev.h = ev_head(kind, sizeof(ev), 9000 + kind, RUN_PID);
		if (kind == EV_STACK)
			ev.stack.depth = 20;
		if (kind == EV_PROCESS || kind == EV_LINE) {
			ev.process.what = EV_PROCESS_START;
			*(kind == EV_LINE ? &ev.line.length : &ev.process.length) = 4;
			memcpy((char *)ev.word +
				       (kind == EV_LINE ? sizeof(ev.line) : sizeof(ev.process)),
			       "/x\033y", 5);
		}
		if (kind == EV_REASON)
			strcpy(ev.reason.name, "chan\treceive");
		r = fn(arg, &ev.h);
	}
	return r;
}

#endif
