/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many_stacks: a capture with more call chains than anybody can look at.
 *
 *	many_stacks COUNT FILE
 *
 * COUNT coroutines of ten go statements grow once each, each in a call chain of its own, 12 deep:
 * function names are f.DEPTH.NUMBER, and those of one depth are shared by ever fewer chains.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "formats/capture.h"
#include "tests/unit/events.h"

#define DEPTH	 12
#define CREATORS 10

/* Chains share what lies below depth d if they agree in number >> (DEPTH - d). */
static uint64_t address(uint64_t number, unsigned depth)
{
	return 0x1000000 * (uint64_t)(depth + 1) + 16 * (number >> (DEPTH - 1 - depth)) + 1;
}

static void add_names(struct names *n, uint64_t count)
{
	char text[64];
	const struct name v = { text, "many.go", 1, false };

	for (uint64_t i = 0; i < CREATORS; i++) {
		snprintf(text, sizeof(text), "creator%d", (int)i);
		names_add(n, RUN_PID, 0x500000 + 16 * i, &v, 1);
	}
	for (uint64_t i = 0; i < count; i++) {
		for (unsigned d = 0; d < DEPTH; d++) {
			uint64_t addr = address(i, d);

			snprintf(text, sizeof(text), "example.com/many/f.%u.%llu", d,
				 (unsigned long long)((addr & 0xffffff) / 16));
			names_add(n, RUN_PID, addr - 1, &v, 1);
		}
	}
}

static int put_one(struct capture_writer *w, uint64_t i, struct err *e)
{
	uint64_t creator = 0x500001 + 16 * (i % CREATORS), us = 10 + 10 * i;
	struct ev_newproc born = ev_newproc(us, i + 1, creator, address(i, 0) - 1, 2048);
	struct ev_copystack grown = ev_copystack(us + 2, i + 1, creator, address(i, 0) - 1, 2048,
						 4096, 1000 + i % 1000, 500 + i % 7000, i + 1);
	struct ev_goexit gone = ev_goexit(us + 8, i + 1, 4096, 1500 + i % 2000);
	struct {
		struct ev_stack s;
		uint64_t pc[DEPTH];
	} stack = { .s = { .h = ev_head(EV_STACK, sizeof(stack), us + 1, RUN_PID),
			   .stack_id = i + 1,
			   .depth = DEPTH } };
	const struct ev_header *all[] = { &born.h, &stack.s.h, &grown.h, &gone.h };
	int r = 0;

	for (unsigned d = 0; d < DEPTH; d++)
		stack.pc[DEPTH - 1 - d] = address(i, d);
	for (unsigned k = 0; k < 4 && !r; k++)
		r = capture_event(w, all[k], e);
	return r;
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct names *n;
	struct err e;

	if (!count)
		errx(2, "usage: many_stacks COUNT FILE");
	if (names_new(&n) || capture_create(argv[2], &info, &w, &e))
		errx(1, "%s", argv[2]);
	add_names(n, count);
	for (uint64_t i = 0; i < count; i++)
		if (put_one(w, i, &e))
			errx(1, "%s", e.text);
	if (capture_close(w, n, &e))
		errx(1, "%s", e.text);
	names_free(n);
	return 0;
}
