/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values through one function: abstract interpretation to a fixed point.
 *
 * Each instruction that is jumped to has a state, which is the meet of all states that flow in; a
 * sweep in address order carries the state on.  The lattice is flat (a value is one thing, or
 * unknown), so sweeps end after a few rounds.  The jump back to the function's entry, behind the
 * call of morestack, begins the function anew and does not count as a way into it.
 */
#include "symbols/flow_x86.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CODE   (64u << 10) /* bytes */
#define MAX_INSNS  16384
#define MAX_ROUNDS 200

struct node {
	struct insn_x86 insn;
	struct flow_state *in; /* for jump targets, else NULL */
};

struct flow {
	struct node *node;
	size_t count;
	uint64_t vaddr;
};

static const struct flow_value unknown = { FLOW_UNKNOWN, REG_NONE, 0 };

static bool same_value(const struct flow_value *a, const struct flow_value *b)
{
	return a->kind == b->kind && a->reg == b->reg && a->where == b->where;
}

/* --- stack slots ------------------------------------------------------------------------------ */

static const struct flow_slot *find_slot(const struct flow_state *s, int64_t offset)
{
	unsigned i;

	for (i = 0; i < FLOW_SLOTS; i++)
		if (s->slot[i].size && s->slot[i].offset == offset)
			return &s->slot[i];
	return NULL;
}

static void store_slot(struct flow_state *s, int64_t offset, uint8_t size, struct flow_value v)
{
	struct flow_slot *to = NULL;
	unsigned i;

	for (i = 0; i < FLOW_SLOTS; i++) {
		struct flow_slot *slot = &s->slot[i];

		if (slot->size && slot->offset < offset + size &&
		    offset < slot->offset + slot->size)
			slot->size = 0;
		if (!slot->size && !to)
			to = slot;
	}
	/* With no room the value is merely forgotten. */
	if (to && v.kind != FLOW_UNKNOWN)
		*to = (struct flow_slot){ offset, size, v };
}

static struct flow_value load_slot(const struct flow_state *s, int64_t offset, uint8_t size)
{
	const struct flow_slot *slot = find_slot(s, offset);

	return slot && size <= slot->size ? slot->value : unknown;
}

static void forget_frame(struct flow_state *s)
{
	memset(s->slot, 0, sizeof(s->slot));
	s->sp_known = false;
}

/* --- operands --------------------------------------------------------------------------------- */

static struct flow_value register_value(const struct flow_state *s, enum target_reg r)
{
	if (r == REG_SP)
		return s->sp_known ? (struct flow_value){ FLOW_FRAME, REG_NONE, s->sp } : unknown;
	return r <= REG_15 ? s->reg[r] : unknown;
}

struct flow_value flow_base(const struct flow_state *s, const struct insn_operand *op)
{
	if (op->type != INSN_OPERAND_MEM || op->index != REG_NONE || op->segment ||
	    op->rip_relative)
		return unknown;
	return register_value(s, op->reg);
}

struct flow_value flow_operand(const struct flow_state *s, const struct insn_operand *op)
{
	struct flow_value base;

	if (op->type == INSN_OPERAND_REG)
		return register_value(s, op->reg);
	base = flow_base(s, op);
	switch (base.kind) {
	case FLOW_FRAME:
		return load_slot(s, base.where + op->value, op->size);
	case FLOW_ENTRY:
		return (struct flow_value){ FLOW_LOAD, base.reg, op->value };
	default:
		return unknown;
	}
}

/* --- effects of one instruction --------------------------------------------------------------- */

static void set_register(struct flow_state *s, enum target_reg r, struct flow_value v)
{
	if (r != REG_SP) {
		s->reg[r] = v;
	} else if (v.kind == FLOW_FRAME) {
		s->sp = v.where;
		s->sp_known = true;
	} else {
		forget_frame(s);
	}
}

static void move_sp(struct flow_state *s, int64_t by)
{
	s->sp += by;
}

