/* SPDX-License-Identifier: Apache-2.0 */
/* Totals, rows and lives, against arithmetic done by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "formats/aggregate.h"
#include "formats/aggregate_internal.h"
#include "formats/names.h"
#include "tests/unit/events.h"

static int take(void *arg, const struct ev_header *ev)
{
	return aggregate_event(arg, ev);
}

#define TAKE(a, ev)                                                  \
	do {                                                         \
		__typeof__(ev) taken = (ev);                         \
		assert_int_equal(aggregate_event((a), &taken.h), 0); \
	} while (0)

static struct aggregate *fresh(void)
{
	struct aggregate *a;

	assert_int_equal(aggregate_new(&a), 0);
	return a;
}

static struct aggregate *the_run(void)
{
	struct aggregate *a = fresh();
	struct run_list l;

	run_make(&l);
	assert_int_equal(run_each(&l, take, a), 0);
	aggregate_finish(a);
	return a;
}

static struct names *the_names(void)
{
	struct names *n;

	assert_int_equal(names_new(&n), 0);
	run_names(n);
	return n;
}

static void check_totals(void **state)
{
	struct aggregate *a = the_run();
	const struct totals *t = aggregate_totals(a);

	(void)state;
	/* image, switches, lost, hits, exit; 3 stacks; g1: 2; g40, g41: 8 with g50's end; 20 x 7 */
	assert_int_equal(t->events, 5 + 3 + 2 + 8 + 140);
	assert_int_equal(t->first_ns, RUN_START + 1000);
	assert_int_equal(t->last_ns, RUN_START + 10000000);
	assert_true(t->exited);
	assert_int_equal(t->wall_ns, 10000000);
	assert_int_equal(t->cpu_ns, 8000000);
	assert_int_equal(t->max_rss, 4 << 20);
	assert_int_equal(t->coroutines, 24);
	assert_int_equal(t->born, 23);
	assert_int_equal(t->ended, 22);
	assert_int_equal(t->alive, 2);
	assert_int_equal(t->peak_alive, 7); /* g1, and the six born within 555 us */
	assert_int_equal(t->short_lived, 20);
	assert_int_equal(t->growths, 103);
	assert_int_equal(t->shrinks, 1);
	assert_int_equal(t->incomplete, 1);
	assert_int_equal(t->bytes_copied, 20 * 55800 + 2 * 1500 + 1000 + 1700);
	assert_int_equal(t->copy_ns, 20 * 12000 + 5000 + 800 + 900);
	assert_int_equal(t->measured, 23);
	assert_int_equal(t->allocated_bytes, 20 * 65536 + 2 * 32768 + 8192);
	assert_int_equal(t->used_bytes, 20 * 40000 + 9000 + 3000 + 1700);
	assert_int_equal(t->all_allocated_bytes, 20 * 65536 + 2 * 32768 + 8192 + 4096);
	assert_int_equal(t->switches, 5000);
	assert_int_equal(t->switch_window_ns, 1000000);
	assert_int_equal(totals_lost(t), 4);
	assert_int_equal(totals_probe_hits(t), 104 + 103 + 23 + 22 + 5000);
	assert_int_equal(t->probe_cost_ns, 150000);
	aggregate_free(a);
}

static const struct growth_row *find_growth(const struct growth_row *rows, size_t count,
					    const char *leaf, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].leaf.function, leaf) && rows[i].from == from &&
		    rows[i].to == to)
			return &rows[i];
	fail_msg("no row %s %d -> %d", leaf, (int)from, (int)to);
	return NULL;
}

