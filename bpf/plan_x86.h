/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_x86.h: choosing an instruction, for plan.c and its tests.
 *
 * Each function looks at the code of one function and fills in what it finds of struct plan_point:
 * vaddr, insn, cost, may_repeat.  0, or -ENOENT with the reason in point->missing.
 */
#ifndef ST_BPF_PLAN_X86_H
#define ST_BPF_PLAN_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct insn_decoder;
struct plan_point;

struct plan_code {
	struct insn_decoder *decoder;
	const uint8_t *bytes;
	size_t size;
	uint64_t vaddr;
};

/*
 * A point that every call of the function passes once, before any register of the set needed
 * (1 << enum target_reg) changes.
 */
int plan_x86_entry(const struct plan_code *c, uint16_t needed, struct plan_point *point);

/*
 * The one call of callee, where its arguments are in the registers of the calling convention; or
 * with after set, the instruction it comes back to.
 */
int plan_x86_call(const struct plan_code *c, uint64_t callee, const char *callee_name, bool after,
		  struct plan_point *point);

/* The one return. */
int plan_x86_return(const struct plan_code *c, struct plan_point *point);

/*
 * Go's gogo(*gobuf): its jump to the part that switches, and the register that holds gobuf.g by
 * then, into point->coroutine.
 */
int plan_x86_gogo(const struct plan_code *c, struct plan_point *point);

/* The instruction at c->vaddr itself. */
int plan_x86_fixed(const struct plan_code *c, struct plan_point *point);

#endif
