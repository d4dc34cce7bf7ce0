/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h: what the doctor looks at, one file each.
 *
 *	doctor_machine.c  the kernel, and what this user may do
 *	doctor_program.c  an executable file
 *	doctor_process.c  a running process and the limits that it lives within
 *	doctor_stacks.c   the stacks of its coroutines
 *	doctor_print.c    all of that as text and as JSON
 */
#ifndef ST_CLI_DOCTOR_H
#define ST_CLI_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/plan.h"
#include "cli/findings.h"
#include "symbols/process_memory.h"
#include "symbols/target.h"

struct err;
struct image;

/* One coroutine's stack, as a row. */
struct doctor_row {
	struct coroutine c;
	enum stack_health health;
};

struct doctor_stacks {
	bool read; /* the rest holds */
	uint64_t coroutines, free;
	uint64_t bytes, used;		    /* of their stacks; of those whose use is known */
	uint64_t used_of;		    /* bytes of the stacks whose use is known */
	uint64_t count[STACK_OVERFLOW + 1]; /* by health */
	struct doctor_row *row;		    /* what is not healthy, then the fullest */
	size_t rows;
};

/* What bounds a stack. */
struct doctor_limits {
	uint64_t rlimit_stack, rlimit_as; /* UINT64_MAX: none */
	uint64_t vm_peak, vm_size;
	uint64_t free_space, largest_hole; /* of the address space */
	uint64_t runtime;		   /* of the runtime; 0: not known */
	uint64_t grow_to;		   /* a coroutine's stack, in the runtime's steps */
};

struct doctor {
	pid_t pid; /* 0: none */
	const char *file;
	unsigned top; /* rows, 0: all */
	struct findings findings;
	struct image *img; /* NULL: none, or none that can be traced */
	struct target target;
	struct plan plan;
	bool described; /* target and plan hold */
	bool own_ring;	/* can be traced without any privilege */
	struct doctor_stacks stacks;
	struct doctor_limits limits;
	uint64_t bias;
};

/* Finds what there is to say.  What is wrong with the object itself becomes a finding. */
void doctor_program(struct doctor *d);

/* Without probes a program may still be traced, by its own ring: then nothing here is bad. */
void doctor_machine(struct doctor *d);

/* Needs what doctor_program() found. */
void doctor_process(struct doctor *d);
void doctor_stacks(struct doctor *d, const struct memory *memory);

/* Largest power of two that is not larger; 0 of 0. */
uint64_t doctor_power_of_two(uint64_t n);

/* 0 or -ENOMEM. */
int doctor_print(const struct doctor *d);
int doctor_print_json(const struct doctor *d);

#endif
