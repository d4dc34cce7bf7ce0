/* SPDX-License-Identifier: Apache-2.0 */
/* Where the planner puts a probe, on the prologues that Go's compiler really makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/err.h"
#include "bpf/plan.h"
#include "bpf/plan_x86.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"

#define AT 0x401000u
#define AX (1u << REG_AX)
#define BX (1u << REG_BX)

#define CMP_SP	   "\x49\x3b\x66\x10"			  /* cmp rsp, [r14+0x10] */
#define CMP_R12	   "\x4d\x3b\x66\x10"			  /* cmp r12, [r14+0x10] */
#define LEA_R12	   "\x4c\x8d\x64\x24\x90"		  /* lea r12, [rsp-0x70] */
#define LEA_R12_32 "\x4c\x8d\xa4\x24\xd0\xfe\xff\xff"	  /* lea r12, [rsp-0x130] */
#define JBE	   "\x76\x18"				  /* jbe +0x18 */
#define JBE_32	   "\x0f\x86\xf9\x03\x00\x00"		  /* jbe +0x3f9 */
#define FRAME	   "\x55\x48\x89\xe5\x48\x83\xec\x08"	  /* push rbp; mov rbp, rsp; sub rsp, 8 */
#define FRAME_119  "\x48\x83\xec\x18\x48\x89\x6c\x24\x10" /* sub rsp, 0x18; mov [rsp+0x10], rbp */
#define MOV_BX_AX  "\x48\x89\xc3"			  /* mov rbx, rax */
#define NOP5	   "\x0f\x1f\x44\x00\x00"
#define BELOW_SP   "\x48\x89\x6c\x24\xf0" /* mov [rsp-0x10], rbp */
#define RET	   "\xc3"

static struct insn_decoder *decoder;

static int setup(void **state)
{
	(void)state;
	return insn_decoder_new(&decoder);
}

static int teardown(void **state)
{
	(void)state;
	insn_decoder_free(decoder);
	return 0;
}

static struct plan_code code_of(const char *bytes, size_t size)
{
	return (struct plan_code){ decoder, (const uint8_t *)bytes, size, AT };
}

#define CODE(s) code_of(s, sizeof(s) - 1)

static void expect_entry(struct plan_code c, uint16_t needed, uint64_t offset, enum cost_class cost,
			 bool repeats)
{
	struct plan_point p = { 0 };

	assert_int_equal(plan_x86_entry(&c, needed, &p), 0);
	assert_true(p.present);
	assert_int_equal(p.vaddr, AT + offset);
	assert_int_equal(p.cost, cost);
	assert_int_equal(p.may_repeat, repeats);
	assert_true(p.insn[0]);
}

static void test_stack_check(void **state)
{
	(void)state;
	/* goexit0, copystack of 1.22; copystack of 1.19 */
	expect_entry(CODE(CMP_SP JBE FRAME RET), AX, 4, COST_BRANCH, true);
	expect_entry(CODE(LEA_R12 CMP_R12 JBE_32 FRAME), AX | BX, 9, COST_BRANCH, true);
	expect_entry(CODE(LEA_R12_32 CMP_R12 JBE_32 FRAME_119), AX | BX, 12, COST_BRANCH, true);
}

static void test_other_branch_does_not_repeat(void **state)
{
	(void)state;
	/* cmp rax, [rbx+0x10]; cmp rsp, [r14+0x20]; cmp with jb */
	expect_entry(CODE("\x48\x3b\x43\x10" JBE FRAME), AX, 4, COST_BRANCH, false);
	expect_entry(CODE("\x49\x3b\x66\x20" JBE FRAME), AX, 4, COST_BRANCH, false);
	expect_entry(CODE(CMP_SP "\x72\x18" FRAME), AX, 4, COST_BRANCH, false);
}

static void test_arguments_must_still_be_there(void **state)
{
	(void)state;
	expect_entry(CODE(MOV_BX_AX CMP_SP JBE FRAME), AX, 7, COST_BRANCH, true);
	expect_entry(CODE(MOV_BX_AX CMP_SP JBE FRAME), BX, 0, COST_STEP, false);
	/* the move itself still finds them */
	expect_entry(CODE("\x55" MOV_BX_AX CMP_SP JBE), BX, 0, COST_PUSH, false);
}

static void test_no_stack_check(void **state)
{
	(void)state;
	expect_entry(CODE(FRAME MOV_BX_AX RET), AX | BX, 0, COST_PUSH, false);
	expect_entry(CODE(FRAME_119 MOV_BX_AX RET), AX | BX, 0, COST_STEP, false);
	/* a branch further down, with the arguments kept, beats the push */
	expect_entry(CODE(FRAME "\x48\x85\xc9" JBE RET), AX, 11, COST_BRANCH, false);
	/* what comes after a branch that is no stack check is not always reached */
	expect_entry(CODE(FRAME_119 JBE "\xe8\x00\x00\x00\x00"), AX, 9, COST_BRANCH, false);
}

