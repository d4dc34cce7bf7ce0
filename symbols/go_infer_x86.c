/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a few functions of Go's runtime do with the g they are given, on x86-64.
 *
 *	mcall		saves its caller's pc, sp and bp into g.sched
 *	casgstatus	compares and swaps g.atomicstatus
 *	newproc1	copies callergp.goid into the new g's parentGoid (1.21), and its arguments
 *			into gopc and startpc
 *	gopark		stores the reason it was given
 *	copystack	hands the size it was given to stackalloc and the old bounds to stackfree
 *
 * In every Go from 1.17 on, g.goid follows atomicstatus by 8, waitreason by 32, and startpc follows
 * gopc by 16; that is used only for what was not found directly.  Each fact must be the same
 * wherever it is found in a function, else it is taken for not found.
 */
#include "symbols/go_infer.h"

#include <errno.h>
#include <string.h>

#include "symbols/flow_x86.h"
#include "symbols/image.h"
#include "symbols/once_x86.h"

#define MAX_G_SIZE  4096 /* a displacement beyond is no field of g */
#define STACKGUARD0 0x10

/* A number seen several times, which must always be the same. */
struct fact {
	bool seen, contradicted;
	int64_t value;
};

static void state_fact(struct fact *f, int64_t value)
{
	if (f->seen && f->value != value)
		f->contradicted = true;
	f->seen = true;
	f->value = value;
}

static bool holds(const struct fact *f)
{
	return f->seen && !f->contradicted;
}

static void fact_to_field(const struct fact *f, enum target_field field, struct go_offsets *o)
{
	if (holds(f) && f->value >= 0 && f->value < MAX_G_SIZE)
		o->field[field] = (int32_t)f->value;
}

static enum target_reg fact_to_reg(const struct fact *f)
{
	return holds(f) ? (enum target_reg)f->value : REG_NONE;
}

struct infer {
	struct image *img;
	struct go_inference *out;
	enum target_reg caller_g, caller_pc; /* arguments of newproc1 */
	struct fact pc, sp, bp;		     /* mcall */
	struct fact status;		     /* casgstatus */
	struct fact id, parent, gopc, startpc;
	struct fact reason;
	struct fact lo, hi, copystack_g, copystack_size, stackfree;
	struct fact newproc_g, runqput;
	bool new_g_is_fresh; /* no branch or join since newproc1 returned it */
	uint64_t new_g_point;
	enum target_reg new_g;
	struct fact goexit0_g;
	struct fact guard; /* whether a stack check reads off r14 */
};

/* --- small questions about one instruction ---------------------------------------------------- */

/* A store of a register into memory that is no stack slot. */
static bool is_store(const struct insn_x86 *insn, const struct flow_state *s, uint8_t size)
{
	const struct insn_operand *to = insn_memory(insn, 0);

	return insn_is(insn, "mov") && to && to->size == size && to->index == REG_NONE &&
	       to->reg != REG_NONE && insn->operand[1].type == INSN_OPERAND_REG &&
	       flow_base(s, to).kind != FLOW_FRAME;
}

static bool calls(const struct infer *in, const struct insn_x86 *insn, const char *name)
{
	struct function f;

	return insn->kind == INSN_CALL && !image_function_at(in->img, insn->target, &f) &&
	       f.vaddr == insn->target && !strcmp(f.name, name);
}

static bool is_result_of(const struct infer *in, struct flow_value v, const char *name)
{
	struct function f;

	return v.kind == FLOW_RESULT && !image_function_at(in->img, (uint64_t)v.where, &f) &&
	       !strcmp(f.name, name);
}

/* cmp rsp, [g+0x10], or of what rsp will be: the stack check. */
static void see_stack_check(struct infer *in, const struct insn_x86 *insn,
			    const struct flow_state *s)
{
	const struct insn_operand *guard = insn_memory(insn, 1);

	if (insn_is(insn, "cmp") && guard && guard->value == STACKGUARD0 && guard->size == 8 &&
	    insn->operand[0].type == INSN_OPERAND_REG &&
	    flow_operand(s, &insn->operand[0]).kind == FLOW_FRAME)
		state_fact(&in->guard, flow_is_entry(flow_base(s, guard), REG_14));
}

/* --- one visitor a function ------------------------------------------------------------------- */

