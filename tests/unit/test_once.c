/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last instruction that runs exactly once.  Each function has the label NAME_want at the right
 * one; calls of `landmark` stand for the copying, calls of `dies` do not return.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "symbols/once_x86.h"

#define CODE(name, text)                                                                    \
	extern const uint8_t name[], name##_end[], name##_want[];                           \
	__asm__(".pushsection .rodata\n.intel_syntax noprefix\n" #name ": " text "\n" #name \
		"_end:\n.att_syntax prefix\n.popsection\n")

extern const uint8_t landmark[], dies[], callee[];
__asm__(".pushsection .rodata\nlandmark: ret\ndies: ret\ncallee: ret\n.popsection");

/* clang-format off */
CODE(straight, "call landmark; call callee; straight_want: call callee; mov eax, 1; ret");
/* Not what lies on one side of a branch; the branch itself is on both ways. */
CODE(branch, "call landmark; test eax, eax; branch_want: je 1f; call callee; 1: ret");
CODE(two_returns, "call landmark; nop; test eax, eax; two_returns_want: je 1f; ret; 1: call callee; ret");
/* Not what may run twice, nor the branch that closes the loop. */
CODE(loop, "call landmark; loop_want: nop; mov ecx, 3; 1: call callee; dec ecx; jne 1b; ret");
CODE(behind_loop, "call landmark; 1: call callee; dec ecx; jne 1b; behind_loop_want: call callee; ret");
/* A way that ends in a call that does not return is no way to a return, even if others follow it. */
CODE(panics,
	"cmp rsp, [r14+0x10]; jbe 3f; call landmark;"
	"test eax, eax; je 1f; test edx, edx; je 2f;"
	"panics_want: nop; add rsp, 8; ret;"
	"1: call dies; nop; 2: call dies; nop;"
	"3: call callee; jmp panics");
/* A tail call is a return. */
CODE(tail, "call landmark; tail_want: nop; jmp dies");
CODE(early, "test eax, eax; je 1f; early_want: call landmark; 1: ret");
CODE(before, "before_want: nop; test eax, eax; je 1f; call landmark; 1: ret");
CODE(no_landmark, "no_landmark_want: call callee; ret");
CODE(endless, "endless_want: nop; 1: call landmark; jmp 1b");
CODE(table, "call landmark; table_want: nop; jmp rax");
CODE(junk, "call landmark; junk_want: nop; .byte 0x06");
CODE(into_middle, "call landmark; into_middle_want: je 1f+1; 1: mov eax, 0x90909090; ret");

/* Ahead of the landmark: the NOP of five bytes. */
#define NOP5 ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
CODE(ahead, NOP5 "; test eax, eax; je 1f; call callee; 1: ahead_want: " NOP5 "; nop; call landmark; ret");
CODE(to_loop, "test eax, eax; je 1f; call dies; 1: to_loop_want: " NOP5 "; 2: call callee; dec ecx; jne 2b; call landmark; ret");
CODE(beside, "test eax, eax; je 1f; beside_want: " NOP5 "; 1: call landmark; ret");
CODE(again, "1: again_want: " NOP5 "; dec ecx; jne 1b; call landmark; ret");
CODE(twice, "twice_want: " NOP5 "; call landmark; call landmark; ret");
CODE(late, "call landmark; late_want: " NOP5 "; ret");
CODE(short_nop, "short_nop_want: nop; call landmark; ret");
/* clang-format on */

static bool returns(void *arg, uint64_t to)
{
	(void)arg;
	return to != (uint64_t)(uintptr_t)dies;
}

static struct once_question ask(const uint8_t *code, const uint8_t *end)
{
	return (struct once_question){
		.code = code,
		.len = (size_t)(end - code),
		.vaddr = (uint64_t)(uintptr_t)code,
		.returns = returns,
		.landmark = (uint64_t)(uintptr_t)landmark,
	};
}

static int find(const uint8_t *code, const uint8_t *end, const uint8_t **ret)
{
	struct once_question q = ask(code, end);
	uint64_t point = 0;
	int rc = once_last(&q, &point);

	*ret = (const uint8_t *)(uintptr_t)point;
	return rc;
}

