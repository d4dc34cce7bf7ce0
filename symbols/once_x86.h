/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once_x86.h: an instruction that every run of a function executes exactly once, as late as can be.
 *
 * Private to symbols/.  For a probe at the end of a function whose usual landmark, a call, was
 * inlined away (profile-guided builds do that to Go's runtime).  A function's very end is no good
 * place: ret and pop are single-stepped, and return probes are fatal where stacks move.
 */
#ifndef ST_SYMBOLS_ONCE_X86_H
#define ST_SYMBOLS_ONCE_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct once_question {
	const uint8_t *code;
	size_t len;
	uint64_t vaddr;
	/* Whether a call of that address ever comes back. */
	bool (*returns)(void *arg, uint64_t callee);
	void *arg;
	uint64_t after; /* the answer must be reached through the call of this address */
};

/*
 * Finds the last nop, jmp, jcc or call that lies on every way from the entry to a return, and on no
 * loop.  -ENOENT: there is none behind the wanted call, or the code has jumps that cannot be
 * followed; -E2BIG, -ENOMEM, -ENOTSUP.
 */
int once_last(const struct once_question *q, uint64_t *ret);

#endif
