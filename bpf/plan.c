/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: for a note, the points it names; in a function, the cheapest point that will do.
 *
 * Rejected for the end of a copy: the instruction behind "call copystack" in newstack, which misses
 * the shrinks, as the garbage collector calls copystack from elsewhere.  copystack gives the old
 * stack back as the last thing it does, for growths and shrinks alike.  Only where a kernel makes
 * NOPs in newstack much cheaper are growths seen there, at the price of points for shrinks alone.
 */
#include "bpf/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "bpf/plan_x86.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"

const char *probe_name(enum ev_probe p)
{
	static const char *const name[EV_PROBE_COUNT] = {
		[EV_PROBE_NEWSTACK] = "newstack",
		[EV_PROBE_COPYSTACK] = "copystack",
		[EV_PROBE_COPYSTACK_END] = "copystack_end",
		[EV_PROBE_NEWPROC] = "newproc",
		[EV_PROBE_GOEXIT] = "goexit",
		[EV_PROBE_GOGO] = "gogo",
		[EV_PROBE_PARK] = "park",
		[EV_PROBE_READY] = "ready",
		[EV_PROBE_STACKALLOC] = "stackalloc",
		[EV_PROBE_STACKFREE] = "stackfree",
		[EV_PROBE_GCSTART] = "gcstart",
		[EV_PROBE_GCDONE] = "gcdone",
		[EV_PROBE_LOCK] = "lock",
		[EV_PROBE_LOCK_END] = "lock_end",
		[EV_PROBE_MUTEX] = "mutex",
		[EV_PROBE_NEWCORO] = "newcoro",
	};

	return (unsigned)p < EV_PROBE_COUNT ? name[p] : "unknown";
}

const char *cost_class_name(enum cost_class c)
{
	static const char *const name[] = {
		[COST_NOP] = "nop",
		[COST_BRANCH] = "branch",
		[COST_PUSH] = "push",
		[COST_STEP] = "step",
	};

	return (unsigned)c <= COST_STEP ? name[c] : "unknown";
}

unsigned cost_class_ns(enum cost_class c)
{
	static const unsigned ns[] = {
		[COST_NOP] = 300,
		[COST_BRANCH] = 600,
		[COST_PUSH] = 800,
		[COST_STEP] = 4500,
	};

	return (unsigned)c <= COST_STEP ? ns[c] : ns[COST_STEP];
}

static uint16_t bit(enum target_reg r)
{
	return r < 16 ? 1u << r : 0;
}

/*
 * Looks for the point in a function.  Where the end of a copy is not the expected call, the
 * function's return will do, at the price of a step.
 */
static int search(struct image *img, const struct target_probe *probe, const struct plan_code *code,
		  struct plan_point *point)
{
	struct function callee;
	int r = -ENOENT;

	if (probe->call_target) {
		if (image_function_at(img, probe->call_target, &callee))
			callee.name = "the expected function";
		r = plan_x86_call(code, probe->call_target, callee.name, probe->after_call, point);
	} else if (point->probe == EV_PROBE_GOGO) {
		r = plan_x86_gogo(code, point);
	} else if (point->probe != EV_PROBE_COPYSTACK_END) {
		r = plan_x86_entry(code, bit(point->coroutine) | bit(point->new_size), point);
	}
	if (r && point->probe == EV_PROBE_COPYSTACK_END)
		r = plan_x86_return(code, point);
	return r;
}

/* A note names an instruction, and need not say how much code follows it. */
static size_t bytes_at(const struct image *img, uint64_t vaddr, const uint8_t **ret)
{
	for (size_t n = 15; n; n--) {
		*ret = image_bytes(img, vaddr, n);
		if (*ret)
			return n;
	}
	return 0;
}

/*
 * A probe inside of an instruction would make another one of it.  Where the point lies in a
 * function that can be decoded, it must be where one of its instructions begins.
 */
static int check_boundary(struct image *img, struct insn_decoder *decoder, uint64_t vaddr,
			  struct plan_point *point)
{
	struct insn_x86 insn;
	struct function f;
	const uint8_t *code;

	if (image_function_at(img, vaddr, &f) || !f.size)
		return 0;
	code = image_bytes(img, f.vaddr, f.size);
	if (!code)
		return 0;
	insn_decoder_set(decoder, code, f.size, f.vaddr);
	while (insn_decoder_next(decoder, &insn) == 1) {
		if (insn.vaddr == vaddr)
			return 0;
		if (insn.vaddr > vaddr || insn.vaddr + insn.length > vaddr) {
			snprintf(point->missing, sizeof(point->missing),
				 "0x%" PRIx64 " is inside of '%.40s' in %.40s", vaddr, insn.text,
				 f.name);
			return -ENOENT;
		}
	}
	return 0;
}

static int place(struct image *img, const struct target_probe *probe, struct insn_decoder *decoder,
		 struct plan_point *point)
{
	struct plan_code code = { .decoder = decoder, .vaddr = probe->vaddr, .size = probe->size };
	int r;