static void check_growth_rows(void **state)
{
	static const uint64_t used[] = { 1800, 3600, 7200, 14400, 28800 };
	static const uint64_t ns[] = { 1000, 1500, 2000, 3000, 4500 };
	struct aggregate *a = the_run();
	struct names *n = the_names();
	const struct growth_row *g;
	struct growth_row *rows;
	uint64_t total = 0;
	size_t count;

	(void)state;
	assert_int_equal(aggregate_growth(a, n, &rows, &count), 0);
	assert_int_equal(count, 5 + 1 + 1 + 1);
	for (unsigned s = 0; s < 5; s++) {
		g = find_growth(rows, count, "main.deep", 2048u << s, 4096u << s);
		assert_int_equal(g->count, 20);
		assert_int_equal(g->bytes_copied, 20 * used[s]);
		assert_int_equal(g->ns, 20 * ns[s]);
		assert_string_equal(g->creator.function, "main.main");
		assert_int_equal(g->creator.line, 7);
		assert_string_equal(g->entry.function, "main.main.func1");
		assert_int_equal(g->leaf.line, 5);
	}
	/* of main.small and main.big, into which it is inlined, main.big has the prologue */
	g = find_growth(rows, count, "main.big", 2048, 32768);
	assert_int_equal(g->count, 2);
	assert_int_equal(g->creator.line, 30);
	g = find_growth(rows, count, "[unknown]", 32768, 16384);
	assert_int_equal(g->count, 1);
	assert_string_equal(g->entry.function, "main.worker");
	/* the first goroutine was made by assembly: it stands under its own function */
	g = find_growth(rows, count, "fmt.Fprintln", 2048, 8192);
	assert_string_equal(g->creator.function, "runtime.main");
	assert_int_equal(g->creator.line, 145);
	for (size_t i = 0; i < count; i++) {
		total += rows[i].ns;
		assert_true(!i || rows[i].ns <= rows[i - 1].ns);
	}
	assert_int_equal(total, aggregate_totals(a)->copy_ns);
	free(rows);
	names_free(n);
	aggregate_free(a);
}

static void check_creator_rows(void **state)
{
	struct aggregate *a = the_run();
	struct names *n = the_names();
	struct creator_row *rows;
	size_t count;

	(void)state;
	assert_int_equal(aggregate_creators(a, n, &rows, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(rows[0].creator.line, 7);
	assert_int_equal(rows[0].coroutines, 20);
	assert_int_equal(rows[0].short_lived, 20);
	assert_int_equal(rows[0].measured, 20);
	assert_int_equal(rows[0].allocated_bytes, 20 * 65536);
	assert_int_equal(rows[0].used_bytes, 20 * 40000);
	assert_int_equal(rows[0].growths, 100);
	assert_int_equal(rows[0].peak_alive, 6);
	assert_int_equal(rows[0].final_size[16], 20);
	assert_int_equal(rows[1].creator.line, 30);
	assert_int_equal(rows[1].coroutines, 2);
	assert_int_equal(rows[1].growths, 2);
	assert_int_equal(rows[1].ns, 5800);
	assert_int_equal(rows[1].final_size[15], 2);
	assert_string_equal(rows[2].creator.function, "runtime.main");
	assert_string_equal(rows[3].creator.function, "[unknown]");
	assert_int_equal(rows[3].measured, 0);
	free(rows);
	names_free(n);
	aggregate_free(a);
}

static int sum_stacks(void *arg, const struct stack_row *row)
{
	uint64_t *sum = arg;

	sum[0] += row->count;
	sum[1]++;
	if (row->depth == 4)
		assert_int_equal(row->count, 100);
	return 0;
}

static void check_stacks(void **state)
{
	struct aggregate *a = the_run();
	uint64_t sum[2] = { 0, 0 };
	const uint64_t *pc;
	uint32_t depth, flags;

	(void)state;
	assert_int_equal(aggregate_each_stack(a, sum_stacks, sum), 0);
	assert_int_equal(sum[0], 103);
	assert_int_equal(sum[1], 3); /* the shrink's is none */
	assert_int_equal(aggregate_stack(a, STACK_BIG, &pc, &depth, &flags), 0);
	assert_int_equal(depth, 2);
	assert_int_equal(pc[0], 0x404001);
	assert_int_equal(flags, EV_STACK_TRUNCATED);
	assert_int_equal(aggregate_stack(a, 1, &pc, &depth, &flags), -ENOENT);
	aggregate_free(a);
}

/* Any order of the records of a coroutine gives one coroutine with the same sums. */
static void check_disorder(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct ev_newproc born = ev_newproc(10, 7, PC_GO_7, PC_FUNC1, 2048);
	struct ev_copystack grown = ev_copystack(20, 7, PC_GO_7, PC_FUNC1, 2048, 4096, 1800, 100,
						 0);
	struct ev_goexit gone = ev_goexit(30, 7, 4096, 2500);
	const struct ev_header *ev[] = { &born.h, &grown.h, &gone.h };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct aggregate *a = fresh();
		const struct totals *t = aggregate_totals(a);

		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(aggregate_event(a, ev[orders[i][k]]), 0);
		aggregate_finish(a);
		assert_int_equal(t->coroutines, 1);
		assert_int_equal(t->born, 1);
		assert_int_equal(t->ended, 1);
		assert_int_equal(t->alive, 0);
		assert_int_equal(t->peak_alive, 1);
		assert_int_equal(t->short_lived, 1);
		assert_int_equal(t->growths, 1);
		assert_int_equal(t->allocated_bytes, 4096);
		assert_int_equal(t->used_bytes, 2500);
		aggregate_free(a);
	}
}

/* The descriptor's address is used again: goid tells the coroutines apart. */
static void check_reuse(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct ev_newproc born = ev_newproc(10 * i, 7 + i, PC_GO_7, PC_FUNC1, 2048);
		struct ev_goexit gone = ev_goexit(10 * i + 5, 7 + i, 2048, 1000);

		born.gp = gone.gp = 0xc000001000;
		TAKE(a, born);
		TAKE(a, gone);
	}
	aggregate_finish(a);
	assert_int_equal(t->coroutines, 3);
	assert_int_equal(t->peak_alive, 1);
	assert_int_equal(t->used_bytes, 3000);
	aggregate_free(a);
}

