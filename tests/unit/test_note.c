/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .note.stacktrace: what is read, and that nothing a hostile file holds is believed or read past.
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
#include "symbols/note.h"
#include "symbols/target.h"

#define NOTES_AT  0x400200u
#define CODE_LOW  0x401000u
#define CODE_HIGH 0x402000u

/* Everything a test may want to break, and the bytes made of it. */
struct fixture {
	struct note_desc desc;
	struct note_probe probe[EV_PROBE_COUNT];
	uint8_t bytes[4096];
	size_t len;
	struct target t;
	struct err e;
};

static bool is_code(void *arg, uint64_t vaddr)
{
	(void)arg;
	return vaddr >= CODE_LOW && vaddr < CODE_HIGH;
}

static void append(struct fixture *f, const void *data, size_t len)
{
	assert_true(f->len + len <= sizeof(f->bytes));
	memcpy(f->bytes + f->len, data, len);
	f->len += len;
	while (f->len % 4)
		f->bytes[f->len++] = 0;
}

static void append_head(struct fixture *f, const char *owner, uint32_t type, uint32_t desc_size)
{
	const uint32_t head[3] = { (uint32_t)strlen(owner) + 1, desc_size, type };

	append(f, head, sizeof(head));
	append(f, owner, strlen(owner) + 1);
}

/* Where a member that begins at this place of the notes will be in memory. */
static uint64_t here(const struct fixture *f, size_t ahead)
{
	return NOTES_AT + f->len + ahead;
}

static void append_runtime(struct fixture *f, uint32_t type)
{
	struct note_desc d = f->desc;
	size_t i;

	append_head(f, NOTE_OWNER, type, sizeof(d) + sizeof(f->probe));
	if (d.coroutine_entry)
		d.coroutine_entry -= (int64_t)here(f, offsetof(struct note_desc, coroutine_entry));
	append(f, &d, sizeof(d));
	for (i = 0; i < EV_PROBE_COUNT; i++) {
		struct note_probe p = f->probe[i];

		p.point =
			(int64_t)((uint64_t)p.point - here(f, offsetof(struct note_probe, point)));
		append(f, &p, sizeof(p));
	}
}

static void append_extra(struct fixture *f, uint32_t probe, uint64_t point)
{
	struct note_probe p = { .probe = probe, .coroutine_reg = REG_12, .new_size_reg = REG_NONE };

	append_head(f, NOTE_OWNER, NOTE_PROBE, sizeof(p));
	p.point = (int64_t)point - (int64_t)here(f, offsetof(struct note_probe, point));
	append(f, &p, sizeof(p));
}

/* Points hold addresses here; they become distances when they are written. */
static void good(struct fixture *f)
{
	unsigned i;

	memset(f, 0, sizeof(*f));
	f->desc.desc_size = sizeof(f->desc) + sizeof(f->probe);
	f->desc.flags = NOTE_OWN_RING;
	strcpy(f->desc.runtime, "corun");
	strcpy(f->desc.version, "0.1.0");
	for (i = 0; i < NOTE_FIELDS; i++)
		f->desc.field[i] = i < FIELD_COUNT ? (int32_t)(8 * i) : FIELD_UNKNOWN;
	f->desc.field[FIELD_WAIT_REASON] = FIELD_UNKNOWN;
	f->desc.coroutine_entry = CODE_LOW + 0x40;
	f->desc.probe_count = EV_PROBE_COUNT;
	f->desc.probe_size = sizeof(struct note_probe);
	for (i = 0; i < EV_PROBE_COUNT; i++) {
		f->probe[i] = (struct note_probe){ .probe = i,
						   .coroutine_reg = REG_DI,
						   .new_size_reg = REG_NONE,
						   .point = CODE_LOW + 0x100 * i };
	}
	f->probe[EV_PROBE_COPYSTACK].new_size_reg = REG_SI;
	f->probe[EV_PROBE_LOCK].new_size_reg = f->probe[EV_PROBE_MUTEX].new_size_reg = REG_SI;
}

