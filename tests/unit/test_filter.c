/* SPDX-License-Identifier: Apache-2.0 */
/* What filters leave of the run of events.h, against arithmetic; slices and weights of the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/aggregate.h"
#include "formats/filter.h"
#include "formats/names.h"
#include "tests/unit/events.h"

struct scene {
	struct aggregate *a;
	struct names *n;
	struct filter *f;
	struct run_info info;
	uint64_t shown;
};

static int take(void *arg, const struct ev_header *ev)
{
	struct scene *s = arg;
	enum filter_verdict v = filter_event(s->f, ev);

	s->shown += v == FILTER_SHOW;
	return aggregate_take(s->a, ev, v);
}

static const struct totals *run_through(struct scene *s, const struct filter_spec *spec)
{
	struct run_list l;

	*s = (struct scene){ .info = run_info_made() };
	assert_int_equal(aggregate_new(&s->a), 0);
	assert_int_equal(names_new(&s->n), 0);
	run_names(s->n);
	assert_int_equal(filter_new(spec, &s->info, s->a, s->n, &s->f), 0);
	run_make(&l);
	assert_int_equal(run_each(&l, take, s), 0);
	aggregate_finish(s->a);
	return aggregate_totals(s->a);
}

static void finish(struct scene *s)
{
	filter_free(s->f);
	aggregate_free(s->a);
	names_free(s->n);
}

static void check_nothing_asked(void **state)
{
	const struct filter_spec spec = { 0 };
	struct scene s;
	const struct totals *t = run_through(&s, &spec);

	(void)state;
	assert_null(s.f);
	assert_int_equal(t->coroutines, 24);
	assert_int_equal(t->growths, 103);
	finish(&s);
}

static void check_time(void **state)
{
	const struct filter_spec spec = { .by_time = true,
					  .since_ns = 1000000,
					  .until_ns = 2000000 };
	struct scene s;
	const struct totals *t = run_through(&s, &spec);

	(void)state;
	/* g1; of the others, born at 100, 200 ... us, those that end at 1000 us or later and are
	 * born before 2000: 500 to 1900 */
	assert_int_equal(t->coroutines, 1 + 15);
	assert_int_equal(t->born, 10);
	assert_int_equal(t->ended, 10); /* 500 + 555 to 1400 + 555 */
	assert_int_equal(t->growths, 10 * 5);
	assert_int_equal(t->alive, 1 + 5);
	assert_int_equal(t->peak_alive, 7);
	assert_int_equal(t->wall_ns, 960000); /* born at 1000, last growth at 1960 */
	assert_int_equal(t->lived, 10);
	assert_int_equal(t->max_life_ns, 555000);
	assert_false(t->exited);
	assert_int_equal(totals_lost(t), 4); /* known of the whole only */
	finish(&s);
}

static void check_function_in_chain(void **state)
{
	const struct filter_spec spec = { .functions = 1, .function = { "main.d?ep" } };
	struct creator_row *rows;
	struct scene s;
	const struct totals *t = run_through(&s, &spec);
	size_t count;

	(void)state;
	assert_int_equal(t->coroutines, 20); /* their births did not match, their growths did */
	assert_int_equal(t->growths, 100);
	assert_int_equal(t->shrinks, 0);
	assert_int_equal(t->ended, 20);
	assert_int_equal(t->lived, 20);
	assert_int_equal(t->peak_alive, 6);
	assert_int_equal(aggregate_creators(s.a, s.n, &rows, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].entry.function, "main.main.func1");
	free(rows);
	finish(&s);
}

static void check_function_of_coroutine(void **state)
{
	const struct filter_spec spec = { .functions = 2, .function = { "none", "main.worker" } };
	struct scene s;
	const struct totals *t = run_through(&s, &spec);

	(void)state;
	assert_int_equal(t->coroutines, 2);
	assert_int_equal(t->born, 2);
	assert_int_equal(t->growths, 2);
	assert_int_equal(t->shrinks, 1);
	assert_int_equal(t->measured, 2); /* one by its end, one by what was seen of it alive */
	finish(&s);
}

static void check_coroutine_and_process(void **state)
{
	struct filter_spec spec = { .coroutines = 1, .coroutine = { 41 } };
	struct scene s;
	const struct totals *t = run_through(&s, &spec);

	(void)state;
	assert_int_equal(t->coroutines, 1);
	assert_int_equal(t->growths, 1);
	assert_int_equal(t->incomplete, 1);
	finish(&s);
	spec.pids = 1;
	spec.pid[0] = RUN_PID + 1;
	t = run_through(&s, &spec);
	assert_int_equal(t->coroutines, 0);
	assert_int_equal(t->growths, 0);
	finish(&s);
}

static int sum_weights(void *arg, const struct stack_row *row)
{
	uint64_t *sum = arg;

	for (enum weight w = 0; w < WEIGHT_COUNT; w++)
		sum[w] += stack_row_weight(row, w);
	return 0;
}

static void check_weights(void **state)
{
	const struct filter_spec spec = { 0 };
	uint64_t sum[WEIGHT_COUNT] = { 0 };
	struct scene s;
	const struct totals *t = run_through(&s, &spec);

	(void)state;
	assert_int_equal(aggregate_each_stack(s.a, sum_weights, sum), 0);
	assert_int_equal(sum[WEIGHT_GROWTHS], t->growths);
	assert_int_equal(sum[WEIGHT_BYTES], t->bytes_copied - 1000); /* but for the shrink */
	assert_int_equal(sum[WEIGHT_NS], t->copy_ns - 800);
	assert_int_equal(sum[WEIGHT_WASTE], t->allocated_bytes - t->used_bytes);
	finish(&s);
}

static void check_series(void **state)
{
	const struct filter_spec spec = { 0 };
	struct series_row *rows;
	uint64_t width, born = 0, ended = 0, growths = 0, bytes = 0, most = 0;
	struct scene s;
	const struct totals *t = run_through(&s, &spec);
	size_t count;

	(void)state;
	/* 10 ms in at most 10 slices: 1 ms each, from the first event, at 1 us, on */
	assert_int_equal(aggregate_series(s.a, 10, &rows, &count, &width), 0);
	assert_int_equal(width, 1000000);
	assert_int_equal(count, 10);
	assert_int_equal(rows[0].start_ns, RUN_START + 10000); /* of what is counted in slices */
	for (size_t i = 0; i < count; i++) {
		born += rows[i].born;
		ended += rows[i].ended;
		growths += rows[i].growths;
		bytes += rows[i].bytes_copied;
		most = rows[i].alive > most ? rows[i].alive : most;
	}
	assert_int_equal(born, t->born);
	assert_int_equal(ended, t->ended);
	assert_int_equal(growths, t->growths);
	assert_int_equal(bytes, t->bytes_copied);
	assert_int_equal(most, t->peak_alive);
	assert_int_equal(rows[0].born, 1 + 10); /* g1; 100 to 1000 us */
	assert_int_equal(rows[3].alive, 1);	/* nothing happened: g1 was alive */
	assert_int_equal(rows[3].stack_bytes, 8192);
	assert_int_equal(rows[3].wasted_bytes, 8192 - 1700);
	assert_int_equal(rows[9].stack_bytes, 8192 + 32768);
	free(rows);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_nothing_asked),
		cmocka_unit_test(check_time),
		cmocka_unit_test(check_function_in_chain),
		cmocka_unit_test(check_function_of_coroutine),
		cmocka_unit_test(check_coroutine_and_process),
		cmocka_unit_test(check_weights),
		cmocka_unit_test(check_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
