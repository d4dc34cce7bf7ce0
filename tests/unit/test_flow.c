/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values through a function: kept over spills, branches and loops where they are certain, and
 * nowhere else.  The functions have markers, `mov [N], rbx`; a test asks what rbx holds at marker
 * N.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "symbols/flow_x86.h"

#define CODE(name, text)                                                                    \
	extern const uint8_t name[], name##_end[];                                          \
	__asm__(".pushsection .rodata\n.intel_syntax noprefix\n" #name ": " text "\n" #name \
		"_end:\n.att_syntax prefix\n.popsection\n")

#define MARK(n) "; mov ds:[" #n "], rbx; "

/* One line a thought. */
/* clang-format off */

/* Go 1.19's way of a frame, and 1.22's; each spills an argument and takes it back after a call. */
CODE(spill,
	"sub rsp, 0x48; mov [rsp+0x40], rbp; lea rbp, [rsp+0x40]; mov [rsp+0x60], rcx;"
	"call spill_end;"
	"mov rbx, [rsp+0x60]" MARK(1)
	"mov rbx, rcx" MARK(2)
	"mov rbx, rax" MARK(3)
	"mov rbp, [rsp+0x40]; add rsp, 0x48; ret");
CODE(spill_push,
	"push rbp; mov rbp, rsp; sub rsp, 0x18; mov [rsp+0x28], rax;"
	"call spill_push_end;"
	"mov rbx, [rsp+0x28]; mov rbx, [rbx]" MARK(1)
	"mov rbx, [rbp+0]" MARK(2)
	"add rsp, 0x18; pop rbp; mov rbx, rbp" MARK(3)
	"ret");
/* Where a frame begins: what mcall saves. */
CODE(frame,
	"push rbp; mov rbp, rsp;"
	"mov rbx, [rbp]" MARK(1)
	"mov rbx, [rbp+8]" MARK(2)
	"lea rbx, [rsp+0x10]" MARK(3)
	"mov rbx, rsp; mov rbx, [rbx+8]" MARK(4)
	"pop rbp; mov rbx, rbp" MARK(5)
	"mov rbx, rsp" MARK(6)
	"ret");
/* Both ways agree on rcx, not on rdx. */
CODE(branches,
	"test rax, rax; je 1f;"
	"mov rdx, rsi; jmp 2f;"
	"1: mov rdx, rdi;"
	"2: mov rbx, rcx" MARK(1)
	"mov rbx, rdx" MARK(2)
	"ret");
/* A loop that changes rcx in its second half; rdx stays. */
CODE(loop,
	"nop;"
	"1: mov rbx, rcx" MARK(1)
	"mov rbx, rdx" MARK(2)
	"mov rcx, [rcx]; test rcx, rcx; jne 1b;"
	"ret");
/* Back to the entry behind morestack is no way into the function. */
CODE(morestack,
	"cmp rsp, [r14+0x10]; jbe 1f;"
	"mov rbx, rbp" MARK(1)
	"ret;"
	"1: mov [rsp+8], rax; call morestack_end; mov rax, [rsp+8]; jmp morestack");
/* Slots: partly overwritten by a narrow store, stored on one way only, under a wide store. */
CODE(slots,
	"sub rsp, 0x20; mov [rsp], rcx; mov [rsp+8], rcx; mov [rsp+16], rcx;"
	"mov rbx, [rsp]" MARK(1)
	"mov byte ptr [rsp+3], 0; mov rbx, [rsp]" MARK(2)
	"test rax, rax; je 1f; mov [rsp+8], rdx;"
	"1: mov rbx, [rsp+8]" MARK(3)
	"movups [rsp+16], xmm0; mov rbx, [rsp+16]" MARK(4)
	"ret");
/* After what moves rsp in an unknown way no slot is known. */
CODE(moved,
	"push rcx; and rsp, -16; mov rbx, [rsp]" MARK(1)
	"ret");
/* Partial writes, indexed loads and arithmetic make a value unknown. */
CODE(partial,
	"mov rbx, rcx; mov bl, 1" MARK(1)
	"mov rbx, [rcx+8*rdx]" MARK(2)
	"mov rbx, rcx; add rbx, 8" MARK(3)
	"mov ebx, ecx" MARK(4)
	"movzx ebx, byte ptr [rcx+0x10]" MARK(5)
	"mov rbx, fs:[0]" MARK(6)
	"mov rax, rcx; lock cmpxchg [rdi], edx; mov rbx, rax" MARK(7)
	"ret");
/* Code behind an end of the flow is not looked at. */
CODE(unreachable,
	"mov rbx, rcx; jmp 1f;"
	"mov rbx, rdx" MARK(1)
	"1: nop" MARK(2)
	"ud2" MARK(3));
CODE(junk,
	"mov rbx, rcx" MARK(1)
	".byte 0x06" MARK(2));

/* clang-format on */

struct marks {
	struct flow_value at[16];
	bool seen[16];
};

static void visit(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct marks *m = arg;
	const struct insn_operand *to = insn_memory(insn, 0);

	assert_true(s->reached);
	if (!insn_is(insn, "mov") || !to || to->reg != REG_NONE || to->rip_relative || to->segment)
		return;
	assert_in_range(to->value, 0, 15);
	m->seen[to->value] = true;
	m->at[to->value] = flow_operand(s, &insn->operand[1]);
}

