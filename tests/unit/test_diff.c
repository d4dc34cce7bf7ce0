/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics of diff against p values counted out over all ways to draw the ranks (by a program
 * of ten lines, elsewhere); rules as users type them; rows of made-up captures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "formats/diff.h"
#include "formats/diff_render.h"
#include "formats/diff_rule.h"
#include "tests/unit/events.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
#define P(a, b)	 diff_p_value((a), COUNT(a), (b), COUNT(b))

static void assert_near(double wanted, double got, double far)
{
	if (fabs(wanted - got) > far)
		fail_msg("wanted %.12g, got %.12g", wanted, got);
}

static void p_values(void **state)
{
	static const double low3[] = { 3, 1, 2 }, high3[] = { 5, 4, 6 };
	static const double low4[] = { 1, 2, 3, 4 }, high4[] = { 8, 7, 6, 5 };
	static const double one4[] = { 1, 2, 3, 5 }, two4[] = { 4, 6, 7, 8 };
	static const double ties_a[] = { 1, 1, 2, 2 }, ties_b[] = { 2, 3, 3, 3 };
	static const double same[] = { 7, 7, 7, 7 };
	static const double three[] = { 10, 20, 30 }, five[] = { 5, 15, 25, 35, 45 };
	static const double a5[] = { 1, 2, 3, 4, 5 }, b5[] = { 2, 4, 6, 8, 10 };

	(void)state;
	assert_near(0.1, P(low3, high3), 1e-12);
	assert_near(2.0 / 70, P(low4, high4), 1e-12);
	assert_near(2.0 / 70, P(high4, low4), 1e-12);
	assert_near(4.0 / 70, P(one4, two4), 1e-12);
	assert_near(0.08571428571428572, P(ties_a, ties_b), 1e-12);
	assert_near(1, P(same, same), 1e-12);
	assert_near(0.7857142857142857, P(three, five), 1e-12);
	assert_near(0.14285714285714285, P(a5, b5), 1e-12);
}

/* With 22 values it is the normal distribution; counted out, p is 0.0336 and 0.0083. */
static void p_values_of_many(void **state)
{
	double a[11], b[11], c[11], same[11];

	(void)state;
	for (unsigned i = 0; i < 11; i++) {
		a[i] = 2 * i;
		b[i] = 2 * i + 7;
		c[i] = 2 * i + 9;
		same[i] = 4;
	}
	assert_near(0.03359643, P(a, b), 0.005);
	assert_near(0.00832965, P(a, c), 0.005);
	assert_near(1, P(same, same), 0);
}

static void judgement(void **state)
{
	static const double v[] = { 10, 11, 12, 20, 21, 22, 30, 14, 15 };
	struct diff_figure f;

	(void)state;
	diff_compare(v, 1, v + 3, 1, &f); /* 10; 20 */
	assert_false(f.judged || f.significant);
	assert_near(100, f.percent, 1e-12);
	assert_true(isnan(f.p));
	diff_compare(v, 3, v + 3, 3, &f); /* 10 to 12; 20 to 22: 8 apart, 2 wide */
	assert_true(f.judged && f.significant);
	assert_near(11, f.before.median, 0);
	assert_near(10, f.before.min, 0);
	assert_near(12, f.before.max, 0);
	assert_near(0.1, f.p, 1e-12);
	diff_compare(v, 3, v + 7, 2, &f); /* 14 to 15: 2 apart, 2 wide */
	assert_true(f.judged && !f.significant);
	diff_compare(v, 2, v + 3, 4, &f); /* 20 to 30: 10 wide */
	assert_false(f.significant);
	diff_compare(v, 4, v, 4, &f);
	assert_true(f.judged && !f.significant);
	assert_near(11.5, f.after.median, 0);
	diff_compare(v, 0, v, 4, &f);
	assert_int_equal(f.before.count, 0);
	assert_near(0, f.change, 0);
	assert_true(isnan(f.percent) && !f.judged);
}

