/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h: sums of foreign numbers, which stop at the top instead of starting anew. */
#ifndef ST_BASE_SUM_H
#define ST_BASE_SUM_H

#include <stdint.h>

static inline void sum_add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

#endif
