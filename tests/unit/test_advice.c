/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth an advice, what is not, and the arithmetic of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/advice.h"
#include "formats/names.h"
#include "tests/unit/events.h"

struct scene {
	struct aggregate *a;
	struct names *n;
	struct run_info info;
	struct advice *advice;
	size_t count;
	uint64_t us;
};

static void set_up(struct scene *s)
{
	*s = (struct scene){ .info = run_info_made() };
	assert_int_equal(aggregate_new(&s->a), 0);
	assert_int_equal(names_new(&s->n), 0);
	run_names(s->n);
}

#define TAKE(s, ev)                                                     \
	do {                                                            \
		__typeof__(ev) taken = (ev);                            \
		assert_int_equal(aggregate_event((s)->a, &taken.h), 0); \
	} while (0)

/* Coroutines first to last - 1, all alive together, that double from 2K until they have size. */
static void make(struct scene *s, uint64_t first, uint64_t last, uint64_t size, uint64_t ns)
{
	for (uint64_t g = first; g < last; g++)
		TAKE(s, ev_newproc(s->us++, g, PC_GO_7, PC_FUNC1, 2048));
	for (uint64_t g = first; g < last; g++)
		for (uint64_t from = 2048; from < size; from *= 2)
			TAKE(s, ev_copystack(s->us++, g, PC_GO_7, PC_FUNC1, from, 2 * from, 1000,
					     ns, 0));
	for (uint64_t g = first; g < last; g++)
		TAKE(s, ev_goexit(s->us++, g, size, size / 2));
}

/* Ends the run, which took so much CPU time, and gets the advice. */
static void finish(struct scene *s, uint64_t cpu_ns)
{
	const struct ev_exit end = { .h = ev_head(EV_EXIT, sizeof(end), s->us, RUN_PID),
				     .wall_ns = cpu_ns,
				     .cpu_ns = cpu_ns };

	TAKE(s, end);
	aggregate_finish(s->a);
	assert_int_equal(advise(s->a, s->n, &s->info, &s->advice, &s->count), 0);
}

static void tear_down(struct scene *s)
{
	free(s->advice);
	names_free(s->n);
	aggregate_free(s->a);
}

static size_t advice_count(uint64_t coroutines, uint64_t size, uint64_t ns, uint64_t cpu_ns)
{
	struct scene s;
	size_t r;

	set_up(&s);
	make(&s, 10, 10 + coroutines, size, ns);
	finish(&s, cpu_ns);
	r = s.count;
	tear_down(&s);
	return r;
}

static void check_thresholds(void **state)
{
	(void)state;
	assert_int_equal(advice_count(20, 65536, 1000, 1000000), 1);
	/* growths: 19 x 5 are below 100, 20 x 5 are not */
	assert_int_equal(advice_count(19, 65536, 1000, 1000000), 0);
	/* coroutines: 9 that grow 15 times each are too few */
	assert_int_equal(advice_count(9, 2048u << 15, 1000, 1000000), 0);
	assert_int_equal(advice_count(10, 2048u << 15, 1000, 1000000), 1);
	/* time: 100 us of 100 ms are one per mille, of 101 ms less */
	assert_int_equal(advice_count(20, 65536, 1000, 100000000), 1);
	assert_int_equal(advice_count(20, 65536, 1000, 101000000), 0);
	assert_int_equal(advice_count(20, 65536, 0, 1000000), 0);
	/* nothing happened */
	assert_int_equal(advice_count(0, 2048, 0, 0), 0);
	assert_int_equal(advice_count(1000, 2048, 0, 1000), 0);
}

static void check_figures(void **state)
{
	struct scene s;
	char *text;

	(void)state;
	set_up(&s);
	make(&s, 100, 190, 65536, 1000);
	make(&s, 200, 205, 4096, 1000);
	make(&s, 300, 305, 131072, 1000);
	finish(&s, 10000000);
	/* 90 of 100 have 64K; the others' growths up to 64K are saved too */
	assert_int_equal(s.count, 1);
	assert_int_equal(s.advice->kind, ADVICE_START_SIZE);
	assert_int_equal(s.advice->from, 2048);
	assert_int_equal(s.advice->to, 65536);
	assert_int_equal(s.advice->copies, 90 * 5 + 5 + 5 * 5);
	assert_int_equal(s.advice->bytes, 1000 * 480);
	assert_int_equal(s.advice->ns, 1000 * 480);
	assert_int_equal(s.advice->peak_alive, 90);
	assert_int_equal(s.advice->cost_bytes, 90 * (65536 - 2048));
	text = advice_text(s.advice, false);
	assert_string_equal(
		text, "start main.main.func1 deep.go:7 with 64 KiB instead of 2 KiB: saves 480 "
		      "copies (469 KiB, 480.0 us, 4.8 % of wall time), costs at most 5.4 MiB "
		      "(62 KiB for each of 90 at once), of which about 270 KiB stays unused");
	free(text);
	tear_down(&s);
}