static void test_nop(void **state)
{
	(void)state;
	expect_entry(CODE(FRAME_119 NOP5 MOV_BX_AX RET), AX | BX, 9, COST_NOP, false);
	/* not where data lies below the stack pointer */
	expect_entry(CODE(BELOW_SP NOP5 MOV_BX_AX RET), AX | BX, 0, COST_STEP, false);
	/* another NOP is no call, so the stack does not matter */
	expect_entry(CODE(BELOW_SP "\x0f\x1f\x40\x00" MOV_BX_AX RET), AX | BX, 5, COST_BRANCH,
		     false);
	/* and a branch is preferred: old kernels step over NOPs */
	expect_entry(CODE(NOP5 CMP_SP JBE FRAME), AX, 9, COST_BRANCH, true);
}

static void test_prefixed_branch_is_stepped(void **state)
{
	(void)state;
	expect_entry(CODE("\x66\x0f\x86\x10\x00" MOV_BX_AX RET), AX, 0, COST_STEP, false);
}

static void test_not_code(void **state)
{
	struct plan_point p = { 0 };
	struct plan_code c = CODE("\x06\x06\x06");

	(void)state;
	assert_int_equal(plan_x86_entry(&c, AX, &p), -ENOENT);
	assert_false(p.present);
	assert_true(p.missing[0]);
}

#define CALL_10 "\xe8\x10\x00\x00\x00"

static void test_call(void **state)
{
	struct plan_code one = CODE(FRAME CALL_10 RET), none = CODE(FRAME RET),
			 two = CODE(CALL_10 FRAME "\xe8\x03\x00\x00\x00" RET);
	struct plan_point p = { 0 };

	(void)state;
	assert_int_equal(plan_x86_call(&one, AT + 8 + 5 + 0x10, "f", false, &p), 0);
	assert_int_equal(p.vaddr, AT + 8);
	assert_int_equal(p.cost, COST_BRANCH);
	assert_true(p.present);

	p = (struct plan_point){ 0 };
	assert_int_equal(plan_x86_call(&one, AT + 8 + 5 + 0x10, "f", true, &p), 0);
	assert_int_equal(p.vaddr, AT + 8 + 5);

	p = (struct plan_point){ 0 };
	assert_int_equal(plan_x86_call(&none, AT, "runtime.stackfree", false, &p), -ENOENT);
	assert_string_equal(p.missing, "it does not call runtime.stackfree");
	assert_false(p.present);
	assert_int_equal(plan_x86_call(&two, AT + 5 + 0x10, "f", false, &p), -ENOENT);
	assert_string_equal(p.missing, "it calls f at 2 places");
	assert_false(p.present);
}

static void test_return(void **state)
{
	struct plan_code one = CODE(FRAME CALL_10 RET), two = CODE(RET FRAME RET);
	struct plan_point p = { 0 };

	(void)state;
	assert_int_equal(plan_x86_return(&one, &p), 0);
	assert_int_equal(p.vaddr, AT + 13);
	assert_int_equal(p.cost, COST_STEP);
	p = (struct plan_point){ 0 };
	assert_int_equal(plan_x86_return(&two, &p), -ENOENT);
	assert_false(p.present);
}

#define LOAD_BUF "\x48\x8b\x5c\x24\x08" /* mov rbx, [rsp+8] */
#define LOAD_G	 "\x48\x8b\x53\x10"	/* mov rdx, [rbx+0x10] */
#define TOUCH_G	 "\x48\x8b\x0a"		/* mov rcx, [rdx] */
#define JMP_AWAY "\xe9\xcf\xf1\xff\xff"

static void test_gogo(void **state)
{
	struct plan_code go = CODE(LOAD_BUF LOAD_G TOUCH_G JMP_AWAY);
	struct plan_code r8 = CODE(LOAD_BUF "\x4c\x8b\x43\x10" JMP_AWAY);  /* mov r8, [rbx+0x10] */
	struct plan_code gone = CODE(LOAD_BUF LOAD_G "\x31\xd2" JMP_AWAY); /* xor edx, edx */
	struct plan_code inline_ = CODE(LOAD_BUF LOAD_G TOUCH_G "\xff\xe3"); /* jmp rbx */
	struct plan_point p = { .coroutine = REG_NONE };

	(void)state;
	assert_int_equal(plan_x86_gogo(&go, &p), 0);
	assert_int_equal(p.vaddr, AT + 12);
	assert_int_equal(p.coroutine, REG_DX);
	assert_int_equal(p.cost, COST_BRANCH);
	assert_int_equal(plan_x86_gogo(&r8, &p), 0);
	assert_int_equal(p.coroutine, REG_8);

	p = (struct plan_point){ 0 };
	assert_int_equal(plan_x86_gogo(&gone, &p), -ENOENT);
	assert_int_equal(plan_x86_gogo(&inline_, &p), -ENOENT);
	assert_false(p.present);
}