static struct marks run(const uint8_t *code, const uint8_t *end)
{
	struct marks m = { .seen = { false } };

	assert_int_equal(flow_run(code, (size_t)(end - code), (uint64_t)(uintptr_t)code, visit, &m),
			 0);
	return m;
}

#define RUN(name) run(name, name##_end)

#define IS_UNKNOWN(m, n)                                        \
	do {                                                    \
		assert_true((m).seen[n]);                       \
		assert_int_equal((m).at[n].kind, FLOW_UNKNOWN); \
	} while (0)

static void test_spills(void **state)
{
	struct marks m = RUN(spill);

	(void)state;
	assert_true(flow_is_entry(m.at[1], REG_CX));
	IS_UNKNOWN(m, 2);
	assert_int_equal(m.at[3].kind, FLOW_RESULT);
	assert_int_equal(m.at[3].where, (uint64_t)(uintptr_t)spill_end);

	m = RUN(spill_push);
	assert_true(flow_is_load(m.at[1], REG_AX) && m.at[1].where == 0);
	IS_UNKNOWN(m, 2); /* rbp is lost in the call */
	assert_true(flow_is_entry(m.at[3], REG_BP));
}

static void test_frame(void **state)
{
	struct marks m = RUN(frame);

	(void)state;
	assert_true(flow_is_entry(m.at[1], REG_BP));
	assert_int_equal(m.at[2].kind, FLOW_RETURN_PC);
	assert_int_equal(m.at[3].kind, FLOW_FRAME);
	assert_int_equal(m.at[3].where, 8);
	assert_int_equal(m.at[4].kind, FLOW_RETURN_PC);
	assert_true(flow_is_entry(m.at[5], REG_BP));
	assert_int_equal(m.at[6].kind, FLOW_FRAME);
	assert_int_equal(m.at[6].where, 0);
}

static void test_branches(void **state)
{
	struct marks m = RUN(branches);

	(void)state;
	assert_true(flow_is_entry(m.at[1], REG_CX));
	IS_UNKNOWN(m, 2);

	m = RUN(loop);
	IS_UNKNOWN(m, 1);
	assert_true(flow_is_entry(m.at[2], REG_DX));

	m = RUN(morestack);
	assert_true(flow_is_entry(m.at[1], REG_BP));
}

static void test_slots(void **state)
{
	struct marks m = RUN(slots);

	(void)state;
	assert_true(flow_is_entry(m.at[1], REG_CX));
	IS_UNKNOWN(m, 2);
	IS_UNKNOWN(m, 3);
	IS_UNKNOWN(m, 4);
	m = RUN(moved);
	IS_UNKNOWN(m, 1);
}

static void test_partial(void **state)
{
	struct marks m = RUN(partial);

	(void)state;
	IS_UNKNOWN(m, 1);
	IS_UNKNOWN(m, 2);
	IS_UNKNOWN(m, 3);
	assert_true(flow_is_entry(m.at[4], REG_CX));
	assert_true(flow_is_load(m.at[5], REG_CX) && m.at[5].where == 0x10);
	IS_UNKNOWN(m, 6);
	IS_UNKNOWN(m, 7);
}

static void test_reach(void **state)
{
	struct marks m = RUN(unreachable);

	(void)state;
	assert_false(m.seen[1]);
	assert_true(flow_is_entry(m.at[2], REG_CX));
	assert_false(m.seen[3]);

	m = RUN(junk);
	assert_true(m.seen[1]);
	assert_false(m.seen[2]);
}

static void visit_nothing(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	(void)arg;
	(void)insn;
	(void)s;
}

/* Any bytes at all: it ends, and reads nothing outside of them. */
static void test_random_code(void **state)
{
	/* Bytes that are often part of what is followed: pushes, moves by the stack, branches. */
	static const uint8_t likely[] = { 0x48, 0x89, 0x8b, 0x24, 0x44, 0x55, 0x5d,
					  0x83, 0xec, 0xc4, 0xeb, 0xf0, 0x75, 0x05,
					  0xe8, 0x00, 0x8d, 0x01, 0x10, 0xc3 };
	uint64_t seed = 7;
	unsigned n, i;
	int rc;

	(void)state;
	for (n = 0; n < 300; n++) {
		size_t len = 1 + n * 7;
		uint8_t *code = malloc(len);

		assert_non_null(code);
		for (i = 0; i < len; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			code[i] = n % 3 ? likely[(seed >> 33) % sizeof(likely)]
					: (uint8_t)(seed >> 33);
		}
		rc = flow_run(code, len, 0x401000, visit_nothing, NULL);
		assert_true(rc == 0 || rc == -E2BIG);
		free(code);
	}
	assert_int_equal(flow_run((const uint8_t *)"", 0, 0x401000, visit_nothing, NULL), 0);
	assert_int_equal(flow_run((const uint8_t *)"", 1u << 20, 0x401000, visit_nothing, NULL),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spills),	    cmocka_unit_test(test_frame),
		cmocka_unit_test(test_branches),    cmocka_unit_test(test_slots),
		cmocka_unit_test(test_partial),	    cmocka_unit_test(test_reach),
		cmocka_unit_test(test_random_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
