/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop for each pair of cost classes: what a pair of traps takes depends on both.  A probe on a
 * NOP may be turned into a call that uses the stack below the stack pointer, so these are functions
 * of their own, with nothing there.
 */
#include "bpf/calibrate_x86.h"

#define CLASSES 4

__asm__(".macro st_pair_insn class\n"
	".if \\class == 0\n"
	"	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00\n" /* nopl 0(%rax,%rax) */
	".elseif \\class == 1\n"
	"	.byte	0xeb, 0x00\n" /* jmp to the next */
	".elseif \\class == 2\n"
	"	push	%rax\n"
	".else\n"
	"	mov	%rax, %rax\n"
	".endif\n"
	".endm\n"
	".macro st_pair begin, end\n"
	"	.text\n"
	"	.balign	16\n"
	"	.type	st_pair_\\begin\\end, @function\n"
	"st_pair_\\begin\\end:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	mov	%rsp, %r8\n"
	"	.cfi_def_cfa_register %r8\n"
	"1:\n"
	"2:	st_pair_insn \\begin\n"
	"3:	st_pair_insn \\end\n"
	"	mov	%r8, %rsp\n"
	"	dec	%rdi\n"
	"	jnz	1b\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size	st_pair_\\begin\\end, . - st_pair_\\begin\\end\n"
	"	.section .data.rel.ro.st_pairs, \"aw\"\n"
	"	.quad	st_pair_\\begin\\end, 2b, 3b\n"
	".endm\n"
	"	.section .data.rel.ro.st_pairs, \"aw\"\n"
	"	.balign	8\n"
	"	.globl	st_calibration_loops\n"
	"	.hidden	st_calibration_loops\n"
	"st_calibration_loops:\n"
	".irp begin, 0, 1, 2, 3\n"
	".irp end, 0, 1, 2, 3\n"
	"	st_pair \\begin, \\end\n"
	".endr\n"
	".endr\n"
	"	.text\n");

extern const struct calibration_loop st_calibration_loops[CLASSES * CLASSES]
	__attribute__((visibility("hidden")));

const struct calibration_loop *calibration_loop(enum cost_class begin, enum cost_class end)
{
	return &st_calibration_loops[begin * CLASSES + end];
}
