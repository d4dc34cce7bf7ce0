/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h: the target description, all that the probes know of a runtime.
 *
 * Go binaries, corun programs and programs of any other fiber library that carries the note
 * .note.stacktrace are turned into the same description; bpf/ and everything behind it tell them
 * apart by nothing else.
 */
#ifndef ST_SYMBOLS_TARGET_H
#define ST_SYMBOLS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

struct err;
struct image;

/* Fields of a coroutine's descriptor ("g"). */
enum target_field {
	FIELD_STACK_LO,
	FIELD_STACK_HI,
	FIELD_SCHED_SP, /* saved context, valid while the coroutine does not run */
	FIELD_SCHED_PC,
	FIELD_SCHED_BP,
	FIELD_ID,
	FIELD_PARENT_ID,
	FIELD_CREATOR_PC,
	FIELD_ENTRY_PC,
	FIELD_STATUS,	   /* u32 */
	FIELD_WAIT_REASON, /* u8 */
	FIELD_USE_MAX,	   /* highest use, where a runtime keeps it itself */
	FIELD_STACK_GUARD, /* what functions compare the stack pointer with */
	FIELD_COUNT,
};
#define FIELD_UNKNOWN (-1)

/* Where a field's offset came from, weakest last. */
enum field_origin {
	ORIGIN_NONE,
	ORIGIN_NOTE, /* .note.stacktrace */
	ORIGIN_DWARF,
	ORIGIN_TABLE,	 /* table by version, confirmed by the instructions where they tell */
	ORIGIN_INFERRED, /* read from the instructions alone */
	ORIGIN_ASSUMED,	 /* newest table, version unknown: shown with a warning */
};

/* x86-64 registers in the order of the instruction encoding. */
enum target_reg {
	REG_AX,
	REG_CX,
	REG_DX,
	REG_BX,
	REG_SP,
	REG_BP,
	REG_SI,
	REG_DI,
	REG_8,
	REG_9,
	REG_10,
	REG_11,
	REG_12,
	REG_13,
	REG_14,
	REG_15,
	REG_NONE = 0xff,
};

/*
 * One logical probe.  For Go this names the function to look into; the planner (bpf/plan.c) finds
 * the cheapest instruction.  For a note, fixed is set and vaddr is the instruction itself.
 *
 * Where the registers hold: with call_target, at the call of that function inside this one (nowhere
 * else); without, from the function's entry on until they are overwritten.  Go's gogo is the
 * exception: it takes its argument from the stack, and they hold at its closing jmp.
 */
struct target_probe {
	bool present;
	bool fixed;		   /* vaddr is the probe point; regs hold there */
	const char *function;	   /* owned by the image; "" if not known, NULL if not present */
	uint64_t vaddr;		   /* link-time address: function entry, or the point if fixed */
	uint64_t size;		   /* of the function, 0 if fixed */
	uint64_t call_target;	   /* the point is the call of this address; 0: anywhere */
	bool after_call;	   /* rather what that call comes back to */
	enum target_reg coroutine; /* descriptor's address */
	enum target_reg new_size;  /* COPYSTACK, STACKALLOC: bytes; LOCK, MUTEX: its address */
	/* MUTEX: the value counts only if this register has one of the bits; REG_NONE: always. */
	enum target_reg filter;
	uint32_t filter_mask;
	unsigned points; /* how many a note names; all but the first go unprobed, with a warning */
	char missing[128]; /* why not present */
};

/*
 * Another way to the copies of stacks, cheaper where the kernel makes calls of five-byte NOPs
 * instead of trapping at them: such NOPs in newstack ahead of its call of copystack and behind it,
 * which see what grows; and the call in shrinkstack.  Go only.
 */
enum target_nop { NOP_GROWTH, NOP_GROWTH_END, NOP_SHRINK, NOP_SHRINK_END, NOP_COUNT };
struct target_nops {
	bool present;
	int32_t slot; /* at NOP_GROWTH the descriptor's address is in memory, at rsp + slot */
	struct target_probe probe[NOP_COUNT];
	char missing[128]; /* why not present */
};

/* How all descriptors are found in the memory of a process. */
enum target_list_kind {
	LIST_UNKNOWN,
	LIST_ARRAY,  /* at vaddr: the address of an array of addresses, then their number */
	LIST_BLOCKS, /* at vaddr: the address of the first block of descriptors */
};

struct target_list {
	enum target_list_kind kind;
	uint64_t vaddr;
	/* BLOCKS: offsets in a block of the next one's address, of the number of descriptors and of
	 * the first of them; bytes from one to the next. */
	uint32_t next, used, first, size;
};

#define TARGET_REASONS 64 /* room; Go 1.26 has 47 */

enum target_runtime { RUNTIME_GO = 1, RUNTIME_NOTE };

struct target {
	enum target_runtime kind;
	char runtime[32]; /* "go", or the name in the note, such as "corun" */
	char version[64]; /* "go1.19.8"; as printed by users */
	bool version_known;
	int32_t field[FIELD_COUNT]; /* offset, or FIELD_UNKNOWN */
	enum field_origin origin[FIELD_COUNT];
	struct target_probe probe[EV_PROBE_COUNT];
	struct target_nops nops;
	uint64_t coroutine_entry; /* function that is the root of each coroutine's stack, or 0 */
	/* Names of wait reasons by number; "" where there is none. */
	char reason[TARGET_REASONS][EV_REASON_LEN];
	unsigned reasons;
	struct target_list list;
	uint64_t stack_limit; /* address of the word with the largest size of a stack, or 0 */
	bool own_ring;	      /* the program can write into a shared-memory ring */
	char warning[256];    /* to be shown to the user, or empty */
};

/*
 * Describes the runtime of an opened image.  *ret borrows strings from img and lives no longer.
 * -ENOENT: no known runtime in it; -ENOTSUP: a Go too old, or a note of an unknown version; the
 * text in e says which and what to do.
 */
int target_describe(struct image *img, struct target *ret, struct err *e);

/* Whether the probe is of no use unless it is known which register holds the descriptor; or its
 * other value, the new size or the lock. */
bool target_probe_needs_coroutine(enum ev_probe p);
bool target_probe_needs_value(enum ev_probe p);

const char *target_field_name(enum target_field f);  /* "stack.lo" */
const char *target_origin_name(enum field_origin o); /* "dwarf" */

#endif
