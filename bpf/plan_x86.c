/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a uprobe is cheap on x86-64.
 *
 * The kernel emulates call, jmp, jcc and push at the breakpoint, and single-steps nearly everything
 * else, at seven times the cost.  Functions begin and end with what must be stepped (cmp, lea, mov;
 * pop, ret), so neither entry nor exit is a good place.  What compiled Go functions do have is the
 * jbe of the stack check, two or three instructions in, when no argument has moved yet; and calls,
 * where the convention says what is in the registers.
 *
 * The five-byte NOP is cheapest on kernels that replace it by a call (from 6.18), and stepped on
 * old ones.  In code that we do not write it is therefore ranked behind the branches.  The
 * replacement pushes onto the stack, so such a NOP is no choice where Go keeps data below the stack
 * pointer, as it does around calls of duffzero and duffcopy.
 */
#include "bpf/plan_x86.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "bpf/plan.h"
#include "symbols/insn_x86.h"

/* Offsets of stackguard0 and stackguard1 in Go's g, which is in r14. */
#define GO_GUARD0 0x10
#define GO_GUARD1 0x18
/* Offset of g in Go's gobuf. */
#define GOBUF_G 0x10

static enum cost_class class_of(const struct insn_x86 *insn)
{
	if (insn->operand_size_16 && insn->kind != INSN_NOP)
		return COST_STEP;
	switch (insn->kind) {
	case INSN_NOP5:
		return COST_NOP;
	case INSN_NOP:
	case INSN_CALL:
	case INSN_JMP:
	case INSN_JCC:
		return COST_BRANCH;
	case INSN_PUSH:
		return COST_PUSH;
	default:
		return COST_STEP;
	}
}

/* Lower is better, whatever the kernel. */
static unsigned rank(const struct insn_x86 *insn)
{
	switch (class_of(insn)) {
	case COST_BRANCH:
		return insn->kind == INSN_NOP ? 2 : 0;
	case COST_NOP:
		return 1;
	case COST_PUSH:
		return 3;
	default:
		return 4;
	}
}

static void take(struct plan_point *point, const struct insn_x86 *insn)
{
	point->present = true;
	point->vaddr = insn->vaddr;
	point->cost = class_of(insn);
	point->may_repeat = false;
	point->missing[0] = '\0';
	snprintf(point->insn, sizeof(point->insn), "%.47s", insn->text);
}

static bool writes_below_sp(const struct insn_x86 *insn)
{
	for (unsigned i = 0; i < insn->operand_count; i++) {
		const struct insn_operand *op = &insn->operand[i];

		if (op->type == INSN_OPERAND_MEM && op->is_write && op->reg == REG_SP &&
		    op->value < 0)
			return true;
	}
	return false;
}

/* cmp SP-or-a-copy, [r14 + guard]; jbe: taken when the stack is too small. */
static bool is_stack_check(const struct insn_x86 *cmp, const struct insn_x86 *jbe)
{
	const struct insn_operand *limit = insn_memory(cmp, 1);

	return insn_is(cmp, "cmp") && insn_is(jbe, "jbe") && limit && limit->reg == REG_14 &&
	       limit->index == REG_NONE && (limit->value == GO_GUARD0 || limit->value == GO_GUARD1);
}

static bool ends_straight_line(const struct insn_x86 *insn)
{
	switch (insn->kind) {
	case INSN_CALL:
	case INSN_CALL_INDIRECT:
	case INSN_JMP:
	case INSN_JMP_INDIRECT:
	case INSN_JCC:
	case INSN_RETURN:
		return true;
	default:
		return false;
	}
}

