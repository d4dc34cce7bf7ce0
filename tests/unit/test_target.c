/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the target description believes: DWARF, table, instructions; and what it says of doubts.
 * That the sources are right about real programs is tests/target.sh's business.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "symbols/go_offsets.h"
#include "symbols/image.h"
#include "symbols/target.h"
#include "symbols/target_internal.h"

static void test_versions(void **state)
{
	static const struct {
		const char *text;
		unsigned minor;
		bool development;
	} want[] = {
		{ "go1.19", 19, false },
		{ "go1.22.12", 22, false },
		{ "go1.9.7", 9, false },
		{ "go1.26rc1", 26, false },
		{ "go1.22.5 X:boringcrypto", 22, false },
		{ "go1.22.9 (Red Hat 1.22.9-1.el9)", 22, false },
		{ "go1.22.5-1", 22, false },
		{ "go1.25-20250209-RC00 cl/724970549 +e39e965e0e X:fieldtrack", 25, true },
		{ "devel go1.27-1b2c3d4 Mon Jan 5 10:00:00 2026", 27, true },
		{ "go1.123.4", 123, false },
		{ "go1.1234", 123, false },
		{ "devel +abcdef", 0, false },
		{ "go1.", 0, false },
		{ "", 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct go_version v = go_version_parse(want[i].text);

		if (v.minor != want[i].minor || v.development != want[i].development)
			fail_msg("'%s': minor %u, development %d", want[i].text, v.minor,
				 v.development);
	}
}

static void test_table(void **state)
{
	unsigned minor;

	(void)state;
	assert_null(go_offsets_table(GO_OLDEST - 1));
	assert_null(go_offsets_table(go_offsets_newest() + 1));
	for (minor = GO_OLDEST; minor <= go_offsets_newest(); minor++) {
		const struct go_offsets *o = go_offsets_table(minor);

		assert_non_null(o);
		assert_int_equal(o->field[FIELD_STACK_HI], 8);
		assert_true((o->field[FIELD_PARENT_ID] != FIELD_UNKNOWN) == (minor >= 21));
		assert_true((o->field[FIELD_SCHED_BP] == 96) == (minor >= 25));
		assert_int_equal(o->field[FIELD_USE_MAX], FIELD_UNKNOWN);
	}
}

/* --- whom to believe -------------------------------------------------------------------------- */

static struct target merge(unsigned minor, const char *version, const struct go_offsets *dwarf,
			   const struct go_offsets *table, const struct go_offsets *inferred)
{
	const struct go_sources src = {
		.version = { .minor = minor, .development = strstr(version, "devel") },
		.dwarf = dwarf,
		.table = table,
		.inferred = inferred,
	};
	struct target t;

	target_init(&t);
	snprintf(t.version, sizeof(t.version), "%s", version);
	go_offsets_merge(&src, &t);
	return t;
}

static void expect_all(const struct target *t, const struct go_offsets *o, enum field_origin origin)
{
	unsigned f;

	for (f = 0; f < FIELD_COUNT; f++) {
		assert_int_equal(t->field[f], o->field[f]);
		assert_int_equal(t->origin[f], o->field[f] == FIELD_UNKNOWN ? ORIGIN_NONE : origin);
	}
}

static void expect_warning(const struct target *t, const char *text)
{
	if (!strstr(t->warning, text))
		fail_msg("no '%s' in '%s'", text, t->warning);
}

static void test_confirmed(void **state)
{
	const struct go_offsets *o = go_offsets_table(22);
	struct go_offsets nothing;
	struct target t = merge(22, "go1.22.5", NULL, o, o);

	(void)state;
	expect_all(&t, o, ORIGIN_TABLE);
	assert_true(t.version_known);
	assert_string_equal(t.warning, "");

	/* Instructions that tell nothing are no contradiction. */
	go_offsets_clear(&nothing);
	t = merge(22, "go1.22.5", NULL, o, &nothing);
	expect_all(&t, o, ORIGIN_TABLE);
	assert_string_equal(t.warning, "");
	t = merge(22, "go1.22.5", NULL, o, NULL);
	expect_all(&t, o, ORIGIN_TABLE);
}

static void test_wrong_table(void **state)
{
	const struct go_offsets *right = go_offsets_table(22);
	struct go_offsets wrong = *right;
	struct target t;

	(void)state;
	wrong.field[FIELD_ID] = 160;
	wrong.field[FIELD_PARENT_ID] = FIELD_UNKNOWN;
	t = merge(22, "go1.22.5", NULL, &wrong, right);
	assert_int_equal(t.field[FIELD_ID], 152);
	assert_int_equal(t.origin[FIELD_ID], ORIGIN_INFERRED);
	assert_int_equal(t.field[FIELD_PARENT_ID], 272);
	assert_int_equal(t.origin[FIELD_PARENT_ID], ORIGIN_INFERRED);
	assert_int_equal(t.origin[FIELD_STATUS], ORIGIN_TABLE);
	expect_warning(&t, "go1.22.5");
	expect_warning(&t, "goid 152 not 160, parentGoid 272 not -1");

	/* All of it wrong: the text is cut, the fields are right. */
	t = merge(22, "go1.22.5", NULL, go_offsets_table(26), go_offsets_table(23));
	assert_int_equal(t.field[FIELD_SCHED_BP], 104);
	assert_int_equal(t.field[FIELD_ID], 160);
	assert_int_equal(t.field[FIELD_WAIT_REASON], 184);
	assert_non_null(memchr(t.warning, 0, sizeof(t.warning)));
}

static void test_dwarf(void **state)
{
	const struct go_offsets *o = go_offsets_table(19);
	struct go_offsets other = *o;
	struct target t = merge(19, "go1.19.8", o, o, o);

	(void)state;
	expect_all(&t, o, ORIGIN_DWARF);
	assert_string_equal(t.warning, "");

	other.field[FIELD_STATUS] = 152;
	t = merge(19, "go1.19.8", o, o, &other);
	expect_all(&t, o, ORIGIN_DWARF);
	expect_warning(&t, "atomicstatus 144 not 152");

	/* With DWARF a version that is not known is no reason to warn. */
	t = merge(99, "go1.99", o, NULL, o);
	expect_all(&t, o, ORIGIN_DWARF);
	assert_false(t.version_known);
	assert_string_equal(t.warning, "");
}

static void test_unknown_version(void **state)
{
	const struct go_offsets *o = go_offsets_table(22);
	struct target t = merge(99, "go1.99.1", NULL, NULL, o);
	char newest[32];

	(void)state;
	expect_all(&t, o, ORIGIN_INFERRED);
	assert_false(t.version_known);
	snprintf(newest, sizeof(newest), "newer than go1.%u", go_offsets_newest());
	expect_warning(&t, newest);
	expect_warning(&t, "read from its instructions");

	t = merge(0, "go (unknown version)", NULL, NULL, o);
	expect_all(&t, o, ORIGIN_INFERRED);
	expect_warning(&t, "version is unknown");

	t = merge(26, "devel go1.26-abc", NULL, NULL, o);
	expect_all(&t, o, ORIGIN_INFERRED);
	expect_warning(&t, "development version");
}

static void test_assumed(void **state)
{
	const struct go_offsets *newest = go_offsets_table(go_offsets_newest());
	struct go_offsets some;
	struct target t;

	(void)state;
	go_offsets_clear(&some);
	t = merge(99, "go1.99.1", NULL, NULL, &some);
	expect_all(&t, newest, ORIGIN_ASSUMED);
	expect_warning(&t, "could not be read from its instructions");
	expect_warning(&t, "assumed as in go1.26: stack.lo, stack.hi");

	/* What is known chooses the table that the rest is taken from. */
	some.field[FIELD_STATUS] = 152;
	t = merge(0, "go (unknown version)", NULL, NULL, &some);
	assert_int_equal(t.origin[FIELD_STATUS], ORIGIN_INFERRED);
	assert_int_equal(t.field[FIELD_ID], 160);
	assert_int_equal(t.origin[FIELD_ID], ORIGIN_ASSUMED);
	assert_int_equal(t.field[FIELD_SCHED_BP], 104);
	expect_warning(&t, "assumed as in go1.24");
}

static void test_warnings_are_cut(void **state)
{
	struct target t;
	unsigned i;

	(void)state;
	target_init(&t);
	for (i = 0; i < 40; i++)
		target_warn(&t, "%u bottles of beer", i);
	assert_int_equal(strlen(t.warning), sizeof(t.warning) - 1);
	assert_memory_equal(t.warning, "0 bottles of beer; 1 bottles", 28);
}

/* This very program is neither a Go program nor does it carry a note. */
static void test_neither(void **state)
{
	struct target t, untouched;
	struct image *img;
	struct err e;

	(void)state;
	memset(&t, 0x5a, sizeof(t));
	untouched = t;
	assert_int_equal(image_open("/proc/self/exe", &img, &e), 0);
	assert_int_equal(target_describe(img, &t, &e), -ENOENT);
	assert_string_equal(e.text, "'/proc/self/exe' has no Go runtime and no .note.stacktrace");
	assert_non_null(strstr(e.hint, "corun-cc"));
	assert_memory_equal(&t, &untouched, sizeof(t));
	assert_int_equal(target_describe(img, &t, NULL), -ENOENT);
	image_free(img);
}

static void test_names(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < FIELD_COUNT; i++)
		assert_non_null(target_field_name(i));
	for (i = 0; i <= ORIGIN_ASSUMED; i++)
		assert_non_null(target_origin_name(i));
	assert_string_equal(target_field_name(FIELD_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),  cmocka_unit_test(test_table),
		cmocka_unit_test(test_confirmed), cmocka_unit_test(test_wrong_table),
		cmocka_unit_test(test_dwarf),	  cmocka_unit_test(test_unknown_version),
		cmocka_unit_test(test_assumed),	  cmocka_unit_test(test_warnings_are_cut),
		cmocka_unit_test(test_neither),	  cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
