/* SPDX-License-Identifier: Apache-2.0 */
/* Names of addresses, and the places that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "formats/names.h"
#include "formats/names_internal.h"
#include "formats/sites.h"

static struct names *fresh(void)
{
	struct names *n;

	assert_int_equal(names_new(&n), 0);
	return n;
}

static void check_add_and_get(void **state)
{
	const struct name v[] = { { "inner", "a.c", 1, true }, { "outer", "b.c", 2, false } };
	const struct name other = { "other", "", 0, false };
	struct names *n = fresh();
	const struct name *got;
	size_t count;

	(void)state;
	assert_int_equal(names_add(n, 1, 0x10, v, 2), 0);
	got = names_get(n, 1, 0x10, &count);
	assert_int_equal(count, 2);
	assert_string_equal(got[0].function, "inner");
	assert_true(got[0].inlined);
	assert_string_equal(got[1].file, "b.c");
	/* copies, not the caller's; and adding again changes nothing */
	assert_ptr_not_equal(got[0].function, v[0].function);
	assert_int_equal(names_add(n, 1, 0x10, &other, 1), 0);
	assert_ptr_equal(names_get(n, 1, 0x10, &count), got);
	assert_int_equal(count, 2);
	/* another process, another address */
	assert_string_equal(names_get(n, 2, 0x10, &count)->function, "0x10");
	assert_string_equal(names_get(n, 1, 0x11, &count)->function, "0x11");
	assert_int_equal(count, 1);
	assert_string_equal(names_get(n, 1, 0, &count)->function, "[unknown]");
	/* an empty name is no name */
	assert_int_equal(names_add(n, 1, 0x12, &(struct name){ "", NULL, 0, false }, 1), 0);
	assert_string_equal(names_get(n, 1, 0x12, &count)->function, "[unknown]");
	assert_string_equal(names_get(n, 1, 0x12, &count)->file, "");
	names_free(n);
}

/* What was handed out before the name was known stays good, and the name comes the next time. */
static void check_late_names(void **state)
{
	const struct name v = { "late", "a.c", 1, false };
	struct names *n = fresh();
	const struct name *before;
	size_t count;

	(void)state;
	before = names_get(n, 1, 0x10, &count);
	for (unsigned i = 0; i < 10000; i++) {
		char function[32];
		const struct name f = { function, "f.c", i, false };

		snprintf(function, sizeof(function), "f%u", i);
		assert_int_equal(names_add(n, 1, 0x1000 + i, &f, 1), 0);
	}
	assert_int_equal(names_add(n, 1, 0x10, &v, 1), 0);
	assert_string_equal(before->function, "0x10");
	assert_string_equal(names_get(n, 1, 0x10, &count)->function, "late");
	assert_string_equal(names_get(n, 1, 0x1000 + 77, &count)->function, "f77");
	names_free(n);
}

static void resolve(void *arg, struct names *n, uint32_t pid, uint64_t addr)
{
	const struct name v = { "resolved", "r.c", (uint32_t)addr, false };

	++*(unsigned *)arg;
	if (addr != 0x99)
		names_add(n, pid, addr, &v, 1);
}

static void check_resolver(void **state)
{
	struct names *n = fresh();
	unsigned calls = 0;
	size_t count;

	(void)state;
	names_set_resolver(n, resolve, &calls);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(names_get(n, 1, 0x10, &count)->function, "resolved");
		assert_string_equal(names_get(n, 1, 0x99, &count)->function, "0x99");
		assert_string_equal(names_get(n, 1, 0, &count)->function, "[unknown]");
	}
	assert_int_equal(calls, 2); /* each address once, 0 never */
	names_free(n);
}

