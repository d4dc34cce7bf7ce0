/* SPDX-License-Identifier: Apache-2.0 */
/* The table against an array of what is in it, with hashes that collide more than real ones do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/table.h"

#define KEYS 3000

struct item {
	uint64_t key;
	bool there;
};

/* Few homes, and some of them at the end of the slots, so that probing runs around it. */
static size_t hash_of(uint64_t key)
{
	return key % 7 ? key % 97 - 40 : (size_t)-1;
}

static void find_all(const struct table *t, const struct item *item)
{
	for (uint64_t k = 0; k < KEYS; k++) {
		const struct item *found = table_find(t, hash_of(k), &k, sizeof(k));

		assert_ptr_equal(found, item[k].there ? &item[k] : NULL);
	}
}

static void adds_and_removes(void **state)
{
	struct item *item = calloc(KEYS, sizeof(*item));
	struct table t = { 0 };
	uint64_t seed = 1;
	size_t count = 0;

	(void)state;
	assert_non_null(item);
	find_all(&t, item);
	for (unsigned i = 0; i < KEYS; i++)
		item[i].key = i;
	for (unsigned step = 0; step < 6000; step++) {
		struct item *one;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		one = &item[(seed >> 33) % KEYS];
		if (one->there) {
			table_remove(&t, hash_of(one->key), one);
			count--;
		} else {
			assert_int_equal(table_add(&t, hash_of(one->key), one), 0);
			count++;
		}
		one->there = !one->there;
		assert_int_equal(t.count, count);
		if (!(step % 500))
			find_all(&t, item);
	}
	find_all(&t, item);
	for (unsigned i = 0; i < KEYS; i++)
		if (item[i].there)
			table_remove(&t, hash_of(item[i].key), &item[i]);
	for (size_t i = 0; i < t.slots; i++)
		assert_null(t.slot[i].item);
	table_release(&t);
	assert_int_equal(t.slots, 0);
	free(item);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(adds_and_removes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