int plan_x86_entry(const struct plan_code *c, uint16_t needed, struct plan_point *point)
{
	struct insn_x86 insn, before = { 0 };
	bool below_sp = false, check;
	unsigned best = ~0u;

	insn_decoder_set(c->decoder, c->bytes, c->size, c->vaddr);
	while (insn_decoder_next(c->decoder, &insn) == 1) {
		check = is_stack_check(&before, &insn);
		if (rank(&insn) < best && !(insn.kind == INSN_NOP5 && below_sp)) {
			best = rank(&insn);
			take(point, &insn);
			point->may_repeat = check;
		}
		if (insn.regs_written & needed)
			break;
		if (ends_straight_line(&insn) && !check)
			break;
		below_sp |= writes_below_sp(&insn);
		before = insn;
	}
	if (best != ~0u)
		return 0;
	snprintf(point->missing, sizeof(point->missing), "its first bytes are no instruction");
	return -ENOENT;
}

int plan_x86_call(const struct plan_code *c, uint64_t callee, const char *callee_name, bool after,
		  struct plan_point *point)
{
	struct plan_point found = *point;
	struct insn_x86 insn;
	bool behind = false;
	unsigned n = 0;

	insn_decoder_set(c->decoder, c->bytes, c->size, c->vaddr);
	while (insn_decoder_next(c->decoder, &insn) == 1) {
		bool is_call = insn.kind == INSN_CALL && insn.target == callee;

		if (after ? behind : is_call)
			take(&found, &insn);
		behind = is_call && !n++;
	}
	if (n == 1) {
		*point = found;
		return 0;
	}
	if (n)
		snprintf(point->missing, sizeof(point->missing), "it calls %s at %u places",
			 callee_name, n);
	else
		snprintf(point->missing, sizeof(point->missing), "it does not call %s",
			 callee_name);
	return -ENOENT;
}

int plan_x86_return(const struct plan_code *c, struct plan_point *point)
{
	struct plan_point found = *point;
	struct insn_x86 insn;
	unsigned n = 0;

	insn_decoder_set(c->decoder, c->bytes, c->size, c->vaddr);
	while (insn_decoder_next(c->decoder, &insn) == 1)
		if (insn.kind == INSN_RETURN && !n++)
			take(&found, &insn);
	if (n == 1) {
		*point = found;
		return 0;
	}
	snprintf(point->missing, sizeof(point->missing), "it returns at %u places", n);
	return -ENOENT;
}

/* mov REG, [BASE + GOBUF_G] */
static bool loads_gobuf_g(const struct insn_x86 *insn)
{
	const struct insn_operand *from = insn_memory(insn, 1);

	return insn_is(insn, "mov") && from && from->size == 8 && from->value == GOBUF_G &&
	       from->reg != REG_NONE && from->reg != REG_SP && from->index == REG_NONE &&
	       !from->segment && insn->operand[0].type == INSN_OPERAND_REG;
}

int plan_x86_gogo(const struct plan_code *c, struct plan_point *point)
{
	enum target_reg g = REG_NONE;
	struct insn_x86 insn;

	insn_decoder_set(c->decoder, c->bytes, c->size, c->vaddr);
	while (insn_decoder_next(c->decoder, &insn) == 1) {
		if (insn.kind == INSN_JMP && g != REG_NONE) {
			take(point, &insn);
			point->coroutine = g;
			return 0;
		}
		if (ends_straight_line(&insn))
			break;
		if (loads_gobuf_g(&insn))
			g = insn.operand[0].reg;
		else if (g != REG_NONE && insn.regs_written & (1u << g))
			g = REG_NONE;
	}
	snprintf(point->missing, sizeof(point->missing), "no jump with gobuf.g in a register");
	return -ENOENT;
}

int plan_x86_fixed(const struct plan_code *c, struct plan_point *point)
{
	struct insn_x86 insn;

	insn_decoder_set(c->decoder, c->bytes, c->size, c->vaddr);
	if (insn_decoder_next(c->decoder, &insn) != 1) {
		snprintf(point->missing, sizeof(point->missing), "no instruction at 0x%" PRIx64,
			 c->vaddr);
		return -ENOENT;
	}
	if (insn.bytes[0] == 0xcc || insn.lock) {
		snprintf(point->missing, sizeof(point->missing),
			 "a probe cannot sit on '%.40s' at 0x%" PRIx64, insn.text, c->vaddr);
		return -ENOENT;
	}
	take(point, &insn);
	return 0;
}
