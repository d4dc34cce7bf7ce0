/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way to pass an argument survives a growth in the prologue of the function it is passed to.
 *
 * Each function under test has a frame that does not fit into 2 KiB and is called as the first
 * thing of a new coroutine, so its stack grows between the call and the first instruction of its
 * body.
 */
#include <complex.h>
#include <immintrin.h>
#include <stdarg.h>
#include <stdint.h>

#include "check.h"

#define FRAME 3000
#define GROWS                          \
	volatile char room[FRAME];     \
	room[0] = room[FRAME - 1] = 1; \
	cases++
#define NOINLINE __attribute__((noinline, noclone))

static int cases;

/* Integers: six registers, then the stack. */
static NOINLINE long ints(long a, long b, long c, long d, long e, long f, long g, long h, int i)
{
	GROWS;
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f + 1000000 * g +
	       10000000 * h + 100000000l * i;
}

static void test_ints(void *arg)
{
	(void)arg;
	CHECK_EQUAL(ints(1, 2, 3, 4, 5, 6, 7, 8, 9), 987654321);
}

static NOINLINE double doubles(double a, double b, double c, double d, double e, double f, double g,
			       double h, double i, float j)
{
	GROWS;
	return a + 2 * b + 4 * c + 8 * d + 16 * e + 32 * f + 64 * g + 128 * h + 256 * i + 512 * j;
}

static void test_doubles(void *arg)
{
	(void)arg;
	CHECK(doubles(1, 2, 3, 4, 5, 6, 7, 8, 9, 10.5f) == 9217 + 256);
}

static NOINLINE long double extended(long double a, int b, long double c)
{
	GROWS;
	return a * b + c;
}

static void test_extended(void *arg)
{
	(void)arg;
	CHECK(extended(1.0L / 3, 3, 0.5L) == 1.0L / 3 * 3 + 0.5L);
}

/* Structures: in registers of both kinds, in memory, and returned in both ways. */
struct mixed {
	long i;
	double d;
};
struct large {
	long a[25];
};

static NOINLINE struct mixed by_registers(struct mixed a, struct mixed b)
{
	GROWS;
	return (struct mixed){ a.i - b.i, a.d / b.d };
}

static NOINLINE struct large by_memory(struct large a, long add)
{
	unsigned i;
	GROWS;

	for (i = 0; i < 25; i++)
		a.a[i] += add;
	return a;
}

static void test_structs(void *arg)
{
	struct mixed m;

	(void)arg;
	m = by_registers((struct mixed){ 7, 9 }, (struct mixed){ 5, 2 });
	CHECK(m.i == 2 && m.d == 4.5);
}

static void test_large(void *arg)
{
	struct large l;
	unsigned i;

	(void)arg;
	for (i = 0; i < 25; i++)
		l.a[i] = i;
	l = by_memory(l, 1000);
	for (i = 0; i < 25; i++)
		CHECK_EQUAL(l.a[i], 1000 + i);
}

/* What is passed by value lies below the caller's frame and must have been asked for with it. */
struct huge {
	long a[600];
};

static NOINLINE long by_value(struct huge h, int i)
{
	return h.a[i];
}

static NOINLINE long passes_huge(const struct huge *h, int i)
{
	return by_value(*h, i) + by_value(*h, i + 1);
}

static struct co_chan *neighbours;

static void neighbour(void *arg)
{
	volatile long mine[100];
	int i;

	for (i = 0; i < 100; i++)
		mine[i] = (long)arg + i;
	co_chan_recv(neighbours, NULL);
	for (i = 0; i < 100; i++)
		CHECK_EQUAL(mine[i], (long)arg + i);
}

static void test_huge(void *arg)
{
	static struct huge h;

	(void)arg;
	h.a[7] = 5;
	h.a[8] = 6;
	CHECK_EQUAL(passes_huge(&h, 7), 11);
	cases++;
}

static void test_huge_among_neighbours(void)
{
	unsigned long before = check_growths();
	long i;

	co_chan_make(0, 0, &neighbours);
	for (i = 0; i < 5; i++)
		co_go(neighbour, (void *)i);
	co_go(test_huge, NULL);
	for (; i < 10; i++)
		co_go(neighbour, (void *)i);
	co_yield();
	CHECK_EQUAL(check_growths() - before, 1);
	co_chan_close(neighbours);
	co_yield();
	co_chan_free(neighbours);
}

