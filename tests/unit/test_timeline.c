/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline of a run whose every slice is known, read from the format chrome; tests/timeline.sh
 * reads it, and the format perfetto, with other programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>

#include "formats/aggregate.h"
#include "formats/render.h"
#include "formats/timeline.h"
#include "tests/unit/events.h"

static struct {
	struct run_info info;
	struct render_context c;
	void *state;
	char *text;
	size_t size;
	json_t *root, *events;
} s;

static void begin(void)
{
	memset(&s, 0, sizeof(s));
	s.info = run_info_made();
	s.c.info = &s.info;
	assert_int_equal(names_new(&s.c.names), 0);
	assert_int_equal(aggregate_new(&s.c.aggregate), 0);
	run_names(s.c.names);
	s.state = calloc(1, format_chrome.state_size);
	s.c.out = open_memstream(&s.text, &s.size);
	assert_int_equal(format_chrome.begin(s.state, &s.c), 0);
}

static void take(const void *ev)
{
	assert_int_equal(aggregate_event(s.c.aggregate, ev), 0);
	assert_int_equal(format_chrome.event(s.state, &s.c, ev), 0);
}

static void finish(void)
{
	json_error_t error;

	aggregate_finish(s.c.aggregate);
	assert_int_equal(format_chrome.end(s.state, &s.c), 0);
	fclose(s.c.out);
	format_chrome.release(s.state);
	free(s.state);
	s.root = json_loads(s.text, JSON_REJECT_DUPLICATES, &error);
	if (!s.root)
		fail_msg("line %d: %s", error.line, error.text);
	s.events = json_object_get(s.root, "traceEvents");
}

static void end(void)
{
	json_decref(s.root);
	free(s.text);
	names_free(s.c.names);
	aggregate_free(s.c.aggregate);
}

static const char *text_of(const json_t *e, const char *key)
{
	const char *text = json_string_value(json_object_get(e, key));

	return text ? text : "";
}

static json_int_t number_of(const json_t *e, const char *key)
{
	return json_integer_value(json_object_get(e, key));
}

static double time_of(const json_t *e)
{
	return json_real_value(json_object_get(e, "ts"));
}

static const char *track_of(const json_t *of)
{
	json_t *e;
	size_t i;

	json_array_foreach(s.events, i, e)
	{
		if (*text_of(e, "ph") == 'M' && number_of(e, "tid") == number_of(of, "tid") &&
		    strcmp(text_of(e, "name"), "thread_sort_index") != 0)
			return text_of(json_object_get(e, "args"), "name");
	}
	fail_msg("no track");
	return NULL;
}

/* "TRACK: NAME BEGIN-END" for each slice that ends, "TRACK: NAME AT" for an instant, "TRACK: flow
 * N out AT"; in the order of the file.  The caller's to free. */
static char *listing(void)
{
	json_t *e, *open[64];
	size_t i, depth = 0;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	json_array_foreach(s.events, i, e)
	{
		const char *phase = text_of(e, "ph");
		size_t k = depth;

		if (*phase == 'M' || *phase == 'C')
			continue;
		if (*phase == 'B') {
			assert_true(depth < 64);
			open[depth++] = e;
			continue;
		}
		fprintf(f, "%s: ", track_of(e));
		if (*phase == 'E') {
			while (k && number_of(open[k - 1], "tid") != number_of(e, "tid"))
				k--;
			assert_true(k > 0);
			fprintf(f, "%s %g-%g\n", text_of(open[k - 1], "name"), time_of(open[k - 1]),
				time_of(e));
			memmove(&open[k - 1], &open[k], (depth - k) * sizeof(json_t *));
			depth--;
		} else if (*phase == 'i') {
			fprintf(f, "%s %g\n", text_of(e, "name"), time_of(e));
		} else {
			fprintf(f, "flow %d %s %g\n", (int)number_of(e, "id"),
				*phase == 's' ? "out" : "in", time_of(e));
		}
	}
	assert_int_equal(depth, 0);
	fclose(f);
	return text;
}

static void expect(const char *want)
{
	char *got;

	finish();
	got = listing();
	assert_string_equal(got, want);
	free(got);
	end();
}

