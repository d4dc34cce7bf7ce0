/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_amd64.S: linked into shared libraries by corun-cc -shared: their stack checks lead to the
 * program's runtime.  Without these, libgcc's own would be linked in; gcc itself has pthread_create
 * wrapped with -fsplit-stack.
 */
	.text
	.irp	name, morestack, morestack_non_split, morestack_allocate_stack_space
	.globl	__\name
	.hidden	__\name
	.type	__\name, @function
__\name:
	.cfi_startproc
	jmp	*__corun_\name@GOTPCREL(%rip)
	.cfi_endproc
	.size	__\name, . - __\name
	.endr

	.weak	__real_pthread_create
	.globl	__wrap_pthread_create
	.hidden	__wrap_pthread_create
	.type	__wrap_pthread_create, @function
__wrap_pthread_create:
	.cfi_startproc
	movq	__real_pthread_create@GOTPCREL(%rip), %r11
	jmp	*__corun_call@GOTPCREL(%rip)
	.cfi_endproc
	.size	__wrap_pthread_create, . - __wrap_pthread_create

	.section .note.GNU-split-stack, "", @progbits
	.section .note.GNU-no-split-stack, "", @progbits
	.section .note.GNU-stack, "", @progbits