static NOINLINE __int128 wide(__int128 a, double complex z)
{
	GROWS;
	return a * (long)creal(z) + (long)cimag(z);
}

static void test_wide(void *arg)
{
	__int128 big = (__int128)1 << 100;

	(void)arg;
	CHECK(wide(big, 3 + 4 * I) == 3 * big + 4);
}

/* Variable arguments: registers of both kinds, the count in al, and the stack. */
static NOINLINE double variadic(const char *kinds, ...)
{
	double sum = 0;
	va_list ap;
	GROWS;

	va_start(ap, kinds);
	for (; *kinds; kinds++) {
		if (*kinds == 'i')
			sum += va_arg(ap, int);
		else if (*kinds == 'd')
			sum += va_arg(ap, double);
		else if (*kinds == 'l')
			sum += (double)va_arg(ap, long double);
		else
			sum += va_arg(ap, struct mixed).d;
	}
	va_end(ap);
	return sum;
}

static void test_variadic_ints(void *arg)
{
	(void)arg;
	CHECK(variadic("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 55);
}

static void test_variadic_all(void *arg)
{
	struct mixed m = { 1, 0.25 };

	(void)arg;
	CHECK(variadic("idlidididididididddlm", 1, 2.0, 3.0L, 4, 5.0, 6, 7.0, 8, 9.0, 10, 11.0, 12,
		       13.0, 14, 15.0, 16, 17.0, 18.0, 19.0, 20.0L, m) == 210.25);
}

/* The same by way of a function that is not variadic and one that is nested. */
static void test_nested(void *arg)
{
	long base = OPAQUE(1000l);

	__extension__ NOINLINE long nested(long a, long b)
	{
		GROWS;
		base++;
		return base + a * b;
	}
	__extension__ NOINLINE long nested_variadic(int n, ...)
	{
		long sum = base;
		va_list ap;
		GROWS;

		va_start(ap, n);
		while (n--)
			sum += va_arg(ap, int);
		va_end(ap);
		return sum;
	}

	(void)arg;
	CHECK_EQUAL(nested(6, 7), 1043);
	CHECK_EQUAL(base, 1001);
	CHECK_EQUAL(nested_variadic(8, 1, 2, 3, 4, 5, 6, 7, 8), 1037);
}

static void test_nested_first(void *arg)
{
	long base = OPAQUE(500l);

	__extension__ NOINLINE long nested_variadic(int n, ...)
	{
		long sum = base;
		va_list ap;
		GROWS;

		va_start(ap, n);
		while (n--)
			sum += va_arg(ap, int);
		va_end(ap);
		return sum;
	}

	(void)arg;
	CHECK_EQUAL(nested_variadic(8, 1, 2, 3, 4, 5, 6, 7, 8), 536);
}

/* Vectors, as wide as the machine has them. */
typedef double v2 __attribute__((vector_size(16)));
typedef double v4 __attribute__((vector_size(32)));
typedef double v8 __attribute__((vector_size(64)));

static NOINLINE v2 vectors(v2 a, v2 b, v2 c, v2 d, v2 e, v2 f, v2 g, v2 h, v2 i)
{
	GROWS;
	return a + b + c + d + e + f + g + h * i;
}

static void test_vectors(void *arg)
{
	v2 r;

	(void)arg;
	r = vectors((v2){ 1, 2 }, (v2){ 3, 4 }, (v2){ 5, 6 }, (v2){ 7, 8 }, (v2){ 9, 10 },
		    (v2){ 11, 12 }, (v2){ 13, 14 }, (v2){ 15, 16 }, (v2){ 2, 3 });
	CHECK(r[0] == 79 && r[1] == 104);
}

__attribute__((target("avx"))) static NOINLINE v4 vectors_avx(v4 a, v4 b, v4 c, v4 d, v4 e, v4 f,
							      v4 g, v4 h)
{
	GROWS;
	return a + b + c + d + e + f + g + h;
}

__attribute__((target("avx"))) static void test_vectors_avx(void *arg)
{
	v4 r, a = { 1, 2, 3, 4 };

	(void)arg;
	r = vectors_avx(a, 2 * a, 3 * a, 4 * a, 5 * a, 6 * a, 7 * a, 8 * a);
	CHECK(r[0] == 36 && r[1] == 72 && r[2] == 108 && r[3] == 144);
}

__attribute__((target("avx512f"))) static NOINLINE v8 vectors_avx512(v8 a, v8 b, v8 c, v8 d, v8 e,
								     v8 f, v8 g, v8 h)
{
	GROWS;
	return a + b + c + d + e + f + g + h;
}

__attribute__((target("avx512f"))) static void test_vectors_avx512(void *arg)
{
	v8 r, a = { 1, 2, 3, 4, 5, 6, 7, 8 };
	int i;

	(void)arg;
	r = vectors_avx512(a, 2 * a, 3 * a, 4 * a, 5 * a, 6 * a, 7 * a, 8 * a);
	for (i = 0; i < 8; i++)
		CHECK(r[i] == 36 * (i + 1));
}

/* Callee-saved registers, and addresses in them. */
static NOINLINE int grows(int x)
{
	GROWS;
	return x;
}

static void test_callee_saved(void *arg)
{
	register long b __asm__("rbx") = 0x1111;
	register long r12 __asm__("r12") = 0x2222;
	register long r13 __asm__("r13") = 0x3333;
	register long r14 __asm__("r14") = 0x4444;
	volatile long local = 55, *p = &local;
	register volatile long *r15 __asm__("r15") = p;

	(void)arg;
	__asm__ volatile("" : "+r"(b), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
	CHECK_EQUAL(grows(3), 3);
	__asm__ volatile("" : "+r"(b), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
	CHECK(b == 0x1111 && r12 == 0x2222 && r13 == 0x3333 && r14 == 0x4444);
	CHECK(r15 == &local && *r15 == 55 && p == &local);
}

/* -fipa-ra may keep values of the caller in any register that a local function does not use. */
static NOINLINE long add(long a, long b)
{
	GROWS;
	return a + b;
}

static void test_unused_registers(void *arg)
{
	long a = OPAQUE(1l), b = OPAQUE(2l), c = OPAQUE(3l), d = OPAQUE(4l), e = OPAQUE(5l);
	double x = OPAQUE(1.5), y = OPAQUE(2.5), z = OPAQUE(3.5);
	long sum = add(a, b);

	(void)arg;
	CHECK_EQUAL(sum, 3);
	CHECK(a == 1 && b == 2 && c == 3 && d == 4 && e == 5);
	CHECK(x == 1.5 && y == 2.5 && z == 3.5);
}

/* Addresses as arguments: in registers and on the stack, into the caller's frame. */
static NOINLINE long sum_of(long *a, long *b, long *c, long *d, long *e, long *f, long *g, long *h)
{
	GROWS;
	*h = 100;
	return *a + *b + *c + *d + *e + *f + *g;
}

static void test_addresses(void *arg)
{
	long v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)arg;
	CHECK_EQUAL(sum_of(v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7), 28);
	CHECK_EQUAL(v[7], 100);
}

static NOINLINE long align_of(void)
{
	__attribute__((aligned(64))) char aligned[FRAME];
	char *volatile p = aligned;

	*p = 1;
	cases++;
	return (long)((uintptr_t)p % 64) + grows(0);
}

static void test_alignment(void *arg)
{
	(void)arg;
	CHECK_EQUAL(align_of(), 0);
}

static void run_all(void *arg)
{
	static co_fn *const tests[] = {
		test_ints,
		test_doubles,
		test_extended,
		test_structs,
		test_large,
		test_wide,
		test_variadic_ints,
		test_variadic_all,
		test_nested,
		test_nested_first,
		test_vectors,
		test_callee_saved,
		test_unused_registers,
		test_addresses,
		test_alignment,
	};
	unsigned long before;
	unsigned i, ran = 0;

	(void)arg;
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++, ran++) {
		before = check_growths();
		CHECK_EQUAL(co_go(tests[i], NULL), 0);
		co_yield();
		CHECK(check_growths() > before);
	}
	if (__builtin_cpu_supports("avx")) {
		before = check_growths();
		co_go(test_vectors_avx, NULL);
		co_yield();
		CHECK(check_growths() > before);
		ran++;
	}
	if (__builtin_cpu_supports("avx512f")) {
		before = check_growths();
		co_go(test_vectors_avx512, NULL);
		co_yield();
		CHECK(check_growths() > before);
		ran++;
	}
	test_huge_among_neighbours();
	/* Some call more than one function. */
	CHECK(cases >= (int)ran);
}

int main(void)
{
	check_run(run_all);
	return check_result();
}