static void clobber(struct flow_state *s, const struct insn_x86 *insn)
{
	unsigned i;

	for (i = 0; i < insn->operand_count; i++) {
		const struct insn_operand *op = &insn->operand[i];
		struct flow_value base = flow_base(s, op);

		if (op->type == INSN_OPERAND_MEM && op->is_write && base.kind == FLOW_FRAME)
			store_slot(s, base.where + op->value, op->size, unknown);
	}
	for (i = 0; i < 16; i++)
		if (insn->regs_written & 1u << i)
			set_register(s, i, unknown);
}

static void after_call(struct flow_state *s, const struct insn_x86 *insn)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		s->reg[i] = unknown;
	if (insn->kind == INSN_CALL)
		s->reg[REG_AX] = (struct flow_value){ FLOW_RESULT, REG_NONE,
						      (int64_t)insn->target };
}

/* mov and the zero-extending loads: true if handled. */
static bool after_move(struct flow_state *s, const struct insn_x86 *insn)
{
	const struct insn_operand *to = &insn->operand[0], *from = &insn->operand[1];
	struct flow_value v, base;

	if (insn->operand_count != 2 || (!insn_is(insn, "mov") && !insn_is(insn, "movzx")))
		return false;
	v = flow_operand(s, from);
	if (to->type == INSN_OPERAND_REG && to->size >= 4 && to->reg != REG_NONE) {
		set_register(s, to->reg, v);
		return true;
	}
	base = flow_base(s, to);
	if (to->type == INSN_OPERAND_MEM && base.kind == FLOW_FRAME) {
		store_slot(s, base.where + to->value, to->size, v);
		return true;
	}
	return false;
}

static bool after_stack_op(struct flow_state *s, const struct insn_x86 *insn)
{
	const struct insn_operand *op = insn->operand;
	struct flow_value v;

	if (insn_is(insn, "push") && insn->operand_count == 1) {
		v = flow_operand(s, op);
		move_sp(s, -8);
		if (s->sp_known)
			store_slot(s, s->sp, 8, v);
		return true;
	}
	if (insn_is(insn, "pop") && op->type == INSN_OPERAND_REG && op->reg <= REG_15) {
		v = s->sp_known ? load_slot(s, s->sp, 8) : unknown;
		move_sp(s, 8);
		set_register(s, op->reg, v);
		return true;
	}
	if ((insn_is(insn, "sub") || insn_is(insn, "add")) && op[0].type == INSN_OPERAND_REG &&
	    op[0].reg == REG_SP && op[1].type == INSN_OPERAND_IMM) {
		move_sp(s, insn->mnemonic[0] == 's' ? -op[1].value : op[1].value);
		return true;
	}
	if (insn_is(insn, "lea") && op[0].reg <= REG_15) {
		v = flow_base(s, &op[1]);
		if (v.kind != FLOW_FRAME)
			return false;
		v.where += op[1].value;
		set_register(s, op[0].reg, v);
		return true;
	}
	return false;
}

static void apply(struct flow_state *s, const struct insn_x86 *insn)
{
	if (insn->kind == INSN_CALL || insn->kind == INSN_CALL_INDIRECT)
		after_call(s, insn);
	else if (!after_move(s, insn) && !after_stack_op(s, insn))
		clobber(s, insn);
}

/* --- the fixed point -------------------------------------------------------------------------- */

/* into = what holds in both; true if that changed it. */
static bool meet(struct flow_state *into, const struct flow_state *from)
{
	bool changed = false;
	unsigned i;

	if (!into->reached) {
		*into = *from;
		return true;
	}
	for (i = 0; i < 16; i++) {
		if (into->reg[i].kind == FLOW_UNKNOWN || same_value(&into->reg[i], &from->reg[i]))
			continue;
		into->reg[i] = unknown;
		changed = true;
	}
	if (into->sp_known && (!from->sp_known || into->sp != from->sp)) {
		forget_frame(into);
		return true;
	}
	for (i = 0; i < FLOW_SLOTS; i++) {
		struct flow_slot *a = &into->slot[i];
		const struct flow_slot *b = a->size ? find_slot(from, a->offset) : NULL;

		if (!a->size || (b && b->size == a->size && same_value(&a->value, &b->value)))
			continue;
		a->size = 0;
		changed = true;
	}
	return changed;
}

