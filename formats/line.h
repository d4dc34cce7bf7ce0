/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h: one line that a Go runtime, or corun, writes under GODEBUG, taken apart.
 *
 * Nothing is rounded: a number is kept as the text that was printed and as an integer with a count
 * of decimals, so that "0.049" is 49 with three.  A field that is not in the table, as a later
 * version may have, is carried along under the name that the line gives it.
 *
 * The lines are those of Go 1.5 to 1.26; stacktrace-sched(1) and stacktrace-gc(1) list the fields.
 */
#ifndef ST_FORMATS_LINE_H
#define ST_FORMATS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum line_kind {
	LINE_NONE = 0, /* not a line of the runtime */
	LINE_GC,       /* gctrace=1 */
	LINE_SCHED,    /* schedtrace=N; with scheddetail=1 the head of a block */
	LINE_P,	       /* scheddetail=1: one a processor, thread, coroutine */
	LINE_M,
	LINE_G,
	LINE_SCVG,   /* gctrace=1 up to 1.13 */
	LINE_SCAV,   /* scavtrace=1 */
	LINE_PACER,  /* gcpacertrace=1 */
	LINE_FORCED, /* "GC forced" */
	LINE_INIT,   /* inittrace=1 */
	LINE_SCAN,   /* gctrace=2 from 1.25 */
	LINE_QUEUE,  /* checkfinalizers=1 from 1.25 */
	LINE_KINDS,
};

/* What a field holds. */
enum line_type {
	LINE_TEXT = 0, /* any text */
	LINE_NUMBER,   /* n / 10^scale */
	LINE_ID,       /* a number, or nil or -1 for none */
	LINE_BOOL,     /* 0, 1, false, true */
	LINE_LIST,     /* numbers with spaces between, brackets around */
};