static void visit_mcall(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;
	const struct insn_operand *to = insn_memory(insn, 0);
	struct flow_value v;

	if (!is_store(insn, s, 8) || !flow_is_entry(flow_base(s, to), REG_14))
		return;
	v = flow_operand(s, &insn->operand[1]);
	if (v.kind == FLOW_RETURN_PC)
		state_fact(&in->pc, to->value);
	else if (v.kind == FLOW_FRAME && v.where == 8)
		state_fact(&in->sp, to->value);
	else if (flow_is_entry(v, REG_BP))
		state_fact(&in->bp, to->value);
}

static void visit_casgstatus(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;
	const struct insn_operand *to = insn_memory(insn, 0);

	if (insn->lock && insn_is(insn, "cmpxchg") && to && to->size == 4 && to->reg != REG_NONE &&
	    to->index == REG_NONE && flow_base(s, to).kind != FLOW_FRAME)
		state_fact(&in->status, to->value);
}

static void visit_newproc1(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;
	struct flow_value v;
	int64_t to;

	see_stack_check(in, insn, s);
	if (!is_store(insn, s, 8))
		return;
	to = insn_memory(insn, 0)->value;
	v = flow_operand(s, &insn->operand[1]);
	if (flow_is_entry(v, in->caller_pc)) {
		state_fact(&in->gopc, to);
	} else if (flow_is_load(v, REG_AX) && v.where == 0) {
		/* fn.fn */
		state_fact(&in->startpc, to);
	} else if (flow_is_load(v, in->caller_g) && v.where != to) {
		/* What is inherited goes from one g to the same place in the other; not the id. */
		state_fact(&in->id, v.where);
		state_fact(&in->parent, to);
	}
}

static void visit_gopark(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;

	if (is_store(insn, s, 1) && flow_is_entry(flow_operand(s, &insn->operand[1]), REG_CX))
		state_fact(&in->reason, insn_memory(insn, 0)->value);
}

static void visit_copystack(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;
	struct flow_value lo, hi;

	see_stack_check(in, insn, s);
	if (calls(in, insn, "runtime.stackalloc") && s->reg[REG_AX].kind == FLOW_ENTRY)
		state_fact(&in->copystack_size, s->reg[REG_AX].reg);
	if (!calls(in, insn, "runtime.stackfree"))
		return;
	state_fact(&in->stackfree, (int64_t)insn->target);
	lo = s->reg[REG_AX];
	hi = s->reg[REG_BX];
	if (lo.kind == FLOW_LOAD && hi.kind == FLOW_LOAD && lo.reg == hi.reg) {
		state_fact(&in->copystack_g, lo.reg);
		state_fact(&in->lo, lo.where);
		state_fact(&in->hi, hi.where);
	}
}

/* Behind the call of newproc1, before anything can be run twice: the first cheap instruction. */
static void see_new_g(struct infer *in, const struct insn_x86 *insn, const struct flow_state *s)
{
	unsigned r;

	if (s->target)
		in->new_g_is_fresh = false;
	if (in->new_g_is_fresh && !in->new_g_point && insn_is_emulated(insn)) {
		for (r = 0; r < 16 && !in->new_g_point; r++) {
			if (!is_result_of(in, s->reg[r], "runtime.newproc1"))
				continue;
			in->new_g_point = insn->vaddr;
			in->new_g = r;
		}
	}
	if (insn->kind == INSN_JMP || insn->kind == INSN_JCC)
		in->new_g_is_fresh = false;
	if (calls(in, insn, "runtime.newproc1"))
		in->new_g_is_fresh = true;
}

static void visit_newproc_func1(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;
	unsigned r;

	see_new_g(in, insn, s);
	if (!calls(in, insn, "runtime.runqput"))
		return;
	state_fact(&in->runqput, (int64_t)insn->target);
	for (r = 0; r < 16; r++)
		if (is_result_of(in, s->reg[r], "runtime.newproc1") && r != REG_AX)
			state_fact(&in->newproc_g, r);
}

static void visit_newcoro_func1(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	see_new_g(arg, insn, s);
}

static void visit_goexit0(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct infer *in = arg;

	if ((calls(in, insn, "runtime.casgstatus") || calls(in, insn, "runtime.gdestroy")) &&
	    s->reg[REG_AX].kind == FLOW_ENTRY)
		state_fact(&in->goexit0_g, s->reg[REG_AX].reg);
}

/* gogo(buf): the register that gets buf.g, which is at 16, and keeps it up to the jmp. */
struct gogo {
	enum target_reg buf, g;
	struct fact found;
};