/*
 * Sizes are weighed: that a tenth comes to 64K is no reason to give 64K to all.  Of 10 at 64K and
 * 90 at 2K the mean holds 8.2K; 8K for all leaves 5.4K of it idle, 4K leaves 1.8K.
 */
static void check_mixed_sizes(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	make(&s, 100, 200, 65536, 1000);
	make(&s, 200, 1100, 2048, 1000);
	finish(&s, 1000000);
	/* no size that 90 % do not have saves anything at a price worth it, for none ended there */
	assert_int_equal(s.count, 0);
	tear_down(&s);

	set_up(&s);
	make(&s, 100, 190, 65536, 1000);
	make(&s, 200, 211, 4096, 1000);
	finish(&s, 10000000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.advice->to, 65536);
	assert_int_equal(s.advice->copies, 90 * 5 + 11);
	/* 11 of 101 would hold 60K each that they do not need; 90 are alive at once */
	assert_int_equal(s.advice->spare_bytes, 11 * 61440 * 90 / 101);
	tear_down(&s);
}

static void make_big_frames(struct scene *s)
{
	const uint64_t big[] = { 0x404001, 0x402021 };
	struct stack_record stack = ev_stack(0, STACK_BIG, big, 2, 0);

	assert_int_equal(aggregate_event(s->a, &stack.s.h), 0);
	for (uint64_t g = 0; g < 200; g++)
		TAKE(s, ev_copystack(s->us++, g + 10, PC_GO_7, PC_FUNC1, 2048,
				     g < 100 ? 65536 : 4096, 1500, 1000, STACK_BIG));
}

static void check_big_frame(void **state)
{
	struct scene s;
	char *text;

	(void)state;
	set_up(&s);
	make_big_frames(&s);
	finish(&s, 10000000);
	/* and 4K for all, which the other half comes to, would save its copies */
	assert_int_equal(s.count, 2);
	if (s.advice[0].kind == ADVICE_START_SIZE)
		s.advice[0] = s.advice[1];
	assert_int_equal(s.advice->kind, ADVICE_BIG_FRAME);
	assert_string_equal(s.advice->leaf.function, "main.big");
	/* 32K were too few for 1500 in use, the room runtimes keep, and the frame */
	assert_int_equal(s.advice->frame_bytes, 32768 - 1500 - 1024);
	assert_int_equal(s.advice->copies, 100);
	text = advice_how(s.advice, &s.info, false);
	assert_non_null(strstr(text, "heap"));
	free(text);
	tear_down(&s);
}

/* The knobs that each runtime really has. */
static void check_knobs(void **state)
{
	static const struct {
		const char *runtime, *knob;
		uint64_t cost;
	} knobs[] = {
		{ "go", "//go:noinline function whose frame is 32 KiB", 20 * (65536 - 2048) },
		{ "corun", "CORUN_STACK=65536", 21 * (65536 - 2048) },
		{ "other", "documentation", 21 * (65536 - 2048) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		struct scene s;
		char *how;

		set_up(&s);
		s.info.runtime = (char *)knobs[i].runtime;
		TAKE(&s, ev_newproc(s.us++, 1, 0, PC_RUNTIMEMAIN, 2048));
		make(&s, 10, 30, 65536, 1000);
		finish(&s, 10000000);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.advice->whole_program, i > 0);
		assert_int_equal(s.advice->cost_bytes, knobs[i].cost);
		how = advice_how(s.advice, &s.info, false);
		if (!strstr(how, knobs[i].knob))
			fail_msg("'%s' does not say '%s'", how, knobs[i].knob);
		free(how);
		tear_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_thresholds),  cmocka_unit_test(check_figures),
		cmocka_unit_test(check_mixed_sizes), cmocka_unit_test(check_big_frame),
		cmocka_unit_test(check_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
