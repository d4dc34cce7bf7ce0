/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h: signals as one more descriptor of the poll loop.
 *
 * SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD and SIGWINCH are blocked and read from a signalfd;
 * SIGPIPE is ignored, so that writes fail with EPIPE.
 */
#ifndef ST_CLI_SIGNALS_H
#define ST_CLI_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

int signals_open(int *ret_fd, struct err *e);
void signals_close(int fd); /* lets the signals act as usual again */

struct signals_seen {
	bool stop;    /* someone wants the tracing to end */
	int forward;  /* signal to hand to the program, or 0: it got its own from the terminal */
	bool child;   /* a child changed state */
	bool resized; /* the terminal has another size */
};

/* Reads what is pending, without waiting. */
void signals_read(int fd, struct signals_seen *ret);

/* Ends this process by the signal, without a core file of our own; returns only if that fails. */
void signals_die_by(int signo);

#endif
