/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction decoder: kinds, operands, registers, and a clean stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "symbols/insn_x86.h"

#define AT 0x401000u

static struct insn_x86 decode(const char *bytes, size_t len)
{
	struct insn_decoder *d;
	struct insn_x86 insn;

	assert_int_equal(insn_decoder_new(&d), 0);
	insn_decoder_set(d, (const uint8_t *)bytes, len, AT);
	assert_int_equal(insn_decoder_next(d, &insn), 1);
	assert_int_equal(insn.vaddr, AT);
	assert_int_equal(insn.length, len);
	assert_int_equal(insn_decoder_vaddr(d), AT + len);
	assert_int_equal(insn_decoder_next(d, &insn), 0);
	insn_decoder_free(d);
	return insn;
}

/* For bytes that Capstone 4 reads as AMD does, with a 16-bit target, and Capstone 5 as Intel does.
 */
static struct insn_x86 decode_first(const char *bytes, size_t len)
{
	struct insn_decoder *d;
	struct insn_x86 insn;

	assert_int_equal(insn_decoder_new(&d), 0);
	insn_decoder_set(d, (const uint8_t *)bytes, len, AT);
	assert_int_equal(insn_decoder_next(d, &insn), 1);
	insn_decoder_free(d);
	return insn;
}

#define DECODE(s) decode(s, sizeof(s) - 1)

static void test_kinds(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum insn_kind kind;
		uint64_t target;
	} want[] = {
#define INSN(s, ...) { s, sizeof(s) - 1, __VA_ARGS__ }
		INSN("\x0f\x1f\x44\x00\x00", INSN_NOP5, 0),
		INSN("\x90", INSN_NOP, 0),
		INSN("\x66\x90", INSN_NOP, 0),
		INSN("\x0f\x1f\x40\x00", INSN_NOP, 0),
		INSN("\x0f\x1f\x44\x18\x00", INSN_NOP, 0), /* five bytes, but another one */
		INSN("\x66\x0f\x1f\x44\x00\x00", INSN_NOP, 0),
		INSN("\xf3\x90", INSN_OTHER, 0), /* pause */
		INSN("\xe8\xfb\xff\xff\xff", INSN_CALL, AT),
		INSN("\xff\xd0", INSN_CALL_INDIRECT, 0),
		INSN("\xff\x15\x01\x00\x00\x00", INSN_CALL_INDIRECT, 0),
		INSN("\xeb\x10", INSN_JMP, AT + 0x12),
		INSN("\xe9\x00\x01\x00\x00", INSN_JMP, AT + 0x105),
		INSN("\xff\xe3", INSN_JMP_INDIRECT, 0),
		INSN("\x76\x10", INSN_JCC, AT + 0x12),
		INSN("\x0f\x86\x00\x01\x00\x00", INSN_JCC, AT + 0x106),
		INSN("\xe3\x10", INSN_OTHER, 0), /* jrcxz: not emulated by the kernel */
		INSN("\xe2\x10", INSN_OTHER, 0), /* loop */
		INSN("\x55", INSN_PUSH, 0),
		INSN("\x41\x57", INSN_PUSH, 0),
		INSN("\x68\x01\x00\x00\x00", INSN_OTHER, 0),	 /* push of an immediate */
		INSN("\xff\x35\x00\x00\x00\x00", INSN_OTHER, 0), /* push of memory */
		INSN("\xc3", INSN_RETURN, 0),
		INSN("\xc2\x08\x00", INSN_RETURN, 0),
		INSN("\xcc", INSN_OTHER, 0),
		INSN("\xf3\x0f\x1e\xfa", INSN_OTHER, 0), /* endbr64 */
#undef INSN
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct insn_x86 insn = decode(want[i].bytes, want[i].len);

		if (insn.kind != want[i].kind || insn.target != want[i].target)
			fail_msg("%s: kind %d target 0x%lx, wanted %d 0x%lx", insn.text, insn.kind,
				 (unsigned long)insn.target, want[i].kind,
				 (unsigned long)want[i].target);
	}
}

