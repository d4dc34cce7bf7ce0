/* SPDX-License-Identifier: Apache-2.0 */
/* sites.h: addresses in events -> the places that users know. */
#ifndef ST_FORMATS_SITES_H
#define ST_FORMATS_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/aggregate.h"

struct names;

/*
 * Where a coroutine was created: the go statement, in the function that has it in the source.  A
 * runtime's first coroutine has none: then it is the coroutine's own function, and the result is
 * false.
 */
bool site_creator(struct names *n, uint32_t pid, uint64_t creator_pc, uint64_t entry_pc,
		  struct site *ret);

/* The coroutine's own function. */
struct site site_entry(struct names *n, uint32_t pid, uint64_t entry_pc);

/*
 * The function that ran out of stack: of those inlined at the innermost pc, the outermost, because
 * only it has a prologue.  depth 0: unknown.
 */
struct site site_leaf(struct names *n, uint32_t pid, const uint64_t *pc, uint32_t depth);

/* Orders by function, file, line; 0: what users call the same place. */
int site_compare(const struct site *a, const struct site *b);

#endif
