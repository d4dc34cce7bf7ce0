/* SPDX-License-Identifier: Apache-2.0 */
/* The collected heap: objects of all sizes and types, and that memory stays bounded. */
#include <unistd.h>

#include "lists.h"

static struct item *global;

/* --- sizes -------------------------------------------------------------------------------------
 */

static int all_are(const unsigned char *p, size_t n, unsigned char c)
{
	while (n && p[n - 1] == c)
		n--;
	return !n;
}

static void test_size(size_t size)
{
	unsigned char *p = co_alloc(size), *q = co_alloc_atomic(size);

	CHECK(p && q && p != q);
	if (!p || !q)
		return;
	CHECK_EQUAL((uintptr_t)p % (size % 16 ? 8 : 16), 0);
	CHECK(all_are(p, size, 0) && all_are(q, size, 0));
	memset(p, 0xee, size);
	memset(q, 0xdd, size);
	CHECK(all_are(p, size, 0xee));
}

static void test_sizes(void)
{
	static const struct co_type odd = { .size = 12, .map = 1 }, huge = { .size = SIZE_MAX / 2 },
				    text = { .size = 3 };
	int round;
	size_t n;

	for (round = 0; round < 2; round++) {
		for (n = 0; n < 2100; n++)
			test_size(n);
		for (; n < 70000; n += 997)
			test_size(n);
		for (n = 1 << 17; n < 20000000; n = n * 2 + 12345)
			test_size(n);
		collect();
	}
	CHECK(!co_alloc((size_t)-1) && !co_alloc((size_t)1 << 62));
	CHECK(!co_alloc_typed(NULL, 1) && !co_alloc_typed(&huge, 3) && !co_alloc_typed(&odd, 1));
	CHECK(co_alloc_typed(&text, 5) != NULL);
}

/* Types of any width, and where the named words of arrays of them are. */
static void test_map(unsigned words, unsigned named, size_t count)
{
	static struct {
		struct co_type type;
		uint64_t more[8];
	} types[6];
	static unsigned used;
	struct co_type *type = &types[used].type;
	uint64_t *more = types[used++].more;
	struct item **p;
	size_t i;

	/* Types live as long as their objects. */
	*type = (struct co_type){ .size = words * 8, .more = more };
	if (named < 64)
		type->map = UINT64_C(1) << named;
	else
		more[named / 64 - 1] = UINT64_C(1) << named % 64;
	p = co_alloc_typed(type, count);
	CHECK(p != NULL);
	for (i = 0; p && i < words * count; i++) {
		p[i] = co_alloc(64);
		p[i]->number = (long)i;
	}
	global = (struct item *)p;
	p = NULL;
	collect();
	p = (struct item **)global;
	for (i = named; p && i < words * count; i += words)
		CHECK_EQUAL(p[i]->number, i);
	/* One of each type, what they lead to, and the array. */
	global = NULL;
}

static void test_maps(void)
{
	uint64_t before;

	collect();
	before = objects();
	test_map(3, 1, 1);
	CHECK(objects() <= before + 2 + SLACK);
	test_map(3, 2, 50);
	CHECK(objects() <= before + 51 + SLACK);
	test_map(65, 64, 7);
	test_map(500, 3, 3);
	test_map(500, 499, 9);
	test_map(511, 500, 20);
	CHECK(objects() <= before + 21 + SLACK);
}

/* --- figures -----------------------------------------------------------------------------------
 */

static long resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static __attribute__((noinline)) void garbage(long megabytes)
{
	long i;

	for (i = 0; i < megabytes * 1024; i++) {
		char *p = co_alloc(i % 512 ? 1000 : 100000);

		CHECK(p != NULL);
		if (p)
			p[0] = p[999] = 1;
	}
}

static void test_bounded(void)
{
	struct co_heap_stats was, s;
	long rss;

	collect();
	rss = resident();
	co_heap_stats(&was);
	garbage(100);
	co_heap_stats(&s);
	CHECK(s.collections >= was.collections + 15 && s.collections <= was.collections + 60);
	CHECK_EQUAL(s.forced, was.forced);
	CHECK(s.spans + s.idle < 32 << 20);
	CHECK(resident() < rss + (32 << 20));
	CHECK(s.bytes <= s.goal + (1 << 20) && s.goal >= 4 << 20);

	/* Off, and on again. */
	CHECK_EQUAL(co_set_gc_percent(-1), 100);
	co_heap_stats(&was);
	garbage(20);
	co_heap_stats(&s);
	CHECK_EQUAL(s.collections, was.collections);
	/* Nothing but the limit. */
	CHECK_EQUAL(co_set_memory_limit(64 << 20), INT64_MAX);
	garbage(150);
	co_heap_stats(&s);
	CHECK(s.collections > was.collections + 2);
	CHECK(s.spans + s.idle <= 64 << 20);
	CHECK(resident() < rss + (80 << 20));
	/* A limit below what is alive slows down and does not stop. */
	global = co_alloc(8 << 20);
	CHECK_EQUAL(co_set_memory_limit(1 << 20), 64 << 20);
	garbage(10);
	global = NULL;
	CHECK_EQUAL(co_set_memory_limit(INT64_MAX), 1 << 20);
	CHECK_EQUAL(co_set_memory_limit(-1), INT64_MAX);
	CHECK_EQUAL(co_set_gc_percent(100), -1);
	collect();
	co_heap_stats(&s);
	CHECK_EQUAL(s.mallocs - s.frees, s.objects);
	CHECK(s.forced > 0 && s.forced <= s.collections && s.last_pause_ns <= s.pause_ns);
	CHECK(s.released > 0);
}

static void start(void *arg)
{
	(void)arg;
	test_sizes();
	test_maps();
	test_bounded();
}

int main(void)
{
	check_run(start);
	return check_result();
}
