/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gctrace.c: the line of a collection, in the format of Go 1.18 and later.
 *
 * The world stands still from the first to the last phase, so every processor is taken from the
 * program for the whole of them: that is what the percentage counts.  The phases are
 *
 *	1	stopping the world; taking back what the Ps have in their caches
 *	2	marking; of its processor time, all is the workers' own, since no coroutine has to
 *		assist and none is idle meanwhile
 *	3	shrinking stacks and sweeping
 */
#include "runtime/gctrace.h"

#include <unistd.h>

#include "runtime/line.h"
#include "runtime/runtime.h"

/* Milliseconds as Go writes them: two digits below 10, whole ones from there. */
static void put_ms(struct line *l, uint64_t ns)
{
	uint64_t x = ns / 1000;
	unsigned decimals = 3;

	if (ns >= 10000000) {
		line_number(l, ns / 1000000);
		return;
	}
	if (!x) {
		line_text(l, "0");
		return;
	}
	for (; x >= 100; x /= 10)
		decimals--;
	line_decimal(l, x, decimals);
}

void gctrace(const struct gc_cycle *c)
{
	uint64_t first = c->marking - c->begin, second = c->marked - c->marking;
	uint64_t third = c->end - c->marked, since = c->end - c->begun;
	struct line l = { 0 };

	if (!settings.gctrace)
		return;
	line_text(&l, "gc ");
	line_number(&l, c->number);
	line_text(&l, " @");
	line_decimal(&l, since / 1000000, 3);
	line_text(&l, "s ");
	line_number(&l, since ? c->paused * 100 / since : 0);
	line_text(&l, "%: ");
	put_ms(&l, first);
	line_text(&l, "+");
	put_ms(&l, second);
	line_text(&l, "+");
	put_ms(&l, third);
	line_text(&l, " ms clock, ");
	put_ms(&l, first * c->processors);
	line_text(&l, "+0/");
	put_ms(&l, c->mark_cpu);
	line_text(&l, "/0+");
	put_ms(&l, third * c->processors);
	line_text(&l, " ms cpu, ");
	line_number(&l, c->before >> 20);
	line_text(&l, "->");
	line_number(&l, c->before >> 20);
	line_text(&l, "->");
	line_number(&l, c->live >> 20);
	line_text(&l, " MB, ");
	line_number(&l, c->goal >> 20);
	line_text(&l, " MB goal, ");
	line_number(&l, c->stacks >> 20);
	line_text(&l, " MB stacks, ");
	line_number(&l, c->globals >> 20);
	line_text(&l, " MB globals, ");
	line_number(&l, c->processors);
	line_text(&l, c->forced ? " P (forced)\n" : " P\n");
	line_write(&l, STDERR_FILENO);
}
