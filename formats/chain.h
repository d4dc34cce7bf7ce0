/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h: a call stack as the functions that users know, from the root on. */
#ifndef ST_FORMATS_CHAIN_H
#define ST_FORMATS_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/aggregate.h"

struct names;

struct chain_frame {
	/* "go@" in front of the place of the go statement; brackets for what is no function */
	enum { CHAIN_CREATOR, CHAIN_FUNCTION, CHAIN_NOTE } kind;
	struct site site; /* of a note only the function, such as "[truncated]" */
};
typedef int chain_fn(void *arg, const struct chain_frame *f);

/*
 * The go statement, then the chain from the coroutine's function to the one that ran out of stack;
 * inlined functions are frames of their own.  runtime.goexit, which is under every goroutine, is
 * left out.  A result other than 0 ends it and is handed on.
 */
int chain_each(struct names *n, const struct stack_row *row, chain_fn *fn, void *arg);

/*
 * "go main.main main.go:7", "main.deep", "[truncated]", safe to print; the caller's to free.  NULL:
 * no memory.
 */
char *chain_label(const struct chain_frame *f);

#endif
