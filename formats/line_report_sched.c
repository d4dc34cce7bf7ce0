/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_report_sched.c: a row for each SCHED line; with scheddetail=1, of the whole block that it
 * begins, which is over when the next one comes.
 */
#include <string.h>

#include "formats/line_report.h"

enum {
	TIME = LINE_COLUMN_TIME,
	AT,
	PROCS,
	IDLEPROCS,
	THREADS,
	SPINNING,
	NEEDSPINNING,
	IDLETHREADS,
	GLOBAL,
	LOCAL,
	LONGEST,
	RUNNABLE,
	SWITCHES,
	SWITCH_RATE,
	SYSCALLS,
	SYSCALL_RATE,
	COROUTINES,
	RUNNING,
	WAITING,
	IN_SYSCALL,
	COPYING,
	DEAD,
	TIMERS,
	LOCKED,
	MALLOCING,
	COLUMNS,
};
_Static_assert(COLUMNS <= LINE_COLUMNS, "room for the columns");

/* clang-format off */
static const struct line_column columns[COLUMNS] = {
	[TIME] = { "time_s", "TIME s", 0, MERGE_LAST, 10, false, "when the line was read, since the program's start; of captures and programs that are run" },
	[AT] = { "ms", "AT ms", LINE_F_MS, MERGE_LAST, 8, true, "since the first of these lines" },
	[PROCS] = { "gomaxprocs", "PROCS", LINE_F_GOMAXPROCS, MERGE_LAST, 5, true, "processors" },
	[IDLEPROCS] = { "idleprocs", "IDLE", LINE_F_IDLEPROCS, MERGE_LAST, 5, true, "of them without work" },
	[THREADS] = { "threads", "THREADS", LINE_F_THREADS, MERGE_LAST, 7, true, "threads" },
	[SPINNING] = { "spinningthreads", "SPINNING", LINE_F_SPINNINGTHREADS, MERGE_MOST, 8, true, "threads looking for work" },
	[NEEDSPINNING] = { "needspinning", "NEED SPINNING", LINE_F_NEEDSPINNING, MERGE_MOST, 13, false, "one more is wanted, from 1.20" },
	[IDLETHREADS] = { "idlethreads", "IDLE THREADS", LINE_F_IDLETHREADS, MERGE_LAST, 12, true, "threads asleep" },
	[GLOBAL] = { "runqueue", "GLOBAL", LINE_F_RUNQUEUE, MERGE_MOST, 6, true, "coroutines in the global queue" },
	[LOCAL] = { "local", "LOCAL", 0, MERGE_MOST, 6, true, "coroutines in the processors' queues" },
	[LONGEST] = { "longest", "LONGEST", 0, MERGE_MOST, 7, true, "the longest of these" },
	[RUNNABLE] = { "runnable", "RUNNABLE", 0, MERGE_MOST, 8, true, "coroutines in all queues" },
	[SWITCHES] = { "switches", "SWITCHES", 0, MERGE_LAST, 10, false, "switches of all processors so far; 1.25, or scheddetail" },
	[SWITCH_RATE] = { "switches_per_s", "SWITCHES/s", SWITCHES, MERGE_RATE, 10, false, "the same a second" },
	[SYSCALLS] = { "syscalls", "SYSCALLS", 0, MERGE_LAST, 10, false, "system calls so far; scheddetail" },
	[SYSCALL_RATE] = { "syscalls_per_s", "SYSCALLS/s", SYSCALLS, MERGE_RATE, 10, false, "the same a second" },
	[COROUTINES] = { "coroutines", "COROUTINES", 0, MERGE_MOST, 10, false, "that are not dead; scheddetail, as the following" },
	[RUNNING] = { "running", "RUNNING", 0, MERGE_MOST, 7, false, "coroutines that run" },
	[WAITING] = { "waiting", "WAITING", 0, MERGE_MOST, 7, false, "coroutines that wait" },
	[IN_SYSCALL] = { "insyscall", "IN SYSCALL", 0, MERGE_MOST, 10, false, "coroutines in a system call" },
	[COPYING] = { "copying", "COPYING", 0, MERGE_MOST, 7, false, "coroutines whose stack is being moved" },
	[DEAD] = { "dead", "DEAD", 0, MERGE_MOST, 6, false, "coroutines that ended and are kept for reuse" },
	[TIMERS] = { "timers", "TIMERS", 0, MERGE_MOST, 6, false, "timers" },
	[LOCKED] = { "lockedthreads", "LOCKED THREADS", 0, MERGE_MOST, 14, false, "threads locked to a coroutine" },
	[MALLOCING] = { "mallocing", "MALLOCING", 0, MERGE_MOST, 9, false, "threads in the allocator" },
};
/* clang-format on */