static void test_fixed(void **state)
{
	struct plan_code nop = CODE(NOP5), trap = CODE("\xcc\x90"), cut = CODE("\x0f\x1f\x44");
	struct plan_code lock = CODE("\xf0\x48\xff\x00"); /* lock inc [rax] */
	struct plan_point p = { 0 };

	(void)state;
	assert_int_equal(plan_x86_fixed(&nop, &p), 0);
	assert_int_equal(p.cost, COST_NOP);
	p = (struct plan_point){ 0 };
	assert_int_equal(plan_x86_fixed(&trap, &p), -ENOENT);
	assert_int_equal(plan_x86_fixed(&cut, &p), -ENOENT);
	assert_int_equal(plan_x86_fixed(&lock, &p), -ENOENT);
	assert_false(p.present);
}

/* A function of this program stands for a runtime. */
__attribute__((noinline, used)) void fake_runtime(void);
void fake_runtime(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0x00, 0x00");
}

static struct target fake_target(struct image *img)
{
	struct target t = { .kind = RUNTIME_NOTE, .runtime = "fake", .version = "1" };
	struct function f;

	assert_int_equal(image_function(img, "fake_runtime", &f), 0);
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		t.probe[i] = (struct target_probe){ .present = true,
						    .fixed = true,
						    .function = f.name,
						    .vaddr = f.vaddr,
						    .coroutine = REG_DI,
						    .new_size = REG_SI };
	return t;
}

static void test_make(void **state)
{
	struct image *img;
	struct target t;
	struct plan plan;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(image_open("/proc/self/exe", &img, &e), 0);
	t = fake_target(img);
	assert_int_equal(plan_make(img, &t, &plan, &e), 0);
	for (int i = 0; i < EV_PROBE_COUNT; i++) {
		assert_true(plan.point[i].present);
		assert_int_equal(plan.point[i].probe, i);
		assert_int_not_equal(plan.point[i].offset, 0);
	}

	/* optional ones may be missing, and say why */
	t.probe[EV_PROBE_GOGO].present = false;
	strcpy(t.probe[EV_PROBE_GOGO].missing, "because");
	t.probe[EV_PROBE_GOEXIT].coroutine = REG_NONE;
	t.probe[EV_PROBE_NEWPROC].vaddr = 1ull << 60;
	assert_int_equal(plan_make(img, &t, &plan, &e), 0);
	assert_false(plan.point[EV_PROBE_GOGO].present);
	assert_string_equal(plan.point[EV_PROBE_GOGO].missing, "because");
	assert_false(plan.point[EV_PROBE_GOEXIT].present);
	assert_non_null(strstr(plan.point[EV_PROBE_GOEXIT].missing, "register"));
	assert_false(plan.point[EV_PROBE_NEWPROC].present);
	assert_non_null(strstr(plan.point[EV_PROBE_NEWPROC].missing, "not in the file"));

	/* growth and its end are not */
	t.probe[EV_PROBE_COPYSTACK_END].present = false;
	strcpy(t.probe[EV_PROBE_COPYSTACK_END].missing, "it is gone");
	assert_int_equal(plan_make(img, &t, &plan, &e), -ENOENT);
	assert_non_null(strstr(e.text, "copystack_end"));
	assert_non_null(strstr(e.text, "it is gone"));
	t = fake_target(img);
	t.probe[EV_PROBE_COPYSTACK].new_size = REG_NONE;
	assert_int_equal(plan_make(img, &t, &plan, &e), -ENOENT);
	assert_non_null(strstr(e.text, "new size"));
	image_free(img);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		assert_string_not_equal(probe_name(i), "unknown");
	assert_string_equal(probe_name(EV_PROBE_COUNT), "unknown");
	for (int c = COST_NOP; c < COST_STEP; c++)
		assert_true(cost_class_ns(c) < cost_class_ns(c + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack_check),
		cmocka_unit_test(test_other_branch_does_not_repeat),
		cmocka_unit_test(test_arguments_must_still_be_there),
		cmocka_unit_test(test_no_stack_check),
		cmocka_unit_test(test_nop),
		cmocka_unit_test(test_prefixed_branch_is_stepped),
		cmocka_unit_test(test_not_code),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_return),
		cmocka_unit_test(test_gogo),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
