/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people, names made safe, labels cut to fit, strings kept once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "base/strings.h"
#include "formats/aggregate.h"
#include "formats/label.h"

static void check_numbers(void **state)
{
	(void)state;
	assert_string_equal(human_count(0).s, "0");
	assert_string_equal(human_count(999).s, "999");
	assert_string_equal(human_count(1000).s, "1,000");
	assert_string_equal(human_count(UINT64_MAX).s, "18,446,744,073,709,551,615");
	assert_string_equal(human_size(0).s, "0 B");
	assert_string_equal(human_size(1023).s, "1023 B");
	assert_string_equal(human_size(1024).s, "1 KiB");
	assert_string_equal(human_size(1536).s, "1.5 KiB");
	assert_string_equal(human_size(117 << 20).s, "117 MiB");
	assert_string_equal(human_size((1 << 20) - 1).s, "1.0 MiB");
	assert_string_equal(human_size((1 << 20) - 1024).s, "1023 KiB");
	assert_string_equal(human_size(UINT64_MAX).s, "16 EiB");
	assert_string_equal(human_stack(2048).s, "2K");
	assert_string_equal(human_stack(1 << 20).s, "1M");
	assert_string_equal(human_stack(UINT64_C(3) << 30).s, "3G");
	assert_string_equal(human_stack(2560).s, "2560");
	assert_string_equal(human_stack(0).s, "0");
}

static void check_times(void **state)
{
	(void)state;
	assert_string_equal(human_time(0, false).s, "0 ns");
	assert_string_equal(human_time(999, false).s, "999 ns");
	assert_string_equal(human_time(1000, false).s, "1.0 us");
	assert_string_equal(human_time(3240, true).s, "3.2 µs");
	assert_string_equal(human_time(999949, false).s, "999.9 us");
	assert_string_equal(human_time(999951, false).s, "1.0 ms");
	assert_string_equal(human_time(42100000, false).s, "42.1 ms");
	assert_string_equal(human_time(999990000, false).s, "1.000 s");
	assert_string_equal(human_time(1204000000, false).s, "1.204 s");
	assert_string_equal(human_share(0, 10).s, "0 %");
	assert_string_equal(human_share(1, 100000).s, "<0.1 %");
	assert_string_equal(human_share(272, 1000).s, "27.2 %");
	assert_string_equal(human_share(1, 1).s, "100 %");
	assert_string_equal(human_time_share(3, 100).s, "3.0 %");
	assert_string_equal(human_time_share(101, 100).s, "over 100 %");
	assert_string_equal(human_time_share(0, 0).s, "0 %");
}

static void expect_escaped(const char *s, enum escape_style style, const char *want)
{
	char *got = escape_dup(s, style), *put = NULL;
	size_t size;
	FILE *f = open_memstream(&put, &size);

	assert_string_equal(got, want);
	escape_put(f, s, style);
	fclose(f);
	assert_string_equal(put, want);
	free(got);
	free(put);
}