static void rules(void **state)
{
	static const char *const bad[] = {
		"",
		"growths",
		"growths>",
		">1",
		"growhts>1",
		"growths>+",
		"growths>1x",
		"growths>1.2.3",
		"growths>10%",
		"growths/x>1",
		"growths>-",
		"growths>>1",
		":growths>1",
		"f:lifetime>1s",
		"copy_time>5",
		"growths>1KiB",
		"at_once/second>1",
		"waste_ratio>1ns",
		"growths>.",
		"growths=1",
	};
	struct diff_rule r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		e.text[0] = '\0';
		if (diff_rule_parse(bad[i], DIFF_PER_RUN, &r, &e) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		assert_non_null(strstr(e.text, bad[i]));
	}
	assert_int_equal(diff_rule_parse("a<b>::c/d : bytes_copied / coroutine >= +1.5MiB",
					 DIFF_PER_RUN, &r, &e),
			 0);
	assert_string_equal(r.function, "a<b>::c/d");
	assert_int_equal(r.metric, DIFF_BYTES_COPIED);
	assert_int_equal(r.weight, WEIGHT_BYTES);
	assert_int_equal(r.per, DIFF_PER_COROUTINE);
	assert_int_equal(r.kind, DIFF_CHANGE);
	assert_true(r.above && r.or_equal);
	assert_near(1.5 * 1048576, r.limit, 0);
	diff_rule_release(&r);
	assert_int_equal(diff_rule_parse("copy_time<-10%", DIFF_PER_SECOND, &r, &e), 0);
	assert_true(r.kind == DIFF_PERCENT && !r.above && !r.or_equal);
	assert_int_equal(r.per, DIFF_PER_SECOND);
	assert_near(-10, r.limit, 0);
	assert_int_equal(diff_rule_parse("waste_ratio>30%", DIFF_PER_RUN, &r, &e), 0);
	assert_int_equal(r.kind, DIFF_VALUE);
	assert_near(0.3, r.limit, 1e-12);
}

/* --- captures ------------------------------------------------------------------------------ */

static int take(void *arg, const struct ev_header *ev)
{
	return aggregate_event(arg, ev);
}

/* The run of events.h, and `more` further growths of main.big. */
static void add(struct diff *d, enum diff_side side, unsigned more)
{
	struct run_info info = run_info_made();
	struct capture_damage damage = { 0 };
	struct run_list l;
	struct diff_input in = { .path = "x", .info = &info, .damage = &damage };

	assert_int_equal(aggregate_new(&in.aggregate), 0);
	assert_int_equal(names_new(&in.names), 0);
	run_names(in.names);
	run_make(&l);
	assert_int_equal(run_each(&l, take, in.aggregate), 0);
	for (unsigned i = 0; i < more; i++) {
		struct ev_copystack ev = ev_copystack(7000, 40, PC_GO_30, PC_WORKER, 32768, 65536,
						      100, 10, STACK_BIG);

		assert_int_equal(aggregate_event(in.aggregate, &ev.h), 0);
	}
	aggregate_finish(in.aggregate);
	assert_int_equal(diff_add(d, side, &in), 0);
	names_free(in.names);
	aggregate_free(in.aggregate);
}

static struct diff *make(unsigned before, unsigned after)
{
	const struct diff_spec spec = { .captures = { 1, 1 }, .request_function = "main.worker" };
	struct diff *d;

	assert_int_equal(diff_new(&spec, &d), 0);
	add(d, DIFF_BEFORE, before);
	add(d, DIFF_AFTER, after);
	return d;
}

