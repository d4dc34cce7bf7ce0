/* SPDX-License-Identifier: Apache-2.0 */
/*
 * go_infer.h: Go's g as its own runtime's instructions lay it out.
 *
 * Private to symbols/.  Works on any Go binary, stripped or of an unknown version, as long as its
 * functions have their names.  The machine's part is go_infer_x86.c.
 */
#ifndef ST_SYMBOLS_GO_INFER_H
#define ST_SYMBOLS_GO_INFER_H

#include <stdbool.h>

#include "symbols/go_offsets.h"

struct image;

/*
 * What the runtime's functions say.  Anything not found is FIELD_UNKNOWN, REG_NONE or 0.
 *
 * Profile-guided builds inline what is hot for them, and a program that grows many stacks has just
 * the functions hot that a probe looks for.  Hence the second way to two of the points.
 */
struct go_inference {
	struct go_offsets offsets;
	bool checks_stack;   /* stack checks of the runtime's functions were found, */
	bool register_abi;   /* and they take g from r14, as the register calling convention does */
	bool growth_inlined; /* newstack does not call copystack */
	enum target_reg copystack_g, copystack_size; /* at copystack's entry */
	enum target_reg goexit0_g;		     /* at goexit0's entry */
	enum target_reg gogo_g;			     /* at gogo's closing jmp */
	/* The call of stackfree in copystack; or, were it inlined, the last place before it. */
	uint64_t copystack_end_call, copystack_end_point;
	/* The call of runqput in newproc.func1, and the register that holds the new g there; or,
	 * were it inlined, a place behind the call of newproc1. */
	uint64_t newproc_call, newproc_point;
	enum target_reg newproc_g;
	/* A place behind the call of newproc1 in newcoro.func1, and the register of the new g. */
	uint64_t newcoro_point;
	enum target_reg newcoro_g;
};

/*
 * minor is the Go version if known, else 0: arguments of some functions moved.  Never fails for
 * what the code looks like; -ENOMEM or -ENOTSUP from the decoder.
 */
int go_infer(struct image *img, unsigned minor, struct go_inference *ret);

/* Whether a call of that address ever comes back: those that throw do not, nor does gogo. */
bool go_call_returns(struct image *img, uint64_t callee);

#endif
