/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/err.h"
#include "bpf/attach.h"
#include "cli/diag.h"
#include "cli/dry_run.h"
#include "cli/hits.h"
#include "cli/ptracer.h"
#include "cli/resolver.h"
#include "cli/run_context.h"
#include "cli/session_internal.h"
#include "cli/signals.h"
#include "cli/tap.h"

/* The ring is looked at this often: seldom when idle, often enough that a busy one does not fill.
 */
#define TICK_MIN_MS 1
#define TICK_MAX_MS 16

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t session_now_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

/* --- opening ------------------------------------------------------------------------------- */

/* The program to be launched and what it is.  Needs no privilege. */
static int look_at_root(struct session *s, struct err *e)
{
	char *path = NULL;
	int r = launch_find_program(s->opt.argv[0], &path, e);

	if (!r)
		r = program_open(path, &s->root, e);
	if (!r) {
		s->root->session = s;
		s->programs = s->root;
		r = program_describe(s->root, e);
	}
	if (!s->root_path)
		s->root_path = path;
	return r;
}

/*
 * With follow, a program that has no coroutines may start one that has: a shell, a script.  But
 * what the probes need of this machine is better found out now.
 */
static int root_may_differ(struct session *s, int error, struct err *e)
{
	bool multi;

	if (!s->opt.follow || (error != -ENODATA && error != -ENOTSUP && error != -ENOEXEC))
		return error;
	program_free(s->root);
	s->root = s->programs = NULL;
	return attach_probe_multi(&multi, e);
}

static int open_root(struct session *s, struct err *e)
{
	int r = launch_find_user(s->opt.user, &s->user, e);

	if (r)
		return r;
	r = look_at_root(s, e);
	if (r)
		return root_may_differ(s, r, e);
	if (s->root->target.warning[0] && !s->opt.quiet)
		diag_warning("%s", s->root->target.warning);
	return program_open_source(s->root, &s->opt, e);
}

static void print_plans(const struct session *s, FILE *out)
{
	for (const struct program *p = s->programs; p; p = p->next) {
		struct source_info si = { .link = "" };
		struct run_info info;

		if (p->source)
			source_describe(p->source, &si);
		info = (struct run_info){
			.source = p->source ? (char *)source_name(p->source) : NULL,
			.link = (char *)si.link,
			.pair_ns = si.pair_ns,
			.hit_ns = si.hit_ns,
		};
		dry_run_print(out, p->name, &p->target, &p->plan, p->source ? &info : NULL);
	}
}

int session_open(const struct session_options *o, struct session **ret, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(e, ENOMEM, "cannot start");
	s->opt = *o;
	s->signal_fd = -1;
	s->child = (struct launch){ .release_fd = -1, .status_fd = -1 };
	s->held_last = &s->held;
	r = session_lines_open(s, e);
	if (!r)
		r = o->argv ? open_root(s, e) : session_open_pids(s, e);
	if (!r)
		r = resolver_new(&s->resolver) ? err_sys(e, ENOMEM, "cannot start") : 0;
	if (r) {
		session_free(s);
		return r;
	}
	if (o->verbose)
		print_plans(s, stderr);
	*ret = s;
	return 0;
}

int session_dry_run(const struct session_options *o, FILE *out, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(e, ENOMEM, "cannot start");
	s->opt = *o;
	s->signal_fd = -1;
	s->child = (struct launch){ .release_fd = -1, .status_fd = -1 };
	s->held_last = &s->held;
	r = o->argv ? look_at_root(s, e) : session_look_at_pids(s, e);
	if (!r) {
		if (s->root && s->root->target.warning[0])
			diag_warning("%s", s->root->target.warning);
		print_plans(s, out);
	}
	session_free(s);
	return r;
}

void session_free(struct session *s)
{
	struct program *p, *next;

	if (!s)
		return;
	launch_abort(&s->child);
	session_lines_free(s);
	ptracer_free(s->ptracer);
	resolver_free(s->resolver);
	for (p = s->programs; p; p = next) {
		next = p->next;
		program_free(p);
	}
	tracees_free(&s->tracees);
	session_drop_held(s);
	run_info_release(&s->info);
	if (s->signal_fd >= 0)
		signals_close(s->signal_fd);
	free(s->root_path);
	free(s->scratch);
	free(s);
}

