/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak.h: how large a stack is where it is deepest, how much of that is used, and how much of it is
 * memory: what mincore says of its pages.
 */
#ifndef ST_SAMPLES_C_PEAK_H
#define ST_SAMPLES_C_PEAK_H

#include <stdint.h>
#include <sys/mman.h>

#include "sample.h"

#define PEAK_PAGE 4096ul

struct peak {
	uintptr_t hi, sp;
	unsigned long size, used, resident;
};

/* Its words all lie on the stack: those that are addresses move with it. */
static void peak_measure(void *arg)
{
	struct peak *p = arg;
	unsigned long i, n = p->size / PEAK_PAGE;
	unsigned char *pages = calloc(n + 1, 1);

	p->used = p->hi - p->sp;
	p->resident = 0;
	if (pages && !mincore((void *)(p->hi - p->size), p->size, pages))
		for (i = 0; i < n; i++)
			p->resident += (pages[i] & 1) * PEAK_PAGE;
	free(pages);
}

/* To be called at the deepest point.  top: a local of the coroutine's first function. */
static inline void peak_note(struct peak *p, const void *top)
{
	p->size = co_stack_size();
	p->hi = ((uintptr_t)top | (PEAK_PAGE - 1)) + 1;
	p->sp = (uintptr_t)__builtin_frame_address(0);
	co_call(peak_measure, p);
}

/* Also the share of its memory that no frame used, in hundredths of a percent. */
static inline void peak_say(const struct peak *p)
{
	sample_say("peak.stack", p->size);
	sample_say("peak.used", p->used);
	sample_say("peak.resident", p->resident);
	if (p->resident)
		sample_say("peak.fragmentation", (p->resident - p->used) * 10000 / p->resident);
}

#endif
