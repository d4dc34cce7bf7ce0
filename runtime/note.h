/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h: .note.stacktrace, how a tracer finds the runtime's probes and descriptors.
 *
 * The layout is a public interface: stacktrace-note(5).  Numbers of probes are enum ev_probe of
 * base/event.h; numbers of registers are those of the instruction encoding.  The description of the
 * runtime stands in note_amd64.S; each probe emits a note of its own here, beside its instruction.
 *
 * A probe is one five-byte NOP, which costs nothing until a tracer replaces it, and which newer
 * kernels turn into a call without a trap.  That call pushes below the stack pointer: whatever
 * holds a probe is built with -mno-red-zone.  Functions with probes must not be inlined or cloned,
 * since a tracer uses one place a probe.
 */
#ifndef ST_RUNTIME_NOTE_H
#define ST_RUNTIME_NOTE_H

#define CORUN_NOTE_RUNTIME  1
#define CORUN_NOTE_PROBE    2
#define CORUN_NOTE_REASONS  3
#define CORUN_NOTE_LIST	    4
#define CORUN_NOTE_OWN_RING 1 /* flag: the program can write into a shared-memory ring */
#define CORUN_REG_SI	    6
#define CORUN_REG_DI	    7
#define CORUN_REG_NONE	    0xff
#define CORUN_PROBE_GOGO    5 /* EV_PROBE_GOGO; asserted in proc.c */

#ifndef __ASSEMBLER__

#include "base/event.h"

#define PROBE_TEXT(number, new_size)                     \
	"900:	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00\n"      \
	"	.pushsection .note.stacktrace, \"a\", @note\n" \
	"	.balign	4\n"                                   \
	"	.long	11, 24, 2\n"                             \
	"	.asciz	\"stacktrace\"\n"                       \
	"	.balign	4\n"                                   \
	"	.long	%c[" number "]\n"                \
	"	.byte	7, " new_size "\n"               \
	"	.short	0\n"                                    \
	"	.quad	900b - .\n"                              \
	"	.quad	0\n"                                     \
	"	.popsection\n"

/* The coroutine is in rdi, the new size in rsi. */
#define PROBE(number_, gp)                                                \
	__asm__ volatile(PROBE_TEXT("number", "0xff")                     \
			 :                                                \
			 : [number] "i"(number_), "D"((const void *)(gp)) \
			 : "memory")
#define PROBE_SIZE(number_, gp, size)                                                \
	__asm__ volatile(PROBE_TEXT("number", "6")                                   \
			 :                                                           \
			 : [number] "i"(number_), "D"((const void *)(gp)), "S"(size) \
			 : "memory")

#endif
#endif
