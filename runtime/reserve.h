/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve.h: stacks that never move: a range of addresses with a guard page at its lower end, of
 * which as much is in use as was needed.
 */
#ifndef ST_RUNTIME_RESERVE_H
#define ST_RUNTIME_RESERVE_H

#include "runtime/runtime.h"

#define PAGE_SIZE 4096ull

/* Sizes and kind as the settings say.  To be called before the first reserve_alloc. */
void reserve_init(void);
/* A stack with the initial size; -ENOMEM. */
int reserve_alloc(struct stack *ret);
void reserve_free(struct stack s);
/* Lets it grow downwards to lo, which must be above the guard page; -ENOMEM. */
int reserve_grow(struct stack *s, uint64_t lo);
/* The lowest address that it may grow to. */
uint64_t reserve_limit(const struct stack *s);
/* Bytes of address space. */
uint64_t reserve_mapped(void);
void reserve_reset(void);

#endif
