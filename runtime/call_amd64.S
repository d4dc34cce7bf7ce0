/* SPDX-License-Identifier: Apache-2.0 */
/* call_amd64.S: calls on g0, the stack of the thread. */
#include "runtime/asm_amd64.inc"

	.text

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

	end_of_object