	if (probe->fixed)
		code.size = bytes_at(img, probe->vaddr, &code.bytes);
	else
		code.bytes = image_bytes(img, probe->vaddr, probe->size);
	if (!code.bytes) {
		snprintf(point->missing, sizeof(point->missing), "its code is not in the file");
		return -ENOENT;
	}
	r = probe->fixed ? check_boundary(img, decoder, probe->vaddr, point) : 0;
	if (!r)
		r = probe->fixed ? plan_x86_fixed(&code, point) : search(img, probe, &code, point);
	if (!r)
		r = image_offset(img, point->vaddr, &point->offset);
	if (r && !point->missing[0])
		snprintf(point->missing, sizeof(point->missing), "its code is not in the file");
	return r;
}

/* A value that the probe must have, and the description does not say where it is. */
static const char *unknown_register(const struct plan_point *p)
{
	if (target_probe_needs_coroutine(p->probe) && p->coroutine >= 16)
		return "the coroutine";
	if (target_probe_needs_value(p->probe) && p->new_size >= 16)
		return p->probe == EV_PROBE_COPYSTACK ? "the new size" : "the lock";
	return NULL;
}

static void plan_point(struct image *img, const struct target_probe *probe,
		       struct insn_decoder *decoder, struct plan_point *point)
{
	const char *unknown;

	point->function = probe->function ? probe->function : "";
	point->coroutine = probe->coroutine;
	point->new_size = probe->new_size;
	point->filter = probe->filter;
	point->filter_mask = probe->filter_mask;
	if (!probe->present && !(point->probe == EV_PROBE_COPYSTACK_END && probe->size)) {
		snprintf(point->missing, sizeof(point->missing), "%s",
			 probe->missing[0] ? probe->missing : "the program does not have it");
		return;
	}
	point->present = !place(img, probe, decoder, point);
	unknown = unknown_register(point);
	if (point->present && unknown) {
		point->present = false;
		snprintf(point->missing, sizeof(point->missing), "no register holds %s", unknown);
	}
}

/* All of them, or none.  The first one's coroutine is in memory, not in a register. */
static void plan_nops(struct image *img, const struct target_nops *n, struct insn_decoder *decoder,
		      struct plan *plan)
{
	static const enum ev_probe stands_for[NOP_COUNT] = {
		[NOP_GROWTH] = EV_PROBE_COPYSTACK,
		[NOP_GROWTH_END] = EV_PROBE_COPYSTACK_END,
		[NOP_SHRINK] = EV_PROBE_COPYSTACK,
		[NOP_SHRINK_END] = EV_PROBE_COPYSTACK_END,
	};

	snprintf(plan->no_nops, sizeof(plan->no_nops), "%s", n->missing);
	for (int i = 0; i < NOP_COUNT && n->present; i++) {
		struct plan_point *p = &plan->nop[i];

		p->probe = stands_for[i];
		p->function = n->probe[i].function;
		p->coroutine = n->probe[i].coroutine;
		p->new_size = n->probe[i].new_size;
		p->filter = REG_NONE;
		p->present = !place(img, &n->probe[i], decoder, p);
		if (!p->present) {
			snprintf(plan->no_nops, sizeof(plan->no_nops), "%s", p->missing);
			return;
		}
	}
	plan->has_nops = n->present;
	plan->nop_slot = n->slot;
}

int plan_survey(struct image *img, const struct target *t, struct plan *ret, struct err *e)
{
	struct insn_decoder *decoder;
	struct plan plan = { 0 };
	int r = insn_decoder_new(&decoder);

	if (r)
		return err_sys(e, -r, "cannot start the instruction decoder");
	for (int i = 0; i < EV_PROBE_COUNT; i++) {
		plan.point[i].probe = i;
		plan_point(img, &t->probe[i], decoder, &plan.point[i]);
	}
	plan_nops(img, &t->nops, decoder, &plan);
	insn_decoder_free(decoder);
	*ret = plan;
	return 0;
}

int plan_check(const struct image *img, const struct target *t, const struct plan *plan,
	       struct err *e)
{
	static const enum ev_probe required[] = { EV_PROBE_COPYSTACK, EV_PROBE_COPYSTACK_END };

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		const struct plan_point *p = &plan->point[required[i]];

		if (p->present)
			continue;
		err_set(e, ENOENT, "cannot trace stack growth in '%s': no place for probe %s: %s",
			image_path(img), probe_name(p->probe), p->missing);
		err_hint(e, "the runtime is %s %s; a report with the program's version helps",
			 t->runtime, t->version[0] ? t->version : "of unknown version");
		return -ENOENT;
	}
	return 0;
}

int plan_make(struct image *img, const struct target *t, struct plan *ret, struct err *e)
{
	struct plan plan;
	int r = plan_survey(img, t, &plan, e);

	if (!r)
		r = plan_check(img, t, &plan, e);
	if (!r)
		*ret = plan;
	return r;
}