/* A runtime without numbers: the address is the identity until the end. */
static void check_no_goid(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct ev_newproc born = ev_newproc(10 * i, 0, PC_GO_7, PC_FUNC1, 2048);
		struct ev_copystack grown = ev_copystack(10 * i + 2, 0, 0, 0, 2048, 4096, 1500, 1,
							 0);
		struct ev_goexit gone = ev_goexit(10 * i + 5, 0, 4096, 0);

		TAKE(a, born);
		TAKE(a, grown);
		TAKE(a, gone);
	}
	/* at the same address, but not born under our eyes */
	TAKE(a, ev_copystack(50, 0, 0, 0, 2048, 4096, 1500, 1, 0));
	aggregate_finish(a);
	assert_int_equal(t->coroutines, 4);
	assert_int_equal(t->ended, 3);
	assert_int_equal(t->allocated_bytes, 4 * 4096);
	aggregate_free(a);
}

/* exec: the runtime of the new program counts from 1 again. */
static void check_exec(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);
	struct ev_newproc first = ev_newproc(10, 1, PC_RT0_GO, PC_RUNTIMEMAIN, 2048);
	struct ev_newproc again = ev_newproc(5000, 1, PC_RT0_GO, PC_RUNTIMEMAIN, 2048);
	struct ev_goexit gone = ev_goexit(6000, 1, 2048, 0);
	struct ev_newproc third = ev_newproc(7000, 1, PC_RT0_GO, PC_RUNTIMEMAIN, 2048);

	(void)state;
	TAKE(a, first);
	TAKE(a, again);
	assert_int_equal(t->alive, 1);
	TAKE(a, gone);
	TAKE(a, third);
	assert_int_equal(t->alive, 1);
	aggregate_finish(a);
	assert_int_equal(t->coroutines, 3);
	assert_int_equal(t->born, 3);
	assert_int_equal(t->ended, 1);
	assert_int_equal(t->peak_alive, 1);
	assert_int_equal(t->all_allocated_bytes, 3 * 2048);
	aggregate_free(a);
}

/* Alive before tracing began, and first met when its stack shrinks: the larger size counts. */
static void check_shrink_first(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);

	(void)state;
	TAKE(a, ev_copystack(10, 7, PC_GO_7, PC_FUNC1, 32768, 16384, 1000, 1, 0));
	TAKE(a, ev_goexit(20, 7, 16384, 0));
	aggregate_finish(a);
	assert_int_equal(t->shrinks, 1);
	assert_int_equal(t->growths, 0);
	assert_int_equal(t->allocated_bytes, 32768);
	assert_int_equal(t->born, 0);
	assert_int_equal(t->short_lived, 0);
	aggregate_free(a);
}

