/* SPDX-License-Identifier: Apache-2.0 */
/* line_report_gc.c: a row for each collection. */
#include "formats/line_report.h"

enum {
	TIME = LINE_COLUMN_TIME,
	GC,
	AT,
	RATE,
	CPU,
	COLLECTIONS,
	PAUSE,
	MAX_PAUSE,
	MARK,
	ASSIST,
	BACKGROUND,
	IDLE,
	START,
	END,
	LIVE,
	GOAL,
	STACKS,
	GLOBALS,
	ALLOCATED,
	ALLOC_RATE,
	PROCS,
	FORCED,
	COLUMNS,
};
_Static_assert(COLUMNS <= LINE_COLUMNS, "room for the columns");

/* clang-format off */
static const struct line_column columns[COLUMNS] = {
	[TIME] = { "time_s", "TIME s", 0, MERGE_LAST, 10, false, "when the line was read, since the program's start; of captures and programs that are run" },
	[GC] = { "gc", "GC", LINE_F_GC, MERGE_LAST, 5, true, "number of the collection" },
	[AT] = { "at_s", "AT s", LINE_F_AT, MERGE_LAST, 8, true, "when it began, since the program's start" },
	[RATE] = { "gc_per_s", "GC/s", GC, MERGE_RATE, 7, true, "collections a second since the row before" },
	[CPU] = { "gc_cpu_percent", "CPU %", LINE_F_GC_CPU, MERGE_LAST, 5, true, "CPU time spent on collecting since the program's start" },
	[COLLECTIONS] = { "collections", "GCs", 0, MERGE_SUM, 4, false, "collections in the row" },
	[PAUSE] = { "pause_ms", "PAUSE ms", 0, MERGE_SUM, 8, true, "for how long the program was stopped" },
	[MAX_PAUSE] = { "max_pause_ms", "MAX PAUSE ms", 0, MERGE_MOST, 12, false, "the longest stop" },
	[MARK] = { "mark_ms", "MARK ms", 0, MERGE_SUM, 8, true, "marking while the program runs" },
	[ASSIST] = { "assist_ms", "ASSIST ms", LINE_F_CPU_ASSIST, MERGE_SUM, 9, true, "CPU time of marking by who allocates" },
	[BACKGROUND] = { "background_ms", "BACKGROUND ms", LINE_F_CPU_BACKGROUND, MERGE_SUM, 13, false, "CPU time of the marking workers" },
	[IDLE] = { "idle_ms", "IDLE ms", LINE_F_CPU_IDLE, MERGE_SUM, 8, false, "CPU time of marking on idle processors" },
	[START] = { "heap_start_mib", "HEAP MiB", LINE_F_HEAP_START, MERGE_LAST, 8, true, "heap when the collection began" },
	[END] = { "heap_end_mib", "END MiB", LINE_F_HEAP_END, MERGE_LAST, 8, false, "heap when marking ended" },
	[LIVE] = { "heap_live_mib", "LIVE MiB", LINE_F_HEAP_LIVE, MERGE_LAST, 8, true, "of it what is in use" },
	[GOAL] = { "goal_mib", "GOAL MiB", LINE_F_GOAL, MERGE_LAST, 8, true, "heap at which marking was to end" },
	[STACKS] = { "stacks_mib", "STACKS MiB", LINE_F_STACKS, MERGE_LAST, 10, true, "stacks that were scanned" },
	[GLOBALS] = { "globals_mib", "GLOBALS MiB", LINE_F_GLOBALS, MERGE_LAST, 11, false, "globals that were scanned" },
	[ALLOCATED] = { "allocated_mib", "ALLOC MiB", 0, MERGE_LAST, 9, false, "allocated since the first collection seen: what the heap grew by between them" },
	[ALLOC_RATE] = { "alloc_mib_per_s", "ALLOC MiB/s", ALLOCATED, MERGE_RATE, 11, true, "the same a second since the row before" },
	[PROCS] = { "procs", "P", LINE_F_PROCS, MERGE_LAST, 3, true, "processors" },
	[FORCED] = { "forced", "FORCED", 0, MERGE_SUM, 6, false, "collections that runtime.GC() asked for" },
};
/* clang-format on */

struct state {
	int64_t gc;		 /* the last collection's number, 0: none */
	int64_t live, allocated; /* MiB */
};

static bool take(void *state, const struct line *l, struct line_cell time, struct line_row *ret)
{
	struct state *s = state;
	struct line_cell stop[2] = { line_cell_of(l, LINE_F_CLOCK_SWEEP_TERM),
				     line_cell_of(l, LINE_F_CLOCK_MARK_TERM) };
	struct line_cell scan = line_cell_of(l, LINE_F_CLOCK_SCAN), *cell = ret->cell;

	if (l->kind != LINE_GC)
		return false;
	for (unsigned i = 0; i < COLUMNS; i++)
		if (columns[i].merge != MERGE_RATE && columns[i].field)
			cell[i] = line_cell_of(l, columns[i].field);
	cell[TIME] = time;
	cell[COLLECTIONS] = line_cell_number(1);
	cell[FORCED] = line_cell_number(line_get(l, LINE_F_FORCED) != NULL);
	cell[PAUSE] = stop[0];
	line_cell_add(&cell[PAUSE], &stop[1]);
	cell[MAX_PAUSE] = line_cell_less(&stop[0], &stop[1]) ? stop[1] : stop[0];
	cell[MARK] = line_cell_of(l, LINE_F_CLOCK_MARK);
	line_cell_add(&cell[MARK], &scan);
	/* What was allocated before a collection that was missed is not known. */
	if (s->gc && cell[GC].n == s->gc + 1 && cell[START].n > s->live)
		s->allocated += cell[START].n - s->live;
	s->allocated += cell[END].n > cell[START].n ? cell[END].n - cell[START].n : 0;
	s->live = cell[LIVE].n;
	s->gc = cell[GC].n;
	cell[ALLOCATED] = line_cell_number(s->allocated);
	return true;
}

const struct line_report line_report_gc = {
	.name = "gc",
	.columns = columns,
	.count = COLUMNS,
	.clock = AT,
	.clock_ns = 1000000000,
	.kinds = 1u << LINE_GC | 1u << LINE_SCVG | 1u << LINE_SCAV | 1u << LINE_PACER |
		 1u << LINE_FORCED | 1u << LINE_SCAN | 1u << LINE_QUEUE,
	.state_size = sizeof(struct state),
	.take = take,
};