static int parse_at(struct fixture *f, uint64_t vaddr)
{
	struct note_reader r = { .path = "./prog", .is_code = is_code };
	uint8_t *exact = malloc(f->len ? f->len : 1);
	int rc;

	assert_non_null(exact);
	memcpy(exact, f->bytes, f->len);
	memset(&f->t, 0x5a, sizeof(f->t));
	memset(&f->e, 0, sizeof(f->e));
	rc = note_reader_add(&r, exact, f->len, vaddr, &f->e);
	if (!rc)
		rc = note_reader_finish(&r, &f->t, &f->e);
	note_reader_release(&r);
	free(exact);
	return rc;
}

static int parse(struct fixture *f)
{
	return parse_at(f, NOTES_AT);
}

static void expect_error(struct fixture *f, int code, const char *text)
{
	struct target untouched;
	int rc = parse(f);

	memset(&untouched, 0x5a, sizeof(untouched));
	if (rc != -code || !strstr(f->e.text, text) || !strstr(f->e.text, "./prog"))
		fail_msg("wanted %d and '%s', got %d and '%s'", -code, text, rc, f->e.text);
	assert_memory_equal(&f->t, &untouched, sizeof(untouched));
}

/* --- what is read ----------------------------------------------------------------------------- */

static void test_everything(void **state)
{
	struct fixture f;
	unsigned i;

	(void)state;
	good(&f);
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_int_equal(f.t.kind, RUNTIME_NOTE);
	assert_string_equal(f.t.runtime, "corun");
	assert_string_equal(f.t.version, "0.1.0");
	assert_true(f.t.version_known);
	assert_true(f.t.own_ring);
	assert_string_equal(f.t.warning, "");
	assert_int_equal(f.t.coroutine_entry, CODE_LOW + 0x40);
	assert_int_equal(f.t.field[FIELD_STACK_HI], 8);
	assert_int_equal(f.t.origin[FIELD_STACK_HI], ORIGIN_NOTE);
	assert_int_equal(f.t.field[FIELD_USE_MAX], 8 * FIELD_USE_MAX);
	assert_int_equal(f.t.field[FIELD_WAIT_REASON], FIELD_UNKNOWN);
	assert_int_equal(f.t.origin[FIELD_WAIT_REASON], ORIGIN_NONE);
	for (i = 0; i < EV_PROBE_COUNT; i++) {
		assert_true(f.t.probe[i].present && f.t.probe[i].fixed);
		assert_int_equal(f.t.probe[i].vaddr, CODE_LOW + 0x100 * i);
		assert_int_equal(f.t.probe[i].coroutine, REG_DI);
		assert_int_equal(f.t.probe[i].points, 1);
	}
	assert_int_equal(f.t.probe[EV_PROBE_COPYSTACK].new_size, REG_SI);
	assert_int_equal(f.t.probe[EV_PROBE_GOGO].new_size, REG_NONE);
}

static void test_no_probes_says_why(void **state)
{
	struct fixture f;

	(void)state;
	good(&f);
	f.desc.probe_count = 0;
	f.desc.coroutine_entry = 0;
	f.desc.flags = 0;
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_false(f.t.own_ring);
	assert_int_equal(f.t.coroutine_entry, 0);
	assert_false(f.t.probe[EV_PROBE_COPYSTACK].present);
	assert_non_null(strstr(f.t.probe[EV_PROBE_COPYSTACK].missing, "names no point"));
}

static void test_reasons(void **state)
{
	static const char names[] = "none\0chan send\0\0not ended";
	struct fixture f;

	(void)state;
	good(&f);
	append_runtime(&f, NOTE_RUNTIME);
	append_head(&f, NOTE_OWNER, NOTE_REASONS, sizeof(names) - 1);
	append(&f, names, sizeof(names) - 1);
	assert_int_equal(parse(&f), 0);
	assert_int_equal(f.t.reasons, 3);
	assert_string_equal(f.t.reason[0], "none");
	assert_string_equal(f.t.reason[1], "chan send");
	assert_string_equal(f.t.reason[2], "");
}

