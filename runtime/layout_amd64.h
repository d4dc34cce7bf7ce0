/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_amd64.h: what C and assembly must agree on.  runtime.h asserts every offset.
 */
#ifndef ST_RUNTIME_LAYOUT_AMD64_H
#define ST_RUNTIME_LAYOUT_AMD64_H

/* Where gcc -fsplit-stack looks for the lowest allowed stack pointer; 0 on ordinary threads. */
#define TLS_GUARD 0x70

/*
 * Room between the guard and the end of the stack.  It must hold, one below the other: the frame of
 * a function that compares the bare stack pointer because it needs less than 256 bytes, its red
 * zone (128, only if it calls nothing), and what runs without a check of its own: a small function
 * of the C library, the switch to the scheduler's stack (56), or a call of this runtime.  The
 * latter are built with -Wframe-larger-than so that they stay below 256 together.
 */
#ifdef SANITIZED
#define STACK_GUARD 0x10000 /* what a sanitizer's report needs; see sanitize.h */
#else
#define STACK_GUARD 640
#endif
#define STACK_MIN	   2048
#define STACK_COLOURS	   4 /* see stack.c */
#define STACK_COLOURS_ROOM (64 * (STACK_COLOURS - 1))
#define STACK_TOP_RESERVED 16 /* bytes at the top that no frame uses: keeps calls aligned */

/*
 * gold and lld let a function that calls code without stack checks ask for this much more than its
 * own frame: their default of --split-stack-adjust-size.
 */
#define NON_SPLIT_ROOM 0x4000

/* struct g */
#define G_STACK_LO    0
#define G_STACK_HI    8
#define G_STACKGUARD  24
#define G_SCHED_SP    32
#define G_SCHED_PC    40
#define G_SCHED_BP    48
#define G_ENTRY	      56
#define G_ARG	      64
#define G_ID	      72
#define G_PARENT_ID   80
#define G_CREATOR_PC  88
#define G_USE_MAX     96
#define G_STATUS      104
#define G_WAIT_REASON 108

/* struct m, in thread-local storage */
#define M_CURG	  0
#define M_P	  8
#define M_G0_SP	  16
#define M_MORE_SP 24
#define M_EXIT_SP 32
#define M_CALL_SP 40

/* struct regs, what __morestack saves: vectors, then the general registers in encoding order. */
#define REGS_VECTOR	 0
#define REGS_VECTOR_SIZE 64
#define REGS_GP		 512
#define REGS_SIZE	 640

/* enum morestack_kind */
#define MORESTACK_FRAME	    0 /* a prologue: frame size in r10 */
#define MORESTACK_NON_SPLIT 1 /* the same, and NON_SPLIT_ROOM for a callee without checks */
#define MORESTACK_ALLOCA    2 /* a call of __morestack_allocate_stack_space */

/* enum vector_level */
#define VECTOR_XMM 0
#define VECTOR_YMM 1
#define VECTOR_ZMM 2

#endif