/* X(NAME, name in JSON and CSV, type, unit, what it is) */
#define LINE_FIELD_LIST(X)                                                                    \
	/* gctrace */                                                                         \
	X(GC, "gc", NUMBER, "", "number of the collection")                                   \
	X(AT, "at", NUMBER, "s", "when it began, since the program's start")                  \
	X(GC_CPU, "gc_cpu", NUMBER, "%", "CPU time spent on collecting since the start")      \
	X(NOTE, "note", TEXT, "", "what stands in parentheses behind it")                     \
	X(CLOCK_SWEEP_TERM, "clock_sweep_term", NUMBER, "ms", "stopped before marking")       \
	X(CLOCK_SCAN, "clock_scan", NUMBER, "ms", "scan, 1.5 only")                           \
	X(CLOCK_INSTALL_WB, "clock_install_wb", NUMBER, "ms", "write barriers on, 1.5 only")  \
	X(CLOCK_MARK, "clock_mark", NUMBER, "ms", "marking while the program runs")           \
	X(CLOCK_MARK_TERM, "clock_mark_term", NUMBER, "ms", "stopped behind marking")         \
	X(CPU_SWEEP_TERM, "cpu_sweep_term", NUMBER, "ms", "CPU time of the same")             \
	X(CPU_SCAN, "cpu_scan", NUMBER, "ms", "CPU time of the same, 1.5 only")               \
	X(CPU_INSTALL_WB, "cpu_install_wb", NUMBER, "ms", "CPU time of the same, 1.5 only")   \
	X(CPU_ASSIST, "cpu_assist", NUMBER, "ms", "CPU time of marking by who allocates")     \
	X(CPU_BACKGROUND, "cpu_background", NUMBER, "ms", "CPU time of the workers")          \
	X(CPU_IDLE, "cpu_idle", NUMBER, "ms", "CPU time of marking on idle processors")       \
	X(CPU_MARK_TERM, "cpu_mark_term", NUMBER, "ms", "CPU time stopped behind marking")    \
	X(HEAP_START, "heap_start", NUMBER, "MiB", "heap when it began")                      \
	X(HEAP_END, "heap_end", NUMBER, "MiB", "heap when marking ended")                     \
	X(HEAP_LIVE, "heap_live", NUMBER, "MiB", "of it marked as live")                      \
	X(GOAL, "goal", NUMBER, "MiB", "heap at which it was to end")                         \
	X(STACKS, "stacks", NUMBER, "MiB", "stacks that were scanned, from 1.18")             \
	X(GLOBALS, "globals", NUMBER, "MiB", "globals that were scanned, from 1.18")          \
	X(PROCS, "P", NUMBER, "", "processors")                                               \
	X(FORCED, "forced", BOOL, "", "runtime.GC() asked for it")                            \
	/* schedtrace; the names are those of the line */                                     \
	X(MS, "ms", NUMBER, "ms", "since the first of these lines")                           \
	X(GOMAXPROCS, "gomaxprocs", NUMBER, "", "processors")                                 \
	X(IDLEPROCS, "idleprocs", NUMBER, "", "of them without work")                         \
	X(THREADS, "threads", NUMBER, "", "threads")                                          \
	X(SPINNINGTHREADS, "spinningthreads", NUMBER, "", "threads looking for work")         \
	X(NEEDSPINNING, "needspinning", NUMBER, "", "one more is wanted, from 1.20")          \
	X(IDLETHREADS, "idlethreads", NUMBER, "", "threads asleep")                           \
	X(RUNQUEUE, "runqueue", NUMBER, "", "coroutines in the global queue")                 \
	X(RUNQUEUES, "runqueues", LIST, "", "coroutines in the queue of each processor")      \
	X(SCHEDTICKS, "schedticks", LIST, "", "switches of each processor so far, from 1.25") \
	X(GCWAITING, "gcwaiting", BOOL, "", "a collection stops the world")                   \
	X(NMIDLELOCKED, "nmidlelocked", NUMBER, "", "idle threads locked to a coroutine")     \
	X(STOPWAIT, "stopwait", NUMBER, "", "processors still to be stopped")                 \
	X(SYSMONWAIT, "sysmonwait", BOOL, "", "the monitor sleeps")                           \
	/* scheddetail */                                                                     \
	X(ID, "id", NUMBER, "", "number of the P, M or G")                                    \
	X(STATUS, "status", NUMBER, "", "its state, as the runtime numbers them")             \
	X(SCHEDTICK, "schedtick", NUMBER, "", "switches so far")                              \
	X(SYSCALLTICK, "syscalltick", NUMBER, "", "system calls so far")                      \
	X(RUNQSIZE, "runqsize", NUMBER, "", "coroutines in its queue")                        \
	X(GFREECNT, "gfreecnt", NUMBER, "", "dead coroutines kept for reuse")                 \
	X(TIMERSLEN, "timerslen", NUMBER, "", "timers, from 1.14")                            \
	X(P, "p", ID, "", "the thread's processor")                                           \
	X(CURG, "curg", ID, "", "the coroutine that it runs")                                 \
	X(MALLOCING, "mallocing", NUMBER, "", "it allocates")                                 \
	X(THROWING, "throwing", NUMBER, "", "it is dying of an error of the runtime")         \
	X(PREEMPTOFF, "preemptoff", TEXT, "", "why it is not to be preempted")                \
	X(LOCKS, "locks", NUMBER, "", "locks of the runtime that it holds")                   \
	X(DYING, "dying", NUMBER, "", "it is dying of a panic")                               \
	X(HELPGC, "helpgc", NUMBER, "", "it helps to collect, up to 1.11")                    \
	X(SPINNING, "spinning", BOOL, "", "it looks for work")                                \
	X(BLOCKED, "blocked", BOOL, "", "it sleeps")                                          \
	X(LOCKEDG, "lockedg", ID, "", "the coroutine locked to it")                           \
	X(REASON, "reason", TEXT, "", "what it waits for, or did last")                       \
	X(M, "m", ID, "", "its thread")                                                       \
	X(LOCKEDM, "lockedm", ID, "", "the thread locked to it")                              \
	/* the others */                                                                      \
	X(CYCLE, "cycle", NUMBER, "", "number of the cycle")                                  \
	X(RELEASED, "released", NUMBER, "MiB", "given back to the system")                    \
	X(INUSE, "inuse", NUMBER, "MiB", "heap in use")                                       \
	X(IDLE, "idle", NUMBER, "MiB", "heap not in use")                                     \
	X(SYS, "sys", NUMBER, "MiB", "heap got from the system")                              \
	X(CONSUMED, "consumed", NUMBER, "MiB", "of that not given back")                      \
	X(WORK, "work", NUMBER, "KiB", "given back since the last line")                      \
	X(WORK_EAGER, "work_eager", NUMBER, "KiB", "the same by who allocates")               \
	X(TOTAL, "total", NUMBER, "KiB", "given back")                                        \
	X(UTIL, "util", NUMBER, "%", "of the heap's memory in use")                           \
	X(PACKAGE, "package", TEXT, "", "whose init ran")                                     \
	X(AT_MS, "at_ms", NUMBER, "ms", "when it began, since the program's start")           \
	X(EXPECTED, "expected_cpu", NUMBER, "%", "CPU time that marking was to take")         \
	X(CLOCK, "clock", NUMBER, "ms", "for how long")                                       \
	X(BYTES, "bytes", NUMBER, "B", "allocated")                                           \
	X(ALLOCS, "allocs", NUMBER, "", "allocations")                                        \
	X(CLASS, "class", NUMBER, "B", "size class")                                          \
	X(OBJECTS, "objects", NUMBER, "", "scanned")                                          \
	X(SPANS, "spans", NUMBER, "", "scanned")                                              \
	X(FINALIZERS, "finalizers", NUMBER, "", "in the queue")                               \
	X(CLEANUPS, "cleanups", NUMBER, "", "in the queue")                                   \
	X(DETAIL, "detail", TEXT, "", "the rest of the line")

