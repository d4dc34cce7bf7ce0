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

static struct peak peak;

static void peak_measure(void *unused)
{
	static unsigned char pages[1 << 16];
	unsigned long i, n = peak.size / PEAK_PAGE;

	(void)unused;
	if (n > sizeof(pages) || mincore((void *)(peak.hi - peak.size), peak.size, pages))
		return;
	peak.used = peak.hi - peak.sp;
	peak.resident = 0;
	for (i = 0; i < n; i++)
		peak.resident += (pages[i] & 1) * PEAK_PAGE;
}

/* To be called at the deepest point.  top: a local of the coroutine's first function. */
static inline void peak_note(const void *top)
{
	peak.size = co_stack_size();
	peak.hi = ((uintptr_t)top | (PEAK_PAGE - 1)) + 1;
	peak.sp = (uintptr_t)__builtin_frame_address(0);
	co_call(peak_measure, NULL);
}

/* Also the share of its memory that no frame used, in hundredths of a percent. */
static inline void peak_say(void)
{
	sample_say("peak.stack", peak.size);
	sample_say("peak.used", peak.used);
	sample_say("peak.resident", peak.resident);
	if (peak.resident)
		sample_say("peak.fragmentation",
			   (peak.resident - peak.used) * 10000 / peak.resident);
}

#endif