static void visit_gogo(void *arg, const struct insn_x86 *insn, const struct flow_state *s)
{
	struct gogo *gogo = arg;
	const struct insn_operand *from = insn_memory(insn, 1);

	if (insn->kind == INSN_JMP && gogo->g != REG_NONE)
		state_fact(&gogo->found, gogo->g);
	if (!insn_is(insn, "mov") || !from || insn->operand[0].type != INSN_OPERAND_REG) {
		if (gogo->g != REG_NONE && insn->regs_written & 1u << gogo->g)
			gogo->g = REG_NONE;
		return;
	}
	if (flow_base(s, from).kind == FLOW_FRAME && flow_base(s, from).where + from->value == 8)
		gogo->buf = insn->operand[0].reg;
	else if (gogo->buf != REG_NONE && from->reg == gogo->buf && from->value == 0x10)
		gogo->g = insn->operand[0].reg;
	else if (insn->operand[0].reg == gogo->g)
		gogo->g = REG_NONE;
}

/* --- what profile-guided builds inline -------------------------------------------------------- */

bool go_call_returns(struct image *img, uint64_t callee)
{
	static const char *const never[] = { "runtime.throw",	"runtime.fatal",
					     "runtime.panic",	"runtime.goPanic",
					     "runtime.gopanic", "runtime.morestack",
					     "runtime.gogo" };
	struct function f;
	size_t i;

	if (image_function_at(img, callee, &f))
		return true;
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (!strncmp(f.name, never[i], strlen(never[i])))
			return false;
	return true;
}

static bool returns(void *arg, uint64_t callee)
{
	struct infer *in = arg;

	return go_call_returns(in->img, callee);
}

static int find_copystack_end(struct infer *in)
{
	struct once_question q = { .returns = returns, .arg = in };
	struct function copystack, memmove;
	uint64_t point;
	int rc;

	if (image_function(in->img, "runtime.copystack", &copystack) ||
	    image_function(in->img, "runtime.memmove", &memmove))
		return 0;
	q.vaddr = copystack.vaddr;
	q.len = copystack.size;
	q.code = image_bytes(in->img, q.vaddr, q.len);
	q.landmark = memmove.vaddr;
	if (!q.code)
		return 0;
	rc = once_last(&q, &point);
	if (!rc)
		in->out->copystack_end_point = point;
	return rc == -ENOMEM ? rc : 0;
}

