/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's lines where each write is known by itself: nobody's digits are mixed. */
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

/* What the runtime writes at once: a number, or all up to the next one. */
static size_t token(const char *text)
{
	size_t n = strspn(text, "0123456789.");

	return n ? n : strcspn(text, "0123456789");
}

/*
 * Where writes are known, others' digits are not taken for the runtime's: text, cut into writes as
 * the runtime does, with one of another's before each.
 */
static void interleave_writes(const char *text, const char *other)
{
	const struct lines_sink sink = { see_line, see_text, &seen };
	char want[2048];

	for (size_t cut = token(text); text[cut]; cut += token(text + cut)) {
		struct lines *l;

		memset(&seen, 0, sizeof(seen));
		assert_int_equal(lines_new(&sink, &l), 0);
		lines_by_writes(l);
		for (size_t i = 0; text[i]; i += token(text + i)) {
			if (i == cut)
				lines_feed(l, other, strlen(other));
			lines_feed(l, text + i, token(text + i));
		}
		lines_flush(l, true);
		lines_free(l);
		snprintf(want, sizeof(want), "{%.*s}%s", (int)strcspn(text, "\n"), text, other);
		/* What cannot be told by its beginning is left as it is. */
		if (seen.lines && strcmp(seen.out, want))
			fail_msg("cut at %zu:\n%s\n%s", cut, want, seen.out);
		if (!seen.lines && cut > 7)
			fail_msg("not put together, cut at %zu: %s", cut, seen.out);
	}
}

/* One of another's for a reason, and one that is split by another's on both sides. */
static void known_reason(void **state)
{
	static const char *const writes[] = {
		"  G",
		"2",
		": status=",
		"4",
		"(",
		"tell: line ",
		"force gc (idle)",
		") m=",
		"tell: ",
		"-1",
		" lockedm=",
		"12 \n",
		"-1",
		"1\n",
		"\n",
	};
	static const char *const none[] = { "  G",  "2",  ": status=", "1",  "(",
					    ") m=", "-1", " lockedm=", "-1", "\n" };
	const struct lines_sink sink = { see_line, see_text, &seen };
	struct lines *l;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(lines_new(&sink, &l), 0);
	lines_by_writes(l);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		lines_feed(l, writes[i], strlen(writes[i]));
	lines_flush(l, true);
	lines_free(l);
	assert_string_equal(seen.out, "{" G19 "}tell: line tell: 12 \n1\n");
	/* A new one waits for nothing: the empty text is no write. */
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(lines_new(&sink, &l), 0);
	lines_by_writes(l);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		lines_feed(l, none[i], strlen(none[i]));
	lines_flush(l, true);
	lines_free(l);
	assert_string_equal(seen.out, "<  G2: status=1() m=-1 lockedm=-1>");
}

static void known_writes(void **state)
{
	static const char *const others[] = { "5 more\n", "12\n", "0.5\n", "1 P\n", "text\n" };

	(void)state;
	for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
		interleave_writes(GC16 "\n", others[k]);
		interleave_writes(SCHED20 "\n", others[k]);
		interleave_writes(P12 "\n", others[k]);
		interleave_writes(G19 "\n", others[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_writes),
		cmocka_unit_test(known_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
