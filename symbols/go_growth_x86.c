/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's assembler keeps jumps and calls from crossing 32-byte lines, and fills up with NOPs of all
 * lengths.  By that accident newstack has one of five bytes ahead of its call of copystack in
 * Go 1.22 and 1.23, and another right behind it.  Kernels from 6.18 on make calls of such NOPs
 * instead of trapping at them, which costs a third.
 *
 * Ahead of the call no register is certain to hold g.  But newstack keeps g in a stack slot, from
 * which it takes it for the call; that slot is read, provided that it is written at one place only,
 * and that every way to the NOP passes there.  Behind the call, g has been loaded again for what
 * follows, so that the two can be held together when they are hit.
 */
#include "symbols/go_growth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "symbols/flow_x86.h"
#include "symbols/go_infer.h"
#include "symbols/image.h"
#include "symbols/once_x86.h"
#include "symbols/target.h"

struct search {
	struct image *img;
	struct function newstack;
	const uint8_t *code;
	uint64_t copystack;
	enum target_reg g; /* at copystack's entry */
	/* While the code is followed: where g was last loaded from, with no branch since. */
	bool loaded, behind;
	int64_t loaded_from;
	/* Found: g's slot and the store to it, by distance from rsp at entry; the NOPs. */
	bool has_slot;
	int64_t slot;
	unsigned stores;
	uint64_t store, begin, end;
	int64_t begin_sp;
	bool begin_seen;
	const char *why; /* not */
};

static bool returns(void *arg, uint64_t callee)
{
	struct search *s = arg;

	return go_call_returns(s->img, callee);
}

static bool is_slot(const struct insn_operand *op, const struct flow_state *s)
{
	return op && op->reg == REG_SP && op->index == REG_NONE && !op->segment && s->sp_known;
}

static bool branches(const struct insn_x86 *insn)
{
	return insn->kind != INSN_OTHER && insn->kind != INSN_NOP && insn->kind != INSN_NOP5 &&
	       insn->kind != INSN_PUSH;
}

/* The call's g and its slot; and behind it, with g loaded again, the first NOP. */
static void visit_call(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct search *w = arg;
	const struct insn_operand *from = insn_memory(insn, 1);

	if (s->target)
		w->loaded = w->behind = false;
	if (w->behind && insn->kind == INSN_NOP5 && w->loaded && w->loaded_from == w->slot &&
	    !w->end)
		w->end = insn->vaddr;
	if (insn_is(insn, "mov") && is_slot(from, s) && from->size == 8 &&
	    insn->operand[0].type == INSN_OPERAND_REG && insn->operand[0].reg == w->g) {
		w->loaded = true;
		w->loaded_from = s->sp + from->value;
		return;
	}
	if (insn->kind == INSN_CALL && insn->target == w->copystack) {
		w->has_slot = w->behind = w->loaded;
		w->slot = w->loaded_from;
		w->loaded = false;
		return;
	}
	if (branches(insn))
		w->loaded = w->behind = false;
	else if (insn->regs_written & 1u << w->g)
		w->loaded = false;
}

static void visit_slot(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct search *w = arg;

	if (insn->vaddr == w->begin && s->sp_known) {
		w->begin_sp = s->sp;
		w->begin_seen = true;
	}
	for (unsigned i = 0; i < insn->operand_count; i++) {
		const struct insn_operand *op = insn_memory(insn, (int)i);
		int64_t at;

		if (!op || !op->is_write || !is_slot(op, s))
			continue;
		at = s->sp + op->value;
		if (at < w->slot + 8 && w->slot < at + op->size) {
			w->stores++;
			w->store = insn->vaddr;
		}
	}
}

static int refuse(struct search *w, const char *why)
{
	w->why = why;
	return -ENOENT;
}

static int find(struct search *w)
{
	struct once_question q = { .vaddr = w->newstack.vaddr,
				   .len = w->newstack.size,
				   .code = w->code,
				   .landmark = w->copystack,
				   .returns = returns,
				   .arg = w };
	int rc = flow_run(w->code, w->newstack.size, w->newstack.vaddr, visit_call, w);

	if (!rc && !w->has_slot)
		rc = refuse(w, "newstack's call of copystack takes g from no stack slot");
	else if (!rc && !w->end)
		rc = refuse(w, "there is none behind newstack's call of copystack");
	if (!rc)
		rc = once_nop_before(&q, &w->begin);
	if (!rc)
		rc = flow_run(w->code, w->newstack.size, w->newstack.vaddr, visit_slot, w);
	if (!rc && (!w->begin_seen || w->stores != 1))
		rc = refuse(w, "where newstack keeps g is not certain");
	if (!rc)
		rc = once_passes(&q, w->store, w->begin);
	if (rc == -ENOENT && !w->why)
		w->why = "there is none on every way to newstack's call of copystack";
	return rc;
}

static void fill(const struct search *w, const struct target *t, const struct function *shrinkstack,
		 struct target_nops *n)
{
	const struct target_probe none = { .present = true,
					   .coroutine = REG_NONE,
					   .new_size = REG_NONE,
					   .filter = REG_NONE,
					   .points = 1 };

	for (int i = 0; i < NOP_COUNT; i++) {
		struct target_probe *p = &n->probe[i];
		bool grows = i == NOP_GROWTH || i == NOP_GROWTH_END;

		*p = none;
		p->fixed = grows;
		p->function = grows ? w->newstack.name : shrinkstack->name;
		p->vaddr = shrinkstack->vaddr;
		p->size = grows ? 0 : shrinkstack->size;
		p->call_target = grows ? 0 : w->copystack;
	}
	n->probe[NOP_GROWTH].vaddr = w->begin;
	n->probe[NOP_GROWTH_END].vaddr = w->end;
	n->probe[NOP_GROWTH_END].coroutine = w->g;
	n->probe[NOP_SHRINK].coroutine = w->g;
	n->probe[NOP_SHRINK].new_size = t->probe[EV_PROBE_COPYSTACK].new_size;
	n->probe[NOP_SHRINK_END].after_call = true;
	n->slot = (int32_t)(w->slot - w->begin_sp);
	n->present = true;
}

int go_growth_nops(struct image *img, struct target *t)
{
	const struct target_probe *copystack = &t->probe[EV_PROBE_COPYSTACK];
	struct target_nops *n = &t->nops;
	struct search w = { .img = img, .g = copystack->coroutine };
	struct function shrinkstack;
	int rc;

	if (!copystack->present || !t->probe[EV_PROBE_COPYSTACK_END].present ||
	    image_function(img, "runtime.newstack", &w.newstack) ||
	    image_function(img, "runtime.shrinkstack", &shrinkstack)) {
		snprintf(n->missing, sizeof(n->missing), "not all of the functions are there");
		return 0;
	}
	w.copystack = copystack->vaddr;
	w.code = image_bytes(img, w.newstack.vaddr, w.newstack.size);
	rc = w.code ? find(&w) : -ENOENT;
	if (rc == -ENOMEM || rc == -ENOTSUP)
		return rc;
	if (!rc)
		fill(&w, t, &shrinkstack, n);
	else
		snprintf(n->missing, sizeof(n->missing), "%s",
			 w.why ? w.why : "newstack cannot be followed");
	return 0;
}