/* Where the descriptors are: a distance, as in all notes, and offsets that can be. */
static void test_list(void **state)
{
	struct note_coroutines l = {
		.next = 8, .used = 16, .first = 64, .size = 320, .head = 0x9000
	};
	const struct note_coroutines bad[] = {
		{ .size = 0, .head = 1 },
		{ .size = 65536, .head = 1 },
		{ .size = 8, .first = 0x80000000, .head = 1 },
	};
	struct fixture f;

	(void)state;
	good(&f);
	append_head(&f, NOTE_OWNER, NOTE_COROUTINES, sizeof(l));
	l.head -= (int64_t)here(&f, offsetof(struct note_coroutines, head));
	append(&f, &l, sizeof(l));
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_int_equal(f.t.list.kind, LIST_BLOCKS);
	assert_int_equal(f.t.list.vaddr, 0x9000);
	assert_int_equal(f.t.list.next, 8);
	assert_int_equal(f.t.list.used, 16);
	assert_int_equal(f.t.list.first, 64);
	assert_int_equal(f.t.list.size, 320);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good(&f);
		append_runtime(&f, NOTE_RUNTIME);
		append_head(&f, NOTE_OWNER, NOTE_COROUTINES, sizeof(bad[i]));
		append(&f, &bad[i], sizeof(bad[i]));
		expect_error(&f, EBADMSG, "impossible offsets in the list of coroutines");
	}
	good(&f);
	append_head(&f, NOTE_OWNER, NOTE_COROUTINES, 8);
	append(&f, &l, 8);
	append_runtime(&f, NOTE_RUNTIME);
	expect_error(&f, EBADMSG, "a list of coroutines in 8 bytes, not 24");
	good(&f);
	append_head(&f, NOTE_OWNER, NOTE_COROUTINES, sizeof(l));
	append(&f, &l, sizeof(l));
	expect_error(&f, EBADMSG, "but no description of a runtime");
}

static void test_several_points(void **state)
{
	struct fixture f;

	(void)state;
	good(&f);
	f.desc.probe_count = EV_PROBE_GOGO; /* all but gogo */
	append_extra(&f, EV_PROBE_GOGO, CODE_LOW + 0x800);
	append_runtime(&f, NOTE_RUNTIME);
	append_extra(&f, EV_PROBE_GOGO, CODE_LOW + 0x808);
	append_extra(&f, EV_PROBE_GOGO, CODE_LOW + 0x810);
	assert_int_equal(parse(&f), 0);
	assert_int_equal(f.t.probe[EV_PROBE_GOGO].vaddr, CODE_LOW + 0x800);
	assert_int_equal(f.t.probe[EV_PROBE_GOGO].coroutine, REG_12);
	assert_int_equal(f.t.probe[EV_PROBE_GOGO].points, 3);
	assert_non_null(strstr(f.t.warning, "3 points for gogo"));
}

static void test_later_versions(void **state)
{
	struct fixture f;

	(void)state;
	/* Probes, note types and flags to come are passed over. */
	good(&f);
	f.probe[EV_PROBE_NEWSTACK] = (struct note_probe){ .probe = EV_PROBE_COUNT + 3,
							  .coroutine_reg = 0x77,
							  .point = 0 };
	f.desc.flags |= 0xf0;
	append_head(&f, NOTE_OWNER, 7, 4);
	append(&f, "new", 4);
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_false(f.t.probe[EV_PROBE_NEWSTACK].present);
	assert_true(f.t.probe[EV_PROBE_GOGO].present);

	/* Longer probes: three of 48 bytes are where six of 24 were. */
	good(&f);
	f.desc.probe_size = 2 * sizeof(struct note_probe);
	f.desc.probe_count = EV_PROBE_COUNT / 2;
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_true(f.t.probe[EV_PROBE_NEWSTACK].present);
	assert_false(f.t.probe[EV_PROBE_COPYSTACK].present);
	assert_true(f.t.probe[EV_PROBE_COPYSTACK_END].present);

	good(&f);
	append_runtime(&f, 9);
	expect_error(&f, ENOTSUP, "type 9, which is newer");
	assert_non_null(strstr(f.e.hint, "coroutine library"));
}

