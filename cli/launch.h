/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h: the traced program as our child: created stopped, released when the probes are in
 * place.
 *
 * The child waits on a pipe before its exec.  If we die before releasing it, even by SIGKILL, the
 * pipe's end tells it so and it runs untraced: the user asked for the program, the tracing was an
 * extra.
 */
#ifndef ST_CLI_LAUNCH_H
#define ST_CLI_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct launch_user {
	bool change;
	uid_t uid;
	gid_t gid;
	char name[64];
	char home[256];
};

/*
 * Who the program runs as: the named user (or "UID" or "UID:GID"), else under sudo the invoking
 * user, else us.
 */
int launch_find_user(const char *name, struct launch_user *ret, struct err *e);

/* Finds a program as execvp does.  The path is the caller's to free.  -ENOENT, -EACCES. */
int launch_find_program(const char *name, char **ret, struct err *e);

struct launch {
	pid_t pid;
	int release_fd; /* write a byte: go */
	int status_fd;	/* the child's errno if its exec failed, else end of file */
};

struct launch_options {
	const char *path; /* what to execute */
	char *const *argv;
	const struct launch_user *user;
	const char *env[2]; /* NAME=VALUE to add, or NULL */
	int keep_fd;	    /* descriptor to be inherited, or -1 */
	int stderr_fd;	    /* to be its descriptor 2, or -1: ours is */
};

/* Creates the stopped child. */
int launch_start(const struct launch_options *o, struct launch *ret, struct err *e);

/*
 * Lets the child exec and returns when it has.  If the exec fails, the child is gone and e says
 * why: -ENOENT and -ENOTDIR mean not found, others cannot be executed.
 */
int launch_release(struct launch *l, const char *path, struct err *e);

/* Ends a child that was not released. */
void launch_abort(struct launch *l);

#endif
