/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * plan.h: which instruction each logical probe sits on.
 *
 * Where on a function a probe sits decides its cost by a factor of fifteen; the planner decodes the
 * function and takes the cheapest instruction at which the wanted values are in known registers.
 */
#ifndef ST_BPF_PLAN_H
#define ST_BPF_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "symbols/target.h"

struct err;
struct image;

enum cost_class {
	COST_NOP,    /* five-byte NOP, optimised by newer kernels */
	COST_BRANCH, /* call, jmp, jcc, other NOPs, emulated */
	COST_PUSH,   /* push, emulated */
	COST_STEP,   /* anything else, single-stepped */
};
#define COST_CLASSES (COST_STEP + 1)

struct plan_point {
	enum ev_probe probe;
	bool present;
	const char *function;
	uint64_t vaddr;	 /* link-time address of the instruction */
	uint64_t offset; /* in the file */
	char insn[48];	 /* "jbe 0x4010f0" */
	enum cost_class cost;
	enum target_reg coroutine, new_size, filter;
	uint32_t filter_mask;
	bool may_repeat;   /* the point runs again after a growth: count only if the branch is not
			      taken */
	char missing[128]; /* why not present */
};

struct plan {
	struct plan_point point[EV_PROBE_COUNT];
	/* Instead of those of COPYSTACK and COPYSTACK_END, where such NOPs cost less than they do.
	 */
	bool has_nops;
	struct plan_point nop[NOP_COUNT];
	int32_t nop_slot;  /* the coroutine at NOP_GROWTH: in memory at rsp + this */
	char no_nops[128]; /* why there are none */
};

/*
 * Plans every probe of the target.  Points that cannot be placed say why and are not an error.
 */
int plan_survey(struct image *img, const struct target *t, struct plan *ret, struct err *e);
/* -ENOENT unless what tracing cannot do without is there. */
int plan_check(const struct image *img, const struct target *t, const struct plan *p,
	       struct err *e);
/* Both. */
int plan_make(struct image *img, const struct target *t, struct plan *ret, struct err *e);

const char *probe_name(enum ev_probe p);	/* "copystack" */
const char *cost_class_name(enum cost_class c); /* "branch" */
/*
 * What a hit of the class took where this was written, on bare metal; elsewhere only the relation
 * of the classes holds, more or less.  For scaling what was measured, never to be shown.
 */
unsigned cost_class_ns(enum cost_class c);

#endif
