/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once_x86.h: instructions that are executed exactly once on the way to another.
 *
 * Private to symbols/.  For a probe at the end of a function whose usual landmark, a call, was
 * inlined away (profile-guided builds do that to Go's runtime): a function's very end is no good
 * place, as ret and pop are single-stepped, and return probes are fatal where stacks move.  And for
 * one ahead of a call, where an instruction that is cheaper to probe happens to be.
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
	uint64_t landmark; /* the call of this address */
};

/*
 * Finds the last nop, jmp, jcc or call that lies on every way from the entry to a return, and on no
 * loop.  -ENOENT: there is none behind the landmark, or the code has jumps that cannot be followed;
 * -E2BIG, -ENOMEM, -ENOTSUP.
 */
int once_last(const struct once_question *q, uint64_t *ret);

/*
 * Finds the last five-byte NOP that lies on every way from the entry to the landmark, and on no
 * loop.  -ENOENT: there is none, or no landmark or several of them; else as above.
 */
int once_nop_before(const struct once_question *q, uint64_t *ret);

/* 0: every way from the entry to the instruction at `to` passes the one at `at`.  -ENOENT: or not.
 */
int once_passes(const struct once_question *q, uint64_t at, uint64_t to);

#endif
