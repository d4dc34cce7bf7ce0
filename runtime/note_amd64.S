/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note_amd64.S: the description of this runtime for tracers, see stacktrace-note(5).  The probes
 * stand in notes of their own beside their instructions.
 */
#include "runtime/layout_amd64.h"
#include "runtime/note.h"
#include "runtime/reason.h"

	.section .note.stacktrace, "a", @note
	.balign	4
	.long	11, .Lend - .Ldesc, CORUN_NOTE_RUNTIME
	.asciz	"stacktrace"
	.balign	4
.Ldesc:
	.long	.Lend - .Ldesc
	.long	CORUN_NOTE_OWN_RING
.Lruntime:
	.ascii	"corun"
	.zero	.Lruntime + 16 - .
.Lversion:
	.ascii	CORUN_VERSION
	.zero	.Lversion + 16 - .
	/* enum target_field */
	.long	G_STACK_LO, G_STACK_HI
	.long	G_SCHED_SP, G_SCHED_PC, G_SCHED_BP
	.long	G_ID, G_PARENT_ID, G_CREATOR_PC, G_ENTRY
	.long	G_STATUS, G_WAIT_REASON
	.long	G_USE_MAX
	.long	G_STACKGUARD
	.long	-1, -1, -1
	.quad	gostart - .
	.long	0, 24			/* no probes in here; their size */
.Lend:

	/* The names of wait reasons, from number 0 on. */
	.long	11, .Lreasons_end - .Lreasons, CORUN_NOTE_REASONS
	.asciz	"stacktrace"
	.balign	4
.Lreasons:
#define TEXT(number, text) .asciz text;
	WAIT_REASONS(TEXT)
.Lreasons_end:
	.balign	4

	.section .note.GNU-split-stack, "", @progbits
	.section .note.GNU-no-split-stack, "", @progbits
	.section .note.GNU-stack, "", @progbits