static int check_newstack(struct infer *in)
{
	struct insn_decoder *d;
	struct insn_x86 insn;
	const uint8_t *code;
	struct function f;
	int rc;

	if (image_function(in->img, "runtime.newstack", &f))
		return 0;
	code = image_bytes(in->img, f.vaddr, f.size);
	rc = insn_decoder_new(&d);
	if (!code || rc)
		return code ? rc : 0;
	insn_decoder_set(d, code, f.size, f.vaddr);
	while ((rc = insn_decoder_next(d, &insn)) == 1)
		if (calls(in, &insn, "runtime.copystack"))
			break;
	insn_decoder_free(d);
	in->out->growth_inlined = rc == 0;
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int follow(struct infer *in, const char *name, flow_visit_fn *visit, void *arg)
{
	const uint8_t *code;
	struct function f;
	int rc;

	if (image_function(in->img, name, &f))
		return 0;
	code = image_bytes(in->img, f.vaddr, f.size);
	if (!code)
		return 0;
	rc = flow_run(code, f.size, f.vaddr, visit, arg);
	/* A function too large to follow is one that tells nothing. */
	return rc == -E2BIG ? 0 : rc;
}

/* newproc1(fn, callergp, callerpc ...); 1.17 had (fn, argp, narg, callergp, callerpc). */
static int follow_newproc1(struct infer *in, unsigned minor)
{
	int rc = 0;

	if (minor != 17) {
		in->caller_g = REG_BX;
		in->caller_pc = REG_CX;
		rc = follow(in, "runtime.newproc1", visit_newproc1, in);
	}
	if (!rc && (minor == 17 || (!minor && !in->gopc.seen))) {
		in->caller_g = REG_DI;
		in->caller_pc = REG_SI;
		rc = follow(in, "runtime.newproc1", visit_newproc1, in);
	}
	return rc;
}

/* As newproc.func1, from which the place of the new g is kept. */
static int follow_newcoro(struct infer *in)
{
	uint64_t point = in->new_g_point;
	enum target_reg g = in->new_g;
	int rc;

	in->new_g_point = 0;
	in->new_g_is_fresh = false;
	rc = follow(in, "runtime.newcoro.func1", visit_newcoro_func1, in);
	in->out->newcoro_point = in->new_g_point;
	in->out->newcoro_g = in->new_g_point ? in->new_g : REG_NONE;
	in->new_g_point = point;
	in->new_g = g;
	return rc;
}

static void fill_in(int32_t *field, enum target_field f, enum target_field known, int32_t distance)
{
	if (field[f] == FIELD_UNKNOWN && field[known] != FIELD_UNKNOWN &&
	    field[known] + distance >= 0)
		field[f] = field[known] + distance;
}

static void conclude(const struct infer *in, const struct gogo *gogo)
{
	struct go_inference *out = in->out;
	int32_t *field = out->offsets.field;

	fact_to_field(&in->lo, FIELD_STACK_LO, &out->offsets);
	fact_to_field(&in->hi, FIELD_STACK_HI, &out->offsets);
	fact_to_field(&in->sp, FIELD_SCHED_SP, &out->offsets);
	fact_to_field(&in->pc, FIELD_SCHED_PC, &out->offsets);
	fact_to_field(&in->bp, FIELD_SCHED_BP, &out->offsets);
	fact_to_field(&in->status, FIELD_STATUS, &out->offsets);
	fact_to_field(&in->gopc, FIELD_CREATOR_PC, &out->offsets);
	fact_to_field(&in->startpc, FIELD_ENTRY_PC, &out->offsets);
	fact_to_field(&in->reason, FIELD_WAIT_REASON, &out->offsets);
	if (holds(&in->guard) && in->guard.value)
		out->offsets.field[FIELD_STACK_GUARD] = STACKGUARD0;
	if (holds(&in->id)) {
		fact_to_field(&in->id, FIELD_ID, &out->offsets);
		fact_to_field(&in->parent, FIELD_PARENT_ID, &out->offsets);
	}
	fill_in(field, FIELD_STATUS, FIELD_ID, -8);
	fill_in(field, FIELD_ID, FIELD_STATUS, 8);
	fill_in(field, FIELD_WAIT_REASON, FIELD_STATUS, 32);
	fill_in(field, FIELD_ENTRY_PC, FIELD_CREATOR_PC, 16);
	fill_in(field, FIELD_CREATOR_PC, FIELD_ENTRY_PC, -16);
	out->checks_stack = in->guard.seen;
	out->register_abi = holds(&in->guard) && in->guard.value;
	out->copystack_g = fact_to_reg(&in->copystack_g);
	out->copystack_size = fact_to_reg(&in->copystack_size);
	out->goexit0_g = fact_to_reg(&in->goexit0_g);
	out->gogo_g = fact_to_reg(&gogo->found);
	if (holds(&in->runqput)) {
		out->newproc_call = (uint64_t)in->runqput.value;
		out->newproc_g = fact_to_reg(&in->newproc_g);
	} else {
		out->newproc_point = in->new_g_point;
		out->newproc_g = in->new_g_point ? in->new_g : REG_NONE;
	}
	if (holds(&in->stackfree)) {
		out->copystack_end_call = (uint64_t)in->stackfree.value;
		out->copystack_end_point = 0;
	}
}

int go_infer(struct image *img, unsigned minor, struct go_inference *ret)
{
	struct gogo gogo = { .buf = REG_NONE, .g = REG_NONE };
	struct go_inference out = { .register_abi = false };
	struct infer in = { .img = img, .out = &out };
	const struct {
		const char *name;
		flow_visit_fn *visit;
		void *arg;
	} step[] = {
		{ "runtime.mcall", visit_mcall, &in },
		{ "runtime.casgstatus", visit_casgstatus, &in },
		{ "runtime.gopark", visit_gopark, &in },
		{ "runtime.copystack", visit_copystack, &in },
		{ "runtime.newproc.func1", visit_newproc_func1, &in },
		{ "runtime.goexit0", visit_goexit0, &in },
		{ "runtime.gogo", visit_gogo, &gogo },
	};
	size_t i;
	int rc;

	go_offsets_clear(&out.offsets);
	for (i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		rc = follow(&in, step[i].name, step[i].visit, step[i].arg);
		if (rc)
			return rc;
	}
	rc = follow_newproc1(&in, minor);
	if (!rc)
		rc = follow_newcoro(&in);
	if (!rc)
		rc = find_copystack_end(&in);
	if (!rc)
		rc = check_newstack(&in);
	if (rc)
		return rc;
	conclude(&in, &gogo);
	*ret = out;
	return 0;
}