static void check_escape(void **state)
{
	(void)state;
	expect_escaped("", ESCAPE_TEXT, "");
	expect_escaped("main.größe[\"a\",b]; 日本 \U0001F600", ESCAPE_TEXT,
		       "main.größe[\"a\",b]; 日本 \U0001F600");
	expect_escaped("größe", ESCAPE_ASCII, "gr\\xc3\\xb6\\xc3\\x9fe");
	expect_escaped("a\033[2J\n\t\177", ESCAPE_TEXT, "a\\x1b[2J\\x0a\\x09\\x7f");
	expect_escaped("F[\"a\",'b']\\", ESCAPE_FIELD, "F[\\x22a\\x22\\x2c\\x27b\\x27]\\x5c");
	expect_escaped("a b;c", ESCAPE_FRAME, "a_b:c");
	expect_escaped("\"\\ </script>&ö", ESCAPE_JSON, "\\\"\\\\ \\u003c/script\\u003e\\u0026ö");
	expect_escaped("\n\xe2\x80\xa8\xff", ESCAPE_JSON, "\\\\x0a\\\\xe2\\\\x80\\\\xa8\\\\xff");
	expect_escaped("\xf3\xa0\x81\x81", ESCAPE_JSON, "\\\\xf3\\\\xa0\\\\x81\\\\x81");
	/* C1 control, right-to-left override, byte order mark, zero width, tag, soft hyphen */
	expect_escaped("\xc2\x9b", ESCAPE_TEXT, "\\xc2\\x9b");
	expect_escaped("\xe2\x80\xae", ESCAPE_TEXT, "\\xe2\\x80\\xae");
	expect_escaped("\xef\xbb\xbf", ESCAPE_FIELD, "\\xef\\xbb\\xbf");
	expect_escaped("\xe2\x80\x8b", ESCAPE_FRAME, "\\xe2\\x80\\x8b");
	expect_escaped("\xf3\xa0\x81\x81", ESCAPE_TEXT, "\\xf3\\xa0\\x81\\x81");
	expect_escaped("\xc2\xad", ESCAPE_TEXT, "\\xc2\\xad");
	/* not UTF-8: overlong, surrogate, beyond the end, alone, cut */
	expect_escaped("\xc0\x80", ESCAPE_TEXT, "\\xc0\\x80");
	expect_escaped("\xe0\x80\xaf", ESCAPE_TEXT, "\\xe0\\x80\\xaf");
	expect_escaped("\xed\xa0\x80", ESCAPE_TEXT, "\\xed\\xa0\\x80");
	expect_escaped("\xf4\x90\x80\x80", ESCAPE_TEXT, "\\xf4\\x90\\x80\\x80");
	expect_escaped("\x80x\xff", ESCAPE_TEXT, "\\x80x\\xff");
	expect_escaped("\xf8\x88\x80\x80\x80", ESCAPE_TEXT, "\\xf8\\x88\\x80\\x80\\x80");
	expect_escaped("\xe6\x97", ESCAPE_TEXT, "\\xe6\\x97");
	expect_escaped("\xf0\x9f\x98", ESCAPE_TEXT, "\\xf0\\x9f\\x98");
}

static void expect_label(const char *function, const char *file, uint32_t line, size_t columns,
			 bool utf8, const char *want)
{
	const struct site s = { function, file, line };
	char *got = label_fit(label_site(&s, utf8), columns, utf8);

	assert_string_equal(got, want);
	assert_true(label_width(got) <= columns);
	free(got);
}

static void check_labels(void **state)
{
	static const char handle[] = "example.com/a/server.(*Server).handle";

	(void)state;
	expect_label("main.f", "/src/m.go", 7, 80, true, "main.f m.go:7");
	expect_label("main.f", "", 0, 80, true, "main.f");
	expect_label("main.f", "m.go", 0, 80, true, "main.f m.go");
	expect_label(handle, "/s/x.go", 5, 80, true,
		     "example.com/a/server.(*Server).handle x.go:5");
	expect_label(handle, "/s/x.go", 5, 40, true, "server.(*Server).handle x.go:5");
	expect_label(handle, "/s/x.go", 5, 20, true, "…rver).handle x.go:5");
	expect_label(handle, "/s/x.go", 5, 20, false, "...er).handle x.go:5");
	/* a slash in type arguments is no directory */
	expect_label("main.F[a/b.T]", "", 0, 10, false, "...[a/b.T]");
	expect_label("größe.größe", "", 0, 6, true, "…größe");
	expect_label("main.f", "", 0, 2, false, ".f");
	expect_label("main.f", "", 0, 0, false, "");
}

static void check_strings(void **state)
{
	struct strings *s;
	const char *a, *b;

	(void)state;
	assert_int_equal(strings_new(&s), 0);
	a = strings_intern(s, "main.main and more", 9);
	b = strings_intern(s, "main.main", 9);
	assert_ptr_equal(a, b);
	assert_string_equal(a, "main.main");
	assert_string_equal(strings_intern(s, "", 0), "");
	assert_int_equal(strings_count(s), 2);
	strings_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_numbers), cmocka_unit_test(check_times),
		cmocka_unit_test(check_escape),	 cmocka_unit_test(check_labels),
		cmocka_unit_test(check_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