/* Two processes may have the same numbers. */
static void check_processes(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);
	struct ev_newproc one = ev_newproc(10, 1, PC_GO_7, PC_FUNC1, 2048), two = one;
	struct names *n = the_names();
	const struct name v = { "main.main", "/src/deep.go", 7, false };
	const struct name f = { "main.main.func1", "/src/deep.go", 7, false };
	struct ev_copystack grown = ev_copystack(20, 1, PC_GO_7, PC_FUNC1, 2048, 4096, 700, 30, 0);
	struct creator_row *rows;
	struct growth_row *growth;
	size_t count;

	(void)state;
	two.h.pid = 101;
	names_add(n, 101, PC_GO_7 - 1, &v, 1);
	names_add(n, 101, PC_FUNC1, &f, 1);
	TAKE(a, one);
	TAKE(a, two);
	TAKE(a, grown);
	grown.h.pid = 101;
	TAKE(a, grown);
	aggregate_finish(a);
	assert_int_equal(t->coroutines, 2);
	assert_int_equal(t->peak_alive, 2);
	assert_int_equal(aggregate_creators(a, n, &rows, &count), 0);
	assert_int_equal(count, 1); /* one go statement to its author */
	assert_int_equal(rows[0].coroutines, 2);
	assert_int_equal(rows[0].growths, 2);
	assert_int_equal(rows[0].bytes_copied, 1400);
	assert_int_equal(rows[0].allocated_bytes, 8192);
	free(rows);
	assert_int_equal(aggregate_growth(a, n, &growth, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(growth[0].count, 2);
	assert_int_equal(growth[0].bytes_copied, 1400);
	assert_int_equal(growth[0].ns, 60);
	free(growth);
	names_free(n);
	aggregate_free(a);
}

/* Use beyond the stack (a wrong sample) counts as all of it; a birth alone measures nothing. */
static void check_use(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);
	struct ev_newproc born = ev_newproc(10, 7, PC_GO_7, PC_FUNC1, 2048);
	struct ev_newproc other = ev_newproc(11, 8, PC_GO_7, PC_FUNC1, 2048);
	struct ev_stack_use use = ev_stack_use(20, 7, 2048, 5000);

	(void)state;
	TAKE(a, born);
	TAKE(a, other);
	TAKE(a, use);
	aggregate_finish(a);
	assert_int_equal(t->measured, 1);
	assert_int_equal(t->used_bytes, 2048);
	assert_int_equal(t->all_allocated_bytes, 4096);
	aggregate_free(a);
}

/* The dead are kept for a while only: a million of them take no more memory than the grace. */
static void check_memory(void **state)
{
	struct aggregate *a = fresh();
	const struct totals *t = aggregate_totals(a);

	(void)state;
	for (uint64_t i = 0; i < 1000000; i++) {
		struct ev_newproc born = ev_newproc(i, i + 1, PC_GO_7, PC_FUNC1, 2048);
		struct ev_goexit gone = ev_goexit(i, i + 1, 2048, 700);

		TAKE(a, born);
		TAKE(a, gone);
	}
	assert_int_equal(a->lives.map.count, LIVES_GRACE);
	assert_int_equal(a->lives.dead_count, LIVES_GRACE);
	aggregate_finish(a);
	assert_int_equal(a->lives.map.count, 0);
	assert_int_equal(t->coroutines, 1000000);
	assert_int_equal(t->used_bytes, UINT64_C(700000000));
	assert_int_equal(t->short_lived, 1000000);
	aggregate_free(a);
}

/* Records shorter than their kind, and kinds of later versions, change nothing. */
static void check_foreign(void **state)
{
	struct aggregate *a = fresh();
	struct ev_header unknown = ev_head(60000, sizeof(unknown), 10, RUN_PID);
	struct ev_goexit gone = ev_goexit(20, 7, 2048, 700);
	struct stack_record lie = ev_stack(30, 1, NULL, 0, 0);

	(void)state;
	assert_int_equal(aggregate_event(a, &unknown), 0);
	gone.h.size -= 8;
	TAKE(a, gone);
	lie.s.depth = 1000;
	assert_int_equal(aggregate_event(a, &lie.s.h), 0);
	assert_int_equal(aggregate_totals(a)->coroutines, 0);
	assert_int_equal(aggregate_totals(a)->events, 1);
	aggregate_finish(a);
	aggregate_free(a);
}

/* Sums of impossible numbers stop at the top. */
static void check_overflow(void **state)
{
	struct aggregate *a = fresh();
	struct ev_copystack c = ev_copystack(10, 7, 0, 0, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0);

	(void)state;
	TAKE(a, c);
	c.goid = 8;
	TAKE(a, c);
	aggregate_finish(a);
	assert_true(aggregate_totals(a)->bytes_copied == UINT64_MAX);
	assert_true(aggregate_totals(a)->allocated_bytes == UINT64_MAX);
	aggregate_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_totals),	      cmocka_unit_test(check_growth_rows),
		cmocka_unit_test(check_creator_rows), cmocka_unit_test(check_stacks),
		cmocka_unit_test(check_disorder),     cmocka_unit_test(check_reuse),
		cmocka_unit_test(check_no_goid),      cmocka_unit_test(check_exec),
		cmocka_unit_test(check_processes),    cmocka_unit_test(check_shrink_first),
		cmocka_unit_test(check_use),	      cmocka_unit_test(check_memory),
		cmocka_unit_test(check_foreign),      cmocka_unit_test(check_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
