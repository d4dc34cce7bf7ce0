/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm_amd64.S: switches between stacks.
 *
 * All of them end in jmp, never in a ret to another stack, which the processor would always
 * mispredict; and none saves mxcsr or the x87 control word: loading a differing one costs more than
 * ten switches, and Go does not either.  What a coroutine changes there, its thread changes.
 *
 * A saved coroutine has six callee-saved registers and the address to go on at on its stack, lowest
 * rbp last, and the same address in sched.pc; a new one is made to look so.
 */
#include "runtime/layout_amd64.h"
#include "runtime/note.h"

#define M(member) %fs:this_m@tpoff + member
#define GUARD	  %fs:TLS_GUARD

	.text

.macro	function name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro	hidden_function name
	.hidden	\name
	function \name
.endm

.macro	end name
	.cfi_endproc
	.size	\name, . - \name
.endm

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

/*
 * Calls of code that does not check its stack, from a coroutine, on g0.  The target is in r11; all
 * argument registers, and rax for a variadic one, arrive.  Out of the frame pointer the unwinders
 * find back to the coroutine's stack.
 *
 * Where there is no coroutine they are plain jumps, and so where the target checks its stack
 * itself: then the program has a function of its own with the name of one in the C library, which
 * may park.
 */
.macro	jump_if_split
	cmpq	$0, GUARD
	je	.Lplain\@
	cmpl	$0x243b4864, (%r11)	/* cmp %fs:...,%rsp */
	je	.Lplain\@
	cmpl	$0x841f0ff9, (%r11)	/* stc; nopl: the same after the linker's change */
	je	.Lplain\@
	cmpl	$0x245c8d4c, (%r11)	/* lea disp8(%rsp),%r11; cmp %fs:...,%r11 */
	jne	.Lnot_lea8\@
	cmpl	$0x1c3b4c64, 5(%r11)
	je	.Lplain\@
.Lnot_lea8\@:
	cmpl	$0x249c8d4c, (%r11)	/* the same with disp32 */
	jne	.Lcall\@
	cmpl	$0x1c3b4c64, 8(%r11)
	jne	.Lcall\@
.Lplain\@:
	jmp	*%r11
.Lcall\@:
.endm

/* .cfi_signal_frame: gdb then accepts that the caller's frame lies on a stack that is elsewhere. */
.macro	to_g0
	.cfi_signal_frame
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	pushq	%rbx
	.cfi_offset rbx, -24
	movq	GUARD, %rbx
	movq	$0, GUARD
	movq	%rsp, M(M_CALL_SP)
	movq	M(M_G0_SP), %rsp
.endm

.macro	from_g0
	movq	%rbx, GUARD
	leaq	-8(%rbp), %rsp
	popq	%rbx
	popq	%rbp
	.cfi_def_cfa rsp, 8
	ret
.endm

/* Arguments in registers only. */
function __corun_call
	jump_if_split
	to_g0
	call	*%r11
	from_g0
end __corun_call

/* Up to 128 bytes of arguments on the stack. */
function __corun_call_args
	jump_if_split
	to_g0
	subq	$128, %rsp
	movq	%rax, %r10
	.set	at, 0
	.rept	16
	movq	16 + at(%rbp), %rax
	movq	%rax, at(%rsp)
	.set	at, at + 8
	.endr
	movq	%r10, %rax
	call	*%r11
	from_g0
end __corun_call_args

/*
 * A variadic function by way of its sister with a va_list: its arguments on the stack, however
 * many, stay where they are.  r11: the function, r10: the sister; one entry for each number of
 * named arguments.
 */
.macro	call_va named, va_list_register
function __corun_call_va\named
	jump_if_split
	to_g0
	subq	$208, %rsp		/* 6 registers, 8 vectors, a va_list */
	movq	%rdi, (%rsp)
	movq	%rsi, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%rcx, 24(%rsp)
	movq	%r8, 32(%rsp)
	movq	%r9, 40(%rsp)
	testb	%al, %al
	je	1f
	movaps	%xmm0, 48(%rsp)
	movaps	%xmm1, 64(%rsp)
	movaps	%xmm2, 80(%rsp)
	movaps	%xmm3, 96(%rsp)
	movaps	%xmm4, 112(%rsp)
	movaps	%xmm5, 128(%rsp)
	movaps	%xmm6, 144(%rsp)
	movaps	%xmm7, 160(%rsp)
1:	movl	$8 * \named, 176(%rsp)	/* gp_offset */
	movl	$48, 180(%rsp)		/* fp_offset */
	leaq	16(%rbp), %rax
	movq	%rax, 184(%rsp)		/* overflow_arg_area */
	movq	%rsp, 192(%rsp)		/* reg_save_area */
	leaq	176(%rsp), \va_list_register
	call	*%r10
	from_g0
end __corun_call_va\named
.endm

	call_va	1, %rsi
	call_va	2, %rdx
	call_va	3, %rcx
	call_va	4, %r8
	call_va	5, %r9

/* Functions of the public interface that need more stack than a coroutine may have left. */
.macro	on_g0 name, target
function \name
	leaq	\target(%rip), %r11
	jmp	__corun_call
end \name
.endm

	on_g0	co_go_at, newproc
	on_g0	co_now, clock_now
	on_g0	co_chan_make, chan_make
	on_g0	co_chan_free, chan_free
	on_g0	co_timer_make, timer_make
	on_g0	co_timer_set, timer_set
	on_g0	co_timer_stop, timer_stop
	on_g0	co_timer_free, timer_free
	on_g0	co_cancel_make, cancel_make
	on_g0	co_cancel, cancel
	on_g0	co_cancel_set, cancel_set
	on_g0	co_cancel_free, cancel_free
	on_g0	co_set_name, set_name
	on_g0	co_name, get_name
	on_g0	co_key_make, key_make
	on_g0	co_set, key_set
	on_g0	co_stats, stats_read
	on_g0	co_set_allocator, set_allocator
	on_g0	co_gomaxprocs, gomaxprocs
	on_g0	co_heap_stats, heap_stats
	on_g0	co_root_add, root_add
	on_g0	co_root_remove, root_remove
	on_g0	co_set_gc_percent, set_gc_percent
	on_g0	co_set_memory_limit, set_memory_limit

	on_g0	refill_g0, refill
	on_g0	large_g0, large

/* And some of its own. */
	.hidden	wait_prepare, select_begin, select_end, wakep
	.hidden	call_new, call_start, refill_g0, large_g0
	on_g0	wait_prepare, wait_prepare0
	on_g0	select_begin, select_begin0
	on_g0	select_end, select_end0
	on_g0	call_new, call_new0
	on_g0	call_start, call_start0
	on_g0	wakep, wake_somebody

/* void co_call(co_fn *fn, void *arg): fn checks its stack, and still shall run on g0. */
function co_call
	movq	%rdi, %r11
	movq	%rsi, %rdi
	cmpq	$0, GUARD
	jne	1f
	jmp	*%r11
1:	to_g0
	call	*%r11
	from_g0
end co_call

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

	.section .note.GNU-split-stack, "", @progbits
	.section .note.GNU-no-split-stack, "", @progbits
	.section .note.GNU-stack, "", @progbits