static void rows(void **state)
{
	struct diff *d = make(0, 6);
	struct diff_figure f;
	struct diff_row *row;
	double values[2];
	struct err e;
	size_t count;

	(void)state;
	diff_total(d, DIFF_GROWTHS, DIFF_PER_RUN, values, &f);
	assert_near(103, f.before.median, 0);
	assert_near(109, f.after.median, 0);
	assert_int_equal(diff_check_per(d, DIFF_PER_REQUEST, &e), 0);
	diff_total(d, DIFF_GROWTHS, DIFF_PER_REQUEST, values, &f); /* two run main.worker */
	assert_near(51.5, f.before.median, 0);
	assert_int_equal(diff_rows(d, DIFF_BY_GROWTH, DIFF_PER_RUN, WEIGHT_GROWTHS, &row, &count),
			 0);
	assert_int_equal(count, 3);
	assert_string_equal(row[0].leaf, "main.big");
	assert_string_equal(row[0].entry, "main.worker");
	assert_near(2, row[0].figure[WEIGHT_GROWTHS].before.median, 0);
	assert_near(8, row[0].figure[WEIGHT_GROWTHS].after.median, 0);
	assert_near(600, row[0].figure[WEIGHT_BYTES].change, 0);
	assert_string_equal(row[1].leaf, "main.deep");
	assert_near(0, row[1].figure[WEIGHT_GROWTHS].change, 0);
	diff_rows_free(row);
	diff_matching(d, "main.*", WEIGHT_GROWTHS, DIFF_PER_RUN, values, &f, &count);
	assert_near(102, f.before.median, 0); /* but for runtime.main's in fmt.Fprintln */
	diff_free(d);
}

static void verdicts(void **state)
{
	static const struct {
		const char *rule;
		bool broken;
	} cases[] = {
		{ "growths>+5%", true },
		{ "growths>+6%", false },
		{ "growths>=+6", true },
		{ "growths>+6", false },
		{ "main.big:growths>+299%", true },
		{ "main.big:growths>+300%", false },
		{ "main.big:growths/request>=4", true },
		{ "no.such:growths>0", false },
		{ "shrinks<0", false },
		{ "lifetime>+1ns", false },
	};
	struct diff *d = make(0, 6);
	struct diff_rule r;
	struct diff_verdict v;
	double values[2];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(diff_rule_parse(cases[i].rule, DIFF_PER_RUN, &r, &e), 0);
		assert_int_equal(diff_rule_check(d, &r, values, &v, &e), 0);
		if (v.broken != cases[i].broken)
			fail_msg("'%s' is wrong", cases[i].rule);
		diff_rule_release(&r);
	}
	diff_free(d);
}

static struct diff_sample sample_of(unsigned births, uint64_t switches, uint64_t window_ns)
{
	struct ev_switches ev = { .h = ev_head(EV_SWITCHES, sizeof(ev), 0, 1),
				  .count = switches,
				  .window_ns = window_ns };
	struct ev_newproc born = { .h = ev_head(EV_NEWPROC, sizeof(born), 0, 2),
				   .gp = 1,
				   .goid = 1 };
	const struct run_info info = run_info_made();
	struct diff_sample s;
	struct aggregate *a;

	assert_int_equal(aggregate_new(&a), 0);
	assert_int_equal(aggregate_event(a, &ev.h), 0);
	if (births)
		assert_int_equal(aggregate_event(a, &born.h), 0);
	aggregate_finish(a);
	diff_sample_take(a, &info, &s);
	aggregate_free(a);
	return s;
}

/* No switch is a fact of an idle program; of one that started coroutines nobody watched. */
static void switch_rates(void **state)
{
	struct diff_sample s = sample_of(1, 30, 10000000);

	(void)state;
	assert_true(s.known[DIFF_SWITCH_RATE]);
	assert_near(3000, s.value[DIFF_SWITCH_RATE], 1e-9);
	assert_true(sample_of(0, 0, 10000000).known[DIFF_SWITCH_RATE]);
	assert_false(sample_of(1, 0, 10000000).known[DIFF_SWITCH_RATE]);
	assert_false(sample_of(1, 0, 0).known[DIFF_SWITCH_RATE]);
}

/* Nothing that is shown as 0 has a sign. */
static void points(void **state)
{
	static const struct {
		double change;
		const char *text;
	} cases[] = { { -0.0004, "0.0 points" },
		      { 0.0004, "0.0 points" },
		      { -0.0006, "-0.1 points" },
		      { 0.25, "+25.0 points" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(diff_human_change(DIFF_WASTE_RATIO, cases[i].change, false).s,
				    cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p_values),  cmocka_unit_test(p_values_of_many),
		cmocka_unit_test(judgement), cmocka_unit_test(rules),
		cmocka_unit_test(rows),	     cmocka_unit_test(switch_rates),
		cmocka_unit_test(verdicts),  cmocka_unit_test(points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
