/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of growths from 2 KiB to 1 MiB, with addresses of locals all the way; alloca and
 * variable arrays; many growths at random places.
 */
#include <alloca.h>
#include <stdint.h>

#include "check.h"

#define NOINLINE __attribute__((noinline))

struct frame {
	struct frame *up;
	struct frame **up_slot; /* an address of the local that holds up */
	long depth;
	long *inner; /* into itself */
	long mark;
	uint64_t not_addresses[4];
};

static const uint64_t odd_words[4] = { 0, UINT64_MAX, 0x7fffffff, 0x8000000000000000 };

static NOINLINE size_t walk(const struct frame *f, long depth)
{
	size_t n = 0;

	for (; f; f = f->up, depth--, n++) {
		if (f->depth != depth || f->inner != &f->mark || *f->inner != -depth ||
		    (f->up_slot && *f->up_slot != f->up) ||
		    memcmp(f->not_addresses, odd_words, sizeof(odd_words))) {
			CHECK_EQUAL(f->depth, depth);
			CHECK(f->inner == &f->mark);
			CHECK(!f->up_slot || *f->up_slot == f->up);
			return 0;
		}
	}
	return n;
}

static NOINLINE long chain(long depth, struct frame *up, size_t stop)
{
	struct frame f = { .up = up, .depth = depth, .mark = -depth };
	struct frame *slot = up;
	long deepest;

	f.inner = &f.mark;
	f.up_slot = &slot;
	memcpy(f.not_addresses, odd_words, sizeof(odd_words));
	if (co_stack_size() >= stop) {
		CHECK_EQUAL(walk(&f, depth), depth);
		return depth;
	}
	deepest = chain(depth + 1, &f, stop);
	CHECK(f.inner == &f.mark && f.mark == -depth && slot == f.up && f.up_slot == &slot);
	return deepest;
}

static void test_chain(void *arg)
{
	unsigned long before = check_growths();
	long depth;

	(void)arg;
	depth = chain(1, NULL, 1 << 20);
	CHECK(depth > 2000);
	CHECK_EQUAL(check_growths() - before, 9); /* 2K to 4K ... 512K to 1M */
	CHECK_EQUAL(co_stack_size(), 1 << 20);
	/* The stack stays; the second time costs nothing. */
	chain(1, NULL, 1 << 20);
	CHECK_EQUAL(check_growths() - before, 9);
}

/* Leaves addresses of itself everywhere below its caller's frame. */
static NOINLINE int leave_addresses(void)
{
	void *volatile left[64];
	int i;

	for (i = 0; i < 64; i++)
		left[i] = (void *)&left[i];
	return left[3] != NULL;
}

/* Short strings and numbers where addresses were, in words of which they fill a part. */
static NOINLINE int keep_short(int depth, char letter)
{
	volatile char text[64];
	volatile short numbers[6];
	int bad;

	text[0] = letter;
	text[1] = '\0';
	numbers[0] = (short)(depth * 64);
	bad = leave_addresses() ? 0 : 1;
	if (depth)
		bad += keep_short(depth - 1, letter);
	return bad + (text[0] != letter || text[1]) + (numbers[0] != (short)(depth * 64));
}

static void test_short(void *arg)
{
	(void)arg;
	if (!leave_addresses())
		return;
	CHECK_EQUAL(keep_short(600, 'n'), 0);
}

/* alloca in a loop: each of them stays, the ones before too. */
static NOINLINE void allocate(int n, size_t size)
{
	unsigned char **p = alloca(sizeof(*p) * (size_t)n);
	int i;
	size_t k;

	for (i = 0; i < n; i++) {
		p[i] = alloca(size);
		CHECK_EQUAL((uintptr_t)p[i] % 16, 0);
		memset(p[i], i, size);
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < size; k++)
			if (p[i][k] != (unsigned char)i) {
				CHECK_EQUAL(p[i][k], i);
				return;
			}
}

/* Arguments on the stack lie below what alloca returns, and must not overlap it. */
static NOINLINE long nine(long a, long b, long c, long d, long e, long f, long *g, long h, long i)
{
	volatile char room[500];

	room[0] = 1;
	return a + b + c + d + e + f + *g + h + i + room[0];
}

static NOINLINE void allocate_and_call(size_t size)
{
	long x = OPAQUE(7l);
	unsigned char *p = alloca(size);

	memset(p, 0x5a, size);
	CHECK_EQUAL(nine(1, 2, 3, 4, 5, 6, &x, 8, 9), 46);
	CHECK(p[0] == 0x5a && p[size - 1] == 0x5a && !memcmp(p, p + 1, size - 1));
}

static NOINLINE long variable_arrays(int n)
{
	long sum = 0;
	int i;

	for (i = 1; i <= n; i++) {
		int array[i * 16];

		array[0] = i;
		array[i * 16 - 1] = i;
		sum += array[0] + nine(0, 0, 0, 0, 0, 0, &sum, 0, -1) - sum;
	}
	return sum;
}

static void test_alloca(void *arg)
{
	(void)arg;
	allocate(100, 999);
}

static void test_alloca_large(void *arg)
{
	unsigned long before = check_growths();

	(void)arg;
	allocate(1, 300000);
	CHECK_EQUAL(co_stack_size(), 512 << 10);
	CHECK(check_moving() || check_growths() - before == 1);
}

static void test_alloca_call(void *arg)
{
	(void)arg;
	allocate_and_call(1000);
	allocate_and_call(20000);
}

static void test_variable_arrays(void *arg)
{
	(void)arg;
	CHECK_EQUAL(variable_arrays(200), 200 * 201 / 2);
}

/* A frame far larger than the stack grows it once. */
static NOINLINE int one_large_frame(void)
{
	volatile char room[200000];

	room[0] = room[199999] = 1;
	return room[0];
}

static void test_large_frame(void *arg)
{
	unsigned long before = check_growths();

	(void)arg;
	CHECK_EQUAL(one_large_frame(), 1);
	CHECK_EQUAL(check_growths() - before, 1);
	CHECK_EQUAL(co_stack_size(), 256 << 10);
}

/* Growths in the middle of ordinary work: many coroutines that interleave at random depths. */
static NOINLINE unsigned long wander(unsigned *seed, int depth, unsigned long *total)
{
	unsigned long local = (unsigned long)depth, *mine = &local;
	int i, calls;

	*seed = *seed * 1103515245 + 12345;
	calls = (*seed >> 16) % 3;
	if (depth < 60)
		for (i = 0; i < calls; i++) {
			if ((*seed >> 8) % 7 == 0)
				co_yield();
			wander(seed, depth + 1, mine);
		}
	*total += 1;
	CHECK(local >= (unsigned long)depth);
	return *mine;
}

static void test_wander(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	unsigned long total = 0;
	int i;

	for (i = 0; i < 20; i++)
		wander(&seed, 0, &total);
	CHECK(total >= 20);
}

static void run_all(void *arg)
{
	static co_fn *const tests[] = {
		test_chain,	  test_short,		test_alloca,	  test_alloca_large,
		test_alloca_call, test_variable_arrays, test_large_frame,
	};
	unsigned i;

	(void)arg;
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		CHECK_EQUAL(co_go(tests[i], NULL), 0);
		co_yield();
	}
	for (i = 1; i <= 50; i++)
		co_go(test_wander, (void *)(uintptr_t)i);
}

static void wait_for_all(void *arg)
{
	struct co_stats s;

	run_all(arg);
	do {
		co_yield();
		co_stats(&s);
	} while (s.ended + 1 < s.born);
}

int main(void)
{
	check_run(wait_for_all);
	return check_result();
}
