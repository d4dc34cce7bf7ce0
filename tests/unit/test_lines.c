/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's lines: every variant field by field, in any chunks, in pieces, among other output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/lines.h"
#include "tests/unit/lines_seen.h"

static struct seen seen;

/* Feeds it in chunks of a size; the counts are in *ret if wanted. */
static void feed(const char *bytes, size_t len, size_t chunk, struct lines_counts *ret)
{
	const struct lines_sink sink = { see_line, see_text, &seen };
	struct lines *l;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(lines_new(&sink, &l), 0);
	for (size_t i = 0; i < len; i += chunk)
		assert_int_equal(lines_feed(l, bytes + i, len - i < chunk ? len - i : chunk), 0);
	assert_int_equal(lines_flush(l, true), 0);
	assert_false(lines_holds(l));
	if (ret)
		*ret = *lines_counts(l);
	lines_free(l);
}

static void feed_string(const char *s, struct lines_counts *ret)
{
	feed(s, strlen(s), strlen(s), ret);
}

static struct line line;

static void parse(const char *text)
{
	if (!line_parse(text, strlen(text), &line))
		fail_msg("not a line, good for %zu: %s", line.good, text);
}

static void has(enum line_field f, const char *text, int64_t n, unsigned scale)
{
	const struct line_value *v = line_get(&line, f);

	if (!v)
		fail_msg("no %s in: %s", line_fields[f].name, line.text);
	if (v->len != strlen(text) || memcmp(v->text, text, v->len))
		fail_msg("%s: '%.*s', not '%s'", line_fields[f].name, (int)v->len, v->text, text);
	assert_int_equal(v->n, n);
	assert_int_equal(v->scale, scale);
}

static void gc_variants(void **state)
{
	(void)state;
	parse(GC15);
	assert_int_equal(line.kind, LINE_GC);
	has(LINE_F_CLOCK_SCAN, "9.1", 91, 1);
	has(LINE_F_CLOCK_INSTALL_WB, "0.15", 15, 2);
	has(LINE_F_CLOCK_MARK_TERM, "0.72", 72, 2);
	has(LINE_F_CPU_BACKGROUND, "4.5", 45, 1);
	has(LINE_F_CPU_MARK_TERM, "1.4", 14, 1);
	has(LINE_F_HEAP_LIVE, "13", 13, 0);
	has(LINE_F_PROCS, "8", 8, 0);
	assert_null(line_get(&line, LINE_F_STACKS));
	parse(GC16);
	has(LINE_F_AT, "0.073", 73, 3);
	has(LINE_F_GC_CPU, "0", 0, 0);
	has(LINE_F_CLOCK_SWEEP_TERM, "0.036", 36, 3);
	has(LINE_F_CLOCK_MARK, "0.73", 73, 2);
	has(LINE_F_CPU_ASSIST, "0.72", 72, 2);
	has(LINE_F_CPU_IDLE, "0", 0, 0);
	has(LINE_F_GOAL, "5", 5, 0);
	assert_null(line_get(&line, LINE_F_FORCED));
	parse(GC18);
	has(LINE_F_CLOCK_MARK, "111", 111, 0);
	has(LINE_F_CPU_IDLE, "663", 663, 0);
	has(LINE_F_HEAP_START, "1525", 1525, 0);
	has(LINE_F_STACKS, "0", 0, 0);
	has(LINE_F_GLOBALS, "0", 0, 0);
	has(LINE_F_FORCED, "forced", 1, 0);
	assert_int_equal(line.unknown, 0);
	parse(GC26);
	has(LINE_F_NOTE, "checking for goroutine leaks", 0, 0);
	has(LINE_F_STACKS, "1", 1, 0);
	assert_null(line_get(&line, LINE_F_FORCED));
}