static void test_among_others(void **state)
{
	static const uint8_t zero[16];
	struct fixture f;

	(void)state;
	good(&f);
	append_head(&f, "GNU", 3, 20);
	append(&f, "0123456789abcdefghij", 20);
	append(&f, zero, 4);
	append_head(&f, "stacktrac", NOTE_RUNTIME, 4);
	append(&f, "none", 4);
	append_runtime(&f, NOTE_RUNTIME);
	append(&f, zero, sizeof(zero));
	append_extra(&f, EV_PROBE_GOGO, CODE_LOW);
	/* Damage in a foreign note ends the search and is no error. */
	append_head(&f, "GNU", 3, 0xfffffff0);
	assert_int_equal(parse(&f), 0);
	assert_int_equal(f.t.probe[EV_PROBE_GOGO].points, 2);
}

static void test_none(void **state)
{
	struct fixture f;

	(void)state;
	good(&f);
	assert_int_equal(parse(&f), -ENOENT);
	append_head(&f, "GNU", 3, 4);
	append(&f, "0123", 4);
	assert_int_equal(parse(&f), -ENOENT);
	assert_string_equal(f.e.text, "");
}

static void test_two_runtimes(void **state)
{
	struct fixture f;

	(void)state;
	good(&f);
	append_runtime(&f, NOTE_RUNTIME);
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_string_equal(f.t.warning, "");
	strcpy(f.desc.runtime, "fibers");
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse(&f), 0);
	assert_string_equal(f.t.runtime, "corun");
	assert_non_null(strstr(f.t.warning, "'fibers'"));
}

/* --- what is refused -------------------------------------------------------------------------- */

#define REFUSES(why, ...)                                             \
	do {                                                          \
		struct fixture f;                                     \
                                                                      \
		good(&f);                                             \
		__VA_ARGS__;                                          \
		append_runtime(&f, NOTE_RUNTIME);                     \
		expect_error(&f, EBADMSG, why);                       \
		assert_non_null(strstr(f.e.text, "note.stacktrace")); \
	} while (0)

static void test_bad_head(void **state)
{
	(void)state;
	REFUSES("desc_size is 119", f.desc.desc_size = 119);
	REFUSES("desc_size is 505", f.desc.desc_size++);
	REFUSES("1 to 15 printable", memset(f.desc.runtime, 'x', 16));
	REFUSES("1 to 15 printable", f.desc.runtime[0] = 0);
	REFUSES("1 to 15 printable", f.desc.runtime[2] = '\033');
	REFUSES("version is not", memset(f.desc.version, '1', 16));
	REFUSES("probe_size is 0", f.desc.probe_size = 0);
	REFUSES("probe_size is 16", f.desc.probe_size = 16);
	REFUSES("probe_size is 25", f.desc.probe_size = 25);
	REFUSES("17 probes of 24 bytes", f.desc.probe_count = EV_PROBE_COUNT + 1);
	REFUSES("probes of 24 bytes", f.desc.probe_count = UINT32_MAX);
	REFUSES("probes of 4294967288 bytes", f.desc.probe_size = UINT32_MAX - 7);
	REFUSES("outside the program's code", f.desc.coroutine_entry = CODE_HIGH);
}

static void test_bad_fields(void **state)
{
	(void)state;
	REFUSES("offset -2 of field goid", f.desc.field[FIELD_ID] = -2);
	REFUSES("offset 65536 of field sched.sp", f.desc.field[FIELD_SCHED_SP] = 65536);
	REFUSES("stack.lo and stack.hi are required", f.desc.field[FIELD_STACK_LO] = -1);
	REFUSES("stack.lo and stack.hi are required", f.desc.field[FIELD_STACK_HI] = -1);
}