void session_attach_names(struct session *s, struct names *n)
{
	resolver_attach(s->resolver, n);
}

/* --- starting ------------------------------------------------------------------------------ */

static int launch(struct session *s, struct err *e)
{
	struct launch_options o = {
		.path = s->root_path,
		.argv = s->opt.argv,
		.user = &s->user,
		.env = { s->root ? source_child_env(s->root->source) : NULL },
		.keep_fd = s->root ? source_child_fd(s->root->source) : -1,
		.stderr_fd = -1,
	};
	struct tracee *p;
	int r;

	session_lines_launch(s, &o);
	r = launch_start(&o, &s->child, e);
	session_lines_launched(s);
	if (r)
		return r;
	p = tracees_add(&s->tracees, (uint32_t)s->child.pid, 0);
	if (!p)
		return err_sys(e, ENOMEM, "cannot start");
	p->program = s->root;
	if (s->root)
		r = session_attach(s, s->root, s->child.pid, e);
	if (!r && s->opt.follow)
		r = session_follow(s, &s->child.pid, 1, e);
	return r;
}

static int attach(struct session *s, struct err *e)
{
	int r = s->opt.follow ? session_follow(s, s->opt.pids, s->opt.pid_count, e) : 0;

	return r ? r : session_attach_pids(s, e);
}

static void note_start(struct session *s)
{
	s->start_realtime_ns = now_ns(CLOCK_REALTIME);
	s->start_ns = session_now_ns();
}

static int release(struct session *s, struct session_result *res, struct err *e)
{
	const struct program *first = s->programs;
	int r;

	while (first && first->next) /* the newest is in front */
		first = first->next;
	if (first) {
		r = session_begin(s, first);
		if (r) {
			res->sink_failure = r;
			return r;
		}
	}
	if (!s->opt.argv)
		return 0;
	r = launch_release(&s->child, s->root_path, e);
	if (r)
		return r;
	res->launched = true;
	return 0;
}

/* --- tracing ------------------------------------------------------------------------------- */

/* True if all that is traced has ended. */
static bool all_ended(struct session *s, struct session_result *res)
{
	if (s->ptracer)
		return !s->tracees.alive;
	if (!s->opt.argv) {
		int r = session_reap_pids(s);

		if (r)
			res->sink_failure = r;
		return !s->tracees.alive;
	}
	if (s->reaped)
		return true;
	if (wait4(s->child.pid, &res->wait_status, WNOHANG, &s->usage) != s->child.pid)
		return false;
	s->reaped = true;
	s->end_ns = session_now_ns();
	return true;
}

static uint64_t timeval_ns(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000000u + (uint64_t)tv->tv_usec * 1000u;
}

/* The program's end is the last event, behind those that were still in the ring. */
static int tell_end(struct session *s, const struct session_result *res)
{
	struct ev_exit ev = {
		.h = { .kind = EV_EXIT, .size = sizeof(ev), .time_ns = s->end_ns },
		.wait_status = (uint32_t)res->wait_status,
		.wall_ns = s->end_ns - s->start_ns,
		.cpu_ns = timeval_ns(&s->usage.ru_utime) + timeval_ns(&s->usage.ru_stime),
		.max_rss = (uint64_t)s->usage.ru_maxrss * 1024,
	};

	ev.h.pid = ev.h.tid = (uint32_t)s->child.pid;
	return session_tell(s, &ev.h);
}

static void handle_signals(struct session *s, struct session_result *res)
{
	struct signals_seen seen;

	signals_read(s->signal_fd, &seen);
	if (seen.forward && s->opt.argv && !s->reaped)
		kill(s->child.pid, seen.forward);
	if (seen.stop)
		res->stopped = true;
	if (seen.resized)
		session_lines_resize(s);
}

