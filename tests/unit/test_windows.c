/* SPDX-License-Identifier: Apache-2.0 */
/* Switch windows: what they cost stays inside the budget, and they keep coming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bpf/windows.h"

#define MS     1000000ull
#define START  (1000000 * MS)
#define HIT_NS 700ull

struct run {
	uint64_t windows, seen, window_ns, spent_ns, longest_gap;
};

/* Plays a program that switches at a constant rate, looked at every tick. */
static struct run play(enum switches_mode mode, unsigned budget_pm, uint64_t per_ms,
		       uint64_t tick_ms, uint64_t duration_ms)
{
	struct ev_switches ev;
	struct windows w;
	struct run r = { 0 };
	uint64_t hits = 0, last_close = START;
	enum windows_action due;

	windows_init(&w, mode, budget_pm, HIT_NS);
	for (uint64_t t = 0; t < duration_ms; t += tick_ms) {
		uint64_t now = START + t * MS;

		if (w.open)
			hits += per_ms * tick_ms;
		windows_begin(&w, now, hits);
		due = windows_due(&w, now, hits);
		switch (due) {
		case WINDOWS_KEEP:
			continue;
		case WINDOWS_OPEN:
			windows_opened(&w, now, hits);
			if (now - last_close > r.longest_gap)
				r.longest_gap = now - last_close;
			continue;
		case WINDOWS_REPORT:
		case WINDOWS_CLOSE:
			break;
		}
		windows_closed(&w, now, hits, &ev);
		assert_int_equal(ev.h.time_ns + ev.window_ns, now);
		last_close = now;
		r.windows++;
		r.seen += ev.count;
		r.window_ns += ev.window_ns;
		if (due == WINDOWS_REPORT)
			windows_opened(&w, now, hits);
	}
	r.spent_ns = hits * HIT_NS;
	return r;
}

static void test_off(void **state)
{
	struct run r = play(SWITCHES_OFF, 10, 1000, 1, 5000);

	(void)state;
	assert_int_equal(r.windows, 0);
	assert_int_equal(r.spent_ns, 0);
}

static void test_on_is_always_open(void **state)
{
	struct run r = play(SWITCHES_ON, 1000, 1000, 1, 10001);

	(void)state;
	assert_int_equal(r.windows, 10);
	assert_int_equal(r.window_ns, 10000 * MS);
	assert_int_equal(r.seen, 10000 * 1000);
}

/* A tenth of the time is allowed, and a program that takes 0.7 of it to watch is seen in windows.
 */
static void test_on_keeps_to_its_budget(void **state)
{
	struct run dear = play(SWITCHES_ON, 100, 1000, 1, 10001);
	struct run cheap = play(SWITCHES_ON, 100, 100, 1, 10001);

	(void)state;
	assert_true(dear.windows > 10);
	assert_in_range(dear.window_ns, 500 * MS, 2000 * MS);
	assert_int_equal(cheap.window_ns, 10000 * MS);
}

static void test_quiet_program_is_seen_often(void **state)
{
	struct run r = play(SWITCHES_AUTO, 10, 1, 1, 10000);

	(void)state;
	assert_true(r.windows > 70); /* every 110 ms */
	assert_true(r.longest_gap <= 102 * MS);
	assert_int_equal(r.seen, r.windows * 10);
	assert_int_equal(r.window_ns, r.windows * 10 * MS);
}

/* A million switches a second: a window costs 7 ms in 10, so at 10 per mille one comes each 0.7 s.
 */
static void test_budget(void **state)
{
	struct run r = play(SWITCHES_AUTO, 10, 1000, 1, 60000);

	(void)state;
	assert_true(r.spent_ns <= 60000 * MS / 1000 * 11);
	assert_true(r.spent_ns >= 60000 * MS / 1000 * 8);
	/* the rate is right all the same */
	assert_int_equal(r.seen * MS / r.window_ns, 1000);
}

static void test_small_budget_makes_short_windows(void **state)
{
	struct run r = play(SWITCHES_AUTO, 2, 1000, 1, 60000);

	(void)state;
	assert_true(r.windows >= 55); /* the longest gap is a second */
	assert_true(r.longest_gap <= 1002 * MS);
	assert_true(r.spent_ns <= 60000 * MS / 1000 * 3);
	assert_true(r.window_ns <= r.windows * 4 * MS);
}

static void test_slow_tick(void **state)
{
	struct run r = play(SWITCHES_AUTO, 10, 1000, 16, 60000);

	(void)state;
	assert_true(r.windows >= 40);
	assert_true(r.spent_ns <= 60000 * MS / 1000 * 13);
}

static void test_no_budget_no_second_window(void **state)
{
	struct run r = play(SWITCHES_AUTO, 0, 1, 1, 10000);

	(void)state;
	assert_int_equal(r.windows, 1);
}

/* The first window begins with what is switched first, unless that takes long. */
static void test_loading(void **state)
{
	struct ev_switches ev;
	struct windows w;

	(void)state;
	windows_init(&w, SWITCHES_AUTO, 10, HIT_NS);
	windows_opened(&w, START, 0);
	for (uint64_t t = 0; t <= 30; t += 2) {
		windows_begin(&w, START + t * MS, 0);
		assert_int_equal(windows_due(&w, START + t * MS, 0), WINDOWS_KEEP);
	}
	windows_begin(&w, START + 32 * MS, 5);
	assert_int_equal(windows_due(&w, START + 40 * MS, 5), WINDOWS_CLOSE);
	windows_closed(&w, START + 40 * MS, 5, &ev);
	assert_int_equal(ev.window_ns, 10 * MS);
	assert_int_equal(ev.count, 5);
	/* a later one without a hit is one without switches */
	windows_opened(&w, START + 200 * MS, 5);
	windows_begin(&w, START + 205 * MS, 5);
	windows_closed(&w, START + 210 * MS, 5, &ev);
	assert_int_equal(ev.window_ns, 10 * MS);

	windows_init(&w, SWITCHES_AUTO, 10, HIT_NS);
	windows_opened(&w, START, 0);
	windows_begin(&w, START + 99 * MS, 0);
	windows_begin(&w, START + 120 * MS, 0);
	assert_int_equal(windows_due(&w, START + 120 * MS, 0), WINDOWS_CLOSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_loading),
		cmocka_unit_test(test_on_is_always_open),
		cmocka_unit_test(test_on_keeps_to_its_budget),
		cmocka_unit_test(test_quiet_program_is_seen_often),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_small_budget_makes_short_windows),
		cmocka_unit_test(test_slow_tick),
		cmocka_unit_test(test_no_budget_no_second_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