static void sched_variants(void **state)
{
	int64_t n, sum = 0, count = 0;
	size_t pos = 0;

	(void)state;
	parse(SCHED15);
	has(LINE_F_MS, "0", 0, 0);
	has(LINE_F_SPINNINGTHREADS, "1", 1, 0);
	has(LINE_F_RUNQUEUES, "2 0", 0, 0);
	assert_null(line_get(&line, LINE_F_NEEDSPINNING));
	parse(SCHED20);
	has(LINE_F_NEEDSPINNING, "0", 0, 0);
	has(LINE_F_IDLETHREADS, "3", 3, 0);
	parse(SCHED25);
	has(LINE_F_RUNQUEUES, " 1 1 0 0 ", 0, 0);
	has(LINE_F_SCHEDTICKS, " 92 90 91 85 ", 0, 0);
	while (line_next(line_get(&line, LINE_F_SCHEDTICKS), &pos, &n)) {
		sum += n;
		count++;
	}
	assert_int_equal(sum, 92 + 90 + 91 + 85);
	assert_int_equal(count, 4);
	assert_int_equal(line.unknown, 0);
}

static void detail_variants(void **state)
{
	(void)state;
	parse(DETAIL19);
	has(LINE_F_GCWAITING, "1", 1, 0);
	has(LINE_F_STOPWAIT, "1", 1, 0);
	parse(DETAIL20);
	has(LINE_F_GCWAITING, "false", 0, 0);
	has(LINE_F_SYSMONWAIT, "true", 1, 0);
	parse(P12);
	assert_int_equal(line.kind, LINE_P);
	has(LINE_F_SCHEDTICK, "2289", 2289, 0);
	has(LINE_F_GFREECNT, "24", 24, 0);
	parse(P14);
	has(LINE_F_ID, "1", 1, 0);
	has(LINE_F_M, "nil", -1, 0);
	has(LINE_F_TIMERSLEN, "2", 2, 0);
	parse(M11);
	assert_int_equal(line.kind, LINE_M);
	has(LINE_F_PREEMPTOFF, "gc done, really", 0, 0);
	has(LINE_F_HELPGC, "1", 1, 0);
	has(LINE_F_LOCKEDG, "-1", -1, 0);
	parse(M20);
	has(LINE_F_PREEMPTOFF, "", 0, 0);
	has(LINE_F_SPINNING, "true", 1, 0);
	has(LINE_F_LOCKEDG, "1", 1, 0);
	parse(G19);
	has(LINE_F_REASON, "force gc (idle)", 0, 0);
	has(LINE_F_STATUS, "4", 4, 0);
	has(LINE_F_LOCKEDM, "-1", -1, 0);
	parse(G20);
	has(LINE_F_STATUS, "4105", 0x1009, 0);
	has(LINE_F_REASON, "chan receive", 0, 0);
}