/* What is of no use is left out: sources without a descriptor are looked at by time. */
static void wait_for_work(struct session *s, int timeout_ms)
{
	struct pollfd fds[3 + TAP_POLL] = { { .fd = s->signal_fd, .events = POLLIN } };
	nfds_t n = 1;

	if (s->ptracer)
		fds[n++] = (struct pollfd){ .fd = ptracer_fd(s->ptracer), .events = POLLIN };
	if (s->root && source_poll_fd(s->root->source) >= 0)
		fds[n++] = (struct pollfd){ .fd = source_poll_fd(s->root->source),
					    .events = POLLIN };
	n += session_lines_poll(s, &fds[n]);
	poll(fds, n, timeout_ms);
}

/* Returns the number of records, or what a sink function returned. */
static int consume(struct session *s, struct session_result *res)
{
	int n = 0, r = s->ptracer ? session_follow_events(s, res) : 0;

	if (!r)
		r = session_lines_take(s);
	n += r > 0 ? r : 0;
	r = r < 0 ? r : 0;

	for (struct program *p = s->programs; p && !r; p = p->next) {
		if (!p->source)
			continue;
		r = source_consume(p->source, session_take, p);
		n += r > 0 ? r : 0;
		r = r < 0 ? r : 0;
	}
	if (!r && s->begun && s->sink->tick)
		r = s->sink->tick(s->sink->arg);
	return r < 0 ? r : n;
}

static void trace_until_end(struct session *s, struct session_result *res)
{
	uint64_t deadline_ns = s->opt.duration_ns ? session_now_ns() + s->opt.duration_ns : 0;
	int timeout = TICK_MIN_MS;
	bool ended = false;

	while (!ended && !res->stopped && !res->sink_failure) {
		int n;

		wait_for_work(s, timeout);
		handle_signals(s, res);
		n = consume(s, res);
		if (n < 0)
			res->sink_failure = n;
		timeout = n > 0 ? TICK_MIN_MS : timeout * 2;
		if (timeout > TICK_MAX_MS)
			timeout = TICK_MAX_MS;
		if (deadline_ns && session_now_ns() >= deadline_ns)
			res->stopped = true;
		ended = !res->stopped && all_ended(s, res);
	}
}

/* Lets go of everything, and hands over what is left. */
static int stop(struct session *s, struct session_result *res)
{
	int r = 0;

	if (s->ptracer) {
		ptracer_stop(s->ptracer);
		r = session_follow_events(s, res);
	}
	for (struct program *p = s->programs; p; p = p->next)
		if (p->source && r >= 0)
			r = source_stop(p->source, session_take, p);
	if (r >= 0)
		r = session_lines_end(s);
	if (r >= 0)
		r = session_begin(s, NULL);
	return r;
}

int session_run(struct session *s, const struct session_sink *sink, struct session_result *res,
		struct err *e)
{
	int r;

	*res = (struct session_result){ 0 };
	s->sink = sink;
	r = signals_open(&s->signal_fd, e);
	note_start(s); /* nothing that is told may be from before */
	if (!r)
		r = s->opt.argv ? launch(s, e) : attach(s, e);
	if (!r)
		r = release(s, res, e);
	if (r) {
		launch_abort(&s->child);
		return r;
	}
	trace_until_end(s, res);
	r = stop(s, res);
	if (r >= 0 && s->opt.argv && (s->reaped || (!s->opt.follow && all_ended(s, res))))
		r = tell_end(s, res);
	if (r < 0 && !res->sink_failure)
		res->sink_failure = r;
	for (struct program *p = s->programs; p && s->opt.verbose; p = p->next)
		if (p->hits.h.kind)
			hits_print(stderr, &p->hits);
	return 0;
}

void session_wait(struct session *s, struct session_result *res)
{
	while (s->opt.argv && !s->reaped) {
		struct pollfd fds[1 + TAP_POLL] = { { .fd = s->signal_fd, .events = POLLIN } };
		struct signals_seen seen;

		if (wait4(s->child.pid, &res->wait_status, WNOHANG, NULL) != 0)
			break;
		poll(fds, 1 + session_lines_poll(s, &fds[1]), -1);
		session_lines_take(s);
		signals_read(s->signal_fd, &seen);
		if (seen.resized)
			session_lines_resize(s);
		if (seen.forward)
			kill(s->child.pid, seen.forward);
	}
	session_lines_end(s);
}
