/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coroutine library's program that describes itself with .note.stacktrace, for tests/target.sh.
 * It is written from stacktrace-note(5) alone and shares no header with the reader.  Macros break
 * it on purpose:
 *
 *	SECTION_FLAGS	"" leaves the note out of memory
 *	RUNTIME_TYPE	another type of note
 *	GOGO_POINT	another place for the gogo probe
 *	EXTRA		a second place for it
 */
#ifndef SECTION_FLAGS
#define SECTION_FLAGS "a"
#endif
#ifndef RUNTIME_TYPE
#define RUNTIME_TYPE 1
#endif
#ifndef GOGO_POINT
#define GOGO_POINT fiber_gogo
#endif

#define STR_(x) #x
#define STR(x)	STR_(x)

/* Assembly, a line a line. */
/* clang-format off */
#define NOTE(type, body)						\
	__asm__(							\
		".pushsection .note.stacktrace, \"" SECTION_FLAGS "\", @note\n" \
		".balign 8\n"						\
		".long 2f - 1f, 4f - 3f, " STR(type) "\n"		\
		"1: .asciz \"stacktrace\"\n"				\
		"2: .balign 4\n"					\
		"3: " body						\
		"4: .balign 4\n"					\
		".popsection\n")

/* probe, coroutine in %rdi, size register, point */
#define PROBE(probe, size_reg, point)					\
	".long " #probe "\n"						\
	".byte 7, " #size_reg "\n"					\
	".short 0\n"							\
	".quad " STR(point) " - .\n"					\
	".quad 0\n"

NOTE(RUNTIME_TYPE,
	".long 4f - 3b, 1\n"
	".ascii \"fibers\"\n.zero 10\n"
	".ascii \"2.1\"\n.zero 13\n"
	".long 16, 24\n"		/* stack lo, hi */
	".long 32, 40, 48\n"		/* sched sp, pc, bp */
	".long 0, -1, -1, 56\n"		/* id, parent, creator, entry */
	".long -1, -1, -1\n"		/* status, reason, use */
	".long -1, -1, -1, -1\n"
	".quad fiber_start - .\n"
	".long 5, 24\n"
	PROBE(1, 6, fiber_copystack)
	PROBE(2, 0xff, fiber_copystack_end)
	PROBE(3, 0xff, fiber_newproc)
	PROBE(4, 0xff, fiber_goexit)
	PROBE(5, 0xff, GOGO_POINT));
#ifdef EXTRA
NOTE(2, PROBE(5, 0xff, fiber_goexit));
#endif
/* clang-format on */

__asm__(".text\n"
	".globl fiber_start, fiber_copystack, fiber_newproc, fiber_goexit, fiber_gogo\n"
	".type fiber_start, @function\nfiber_start: ret\n.size fiber_start, 1\n"
	".type fiber_copystack, @function\nfiber_copystack: .byte 0x0f, 0x1f, 0x44, 0, 0\n"
	"fiber_copystack_end: .byte 0x0f, 0x1f, 0x44, 0, 0\nret\n"
	".size fiber_copystack, . - fiber_copystack\n"
	".type fiber_newproc, @function\nfiber_newproc: ret\n.size fiber_newproc, 1\n"
	".type fiber_goexit, @function\nfiber_goexit: ret\n.size fiber_goexit, 1\n"
	".type fiber_gogo, @function\nfiber_gogo: ret\n.size fiber_gogo, 1\n");

__attribute__((aligned(8))) int data_word = 1;

int main(void)
{
	return data_word - 1;
}
