/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switch_amd64.S: switches between stacks.
 *
 * All of them end in jmp, never in a ret to another stack, which the processor would always
 * mispredict; and none saves mxcsr or the x87 control word: loading a differing one costs more than
 * ten switches, and Go does not either.  What a coroutine changes there, its thread changes.
 *
 * A saved coroutine has six callee-saved registers and the address to go on at on its stack, lowest
 * rbp last, and the same address in sched.pc; a new one is made to look so.
 */
#include <asm/errno.h>

#include "runtime/asm_amd64.inc"
#include "runtime/note.h"

	.text

/* A probe's note, as runtime/note.h has it for C. */
.macro	probe_note number, coroutine, new_size, point
	.pushsection .note.stacktrace, "a", @note
	.balign	4
	.long	11, 24, CORUN_NOTE_PROBE
	.asciz	"stacktrace"
	.balign	4
	.long	\number
	.byte	\coroutine, \new_size
	.short	0
	.quad	\point - .
	.quad	0
	.popsection
.endm

/* void gogo(struct g *gp): continues a coroutine.  The probe sees it in rdi, all of it saved. */
hidden_function gogo
#ifdef SANITIZED
	pushq %rdi; call sanitize_to_g; popq %rdi
#endif
.Lgogo_probe:
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	probe_note CORUN_PROBE_GOGO, CORUN_REG_DI, CORUN_REG_NONE, .Lgogo_probe
	movq	G_STACKGUARD(%rdi), %rax
	movq	G_SCHED_PC(%rdi), %rcx
	movq	G_SCHED_SP(%rdi), %rsp
	movq	%rax, GUARD
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	leaq	8(%rsp), %rsp
	xorl	%eax, %eax		/* what co_yield returns */
	jmp	*%rcx
end gogo

/* void mcall(void (*fn)(struct g *)): saves the coroutine and calls fn on g0, which never returns. */
hidden_function mcall
	movq	(%rsp), %rcx
	movq	M(M_CURG), %rax
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rcx, G_SCHED_PC(%rax)
	movq	%rsp, G_SCHED_SP(%rax)
	movq	%rbp, G_SCHED_BP(%rax)
	movq	$0, GUARD
	movq	M(M_G0_SP), %rsp
#ifdef SANITIZED
	pushq %rdi; pushq %rax; movq %rax, %rdi; call sanitize_to_g0; popq %rax; popq %rdi
#endif
	movq	%rdi, %rcx
	movq	%rax, %rdi
	xorl	%ebp, %ebp
	pushq	$0			/* no return address: unwinders stop */
	.cfi_undefined rip
	jmp	*%rcx
end mcall

/*
 * int co_yield(void)
 *
 * Not in C: the address to go on at is the one in its caller.  If it were in here, a ret would lead
 * from here to there; and as each switch comes by a call and goes on by a jmp, every ret behind one
 * is mispredicted.  That took half of the time of a yield.
 */
function co_yield
	cmpq	$0, GUARD
	je	1f
	leaq	gosched0(%rip), %rdi
	jmp	mcall
1:	movl	$-EPERM, %eax
	ret
end co_yield

/* Where a new coroutine begins.  The frame pointer of 0 ends every walk over its frames. */
hidden_function gostart
	.cfi_undefined rip
	xorl	%ebp, %ebp
	movq	M(M_CURG), %rax
	movq	G_ARG(%rax), %rdi
	call	*G_ENTRY(%rax)
	leaq	goexit0(%rip), %rdi
	call	mcall
	ud2
end gostart

/* void g0_enter(void (*fn)(void)) */
hidden_function g0_enter
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, M(M_EXIT_SP)
	andq	$-64, %rsp
	movq	%rsp, M(M_G0_SP)
	xorl	%ebp, %ebp
	pushq	$0
	.cfi_undefined rip
	jmp	*%rdi
end g0_enter

/* void g0_leave(void): g0_enter returns. */
hidden_function g0_leave
	movq	M(M_EXIT_SP), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
end g0_leave

	end_of_object
