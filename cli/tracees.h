/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracees.h: the processes of a session, and under which number their records go.
 */
#ifndef ST_CLI_TRACEES_H
#define ST_CLI_TRACEES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

struct program;

struct tracee {
	uint32_t pid;
	UT_hash_handle hh;
	char *path;		 /* of what it runs; NULL: not known */
	struct program *program; /* what it runs; NULL: nothing that is traced */
	uint64_t *since;	 /* when it became its second program, its third ... */
	unsigned changes;
	bool seen; /* the program it runs has sent records */
	bool ended;
	int pidfd; /* readable when it ends, or -1 */
};

struct tracees {
	struct tracee *map;
	size_t alive;
	bool changed; /* some process has changed its number */
};

struct tracee *tracees_find(const struct tracees *p, uint32_t pid);

/* A process that is alive; one of that id that had ended gets another number.  NULL: no memory. */
struct tracee *tracees_add(struct tracees *p, uint32_t pid, uint64_t now);

void tracees_end(struct tracees *p, struct tracee *process);
void tracees_free(struct tracees *p);

/* From now on, its records go under the next number.  -ENOMEM. */
int tracee_renumber(struct tracees *p, struct tracee *process, uint64_t now);

/* The number of its records of a moment; see ev_process_id(). */
uint32_t tracee_number(const struct tracee *p, uint64_t time_ns);

#endif
