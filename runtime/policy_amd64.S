/* SPDX-License-Identifier: Apache-2.0 */
/* policy_amd64.S: see policy.h.  POLICY is a number of enum co_policy. */
	.section .rodata
	.globl	__corun_policy
	.type	__corun_policy, @object
	.size	__corun_policy, 1
__corun_policy:
	.byte	POLICY

	.section .note.GNU-split-stack, "", @progbits
	.section .note.GNU-no-split-stack, "", @progbits
	.section .note.GNU-stack, "", @progbits
