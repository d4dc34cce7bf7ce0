/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h: what /proc tells of a running process, and whether it can be traced at all.
 */
#ifndef ST_CLI_PROC_H
#define ST_CLI_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct proc_status {
	pid_t tgid; /* the process that this thread belongs to */
	pid_t ppid, tracer;
	uid_t uid;  /* effective */
	char state; /* 'R', 'S', 'Z' ... */
	char name[64];
};

/* Of a process or a thread.  -ESRCH: there is none. */
int proc_status(pid_t pid, struct proc_status *ret);

/* A number in /proc/PID/status, such as "VmPeak" (in KiB) or "Seccomp"; 0: none. */
uint64_t proc_status_number(pid_t pid, const char *key);

/* The path of its executable as it was when it was started, the caller's to free.  -errno. */
int proc_exe(pid_t pid, char **ret);

/*
 * Opens the executable of a process that is to be traced, be it deleted or replaced by now, and
 * holds it: *ret_fd.  On failure e says which process and why: it is gone, a thread, a zombie, a
 * kernel thread, someone else's.  -ESRCH, -EINVAL, -EPERM.
 */
int proc_open_exe(pid_t pid, int *ret_fd, struct err *e);

#endif