#define FINDS(name)                                                \
	do {                                                       \
		const uint8_t *got;                                \
                                                                   \
		assert_int_equal(find(name, name##_end, &got), 0); \
		assert_int_equal(got - name, name##_want - name);  \
	} while (0)

#define FINDS_NOTHING(name)                                              \
	do {                                                             \
		const uint8_t *got;                                      \
                                                                         \
		assert_int_equal(find(name, name##_end, &got), -ENOENT); \
		assert_null(got);                                        \
	} while (0)

static void test_finds(void **state)
{
	(void)state;
	FINDS(straight);
	FINDS(branch);
	FINDS(two_returns);
	FINDS(loop);
	FINDS(behind_loop);
	FINDS(panics);
	FINDS(tail);
}

static void test_finds_nothing(void **state)
{
	(void)state;
	FINDS_NOTHING(early);  /* the landmark is not on every way */
	FINDS_NOTHING(before); /* what is on every way lies before it */
	FINDS_NOTHING(no_landmark);
	FINDS_NOTHING(endless);
	FINDS_NOTHING(table);
	FINDS_NOTHING(junk);
	FINDS_NOTHING(into_middle);
}

static void expect_nop(const uint8_t *code, const uint8_t *end, const uint8_t *want)
{
	struct once_question q = ask(code, end);
	uint64_t point = 0;

	assert_int_equal(once_nop_before(&q, &point), want ? 0 : -ENOENT);
	assert_ptr_equal((const uint8_t *)(uintptr_t)point, want);
}

static void test_nop_before(void **state)
{
	(void)state;
	expect_nop(ahead, ahead_end, ahead_want);
	expect_nop(to_loop, to_loop_end, to_loop_want);
	expect_nop(beside, beside_end, NULL);
	expect_nop(again, again_end, NULL);
	expect_nop(twice, twice_end, NULL);
	expect_nop(late, late_end, NULL);
	expect_nop(short_nop, short_nop_end, NULL);
	expect_nop(no_landmark, no_landmark_end, NULL);
	expect_nop(junk, junk_end, NULL);
}

static void test_passes(void **state)
{
	struct once_question in_loop = ask(to_loop, to_loop_end),
			     in_beside = ask(beside, beside_end);
	const uint64_t first = (uint64_t)(uintptr_t)to_loop,
		       nop = (uint64_t)(uintptr_t)to_loop_want;

	(void)state;
	assert_int_equal(once_passes(&in_loop, first, nop), 0);
	assert_int_equal(once_passes(&in_loop, nop, first), -ENOENT);
	assert_int_equal(once_passes(&in_loop, nop, nop + 5), 0);
	assert_int_equal(once_passes(&in_loop, nop + 1, nop + 5), -ENOENT); /* no instruction */
	assert_int_equal(once_passes(&in_beside, (uint64_t)(uintptr_t)beside_want,
				     (uint64_t)(uintptr_t)beside_want + 5),
			 -ENOENT);
}

static void test_random_code(void **state)
{
	static const uint8_t likely[] = {
		0x90, 0xeb, 0x05, 0x74, 0xf6, 0xc3, 0xe8, 0x00, 0x75, 0x02
	};
	uint64_t seed = 3, point;
	unsigned n, i;

	(void)state;
	for (n = 0; n < 400; n++) {
		size_t len = 1 + n;
		uint8_t *code = malloc(len);
		struct once_question q = {
			.code = code, .len = len, .vaddr = 0x401000, .returns = returns
		};
		int rc;

		assert_non_null(code);
		for (i = 0; i < len; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			code[i] = likely[(seed >> 33) % sizeof(likely)];
		}
		q.landmark = 0x401000 + len / 2;
		rc = once_last(&q, &point);
		assert_true(rc == -ENOENT || (!rc && point > 0x401000 && point < 0x401000 + len));
		rc = once_nop_before(&q, &point);
		assert_true(rc == -ENOENT || (!rc && point > 0x401000 && point < 0x401000 + len));
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),	    cmocka_unit_test(test_finds_nothing),
		cmocka_unit_test(test_nop_before),  cmocka_unit_test(test_passes),
		cmocka_unit_test(test_random_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
