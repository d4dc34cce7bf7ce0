/* SPDX-License-Identifier: Apache-2.0 */
/* What is alive at the end and why, and what other first sizes would change, against arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "formats/aggregate.h"
#include "formats/names.h"
#include "formats/what_if.h"
#include "tests/unit/events.h"

struct scene {
	struct aggregate *a;
	struct names *n;
	uint64_t us;
};

#define TAKE(s, ev)                                                     \
	do {                                                            \
		__typeof__(ev) taken = (ev);                            \
		assert_int_equal(aggregate_event((s)->a, &taken.h), 0); \
	} while (0)

static void set_up(struct scene *s)
{
	*s = (struct scene){ .us = 100 };
	assert_int_equal(aggregate_new(&s->a), 0);
	assert_int_equal(names_new(&s->n), 0);
	run_names(s->n);
}

static void tear_down(struct scene *s)
{
	names_free(s->n);
	aggregate_free(s->a);
}

static void name_reason(struct scene *s, uint32_t reason, const char *name)
{
	struct ev_reason ev = { .h = ev_head(EV_REASON, sizeof(ev), s->us, RUN_PID),
				.reason = reason };

	snprintf(ev.name, sizeof(ev.name), "%s", name);
	TAKE(s, ev);
}

static void park(struct scene *s, uint64_t goid, uint32_t reason, uint64_t used)
{
	const struct ev_park ev = { .h = ev_head(EV_PARK, sizeof(ev), s->us++, RUN_PID),
				    .gp = RUN_GP(goid),
				    .goid = goid,
				    .creator_pc = PC_GO_7,
				    .used = used,
				    .reason = reason };

	TAKE(s, ev);
}

static void resume(struct scene *s, uint64_t goid)
{
	const struct ev_gogo ev = { .h = ev_head(EV_GOGO, sizeof(ev), s->us++, RUN_PID),
				    .gp = RUN_GP(goid),
				    .goid = goid };

	TAKE(s, ev);
}

/* 30 of one creator: 10 end, 12 wait for a channel, 5 for a lock, 3 run. */
static void check_alive(void **state)
{
	struct alive_row *rows;
	struct scene s;
	size_t count;

	(void)state;
	set_up(&s);
	name_reason(&s, 14, "chan receive");
	name_reason(&s, 9, "sync.Mutex.Lock");
	for (uint64_t g = 10; g < 40; g++) {
		TAKE(&s, ev_newproc(s.us++, g, PC_GO_7, PC_FUNC1, 2048));
		park(&s, g, 14, 700);
		if (g < 20) {
			TAKE(&s, ev_goexit(s.us++, g, 2048, 700));
		} else if (g >= 32) {
			resume(&s, g);
			if (g < 37)
				park(&s, g, 9, 900);
		}
	}
	aggregate_finish(s.a);
	assert_int_equal(aggregate_alive(s.a, s.n, &rows, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].count, 12);
	assert_string_equal(rows[0].reason, "chan receive");
	assert_int_equal(rows[0].stack_bytes, 12 * 2048);
	assert_int_equal(rows[0].used_bytes, 12 * 700);
	assert_string_equal(rows[0].entry.function, "main.main.func1");
	assert_int_equal(rows[1].count, 5);
	assert_string_equal(rows[1].reason, "sync.Mutex.Lock");
	assert_int_equal(rows[1].used_bytes, 5 * 900);
	assert_int_equal(rows[2].count, 3);
	assert_string_equal(rows[2].reason, "");
	/* the oldest was born at 100 us + 10 that end, 3 records each; its age is to the last
	 * record */
	assert_int_equal(rows[0].oldest_ns, (s.us - 1 - 130) * 1000);
	free(rows);
	tear_down(&s);
}

static uint64_t by_time(const struct coroutine_row *r)
{
	return r->ns;
}

