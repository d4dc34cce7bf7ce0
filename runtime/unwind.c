/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind.c: the chain of return addresses of a coroutine that does not run.
 *
 * The rule is the one that stacktrace-note(5) gives to tracers: first the saved pc; in a growth the
 * word at the saved sp, which is the return address into the caller of the function that grows
 * (that one has no frame yet); then along the saved frame pointers, upwards, to the one that is 0.
 */
#include "runtime/runtime.h"
#include "runtime/segment.h"

size_t unwind(const struct g *gp, bool growing, uint64_t *ret, size_t max, enum unwind_end *end)
{
	uint64_t bp = gp->sched.bp, lowest = gp->sched.sp;
	const struct segment *seg = gp->segment;
	struct stack s = gp->stack;
	size_t n = 0;

	*end = UNWIND_CUT;
	if (n == max)
		return n;
	ret[n++] = gp->sched.pc;
	if (growing) {
		if (n == max)
			return n;
		ret[n++] = *(const uint64_t *)gp->sched.sp;
	}
	while (bp) {
		for (; seg && !(bp >= lowest && bp <= s.hi - 16); seg = seg->older) {
			s = seg->old;
			lowest = seg->old_sp;
		}
		if (bp < lowest || bp > s.hi - 16 || bp % 8) {
			*end = UNWIND_BROKEN;
			return n;
		}
		if (n == max)
			return n;
		ret[n++] = segment_true_return(gp, bp, ((const uint64_t *)bp)[1]);
		lowest = bp + 16;
		bp = ((const uint64_t *)bp)[0];
	}
	*end = UNWIND_WHOLE;
	return n;
}
