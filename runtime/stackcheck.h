/* SPDX-License-Identifier: Apache-2.0 */
/* stackcheck.h: CORUN_DEBUG=stackcheck, addresses of locals kept where they do not move along. */
#ifndef ST_RUNTIME_STACKCHECK_H
#define ST_RUNTIME_STACKCHECK_H

#include "runtime/runtime.h"

/* The stack of gp was copied from old to where it is now; pc: the function that made it grow. */
void stackcheck_moved(struct g *gp, struct stack old, uint64_t pc);
/* The coroutine ends and its stack goes. */
void stackcheck_ended(const struct g *gp);
/* What became of the stack in which an address lies, in words. */
void stackcheck_fate(uint64_t address, char *ret, size_t size);
void stackcheck_begin(void);
void stackcheck_end(void);

#endif
