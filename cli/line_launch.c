/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/line_launch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/follow.h"
#include "cli/godebug.h"
#include "cli/launch.h"
#include "cli/line_run.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/tap.h"

#define CHUNK 65536

struct launched {
	struct line_run run;
	struct tap *tap;
	struct launch child;
	int signal_fd;
	uint64_t start_ns;
	int idle_ms; /* nothing came for so long */
	int status;
	bool fed;	  /* since the result was written */
	bool ended, mute; /* mute: the result cannot be written any more */
	char chunk[CHUNK];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void pass_on(void *arg, const char *text, size_t len)
{
	tap_write(arg, text, len);
}

/* The program goes on, whatever becomes of the result. */
static void check(struct launched *l, int r)
{
	if (l->mute || r || line_run_show(&l->run))
		l->mute = true;
}

static void feed(struct launched *l, size_t n)
{
	l->idle_ms = 0;
	l->run.time_ns = now_ns() - l->start_ns;
	if (l->mute)
		tap_write(l->tap, l->chunk, n);
	else
		l->mute = line_run_feed(&l->run, l->chunk, n);
	l->fed = true;
	tap_push(l->tap);
}

static void handle_signals(struct launched *l)
{
	struct signals_seen seen;

	signals_read(l->signal_fd, &seen);
	if (seen.forward)
		kill(l->child.pid, seen.forward);
	if (seen.resized)
		tap_resize(l->tap, l->child.pid);
	l->ended = waitpid(l->child.pid, &l->status, WNOHANG) == l->child.pid;
}

static void run_until_end(struct launched *l)
{
	while (!l->ended) {
		struct pollfd fds[1 + TAP_POLL] = { { .fd = l->signal_fd, .events = POLLIN } };
		nfds_t count = 1 + tap_poll(l->tap, &fds[1]);
		size_t n;

		if (!poll(fds, count, l->idle_ms < LINES_STRONG_MS ? LINES_WEAK_MS : -1)) {
			l->idle_ms += LINES_WEAK_MS;
			check(l,
			      l->mute ? 0 : line_run_flush(&l->run, l->idle_ms >= LINES_STRONG_MS));
		}
		tap_push(l->tap);
		for (unsigned i = 0; i < TAP_CHUNKS; i++) {
			n = tap_read(l->tap, l->chunk, sizeof(l->chunk));
			if (!n)
				break;
			feed(l, n);
		}
		if (l->fed)
			check(l, 0);
		l->fed = false;
		handle_signals(l);
	}
	for (unsigned i = 0; i < TAP_LAST_CHUNKS; i++) {
		size_t n = tap_read_last(l->tap, l->chunk, sizeof(l->chunk));

		if (!n)
			break;
		feed(l, n);
		tap_flush(l->tap);
	}
	if (!l->mute)
		check(l, line_run_flush(&l->run, true));
	tap_flush(l->tap);
}

static int start(struct launched *l, const struct godebug *g, char **argv, struct err *e)
{
	struct launch_user user;
	char *path = NULL, *env = godebug_env(g);
	int r = env ? launch_find_user(NULL, &user, e) : err_sys(e, ENOMEM, "cannot start");

	if (!r)
		r = launch_find_program(argv[0], &path, e);
	if (!r)
		r = tap_open(&l->tap, e);
	if (!r)
		r = signals_open(&l->signal_fd, e);
	if (!r) {
		const struct launch_options o = {
			.path = path,
			.argv = argv,
			.user = &user,
			.env = { env },
			.keep_fd = -1,
			.stderr_fd = tap_child_fd(l->tap),
		};

		if (user.change)
			tap_give_to(l->tap, user.uid, user.gid);
		r = launch_start(&o, &l->child, e);
		tap_launched(l->tap);
	}
	if (!r) {
		l->start_ns = now_ns();
		r = launch_release(&l->child, path, e);
	}
	free(path);
	free(env);
	return r;
}

static int status_of(int status, int own)
{
	if (WIFSIGNALED(status)) {
		output_close_stdout();
		signals_die_by(WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : own;
}

static int finish(struct launched *l)
{
	struct err e;
	int r = line_run_close(&l->run, &e);

	if (!r || r == -EPIPE) /* the reader left: no error of the program's */
		return EXIT_OK;
	diag_err(&e);
	return EXIT_TRACER_FAILURE;
}

int line_launch(const struct line_options *o, const struct godebug *g, char **argv)
{
	struct launched *l = calloc(1, sizeof(*l));
	struct err e;
	int r, own, status = 0;

	if (!l) {
		diag_error("no memory");
		return EXIT_TRACER_FAILURE;
	}
	l->signal_fd = -1;
	l->child = (struct launch){ .release_fd = -1, .status_fd = -1 };
	r = line_run_open(o, NULL, argv[0], &l->run, &e);
	own = EXIT_TRACER_FAILURE;
	if (!r) {
		r = start(l, g, argv, &e);
		own = follow_open_status(r);
	}
	if (r) {
		diag_err(&e);
		line_run_drop(&l->run);
	} else {
		if (tap_by_writes(l->tap))
			lines_by_writes(l->run.lines);
		if (!l->run.pass.file) {
			l->run.pass_on = pass_on;
			l->run.pass_arg = l->tap;
		}
		run_until_end(l);
		own = finish(l);
		status = l->status;
	}
	tap_close(l->tap);
	if (l->signal_fd >= 0)
		signals_close(l->signal_fd);
	free(l);
	return r ? own : status_of(status, own);
}