static void test_bad_probes(void **state)
{
	(void)state;
	REFUSES("gogo points to 0x402000, outside", f.probe[EV_PROBE_GOGO].point = CODE_HIGH);
	REFUSES("outside", f.probe[EV_PROBE_GOGO].point = INT64_MIN);
	REFUSES("names register 16", f.probe[EV_PROBE_GOGO].coroutine_reg = 16);
	REFUSES("names register 254", f.probe[EV_PROBE_GOGO].new_size_reg = 254);
	REFUSES("goexit names no register for the coroutine",
		f.probe[EV_PROBE_GOEXIT].coroutine_reg = REG_NONE);
	REFUSES("copystack names no register for the new size",
		f.probe[EV_PROBE_COPYSTACK].new_size_reg = REG_NONE);
}

static void test_bad_frame(void **state)
{
	struct fixture f;

	(void)state;
	good(&f);
	append_runtime(&f, NOTE_RUNTIME);
	assert_int_equal(parse_at(&f, 0), -EBADMSG);
	assert_non_null(strstr(f.e.text, "SHF_ALLOC"));
	f.len -= 8;
	expect_error(&f, EBADMSG, "ends inside a note");

	good(&f);
	append_head(&f, NOTE_OWNER, NOTE_RUNTIME, 100);
	append(&f, &f.desc, 100);
	expect_error(&f, EBADMSG, "description of 100 bytes");

	good(&f);
	append_head(&f, NOTE_OWNER, NOTE_PROBE, 20);
	append(&f, &f.probe, 20);
	expect_error(&f, EBADMSG, "probe of 20 bytes");

	good(&f);
	append_extra(&f, EV_PROBE_GOGO, CODE_LOW);
	expect_error(&f, EBADMSG, "no description");
}

/* --- whatever comes --------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void check_sane(const struct fixture *f)
{
	unsigned i;

	assert_true(memchr(f->t.runtime, 0, sizeof(f->t.runtime)));
	assert_true(memchr(f->t.warning, 0, sizeof(f->t.warning)));
	for (i = 0; i < FIELD_COUNT; i++)
		assert_in_range(f->t.field[i] + 1, 0, 65536);
	for (i = 0; i < EV_PROBE_COUNT; i++) {
		const struct target_probe *p = &f->t.probe[i];

		if (!p->present)
			continue;
		assert_true(is_code(NULL, p->vaddr));
		assert_true(p->coroutine <= REG_15 || p->coroutine == REG_NONE);
	}
}

static void test_mutations(void **state)
{
	uint64_t seed = 1;
	struct fixture original, f;
	unsigned n, i, good_ones = 0;

	(void)state;
	good(&original);
	append_extra(&original, EV_PROBE_GOGO, CODE_LOW + 0x10);
	append_runtime(&original, NOTE_RUNTIME);
	append_extra(&original, EV_PROBE_GOEXIT, CODE_LOW + 0x20);
	for (n = 0; n < 50000; n++) {
		unsigned changes = 1 + (unsigned)(next_random(&seed) % 4);
		int rc;

		f = original;
		for (i = 0; i < changes; i++) {
			size_t at = next_random(&seed) % f.len;

			if (next_random(&seed) % 2)
				f.bytes[at] ^= (uint8_t)(1u << next_random(&seed) % 8);
			else
				f.bytes[at] = (uint8_t)next_random(&seed);
		}
		if (next_random(&seed) % 8 == 0)
			f.len = next_random(&seed) % (f.len + 1);
		rc = parse(&f);
		assert_true(rc == 0 || rc == -EBADMSG || rc == -ENOTSUP || rc == -ENOENT);
		assert_true(rc == 0 || rc == -ENOENT || f.e.text[0]);
		if (!rc) {
			good_ones++;
			check_sane(&f);
		}
	}
	/* Most bytes of a note matter, but not all: else the mutations hit nothing. */
	assert_in_range(good_ones, 500, 45000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),     cmocka_unit_test(test_no_probes_says_why),
		cmocka_unit_test(test_reasons),	       cmocka_unit_test(test_several_points),
		cmocka_unit_test(test_later_versions), cmocka_unit_test(test_among_others),
		cmocka_unit_test(test_none),	       cmocka_unit_test(test_two_runtimes),
		cmocka_unit_test(test_bad_head),       cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_bad_probes),     cmocka_unit_test(test_bad_frame),
		cmocka_unit_test(test_mutations),      cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
