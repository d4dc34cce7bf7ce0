/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: one traced run, from the file on disk, or running processes, to the last event.
 *
 * open() finds out what the program is and loads the probes; run() launches it, hands every event
 * to the sink and returns when the program has ended or the tracing was asked to.
 */
#ifndef ST_CLI_SESSION_H
#define ST_CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/event.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "cli/godebug.h"
#include "symbols/target.h"

struct err;
struct image;
struct names;
struct run_info;
struct session;

enum source_choice { SOURCE_AUTO, SOURCE_BPF, SOURCE_RING };

struct session_options {
	char **argv; /* program and arguments, NULL-terminated; NULL: pids are traced */
	const pid_t *pids;
	size_t pid_count;
	uint64_t duration_ns; /* then the tracing ends; 0: with the program */
	bool follow;	      /* also what is forked, and what is executed instead */
	const char *user;
	enum source_choice source;
	struct source_options probes;
	struct godebug lines; /* that the launched program's runtime is to write */
	bool verbose;
	bool quiet;
};

/* Where events go.  Every function may be NULL; a negative result of event or tick ends the
 * tracing. */
struct session_sink {
	int (*start)(void *arg, const struct run_info *info);
	int (*event)(void *arg, const struct ev_header *ev);
	int (*tick)(void *arg); /* every few milliseconds */
	void *arg;
};

struct session_result {
	bool launched;	  /* and wait_status holds */
	bool stopped;	  /* tracing ended before the program did */
	int sink_failure; /* what a sink function returned, or 0 */
	int wait_status;  /* of the program; 0 if processes were attached to */
};

/*
 * -ENOENT and -EACCES/-ENOEXEC when the program cannot be found or run, others when it cannot be
 * traced.  Falls back from BPF to the ring with a message.
 */
int session_open(const struct session_options *o, struct session **ret, struct err *e);

/* Looks at the program and plans, without privilege, and prints the plan. */
int session_dry_run(const struct session_options *o, FILE *out, struct err *e);

int session_run(struct session *s, const struct session_sink *sink, struct session_result *ret,
		struct err *e);

/* After tracing ended early: waits for the program, passing signals on.  Fills wait_status. Nothing
 * happens where processes were attached to. */
void session_wait(struct session *s, struct session_result *r);

/* Makes names resolve addresses through the program's image; session must outlive names' use. */
void session_attach_names(struct session *s, struct names *n);

void session_free(struct session *s);

#endif