/* What the runtime calls the states of a coroutine; a scanned one has SCANNED added. */
enum { RUNNABLE_G = 1, RUNNING_G, SYSCALL_G, WAITING_G, DEAD_G = 6, COPYSTACK_G = 8, PREEMPTED_G };
#define SCANNED 0x1000

struct state {
	bool open; /* a block has begun */
	struct line_row row;
};

static void count(struct line_cell *c, int64_t n)
{
	const struct line_cell more = line_cell_number(n);

	line_cell_add(c, &more);
}

static void add_field(struct line_cell *c, const struct line *l, enum line_field f)
{
	const struct line_cell more = line_cell_of(l, f);

	line_cell_add(c, &more);
}

/* The sum and the largest of a list. */
static void add_list(const struct line *l, enum line_field f, struct line_cell *sum,
		     struct line_cell *most)
{
	const struct line_value *list = line_get(l, f);
	int64_t n, largest = 0;
	size_t pos = 0;

	if (!list)
		return;
	count(sum, 0);
	while (line_next(list, &pos, &n)) {
		count(sum, n);
		largest = n > largest ? n : largest;
	}
	if (most)
		*most = line_cell_number(largest);
}

static void take_head(const struct line *l, struct line_cell *cell)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (columns[i].merge != MERGE_RATE && columns[i].field)
			cell[i] = line_cell_of(l, columns[i].field);
	add_list(l, LINE_F_RUNQUEUES, &cell[LOCAL], &cell[LONGEST]);
	add_list(l, LINE_F_SCHEDTICKS, &cell[SWITCHES], NULL);
}

static void take_p(const struct line *l, struct line_cell *cell)
{
	struct line_cell size = line_cell_of(l, LINE_F_RUNQSIZE);

	add_field(&cell[SWITCHES], l, LINE_F_SCHEDTICK);
	add_field(&cell[SYSCALLS], l, LINE_F_SYSCALLTICK);
	add_field(&cell[TIMERS], l, LINE_F_TIMERSLEN);
	line_cell_add(&cell[LOCAL], &size);
	if (!cell[LONGEST].known || line_cell_less(&cell[LONGEST], &size))
		cell[LONGEST] = size;
}

static void take_g(const struct line *l, struct line_cell *cell)
{
	const struct line_value *v = line_get(l, LINE_F_STATUS);
	int64_t status = v ? v->n & ~(int64_t)SCANNED : 0;

	count(&cell[COROUTINES], status != DEAD_G && status != 0);
	count(&cell[RUNNING], status == RUNNING_G);
	count(&cell[WAITING], status == WAITING_G || status == PREEMPTED_G);
	count(&cell[IN_SYSCALL], status == SYSCALL_G);
	count(&cell[COPYING], status == COPYSTACK_G);
	count(&cell[DEAD], status == DEAD_G);
}

static bool end(void *state, struct line_row *ret)
{
	struct state *s = state;
	struct line_cell *cell = s->row.cell;

	if (!s->open)
		return false;
	s->open = false;
	cell[RUNNABLE] = cell[GLOBAL];
	line_cell_add(&cell[RUNNABLE], &cell[LOCAL]);
	*ret = s->row;
	return true;
}

static bool take(void *state, const struct line *l, struct line_cell time, struct line_row *ret)
{
	struct state *s = state;
	bool done = false;
	const struct line_value *locked;

	switch (l->kind) {
	case LINE_SCHED:
		done = end(s, ret);
		memset(&s->row, 0, sizeof(s->row));
		s->open = true;
		take_head(l, s->row.cell);
		s->row.cell[TIME] = time;
		/* Without details nothing more belongs to it. */
		return line_get(l, LINE_F_RUNQUEUES) && !done ? end(s, ret) : done;
	case LINE_P:
		take_p(l, s->row.cell);
		return false;
	case LINE_M:
		locked = line_get(l, LINE_F_LOCKEDG);
		count(&s->row.cell[LOCKED], locked && locked->n >= 0);
		add_field(&s->row.cell[MALLOCING], l, LINE_F_MALLOCING);
		return false;
	default:
		take_g(l, s->row.cell);
		return false;
	}
}

const struct line_report line_report_sched = {
	.name = "sched",
	.columns = columns,
	.count = COLUMNS,
	.clock = AT,
	.clock_ns = 1000000,
	.kinds = 1u << LINE_SCHED | 1u << LINE_P | 1u << LINE_M | 1u << LINE_G,
	.state_size = sizeof(struct state),
	.take = take,
	.end = end,
};