static void test_memory(void **state)
{
	const struct insn_operand *m;
	struct insn_x86 insn;

	(void)state;
	insn = DECODE("\x49\x89\x5e\x40"); /* mov [r14+0x40], rbx */
	assert_string_equal(insn.text, "mov qword ptr [r14 + 0x40], rbx");
	assert_true(insn_is(&insn, "mov"));
	m = insn_memory(&insn, 0);
	assert_non_null(m);
	assert_ptr_equal(insn_memory(&insn, -1), m);
	assert_null(insn_memory(&insn, 1));
	assert_int_equal(m->reg, REG_14);
	assert_int_equal(m->index, REG_NONE);
	assert_int_equal(m->value, 0x40);
	assert_int_equal(m->size, 8);
	assert_true(m->is_write && !m->is_read);
	assert_int_equal(insn.operand[1].reg, REG_BX);
	assert_int_equal(insn.regs_written, 0);
	assert_int_equal(insn.regs_read, 1 << REG_14 | 1 << REG_BX);

	insn = DECODE("\x49\x3b\x66\x10"); /* cmp rsp, [r14+0x10] */
	m = insn_memory(&insn, -1);
	assert_true(m->is_read && !m->is_write);
	assert_int_equal(insn.regs_written, 0);

	insn = DECODE("\xf0\x0f\xb1\x8f\x90\x00\x00\x00"); /* lock cmpxchg [rdi+0x90], ecx */
	assert_true(insn.lock && insn_is(&insn, "cmpxchg"));
	m = insn_memory(&insn, 0);
	assert_true(m->is_read && m->is_write);
	assert_int_equal(m->size, 4);
	assert_int_equal(m->value, 0x90);
	assert_int_equal(insn.regs_written, 1 << REG_AX);

	insn = DECODE("\x44\x0f\x11\x78\x38"); /* movups [rax+0x38], xmm15 */
	m = insn_memory(&insn, 0);
	assert_true(m->is_write && !m->is_read);
	assert_int_equal(m->size, 16);
	assert_int_equal(insn.operand[1].reg, REG_NONE);

	insn = DECODE("\x48\x8b\x05\x10\x00\x00\x00"); /* mov rax, [rip+0x10] */
	m = insn_memory(&insn, 1);
	assert_true(m->rip_relative);
	assert_int_equal(m->address, AT + 7 + 0x10);
	assert_int_equal(insn.regs_written, 1 << REG_AX);

	insn = DECODE("\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff"); /* mov rcx, fs:[-8] */
	m = insn_memory(&insn, 1);
	assert_true(m->segment);
	assert_int_equal(m->reg, REG_NONE);
	assert_int_equal(m->value, -8);

	insn = DECODE("\x8b\x54\xb1\x04"); /* mov edx, [rcx+4*rsi+4] */
	m = insn_memory(&insn, 1);
	assert_int_equal(m->index, REG_SI);
	assert_int_equal(m->scale, 4);
}

static void test_registers(void **state)
{
	struct insn_x86 insn;

	(void)state;
	assert_int_equal(DECODE("\xb4\x01").regs_written, 1 << REG_AX);	   /* mov ah, 1 */
	assert_int_equal(DECODE("\x41\xb1\x01").regs_written, 1 << REG_9); /* mov r9b, 1 */
	assert_int_equal(DECODE("\x31\xd2").regs_written, 1 << REG_DX);	   /* xor edx, edx */
	assert_int_equal(DECODE("\xf7\xe1").regs_written, 1 << REG_AX | 1 << REG_DX); /* mul ecx */
	assert_int_equal(DECODE("\x5b").regs_written, 1 << REG_BX | 1 << REG_SP);     /* pop rbx */
	assert_int_equal(DECODE("\x0f\x05").regs_written & (1 << REG_AX | 1 << REG_11),
			 1 << REG_AX | 1 << REG_11); /* syscall */
	insn = DECODE("\x48\x0f\xc7\x0f");	     /* cmpxchg16b [rdi] */
	assert_int_equal(insn.regs_written, 1 << REG_AX | 1 << REG_DX);
	assert_true(decode_first("\x66\xe9\x00\x00\x00\x00", 6).operand_size_16);
	assert_false(DECODE("\xe9\x00\x00\x00\x00").operand_size_16);
	assert_string_equal(target_reg_name(REG_12), "r12");
	assert_string_equal(target_reg_name(REG_NONE), "none");
}

static void test_stops(void **state)
{
	/* nop; then a byte that is no instruction in 64-bit mode; then nop again */
	static const uint8_t code[] = { 0x90, 0x06, 0x90 };
	struct insn_decoder *d;
	struct insn_x86 insn;

	(void)state;
	assert_int_equal(insn_decoder_new(&d), 0);
	insn_decoder_set(d, code, sizeof(code), AT);
	assert_int_equal(insn_decoder_next(d, &insn), 1);
	assert_int_equal(insn_decoder_next(d, &insn), -EILSEQ);
	assert_int_equal(insn.kind, INSN_NOP);
	assert_int_equal(insn_decoder_next(d, &insn), -EILSEQ);
	assert_int_equal(insn_decoder_vaddr(d), AT + 1);

	/* Cut inside an instruction. */
	insn_decoder_set(d, (const uint8_t *)"\xe8\x00\x00", 3, AT);
	assert_int_equal(insn_decoder_next(d, &insn), -EILSEQ);

	insn_decoder_set(d, code, 0, AT);
	assert_int_equal(insn_decoder_next(d, &insn), 0);
	insn_decoder_free(d);
	insn_decoder_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