/* Of 1000 in no order, the five that took most time are kept, and no others. */
static void check_kept(void **state)
{
	const struct coroutine_row *rows;
	uint64_t sum = 0;
	struct scene s;
	size_t count;

	(void)state;
	set_up(&s);
	aggregate_keep_coroutines(s.a, 5, by_time);
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t g = 10 + i, ns = i * 7919 % 1009; /* all different */

		TAKE(&s, ev_newproc(s.us++, g, PC_GO_7, PC_FUNC1, 2048));
		TAKE(&s, ev_copystack(s.us++, g, PC_GO_7, PC_FUNC1, 2048, 4096, 100, ns, 0));
		if (i % 3)
			TAKE(&s, ev_goexit(s.us++, g, 4096, 3000));
	}
	aggregate_finish(s.a);
	assert_int_equal(aggregate_coroutines(s.a, &rows, &count), 0);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++) {
		uint64_t better = 0;

		for (uint64_t k = 0; k < 1000; k++)
			better += k * 7919 % 1009 > rows[i].ns;
		assert_true(better < 5);
		sum += better;
		assert_int_equal(rows[i].growths, 1);
		assert_int_equal(rows[i].ns, (rows[i].goid - 10) * 7919 % 1009);
	}
	assert_int_equal(sum, 0 + 1 + 2 + 3 + 4);
	tear_down(&s);
}

/* What the taking away of probes tells behind the program's end makes nothing older. */
static void check_end(void **state)
{
	struct series_row *series;
	struct alive_row *rows;
	uint64_t width;
	struct scene s;
	size_t count;

	(void)state;
	set_up(&s);
	TAKE(&s, ev_newproc(1000, 10, PC_GO_7, PC_FUNC1, 2048));
	TAKE(&s, ev_stack_use(90000, 10, 2048, 500));
	TAKE(&s, ((struct ev_exit){ .h = ev_head(EV_EXIT, sizeof(struct ev_exit), 11000, RUN_PID),
				    .wall_ns = 11000000 }));
	aggregate_finish(s.a);
	assert_int_equal(aggregate_alive(s.a, s.n, &rows, &count), 0);
	assert_int_equal(rows[0].oldest_ns, 10000000);
	free(rows);
	assert_int_equal(aggregate_series(s.a, SERIES_SLICES, &series, &count, &width), 0);
	assert_int_equal(count * width, 10000000);
	free(series);
	tear_down(&s);
}

static void check_need(void **state)
{
	(void)state;
	assert_int_equal(what_if_need(0, 8192), 8192);	 /* not seen */
	assert_int_equal(what_if_need(100, 8192), 2048); /* 100 and the guard */
	assert_int_equal(what_if_need(2048 - WHAT_IF_GUARD, 8192), 2048);
	assert_int_equal(what_if_need(2049 - WHAT_IF_GUARD, 8192), 4096);
	assert_int_equal(what_if_need(8000, 8192), 8192); /* never more than it had */
	assert_int_equal(what_if_need(UINT64_MAX, UINT64_MAX), UINT64_MAX);
}

/* 6 that need 2K and 4 that need 16K, all beginning with 2K. */
static void check_what_if(void **state)
{
	struct creator_row *rows;
	struct what_if w[64];
	struct scene s;
	size_t count;

	(void)state;
	set_up(&s);
	for (uint64_t g = 10; g < 20; g++) {
		uint64_t size = g < 16 ? 2048 : 16384;

		TAKE(&s, ev_newproc(s.us++, g, PC_GO_7, PC_FUNC1, 2048));
		if (size > 2048)
			TAKE(&s,
			     ev_copystack(s.us++, g, PC_GO_7, PC_FUNC1, 2048, size, 1000, 10, 0));
		TAKE(&s, ev_goexit(s.us++, g, size, size / 2));
	}
	aggregate_finish(s.a);
	assert_int_equal(aggregate_creators(s.a, s.n, &rows, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(what_if(&rows[0], w), 4); /* 2K, 4K, 8K, 16K */
	assert_int_equal(w[0].start, 2048);
	assert_true(w[0].is_now);
	assert_int_equal(w[0].copies, 4 * 3);
	assert_int_equal(w[0].copied, 4 * (2048 + 4096 + 8192));
	assert_int_equal(w[0].stack_bytes, 6 * 2048 + 4 * 16384);
	assert_int_equal(w[2].start, 8192);
	assert_false(w[2].is_now);
	assert_int_equal(w[2].copies, 4);
	assert_int_equal(w[2].copied, 4 * 8192);
	assert_int_equal(w[2].stack_bytes, 6 * 8192 + 4 * 16384);
	assert_int_equal(w[3].copies, 0);
	assert_int_equal(w[3].stack_bytes, 10 * 16384);
	free(rows);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_alive),	 cmocka_unit_test(check_kept),
		cmocka_unit_test(check_end),	 cmocka_unit_test(check_need),
		cmocka_unit_test(check_what_if),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