static struct ev_header head(unsigned kind, size_t size, uint64_t us, uint32_t thread)
{
	struct ev_header h = ev_head(kind, size, us, RUN_PID);

	h.tid = thread;
	return h;
}

static void born(uint64_t us, uint64_t goid, uint64_t parent, uint32_t thread)
{
	struct ev_newproc ev = ev_newproc(us, goid, PC_GO_30, PC_WORKER, 2048);

	ev.h.tid = thread;
	ev.parent_goid = parent;
	take(&ev);
}

static void gone(uint64_t us, uint64_t goid)
{
	struct ev_goexit ev = ev_goexit(us, goid, 4096, 1000);

	take(&ev);
}

static void grows(uint64_t us, uint64_t goid, uint64_t ns)
{
	struct ev_copystack ev = ev_copystack(us, goid, PC_GO_30, PC_WORKER, 2048, 4096, 1000, ns,
					      0);

	take(&ev);
}

static void runs(uint64_t us, uint64_t goid, uint32_t thread, uint64_t latency_us)
{
	struct ev_gogo ev = { .h = head(EV_GOGO, sizeof(ev), us, thread),
			      .goid = goid,
			      .latency_ns = 1000 * latency_us };

	take(&ev);
}

static void parks(uint64_t us, uint64_t goid, uint32_t thread, uint64_t run_us)
{
	struct ev_park ev = { .h = head(EV_PARK, sizeof(ev), us, thread),
			      .goid = goid,
			      .run_ns = 1000 * run_us,
			      .reason = 14 };

	take(&ev);
}

static void woken(uint64_t us, uint64_t goid, uint64_t wait_us)
{
	struct ev_ready ev = { .h = head(EV_READY, sizeof(ev), us, 7),
			       .goid = goid,
			       .wait_ns = 1000 * wait_us };

	take(&ev);
}

static void names_reason(void)
{
	struct ev_reason ev = { .h = head(EV_REASON, sizeof(ev), 1, 7),
				.reason = 14,
				.name = "chan receive" };

	take(&ev);
}

/* g1 makes g2 while it runs; g2 grows twice, in the middle and at its end. */
static void check_switches(void **state)
{
	(void)state;
	begin();
	names_reason();
	born(10, 1, 0, 7);
	runs(20, 1, 7, 0);
	born(30, 2, 0, 7); /* the record does not say who did it */
	parks(40, 1, 7, 20);
	runs(41, 2, 7, 11);
	grows(50, 2, 5000);
	woken(60, 1, 20);
	runs(70, 1, 8, 10);
	grows(80, 2, 20000); /* its end is later than that of the coroutine */
	gone(90, 2);
	parks(95, 1, 8, 25);
	gone(99, 1);
	expect("coroutines 1: go main.worker 30\n"
	       "coroutines 1: flow 1 out 30\n"
	       "coroutines 2: flow 1 in 30\n"
	       "thread 7: g1 main.worker 20-40\n"
	       "coroutines 1: running 20-40\n"
	       "coroutines 2: runnable 30-41\n"
	       "coroutines 2: growth 2K to 4K 50-55\n"
	       "coroutines 1: chan receive 40-60\n"
	       "coroutines 1: runnable 60-70\n"
	       "coroutines 2: growth 2K to 4K 80-100\n"
	       "thread 7: g2 main.worker 41-90\n"
	       "coroutines 2: running 41-100\n"
	       "coroutines 2: g2 main.worker 30-100\n"
	       "thread 8: g1 main.worker 70-95\n"
	       "coroutines 1: running 70-95\n"
	       "coroutines 1: chan receive 95-99\n"
	       "coroutines 1: g1 main.worker 10-99\n");
}