/* An address as its name is right for code; a lock without a name is told apart. */
static void check_variable(void **state)
{
	const struct name v = { "runtime.sched.lock", "", 0, false };
	struct names *n = fresh();
	unsigned calls = 0;

	(void)state;
	assert_null(names_variable(n, 1, 0x10));
	assert_null(names_variable(n, 1, 0));
	assert_int_equal(names_add(n, 1, 0x10, &v, 1), 0);
	assert_string_equal(names_variable(n, 1, 0x10), v.function);
	assert_null(names_variable(n, 2, 0x10));
	names_set_resolver(n, resolve, &calls);
	assert_string_equal(names_variable(n, 3, 0x20), "resolved");
	assert_null(names_variable(n, 3, 0x99));
	names_free(n);
}

static int stop_at(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	(void)pid;
	(void)v;
	(void)count;
	return addr == *(uint64_t *)arg ? 42 : 0;
}

static int add_addr(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	(void)pid;
	(void)v;
	(void)count;
	*(uint64_t *)arg += addr;
	return 0;
}

/* Only what has names, in the order of its coming, and on from where one stopped. */
static void check_each(void **state)
{
	const struct name v = { "f", "f.c", 1, false };
	struct names *n = fresh();
	uint64_t stop = 3, sum = 0;
	size_t count, from = 0;

	(void)state;
	names_get(n, 1, 0x1000, &count);
	for (uint64_t i = 1; i <= 5; i++)
		names_add(n, 1, i, &v, 1);
	assert_int_equal(names_each(n, add_addr, &sum), 0);
	assert_int_equal(sum, 15);
	assert_int_equal(names_each(n, stop_at, &stop), 42);
	assert_int_equal(names_each_from(n, &from, stop_at, &stop), 42);
	assert_int_equal(from, 2);
	sum = 0;
	assert_int_equal(names_each_from(n, &from, add_addr, &sum), 0);
	assert_int_equal(sum, 3 + 4 + 5);
	names_add(n, 1, 0x1000, &v, 1);
	sum = 0;
	assert_int_equal(names_each_from(n, &from, add_addr, &sum), 0);
	assert_int_equal(sum, 0x1000);
	names_free(n);
}

static void check_sites(void **state)
{
	const struct name inlined[] = { { "main.spawn", "m.go", 4, true },
					{ "main.main", "m.go", 9, false } };
	const struct name start = { "runtime.rt0_go", "asm.s", 1, false };
	const struct name wrapper = { "runtime.newproc", "<autogenerated>", 1, false };
	const struct name entry = { "runtime.main", "proc.go", 145, false };
	const uint64_t pc[] = { 0x101, 0x201 };
	struct names *n = fresh();
	struct site s;

	(void)state;
	names_add(n, 1, 0x100, inlined, 2);
	names_add(n, 1, 0x200, &start, 1);
	names_add(n, 1, 0x300, &wrapper, 1);
	names_add(n, 1, 0x400, &entry, 1);
	/* the go statement is in the inlined function, the prologue in the one around it */
	assert_true(site_creator(n, 1, 0x101, 0x400, &s));
	assert_string_equal(s.function, "main.spawn");
	s = site_leaf(n, 1, pc, 2);
	assert_string_equal(s.function, "main.main");
	assert_string_equal(site_leaf(n, 1, NULL, 0).function, "[unknown]");
	/* the first goroutine */
	assert_false(site_creator(n, 1, 0x201, 0x400, &s));
	assert_string_equal(s.function, "runtime.main");
	assert_false(site_creator(n, 1, 0x301, 0x400, &s));
	assert_string_equal(s.function, "runtime.main");
	assert_false(site_creator(n, 1, 0, 0x400, &s));
	assert_string_equal(s.function, "runtime.main");
	assert_false(site_creator(n, 1, 0, 0, &s));
	assert_string_equal(s.function, "[unknown]");
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_add_and_get), cmocka_unit_test(check_late_names),
		cmocka_unit_test(check_resolver),    cmocka_unit_test(check_each),
		cmocka_unit_test(check_variable),    cmocka_unit_test(check_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
