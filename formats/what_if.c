/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/what_if.h"

#include "formats/aggregate.h"

#define SMALLEST_LOG2 11 /* no runtime has smaller stacks than 2 KiB */

static unsigned log2_up(uint64_t n)
{
	return n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;
}

uint64_t what_if_need(uint64_t used, uint64_t peak_size)
{
	unsigned log2;

	if (!used || used > peak_size || used > UINT64_MAX / 4)
		return peak_size;
	log2 = log2_up(used + WHAT_IF_GUARD);
	return log2 < 63 && (UINT64_C(1) << log2) < peak_size ? UINT64_C(1) << log2 : peak_size;
}

static void add(uint64_t *sum, uint64_t n, uint64_t times)
{
	uint64_t v;

	if (__builtin_mul_overflow(n, times, &v) || __builtin_add_overflow(*sum, v, sum))
		*sum = UINT64_MAX;
}

static struct what_if begin_with(const struct creator_row *c, unsigned start)
{
	struct what_if w = { .start = UINT64_C(1) << start };

	for (unsigned need = 0; need < 64; need++) {
		if (!c->need_size[need])
			continue;
		add(&w.stack_bytes, UINT64_C(1) << (need > start ? need : start),
		    c->need_size[need]);
		for (unsigned step = start; step < need; step++) {
			add(&w.copies, 1, c->need_size[need]);
			add(&w.copied, UINT64_C(1) << step, c->need_size[need]);
		}
	}
	return w;
}

size_t what_if(const struct creator_row *c, struct what_if ret[64])
{
	unsigned most = SMALLEST_LOG2, now = 0;
	size_t count = 0;

	for (unsigned i = 0; i < 64; i++) {
		if (c->need_size[i] && i > most)
			most = i;
		if (c->first_size[i] > c->first_size[now])
			now = i;
	}
	if (c->first_size[now] && now > most)
		most = now;
	for (unsigned i = SMALLEST_LOG2; i <= most && count < 64; i++) {
		ret[count] = begin_with(c, i);
		ret[count++].is_now = c->first_size[now] && i == now;
	}
	return count;
}
