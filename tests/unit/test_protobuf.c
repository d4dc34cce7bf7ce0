/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of Protocol Buffers, against the examples of its specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/protobuf.h"

static void expect(struct pb *m, const void *bytes, size_t size)
{
	assert_false(pb_bad(m));
	assert_int_equal(m->size, size);
	assert_memory_equal(m->data, bytes, size);
	pb_clear(m);
}

static void check_fields(void **state)
{
	struct pb m = { 0 }, inner = { 0 };

	(void)state;
	pb_varint(&m, 1, 150);
	expect(&m, "\x08\x96\x01", 3);
	pb_string(&m, 2, "testing");
	expect(&m, "\x12\x07testing", 9);
	pb_varint(&inner, 1, 150);
	pb_message(&m, 3, &inner);
	expect(&m, "\x1a\x03\x08\x96\x01", 5);
	assert_int_equal(inner.size, 0);
	pb_packed(&inner, 3);
	pb_packed(&inner, 270);
	pb_packed(&inner, 86942);
	pb_message(&m, 6, &inner);
	expect(&m, "\x32\x06\x03\x8e\x02\x9e\xa7\x05", 8);
	pb_varint(&m, 1, (uint64_t)-2);
	expect(&m, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	pb_fixed64(&m, 1, 0x0102030405060708);
	expect(&m, "\x09\x08\x07\x06\x05\x04\x03\x02\x01", 9);
	pb_bytes(&m, 16, NULL, 0); /* the first field number of two bytes */
	expect(&m, "\x82\x01\x00", 3);
	pb_free(&m);
	pb_free(&inner);
}

static void check_growth(void **state)
{
	struct pb m = { 0 };
	size_t size = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		pb_string(&m, 1, "0123456789");
	while (size < m.size && !memcmp(m.data + size,
					"\x0a\x0a"
					"0123456789",
					12))
		size += 12;
	assert_int_equal(size, 1200000);
	assert_int_equal(m.size, size);
	pb_free(&m);
}

/* What cannot be had makes the message bad, and the one around it. */
static void check_failure(void **state)
{
	struct pb m = { 0 }, inner = { .bad = true };

	(void)state;
	pb_varint(&m, 1, 1);
	pb_bytes(&inner, 1, "x", 1);
	pb_message(&m, 2, &inner);
	assert_true(pb_bad(&m));
	pb_free(&inner);
	pb_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_fields),
		cmocka_unit_test(check_growth),
		cmocka_unit_test(check_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