static struct node *find_node(const struct flow *f, uint64_t vaddr)
{
	size_t lo = 0, hi = f->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->node[mid].insn.vaddr == vaddr)
			return &f->node[mid];
		if (f->node[mid].insn.vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool ends_flow(const struct insn_x86 *insn)
{
	return insn->kind == INSN_JMP || insn->kind == INSN_JMP_INDIRECT ||
	       insn->kind == INSN_RETURN || insn_is(insn, "ud2") || insn_is(insn, "int3");
}

/* One pass over the code; true if a state changed.  Visits only if visit is not NULL. */
static bool sweep(struct flow *f, flow_visit_fn *visit, void *arg)
{
	struct flow_state s = { .reached = true, .sp_known = true };
	bool changed = false;
	size_t i;

	for (i = 0; i < 16; i++)
		s.reg[i] = (struct flow_value){ FLOW_ENTRY, (enum target_reg)i, 0 };
	store_slot(&s, 0, 8, (struct flow_value){ FLOW_RETURN_PC, REG_NONE, 0 });
	for (i = 0; i < f->count; i++) {
		struct node *n = &f->node[i];

		if (n->in) {
			if (s.reached)
				changed |= meet(n->in, &s);
			s = *n->in;
		}
		if (!s.reached)
			continue;
		s.target = n->in;
		if (visit)
			visit(arg, &n->insn, &s);
		if (n->insn.kind == INSN_JMP || n->insn.kind == INSN_JCC) {
			struct node *target = find_node(f, n->insn.target);

			if (target && target->in)
				changed |= meet(target->in, &s);
		}
		if (ends_flow(&n->insn))
			s.reached = false;
		else
			apply(&s, &n->insn);
	}
	return changed;
}

static int decode(struct flow *f, const uint8_t *code, size_t len)
{
	struct insn_decoder *d;
	size_t room = 0;
	int rc;

	rc = insn_decoder_new(&d);
	if (rc)
		return rc;
	insn_decoder_set(d, code, len, f->vaddr);
	for (;;) {
		if (f->count == room) {
			struct node *bigger;

			room = room ? 2 * room : 256;
			bigger = room <= MAX_INSNS ? reallocarray(f->node, room, sizeof(*bigger))
						   : NULL;
			if (!bigger) {
				rc = room <= MAX_INSNS ? -ENOMEM : -E2BIG;
				break;
			}
			f->node = bigger;
		}
		f->node[f->count].in = NULL;
		/* At undecodable bytes what came before them still tells something. */
		rc = insn_decoder_next(d, &f->node[f->count].insn);
		if (rc != 1) {
			rc = 0;
			break;
		}
		f->count++;
	}
	insn_decoder_free(d);
	return rc;
}

static int mark_targets(struct flow *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		const struct insn_x86 *insn = &f->node[i].insn;
		struct node *target;

		if (insn->kind != INSN_JMP && insn->kind != INSN_JCC)
			continue;
		target = find_node(f, insn->target);
		if (!target || target->in || target == f->node)
			continue;
		target->in = calloc(1, sizeof(*target->in));
		if (!target->in)
			return -ENOMEM;
	}
	return 0;
}

int flow_run(const uint8_t *code, size_t len, uint64_t vaddr, flow_visit_fn *visit, void *arg)
{
	struct flow f = { .vaddr = vaddr };
	unsigned round = 0;
	size_t i;
	int rc;

	if (len > MAX_CODE)
		return -E2BIG;
	rc = decode(&f, code, len);
	if (!rc)
		rc = mark_targets(&f);
	while (!rc && sweep(&f, NULL, NULL))
		if (++round == MAX_ROUNDS)
			rc = -E2BIG;
	if (!rc)
		sweep(&f, visit, arg);
	for (i = 0; i < f.count; i++)
		free(f.node[i].in);
	free(f.node);
	return rc;
}
