/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_x86.h: where the values in one function come from.
 *
 * Compiled code says with its loads and stores how a structure is laid out, provided one knows what
 * each register holds.  This follows the values that a function gets (its registers at entry, its
 * return address, what it loads through a register it was given, what a call returned) through
 * registers and stack slots, over all branches, until nothing changes.  Whatever is not certain on
 * every way to an instruction is unknown there.
 *
 * Trusted without proof: callees do not write into their caller's spill slots, which holds for
 * compiled Go as spilled values have no address taken.
 */
#ifndef ST_SYMBOLS_FLOW_X86_H
#define ST_SYMBOLS_FLOW_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/insn_x86.h"

enum flow_kind {
	FLOW_UNKNOWN,
	FLOW_ENTRY,	/* what reg held at the function's entry */
	FLOW_LOAD,	/* what was in memory at (reg at entry) + where */
	FLOW_FRAME,	/* (rsp at entry) + where */
	FLOW_RETURN_PC, /* the return address */
	FLOW_RESULT,	/* what the call of the function at where returned in rax */
};

struct flow_value {
	enum flow_kind kind;
	enum target_reg reg;
	int64_t where;
};

#define FLOW_SLOTS 64

struct flow_state {
	bool reached;
	bool target; /* something jumps to this instruction: it may run more than once */
	bool sp_known;
	int64_t sp; /* rsp - (rsp at entry) */
	struct flow_value reg[16];
	struct flow_slot {
		int64_t offset; /* from rsp at entry */
		uint8_t size;	/* 0: free */
		struct flow_value value;
	} slot[FLOW_SLOTS];
};

/* Called for every instruction that can be reached, with what holds before it. */
typedef void flow_visit_fn(void *arg, const struct insn_x86 *insn, const struct flow_state *before);

/*
 * Follows the code of one function.  Stops cleanly at bytes that are no instruction; jumps out of
 * the code end their way.  -E2BIG if the function is too large to follow, -ENOMEM, -ENOTSUP.
 */
int flow_run(const uint8_t *code, size_t len, uint64_t vaddr, flow_visit_fn *visit, void *arg);

/* The value of a register, or of what memory holds at that operand; unknown for anything else. */
struct flow_value flow_operand(const struct flow_state *s, const struct insn_operand *op);

/* What the base register of a memory operand holds; unknown with an index or segment. */
struct flow_value flow_base(const struct flow_state *s, const struct insn_operand *op);

static inline bool flow_is_entry(struct flow_value v, enum target_reg reg)
{
	return v.kind == FLOW_ENTRY && v.reg == reg;
}

static inline bool flow_is_load(struct flow_value v, enum target_reg reg)
{
	return v.kind == FLOW_LOAD && v.reg == reg;
}

#endif
