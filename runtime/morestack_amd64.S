/* SPDX-License-Identifier: Apache-2.0 */
/* morestack_amd64.S: what functions call whose stack does not suffice, or that had got more. */
#include "runtime/asm_amd64.inc"

	.text

/*
 * The stack checks.  gcc calls __morestack at the very beginning of a function, with the bytes of
 * its frame in r10 and of its stack arguments in r11, behind the call a one-byte ret, and behind
 * that what only this path needs:
 *
 *	mov %rax,%r10		a nested function: the static chain was put into rax
 *	lea 24(%rbp),%r11	a variadic one: where its stack arguments are, if it were called
 *				from a frame of __morestack's, as libgcc does; there is none here
 *
 * Every register may carry an argument, the static chain, or what the callers keep in it.  So all are
 * saved on g0, the vectors as wide as the machine has them, adjusted where they point into the stack,
 * and loaded back.  newstack works out the two instructions above.
 *
 * The second name of each is for shared libraries, see shared_amd64.S.
 *
 * We come back by a ret to just behind them, not by jmp: the call above and this ret keep the
 * processor's return predictor in step for the callers of the function.
 */
.macro	save_registers
	movq	%rsp, M(M_MORE_SP)
	movq	M(M_G0_SP), %rsp
	subq	$REGS_SIZE, %rsp
	movq	%rax, REGS_GP + 0(%rsp)
	movq	%rcx, REGS_GP + 8(%rsp)
	movq	%rdx, REGS_GP + 16(%rsp)
	movq	%rbx, REGS_GP + 24(%rsp)
	movq	%rbp, REGS_GP + 40(%rsp)
	movq	%rsi, REGS_GP + 48(%rsp)
	movq	%rdi, REGS_GP + 56(%rsp)
	movq	%r8, REGS_GP + 64(%rsp)
	movq	%r9, REGS_GP + 72(%rsp)
	movq	%r10, REGS_GP + 80(%rsp)
	movq	%r11, REGS_GP + 88(%rsp)
	movq	%r12, REGS_GP + 96(%rsp)
	movq	%r13, REGS_GP + 104(%rsp)
	movq	%r14, REGS_GP + 112(%rsp)
	movq	%r15, REGS_GP + 120(%rsp)
	movq	M(M_MORE_SP), %rax
	movq	%rax, REGS_GP + 32(%rsp)
	movq	$0, GUARD
	movl	vector_level(%rip), %eax
.endm

.macro	each_vector instruction, register, load
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	.if	\load
	\instruction	REGS_VECTOR + REGS_VECTOR_SIZE * \n(%rsp), %\register\n
	.else
	\instruction	%\register\n, REGS_VECTOR + REGS_VECTOR_SIZE * \n(%rsp)
	.endif
	.endr
.endm

/* edi: enum morestack_kind; the registers are saved below rsp, the vector level is in eax. */
.macro	cfi_saved dwarf_register, offset
	.cfi_escape 0x10, \dwarf_register, 3, 0x77, ((\offset) & 0x7f) | 0x80, (\offset) >> 7
.endm

	.type	grow, @function
	.p2align 4
grow:
	.cfi_startproc
	.cfi_signal_frame
	/* The frame's address is what is saved of rsp, and 8. */
	.cfi_escape 0x0f, 6, 0x77, ((REGS_GP + 32) & 0x7f) | 0x80, (REGS_GP + 32) >> 7, 0x06, 0x23, 0x08
	cfi_saved 3, REGS_GP + 24
	cfi_saved 6, REGS_GP + 40
	cfi_saved 12, REGS_GP + 96
	cfi_saved 13, REGS_GP + 104
	cfi_saved 14, REGS_GP + 112
	cfi_saved 15, REGS_GP + 120
	cmpl	$VECTOR_YMM, %eax
	jb	1f
	je	2f
	each_vector vmovdqu64, zmm, 0
	vzeroupper
	jmp	3f
1:	each_vector movaps, xmm, 0
	jmp	3f
2:	each_vector vmovdqa, ymm, 0
	vzeroupper
3:	movl	%edi, %esi
	movq	%rsp, %rdi
	xorl	%ebp, %ebp
	call	newstack
	movl	vector_level(%rip), %eax
	cmpl	$VECTOR_YMM, %eax
	jb	1f
	je	2f
	each_vector vmovdqu64, zmm, 1
	jmp	3f
1:	each_vector movaps, xmm, 1
	jmp	3f
2:	each_vector vmovdqa, ymm, 1
3:	movq	REGS_GP + 0(%rsp), %rax
	movq	REGS_GP + 8(%rsp), %rcx
	movq	REGS_GP + 16(%rsp), %rdx
	movq	REGS_GP + 24(%rsp), %rbx
	movq	REGS_GP + 40(%rsp), %rbp
	movq	REGS_GP + 48(%rsp), %rsi
	movq	REGS_GP + 56(%rsp), %rdi
	movq	REGS_GP + 64(%rsp), %r8
	movq	REGS_GP + 72(%rsp), %r9
	movq	REGS_GP + 80(%rsp), %r10
	movq	REGS_GP + 88(%rsp), %r11
	movq	REGS_GP + 96(%rsp), %r12
	movq	REGS_GP + 104(%rsp), %r13
	movq	REGS_GP + 112(%rsp), %r14
	movq	REGS_GP + 120(%rsp), %r15
	movq	REGS_GP + 32(%rsp), %rsp
	ret
end grow

	.globl	__corun_morestack
	.set	__corun_morestack, __morestack
function __morestack
	save_registers
	movl	$MORESTACK_FRAME, %edi
	jmp	grow
end __morestack