enum line_field {
	LINE_UNKNOWN = 0, /* not in the table: has a name of its own */
#define X(id, name, type, unit, what) LINE_F_##id,
	LINE_FIELD_LIST(X)
#undef X
		LINE_FIELDS,
};

struct line_field_info {
	const char *name, *unit, *what;
	enum line_type type;
};
extern const struct line_field_info line_fields[LINE_FIELDS];

struct line_value {
	const char *text; /* as printed, in the line; a list without its brackets */
	const char *name; /* of an unknown field, in the line; else NULL */
	int64_t n; /* LINE_NUMBER: text without its point; of an id -1 for none; of a bool 0, 1 */
	uint32_t len, name_len;
	uint8_t field; /* enum line_field */
	uint8_t type;  /* enum line_type */
	uint8_t scale; /* digits behind the point */
};

#define LINE_VALUES 64

struct line {
	enum line_kind kind;
	const char *text; /* all of it, as printed, without its newline; the strings are in it */
	size_t len;
	unsigned count, unknown; /* values; of them not in the table */
	size_t good; /* if it is no line: bytes that may be the beginning of one, at most */
	uint8_t at[LINE_FIELDS]; /* index of a field in value, plus 1 */
	struct line_value value[LINE_VALUES];
};

/*
 * Takes the line at text, without its newline, apart.  False: it is not a whole line of the
 * runtime; then of *ret only kind (what it began as) and good count.
 */
bool line_parse(const char *text, size_t len, struct line *ret);

/* NULL: the line does not have it. */
static inline const struct line_value *line_get(const struct line *l, enum line_field f)
{
	return l->at[f] ? &l->value[l->at[f] - 1] : NULL;
}

/* The next number of a list, at *pos, which begins as 0.  False: no more. */
bool line_next(const struct line_value *list, size_t *pos, int64_t *ret);

const char *line_kind_name(enum line_kind k); /* "gc", "SCHED", "P" ... */

/* For the parsers of single kinds: the rest of a line. */
struct line_scan {
	const char *p, *end;
	struct line *l;
};
bool line_parse_gc(struct line_scan *s);
bool line_parse_sched(struct line_scan *s);  /* SCHED */
bool line_parse_detail(struct line_scan *s); /* P, M, G */
bool line_parse_other(struct line_scan *s);

#endif
