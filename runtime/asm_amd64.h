/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm_amd64.h: what the runtime's assembly is written with.
 *
 *	switch_amd64.S		from one stack to another
 *	call_amd64.S		calls on g0
 *	morestack_amd64.S	what functions call whose stack does not suffice
 */
#ifndef ST_RUNTIME_ASM_AMD64_H
#define ST_RUNTIME_ASM_AMD64_H

#include "runtime/layout_amd64.h"

#define M(member) %fs:this_m@tpoff + member
#define GUARD	  %fs:TLS_GUARD

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

/* Of an object: it checks its stack as far as it must, and needs none that executes. */
.macro	end_of_object
	.section .note.GNU-split-stack, "", @progbits
	.section .note.GNU-no-split-stack, "", @progbits
	.section .note.GNU-stack, "", @progbits
.endm

#endif
