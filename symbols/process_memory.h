/* SPDX-License-Identifier: Apache-2.0 */
/* process_memory.h: the memory of a running process, and where its program is in it. */
#ifndef ST_SYMBOLS_PROCESS_MEMORY_H
#define ST_SYMBOLS_PROCESS_MEMORY_H

#include <sys/types.h>

#include "symbols/coroutines.h"

/* Stays where it is while it is open: memory points into it. */
struct process_memory {
	int fd; /* /proc/PID/mem; -1: closed */
	struct memory memory;
};

/*
 * entry is the program's entry point as its file says.  It reads the memory of the program that the
 * process executes now: once it executes another, there is nothing to be read any more.  -EACCES
 * and -EPERM: not ours to read, which takes CAP_SYS_PTRACE; -ENOENT: the process is gone.
 */
int process_memory_open(pid_t pid, uint64_t entry, struct process_memory *ret);
void process_memory_close(struct process_memory *m); /* also of one that is closed */

#endif
