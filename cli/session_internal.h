/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_internal.h: a session's parts, one file each.
 *
 *	session.c            its course: open, release, trace, stop
 *	session_processes.c  the processes in it, what they run, what becomes of them
 *	session_events.c     records on their way from the sources to the sink
 *	session_lines.c      lines of the runtime, out of the program's standard error
 */
#ifndef ST_CLI_SESSION_INTERNAL_H
#define ST_CLI_SESSION_INTERNAL_H

#include <poll.h>
#include <sys/resource.h>

#include "cli/launch.h"
#include "cli/tracees.h"
#include "cli/program.h"
#include "cli/session.h"
#include "formats/run_info.h"

struct ptracer;
struct resolver;
struct session_lines;

struct session {
	struct session_options opt;
	struct program *programs; /* the newest first */
	struct program *root;	  /* what is launched; NULL: nothing, or untraceable itself */
	char *root_path;
	struct tracees tracees;
	struct ptracer *ptracer; /* with follow */
	struct launch_user user;
	struct launch child;
	struct resolver *resolver;
	const struct session_sink *sink;

	struct run_info info;		       /* once begun */
	bool begun;			       /* the sink has been told of the run */
	struct held_record *held, **held_last; /* before that */

	int signal_fd;
	bool reaped;
	struct rusage usage; /* of the program, once reaped */
	uint64_t start_realtime_ns, start_ns, end_ns;
	struct ev_header *scratch;
	struct session_lines *lines; /* NULL: none are wanted */
};

uint64_t session_now_ns(void);

/* --- session_events.c ---------------------------------------------------------------------- */

/* Tells the sink of the run, if that has not happened.  What a sink function returned. */
int session_begin(struct session *s, const struct program *first);

/* A record of a program's source; arg is the struct program. */
int session_take(void *arg, const struct ev_header *ev);

/* A record of the session's own; held back until the sink knows of the run. */
int session_tell(struct session *s, const struct ev_header *ev);

/* One of a process.  value as in ev_process. */
int session_tell_process(struct session *s, const struct tracee *p, enum ev_process_what what,
			 pid_t ppid, uint64_t value);

void session_drop_held(struct session *s);

/* --- session_lines.c: nothing happens where no lines are wanted ------------------------------ */

int session_lines_open(struct session *s, struct err *e); /* before anything is loaded */
void session_lines_launch(struct session *s, struct launch_options *o);
void session_lines_launched(struct session *s);
nfds_t session_lines_poll(const struct session *s, struct pollfd *fds);
void session_lines_resize(struct session *s);

/* Tells the lines that have come; how many times something came, or what a sink function returned.
 */
int session_lines_take(struct session *s);

/* The rest; what comes behind is passed on without its lines, which nobody is told of. */
int session_lines_end(struct session *s);
void session_lines_free(struct session *s);

/* --- session_processes.c ------------------------------------------------------------------- */

/* Finds out what opt.pids run. */
int session_look_at_pids(struct session *s, struct err *e);

/* The same, and loads the probes. */
int session_open_pids(struct session *s, struct err *e);

/* Attaches to the processes of opt.pids, and tells of them. */
int session_attach_pids(struct session *s, struct err *e);

/* Attaches a program's probes to a process, or makes it count, where they are in all. */
int session_attach(struct session *s, struct program *p, pid_t pid, struct err *e);

/* Begins to follow. */
int session_follow(struct session *s, const pid_t *pids, size_t n, struct err *e);

/* Handles what the followed processes have done; what a sink function returned. */
int session_follow_events(struct session *s, struct session_result *res);

/* Of those attached to without following: finds out which have ended.  What a sink function
 * returned. */
int session_reap_pids(struct session *s);

#endif