/*
 * gold and lld turn the check of a function that calls code without checks into an unconditional
 * call of this, on ordinary threads too.
 */
	.globl	__corun_morestack_non_split
	.set	__corun_morestack_non_split, __morestack_non_split
function __morestack_non_split
	cmpq	$0, GUARD
	je	.Lroom
	pushq	%r11			/* the size of the arguments */
	.cfi_adjust_cfa_offset 8
	leaq	8 - NON_SPLIT_ROOM(%rsp), %r11
	subq	%r10, %r11
	jb	.Lno_room
	cmpq	GUARD, %r11
.Lno_room:
	popq	%r11
	.cfi_adjust_cfa_offset -8
	jae	.Lroom
	save_registers
	movl	$MORESTACK_NON_SPLIT, %edi
	jmp	grow
.Lroom:
	movq	(%rsp), %r11
	cmpl	$0x185d8d4c, 1(%r11)	/* lea 24(%rbp),%r11 */
	je	.Lvariadic
	cmpl	$0x8d4cc289, 2(%r11)	/* mov %rax,%r10; lea ... */
	je	.Lvariadic_nested
	addq	$1, (%rsp)		/* behind the ret */
	ret
.Lvariadic_nested:
	cmpb	$0x49, 1(%r11)
	jne	.Lbehind_ret
	cmpw	$0x185d, 6(%r11)
	jne	.Lbehind_ret
	movq	%rax, %r10
	addq	$3, (%rsp)
.Lvariadic:
	addq	$5, (%rsp)
	leaq	16(%rsp), %r11
	ret
.Lbehind_ret:
	addq	$1, (%rsp)
	ret
end __morestack_non_split

/*
 * void *__morestack_allocate_stack_space(size_t size): alloca or a variable array does not fit.
 * An ordinary call; what it returns stays until the caller returns.  The caller's frame grows by
 * size and by room for the outgoing arguments that gcc keeps at its lower end; see outgoing_room.
 * On an ordinary thread only a size beyond the address space gets here.
 */
	.globl	__corun_morestack_allocate_stack_space
	.set	__corun_morestack_allocate_stack_space, __morestack_allocate_stack_space
function __morestack_allocate_stack_space
	cmpq	$0, GUARD
	jne	1f
	ud2
1:	save_registers
	movl	$MORESTACK_ALLOCA, %edi
	jmp	grow
end __morestack_allocate_stack_space

/* What a function may have returned in registers, around a call on g0; the x87 stack stays. */
.macro	save_results
	movq	%rsp, M(M_MORE_SP)
	movq	M(M_G0_SP), %rsp
	subq	$REGS_SIZE, %rsp
	movq	%rax, REGS_GP + 0(%rsp)
	movq	%rdx, REGS_GP + 16(%rsp)
	movq	$0, GUARD
	cmpl	$VECTOR_YMM, vector_level(%rip)
	jb	1f
	je	2f
	vmovdqu64 %zmm0, REGS_VECTOR(%rsp)
	vmovdqu64 %zmm1, REGS_VECTOR + REGS_VECTOR_SIZE(%rsp)
	vzeroupper
	jmp	3f
1:	movaps	%xmm0, REGS_VECTOR(%rsp)
	movaps	%xmm1, REGS_VECTOR + REGS_VECTOR_SIZE(%rsp)
	jmp	3f
2:	vmovdqa	%ymm0, REGS_VECTOR(%rsp)
	vmovdqa	%ymm1, REGS_VECTOR + REGS_VECTOR_SIZE(%rsp)
	vzeroupper
3:
.endm

.macro	restore_results
	cmpl	$VECTOR_YMM, vector_level(%rip)
	jb	1f
	je	2f
	vmovdqu64 REGS_VECTOR(%rsp), %zmm0
	vmovdqu64 REGS_VECTOR + REGS_VECTOR_SIZE(%rsp), %zmm1
	jmp	3f
1:	movaps	REGS_VECTOR(%rsp), %xmm0
	movaps	REGS_VECTOR + REGS_VECTOR_SIZE(%rsp), %xmm1
	jmp	3f
2:	vmovdqa	REGS_VECTOR(%rsp), %ymm0
	vmovdqa	REGS_VECTOR + REGS_VECTOR_SIZE(%rsp), %ymm1
3:	movq	REGS_GP + 0(%rsp), %rax
	movq	REGS_GP + 16(%rsp), %rdx
	movq	M(M_CURG), %rcx
	movq	G_STACKGUARD(%rcx), %rcx
	movq	%rcx, GUARD
.endm

/*
 * A function that ran in a segment of its own returned: rbp points to where rbp of its caller is
 * saved, on the segment below the return address (segment.c).  Returns lead behind the nop: that is where
 * unwinders look, who take a return address for one behind a call.
 */
	.hidden	segment_return
	.globl	segment_return
	.type	segment_return, @function
	.p2align 4
	.cfi_startproc
	.cfi_def_cfa rbp, 16
	.cfi_offset rbp, -16
segment_return:
	nop
	save_results
	movq	M(M_CURG), %rdi
	call	segment_leave
	restore_results
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
	.size	segment_return, . - segment_return

/* A function with blocks of alloca returned; block_leave puts its return address back. */
	.hidden	block_return
	.globl	block_return
	.type	block_return, @function
	.p2align 4
	.cfi_startproc
	.cfi_undefined rip
block_return:
	nop
	save_results
	movq	M(M_CURG), %rdi
	movq	M(M_MORE_SP), %rsi
	pushq	%rsi
	pushq	%rsi
	call	block_leave
	popq	%rsi
	popq	%rsi
	restore_results
	leaq	-8(%rsi), %rsp
	ret
	.cfi_endproc
	.size	block_return, . - block_return

	end_of_object