/* Who runs at a window's end is seen to do so no longer; the first records of the next one tell. */
static void check_windows(void **state)
{
	struct ev_switches window = { .h = head(EV_SWITCHES, sizeof(window), 0, 7),
				      .window_ns = 50000 };

	(void)state;
	begin();
	names_reason();
	born(10, 1, 0, 7);
	born(11, 2, 1, 7);
	runs(20, 1, 7, 0);
	parks(30, 2, 8, 5);
	take(&window);
	parks(200, 1, 7, 20);
	woken(210, 2, 30);
	gone(220, 1);
	gone(230, 2);
	expect("coroutines 1: go main.worker 11\n"
	       "coroutines 1: flow 1 out 11\n"
	       "coroutines 2: flow 1 in 11\n"
	       "thread 8: g2 main.worker 25-30\n"
	       "coroutines 2: running 25-30\n"
	       "thread 7: g1 main.worker 20-50\n"
	       "coroutines 1: running 20-50\n"
	       "coroutines 2: chan receive 30-50\n"
	       "thread 7: g1 main.worker 180-200\n"
	       "coroutines 1: running 180-200\n"
	       "coroutines 2: waiting 180-210\n"
	       "coroutines 1: chan receive 200-220\n"
	       "coroutines 1: g1 main.worker 10-220\n"
	       "coroutines 2: runnable 210-230\n"
	       "coroutines 2: g2 main.worker 11-230\n");
}

/* Collections, lines, coroutines that are blocked and met late; a track is taken up again. */
static void check_others(void **state)
{
	struct ev_gc gc = { .h = head(EV_GC, sizeof(gc), 100, 7), .what = EV_GC_START };
	struct {
		struct ev_line l;
		char text[16];
	} line = { .l = { .h = head(EV_LINE, sizeof(line), 130, 7), .fd = 2, .length = 9 },
		   .text = "gc 1 @0\"\x1b" };
	struct ev_blocked blocked = { .h = head(EV_BLOCKED, sizeof(blocked), 300, 7),
				      .goid = 5,
				      .since_ns = RUN_START + 150000,
				      .reason = 14 };

	(void)state;
	begin();
	names_reason();
	grows(50, 3, 1000); /* born before the tracing */
	take(&gc);
	gone(120, 3);
	take(&line);
	gc.h.time_ns += 50000;
	gc.what = EV_GC_DONE;
	take(&gc);
	take(&blocked);
	gone(310, 9); /* of it nothing else is known */
	expect("coroutines 1: growth 2K to 4K 50-51\n"
	       "coroutines 1: g3 main.worker 50-120\n"
	       "lines: gc 1 @0\"\\x1b 130\n"
	       "collections: collection 100-150\n"
	       "coroutines 1: blocked: chan receive 150-300\n"
	       "coroutines 1: g5 150-310\n");
}

/* Records that come late are moved behind what is there. */
static void check_order(void **state)
{
	(void)state;
	begin();
	born(10, 1, 0, 7);
	runs(30, 1, 7, 0);
	grows(25, 1, 2000);
	gone(20, 1);
	expect("coroutines 1: growth 2K to 4K 30-30\n"
	       "thread 7: g1 main.worker 30-30\n"
	       "coroutines 1: running 30-30\n"
	       "coroutines 1: g1 main.worker 10-30\n");
}

static void check_many(void **state)
{
	size_t tracks = 0, others = 0, i;
	json_t *e, *missing = NULL;

	(void)state;
	begin();
	for (unsigned k = 1; k <= TIMELINE_LANES + 100; k++)
		born(10 + k, k, 0, 7);
	grows(5000, TIMELINE_LANES + 7, 1000);
	gone(6000, 3);
	born(6001, 5000, 0, 7); /* has the track of g3 now */
	grows(6002, 5000, 1000);
	finish();
	json_array_foreach(s.events, i, e)
	{
		const char *name = text_of(e, "name");

		tracks += !strcmp(name, "thread_name");
		others += *text_of(e, "ph") == 'i' && !strncmp(name, "growth", 6);
		if (!strcmp(name, "missing"))
			missing = json_object_get(e, "args");
		if (*text_of(e, "ph") == 'B' && !strncmp(name, "growth", 6))
			assert_string_equal(track_of(e), "coroutines 3");
	}
	assert_int_equal(tracks, TIMELINE_LANES + 1);
	assert_int_equal(others, 1);
	assert_int_equal(number_of(missing, "coroutines without a track"), 100);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_switches), cmocka_unit_test(check_windows),
		cmocka_unit_test(check_others),	  cmocka_unit_test(check_order),
		cmocka_unit_test(check_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
