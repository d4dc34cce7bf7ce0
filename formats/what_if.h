/* SPDX-License-Identifier: Apache-2.0 */
/*
 * what_if.h: what another first stack size would change for a creator's coroutines.
 *
 * A coroutine needs the smallest power of two that holds the most it was seen to use and the
 * runtime's guard; one whose use was not seen, the largest stack it had.  Beginning with S it is
 * copied once for each doubling from S to what it needs, and its stack takes the larger of the two.
 * So the figures for the present size are a model's too, to be compared with the others and not
 * with what was counted: growths past one doubling and shrinks are not in it.
 */
#ifndef ST_FORMATS_WHAT_IF_H
#define ST_FORMATS_WHAT_IF_H

#include <stddef.h>
#include <stdint.h>

struct creator_row;

#define WHAT_IF_GUARD 928u /* Go keeps as much free below a frame */

struct what_if {
	uint64_t start;	      /* bytes of a first stack */
	uint64_t copies;      /* of all coroutines */
	uint64_t copied;      /* bytes, if each copy is of a stack that is full */
	uint64_t stack_bytes; /* largest stacks of all coroutines */
	int is_now;	      /* the size that most began with */
};

/* The size that a use needs. */
uint64_t what_if_need(uint64_t used, uint64_t peak_size);

/* Rows for sizes from the smallest that helps to the largest need; at most 64.  Returns how many.
 */
size_t what_if(const struct creator_row *c, struct what_if ret[64]);

#endif
