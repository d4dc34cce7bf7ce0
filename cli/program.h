/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h: one executable file that is traced, with its probes.  A session has one of each
 * program that its processes run.
 */
#ifndef ST_CLI_PROGRAM_H
#define ST_CLI_PROGRAM_H

#include <stdbool.h>
#include <sys/stat.h>

#include "bpf/plan.h"
#include "bpf/source.h"
#include "symbols/target.h"

struct err;
struct image;
struct session;
struct session_options;

/* What makes two files the same program: also a file that was written anew has another one. */
struct program_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct program {
	struct program *next;
	struct session *session;
	char *name; /* its path, as a user knows it */
	char *path; /* to open it by */
	int fd;	    /* what path goes through, or -1 */
	struct program_id id;
	struct image *img;
	struct target target;
	struct plan plan;
	struct source *source; /* NULL: not traced */
	unsigned processes;    /* of those attached to */
	bool only_tracked;     /* as the source was opened */
	bool attached;

	/* totals of its own, of which a session tells the sums */
	struct ev_lost lost;
	struct ev_hits hits;
};

/* By its path.  Errors as session_open(). */
int program_open(const char *path, struct program **ret, struct err *e);

/* By a process that runs it. */
int program_open_running(pid_t pid, struct program **ret, struct err *e);

/*
 * Finds out about its runtime and plans.  -ENODATA: it has no known one; -ENOTSUP, -ENOEXEC: one
 * that cannot be traced, or no program for this machine.
 */
int program_describe(struct program *p, struct err *e);

/* Loads the probes.  Falls back from BPF to the ring with a note, where the options allow it. */
int program_open_source(struct program *p, const struct session_options *o, struct err *e);

void program_free(struct program *p); /* NULL-safe */

/* The id of what a process runs.  -errno. */
int program_id_of(pid_t pid, struct program_id *ret);
bool program_same(const struct program_id *a, const struct program_id *b);

#endif