static void other_variants(void **state)
{
	static const struct {
		const char *text;
		enum line_kind kind;
		enum line_field f;
		int64_t n;
	} lines[] = {
		{ "scvg3: 1 MB released", LINE_SCVG, LINE_F_CYCLE, 3 },
		{ "scvg-1: 12 MB released", LINE_SCVG, LINE_F_RELEASED, 12 },
		{ "scvg3: inuse: 5, idle: 1, sys: 6, released: 0, consumed: 6 (MB)", LINE_SCVG,
		  LINE_F_SYS, 6 },
		{ "scvg: inuse: 5, idle: 1, sys: 6, released: 0, consumed: 7 (MB)", LINE_SCVG,
		  LINE_F_CONSUMED, 7 },
		{ "forced scvg: 9 MB released", LINE_SCVG, LINE_F_RELEASED, 9 },
		{ "scav 0 KiB work, 712 KiB total, 100% util", LINE_SCAV, LINE_F_TOTAL, 712 },
		{ "scav 7 64 KiB work, 712 KiB total, 98% util (forced)", LINE_SCAV, LINE_F_WORK,
		  64 },
		{ "scav 1 KiB work (bg), 2 KiB work (eager), 3 KiB now, 4% util (forced)",
		  LINE_SCAV, LINE_F_WORK_EAGER, 2 },
		{ "pacer: assist ratio=+1.435752e+000 (scan 0 MB in 3->4 MB) workers=0++2.5e-001",
		  LINE_PACER, LINE_F_DETAIL, 0 },
		{ "pacer: 25% CPU (26 exp.) for 1+2+3 B work (4 B exp.) in 5 B -> 6 B "
		  "(\xe2\x88\x86goal "
		  "7, cons/mark +0.0e+000)",
		  LINE_PACER, LINE_F_EXPECTED, 26 },
		{ "pacer: H_m_prev=30488736 h_t=+2.334071e-001 H_T=37605024", LINE_PACER,
		  LINE_F_DETAIL, 0 },
		{ "pacer: sweep done at heap size 29MB; allocated 0MB of spans; swept 3752 pages",
		  LINE_PACER, LINE_F_DETAIL, 0 },
		{ "GC forced", LINE_FORCED, LINE_UNKNOWN, 0 },
		{ "init internal/bytealg @0.007 ms, 0 ms clock, 12 bytes, 3 allocs", LINE_INIT,
		  LINE_F_BYTES, 12 },
		{ "scan: total 1+2+3=6 objs, 4+5=9 spans", LINE_SCAN, LINE_F_OBJECTS, 6 },
		{ "scan: class 16B 1+2+3=6 objs, 4+5=9 spans", LINE_SCAN, LINE_F_CLASS, 16 },
		{ "scan: class L 1+2+3=6 objs, 4+5=9 spans", LINE_SCAN, LINE_F_OBJECTS, 6 },
		{ "checkfinalizers: queue: 1 finalizers + 2 cleanups", LINE_QUEUE, LINE_F_CLEANUPS,
		  2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(lines[i].text);
		assert_int_equal(line.kind, lines[i].kind);
		if (lines[i].f)
			assert_int_equal(line_get(&line, lines[i].f)->n, lines[i].n);
	}
}

static void later_versions(void **state)
{
	(void)state;
	parse("gc 1 @0.1s 1%: 1+2+3 ms clock, 1+2/3/4+5 ms cpu, 1->2->3 MB, 4 MB goal, 5 MB "
	      "stacks, 6 MB globals, 7.5 MB cleanups, 1+2 ms wait, 8 P");
	assert_int_equal(line.unknown, 2);
	has(LINE_F_PROCS, "8", 8, 0);
	for (unsigned i = 0, n = 0; i < line.count; i++) {
		const struct line_value *v = &line.value[i];

		if (v->field)
			continue;
		assert_memory_equal(v->name, n ? "ms wait" : "MB cleanups", v->name_len);
		assert_memory_equal(v->text, n ? "1+2" : "7.5", v->len);
		assert_int_equal(v->n, n ? 0 : 75);
		n++;
	}
	parse("SCHED 5ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 idlethreads=0 "
	      "newthing=12 runqueue=0 [0] other=[ 1 2 ] word=abc");
	assert_int_equal(line.unknown, 3);
	parse("  P0: status=1 schedtick=1 syscalltick=0 m=0 runqsize=0 gfreecnt=0 timerslen=0 x=1");
	assert_int_equal(line.unknown, 1);
}

static void not_lines(void **state)
{
	static const char *const texts[] = {
		"",
		"gc",
		"gc ",
		"gc 1",
		"gc 1 @",
		"gc 1 @0.1s",
		"gc stuff",
		"SCHED",
		"SCHED 1ms:",
		"SCHED 1ms: gomaxprocs=2",
		SCHED15 "x",
		GC18 "x",
		GC18 " x",
		"gc 1 @0.1s 1%: 1+2+3 ms clock, 1->2->3 MB, 4 MB goal, 8 P", /* no cpu */
		("gc 99999999999999999999 @0.1s 1%: 1+2+3 ms clock, 1+2/3/4+5 ms cpu, 1->2->3 MB, "
		 "4 MB goal, 8 P"),
		"gc 1 @1.s 1%: 1+2+3 ms clock, 1+2/3/4+5 ms cpu, 1->2->3 MB, 4 MB goal, 8 P",
		"  People: 12",
		"  P0: status=2",
		"  G1: running",
		"  M",
		"scvg: no",
		"scav 1 2 3",
		"pacer: slow down",
		"init done",
		"init everything @home",
		"GC forced to stop",
		"scan: 12 files",
		" SCHED 0ms:",
		"\xff\xfe g\0c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (line_parse(texts[i], strlen(texts[i]), &line))
			fail_msg("a line: %s", texts[i]);
}

static const char mixed[] = "starting\n" SCHED15 "\n" GC18 "\nno newline here" GC16 "\nhel" GC18
			    "\nlo\n" DETAIL20 "\n" P14 "\n" M20 "\n" G20
			    "\n\xff\xfe\0\r\nGC forced\nscvg3: 1 MB released\n"
			    "SCHED the meeting\n" SCHED25 "\r\nbye";

static void mixed_output(void **state)
{
	struct lines_counts c;
	static char want[65536];

	(void)state;
	feed(mixed, sizeof(mixed) - 1, sizeof(mixed), &c);
	assert_int_equal(seen.lines, 11);
	assert_int_equal(c.torn, 0);
	assert_int_equal(c.unparsed, 0);
	assert_int_equal(c.line[LINE_GC], 3);
	assert_int_equal(c.line[LINE_SCHED], 3);
	assert_int_equal(seen.text_used, 56);
	assert_memory_equal(seen.text,
			    "starting\nno newline herehello\n\xff\xfe\0\r\nSCHED the meeting\nbye",
			    seen.text_used);
	memcpy(want, seen.out, sizeof(want));
	for (size_t chunk = 1; chunk < 200; chunk++) {
		feed(mixed, sizeof(mixed) - 1, chunk, NULL);
		assert_memory_equal(seen.out, want, sizeof(want));
	}
}

/* What was fed is what came out as lines and text. */
static void check_kept(size_t len)
{
	/* without the brackets, but with a newline for each line */
	assert_int_equal(seen.used - 2 * seen.lines + seen.lines, len);
}

struct whole {
	const char *line;
	unsigned tokens; /* from here on the line is beyond doubt */
};

static const struct whole whole_lines[] = {
	{ GC15, 3 },	 { GC16, 3 },	 { GC18, 3 },	 { GC26, 3 },
	{ SCHED15, 6 },	 { SCHED20, 6 }, { SCHED25, 6 }, { DETAIL19, 6 },
	{ DETAIL20, 6 }, { P14, 4 },	 { M20, 4 },	 { G19, 4 },
};

/* Between two numbers, or letters, the runtime never pauses. */
static bool runtime_breaks(const char *text, size_t at)
{
	bool before = strchr("0123456789.", text[at - 1]), behind = strchr("0123456789.", text[at]);

	return before != behind;
}

/*
 * What another one wrote stands in a line from every byte on.  Where the runtime may have paused,
 * everything is as it was; elsewhere no byte is lost.
 */
static void interleave(const char *text, unsigned from, const char *other)
{
	char bytes[2048], want[2048];
	size_t len = strlen(text);

	for (size_t cut = 1; cut < len; cut++) {
		int n = snprintf(bytes, sizeof(bytes), "before\n%.*s%s%s\nafter\n", (int)cut, text,
				 other, text + cut);
		bool breaks = cut >= from && runtime_breaks(text, cut);

		/* If what comes last may be missing, there is nothing to see of the pause. */
		if (*other == '\n' && line_parse(text, cut, &line))
			continue;

		snprintf(want, sizeof(want), "before\n{%s}%safter\n", text, other);
		for (size_t chunk = 1; chunk <= (size_t)n; chunk = chunk == 1 ? 7 : chunk * 20) {
			feed(bytes, (size_t)n, chunk, NULL);
			check_kept((size_t)n);
			if (breaks && strcmp(seen.out, want))
				fail_msg("cut at %zu:\n%s\n%s", cut, bytes, seen.out);
			if (!seen.torn && !seen.lines)
				assert_memory_equal(seen.text, bytes, (size_t)n);
		}
	}
}

static void torn_at_every_byte(void **state)
{
	static const char *const others[] = {
		"hello, world\n",
		"2026/11/25 07:00:00 request took 12 ms\n",
		"\n",
		"panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d\n",
		"foo=bar baz=1\n",
		"\xff\xfe\x80 caf\xe9\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(whole_lines) / sizeof(whole_lines[0]); i++)
		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			interleave(whole_lines[i].line, whole_lines[i].tokens, others[k]);
}

/* A gctrace line in a SCHED line, itself in pieces. */
static void line_in_line(void **state)
{
	size_t len = strlen(SCHED20);
	char bytes[2048];

	(void)state;
	for (size_t cut = 6; cut < len; cut++) {
		if (!runtime_breaks(SCHED20, cut))
			continue;
		snprintf(bytes, sizeof(bytes), "%.*s%s\n%s\n", (int)cut, SCHED20, GC18,
			 &SCHED20[cut]);
		feed_string(bytes, NULL);
		assert_string_equal(seen.out, "{" SCHED20 "}<" GC18 ">");
		snprintf(bytes, sizeof(bytes), "%.*s%.*shello\n%s\n%s\n", (int)cut, SCHED20, 23,
			 GC18, &GC18[23], &SCHED20[cut]);
		feed_string(bytes, NULL);
		assert_string_equal(seen.out, "{" SCHED20 "}{" GC18 "}hello\n");
	}
}

/* Without its newline, in the middle of a line. */
static void cut_out(void **state)
{
	struct lines_counts c;

	(void)state;
	feed_string(
		"gc 2 @0.380s 18%: 0.040+111+0.004progress ms clock, 0.32+0/221/663+0.034 ms cpu, "
		"1525->1525->1525 MB, 3052 MB goal, 0 MB stacks, 0 MB globals, 8 P (forced)\n",
		&c);
	assert_string_equal(seen.out, "{" GC18 "}progress");
	assert_int_equal(c.torn, 1);
}

/* What is never completed stays in the text, in its place, and is counted. */
static void never_completed(void **state)
{
	static const char bytes[] = "a\ngc 5 @0.001s 3%: 0.1+b\nc\n" GC18 "\nd\ngc 6 @0.001s 3";
	struct lines_counts c;

	(void)state;
	for (size_t chunk = 1; chunk < sizeof(bytes); chunk++) {
		feed(bytes, sizeof(bytes) - 1, chunk, &c);
		assert_string_equal(seen.out,
				    "a\ngc 5 @0.001s 3%: 0.1+b\nc\n<" GC18 ">d\ngc 6 @0.001s 3");
		assert_int_equal(c.unparsed, 2);
	}
	feed_string("+0.004 ms clock, 0.32+0/221/663+0.034 ms cpu, 1->1->1 MB, 3 MB goal, 8 P\n",
		    &c);
	assert_int_equal(c.unparsed, 1); /* a rest without its beginning */
}

/* A prompt is not held back, however long nothing follows; a piece is, for a while. */
static void flushing(void **state)
{
	const struct lines_sink sink = { see_line, see_text, &seen };
	struct lines *l;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(lines_new(&sink, &l), 0);
	lines_feed(l, "Name: ", 6);
	assert_string_equal(seen.out, "Name: ");
	lines_feed(l, "gc", 2);
	assert_string_equal(seen.out, "Name: ");
	lines_flush(l, false);
	assert_string_equal(seen.out, "Name: gc");
	lines_feed(l, "\ngc 1 @0.", 9);
	lines_flush(l, false);
	assert_string_equal(seen.out, "Name: gc\n");
	assert_true(lines_holds(l));
	lines_flush(l, true);
	assert_string_equal(seen.out, "Name: gc\ngc 1 @0.");
	lines_free(l);
}

/* No newline for long: memory is bounded, nothing is lost. */
static void endless(void **state)
{
	const struct lines_sink sink = { NULL, NULL, NULL };
	static char block[10000];
	struct lines *l;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		memset(block, round ? 'x' : ' ', sizeof(block));
		assert_int_equal(lines_new(&sink, &l), 0);
		lines_feed(l, "gc 1 @0.1s 1%: ", 15);
		if (round)
			lines_feed(l, "\n", 1);
		for (unsigned i = 0; i < 100; i++)
			lines_feed(l, block, sizeof(block));
		assert_true(lines_counts(l)->text_bytes > 900000);
		lines_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gc_variants),	   cmocka_unit_test(sched_variants),
		cmocka_unit_test(detail_variants), cmocka_unit_test(other_variants),
		cmocka_unit_test(later_versions),  cmocka_unit_test(not_lines),
		cmocka_unit_test(mixed_output),	   cmocka_unit_test(torn_at_every_byte),
		cmocka_unit_test(line_in_line),	   cmocka_unit_test(cut_out),
		cmocka_unit_test(never_completed), cmocka_unit_test(flushing),
		cmocka_unit_test(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
