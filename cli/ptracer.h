/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptracer.h: forks, execs and ends of processes and their descendants, as they happen.
 *
 * By ptrace(2), and not by the scheduler's trace points: these need tracefs or BTF, cannot hold a
 * process without stopping it for its parent too, and would leave it stopped if we died.  A process
 * under ptrace stops for us alone, and goes on by itself when its tracer is gone, however that
 * came.  What it costs is a stop per fork, exec, new thread and signal.
 *
 * ptrace belongs to a thread, so there is one for it; its end lets every process go at once, with
 * none of them having to be stopped for it.
 */
#ifndef ST_CLI_PTRACER_H
#define ST_CLI_PTRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct err;
struct ptracer;

enum ptracer_what {
	PTRACER_NEW,  /* a process was forked; held, before its first instruction */
	PTRACER_EXEC, /* executes another program; held, before its first instruction */
	PTRACER_END,  /* a process or a thread has ended */
};

struct ptracer_event {
	enum ptracer_what what;
	pid_t pid, ppid;
	int wait_status;
	struct rusage usage;
};

/* Takes hold of the processes and all of their threads, without stopping them. */
int ptracer_start(const pid_t *pids, size_t n, struct ptracer **ret, struct err *e);

int ptracer_fd(const struct ptracer *t); /* readable when there is an event */

/* The next event, without waiting; false: none. */
bool ptracer_next(struct ptracer *t, struct ptracer_event *ret);

/* To be called after PTRACER_NEW and PTRACER_EXEC: the process is held no longer. */
void ptracer_go_on(struct ptracer *t);

/* Lets all processes go.  Events that have come before can still be read. */
void ptracer_stop(struct ptracer *t);

void ptracer_free(struct ptracer *t); /* NULL-safe */

#endif
