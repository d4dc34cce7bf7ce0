/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/dry_run.h"
#include "cli/launch.h"
#include "cli/resolver.h"
#include "cli/run_context.h"
#include "cli/signals.h"
#include "formats/run_info.h"
#include "symbols/image.h"

/* The ring is looked at this often: seldom when idle, often enough that a busy one does not fill.
 */
#define TICK_MIN_MS 1
#define TICK_MAX_MS 16

struct session {
	struct session_options opt;
	char *path;
	struct image *img;
	struct target target;
	struct plan plan;
	struct source *source;
	struct launch_user user;
	struct launch child;
	struct resolver *resolver;
	struct run_info info;
	const struct session_sink *sink;
	int signal_fd;
	bool reaped;
	struct rusage usage; /* of the program, once reaped */
	uint64_t start_ns, end_ns;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What the program is: path, image, target description, plan.  Needs no privilege. */
static int look_at_program(struct session *s, struct err *e)
{
	int r;

	r = launch_find_program(s->opt.argv[0], &s->path, e);
	if (r)
		return r;
	r = image_open(s->path, &s->img, e);
	if (r)
		return r;
	r = target_describe(s->img, &s->target, e);
	if (r)
		return r == -ENOENT ? -ENODATA : r; /* the program is there, its runtime is not */
	r = plan_make(s->img, &s->target, &s->plan, e);
	return r == -ENOENT ? -ENODATA : r;
}

static int open_bpf(struct session *s, struct err *e)
{
	return source_bpf_open(s->img, &s->target, &s->plan, &s->opt.probes, &s->source, e);
}

static int open_source(struct session *s, struct err *e)
{
	struct err why;
	int r;

	if (s->opt.source == SOURCE_RING) {
		if (!s->target.own_ring) {
			err_set(e, ENOTSUP, "'%s' cannot write a ring itself: its runtime is %s",
				s->path, s->target.runtime);
			err_hint(e, "use --source=bpf, which works for any runtime");
			return -ENOTSUP;
		}
		return source_ring_open(&s->target, &s->opt.probes, &s->source, e);
	}
	r = open_bpf(s, &why);
	if (!r)
		return 0;
	if (s->opt.source == SOURCE_BPF || !s->target.own_ring) {
		*e = why;
		return r;
	}
	if (!s->opt.quiet)
		diag_note("using the program's own ring: %s", why.text);
	return source_ring_open(&s->target, &s->opt.probes, &s->source, e);
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
	r = launch_find_user(o->user, &s->user, e);
	if (!r)
		r = look_at_program(s, e);
	if (!r && s->target.warning[0] && !o->quiet)
		diag_warning("%s", s->target.warning);
	if (!r)
		r = open_source(s, e);
	if (!r)
		r = resolver_new(s->img, &s->resolver) ? err_sys(e, ENOMEM, "cannot start") : 0;
	if (!r)
		r = run_context_describe(&s->info, s->path, o->argv, s->img, &s->target, s->source)
			    ? err_sys(e, ENOMEM, "cannot start")
			    : 0;
	if (r) {
		session_free(s);
		return r;
	}
	if (o->verbose)
		dry_run_print(stderr, s->path, &s->target, &s->plan, &s->info);
	*ret = s;
	return 0;
}

int session_dry_run(const struct session_options *o, FILE *out, struct err *e)
{
	struct session s = { .opt = *o, .signal_fd = -1 };
	int r = look_at_program(&s, e);

	if (!r) {
		if (s.target.warning[0])
			diag_warning("%s", s.target.warning);
		dry_run_print(out, s.path, &s.target, &s.plan, NULL);
	}
	image_free(s.img);
	free(s.path);
	return r;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	launch_abort(&s->child);
	source_free(s->source);
	resolver_free(s->resolver);
	image_free(s->img);
	run_info_release(&s->info);
	if (s->signal_fd >= 0)
		signals_close(s->signal_fd);
	free(s->path);
	free(s);
}

void session_attach_names(struct session *s, struct names *n)
{
	resolver_attach(s->resolver, n);
}

static int take_event(void *arg, const struct ev_header *ev)
{
	struct session *s = arg;

	resolver_event(s->resolver, ev);
	return s->sink->event ? s->sink->event(s->sink->arg, ev) : 0;
}

static int launch(struct session *s, struct err *e)
{
	struct launch_options o = {
		.path = s->path,
		.argv = s->opt.argv,
		.user = &s->user,
		.env = source_child_env(s->source),
		.keep_fd = source_child_fd(s->source),
	};
	int r;

	r = signals_open(&s->signal_fd, e);
	if (!r)
		r = launch_start(&o, &s->child, e);
	if (!r)
		r = source_attach(s->source, s->child.pid, e);
	return r;
}

static int release(struct session *s, struct session_result *res, struct err *e)
{
	int r;

	s->info.start_realtime_ns = now_ns(CLOCK_REALTIME);
	s->info.start_monotonic_ns = s->start_ns = now_ns(CLOCK_MONOTONIC);
	if (s->sink->start) {
		r = s->sink->start(s->sink->arg, &s->info);
		if (r) {
			res->sink_failure = r;
			return r;
		}
	}
	r = launch_release(&s->child, s->path, e);
	if (r)
		return r;
	res->launched = true;
	return 0;
}

/* True if the program has ended. */
static bool reap(struct session *s, struct session_result *res)
{
	if (s->reaped)
		return true;
	if (wait4(s->child.pid, &res->wait_status, WNOHANG, &s->usage) != s->child.pid)
		return false;
	s->reaped = true;
	s->end_ns = now_ns(CLOCK_MONOTONIC);
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
	return take_event(s, &ev.h);
}

static void handle_signals(struct session *s, struct session_result *res)
{
	struct signals_seen seen;

	signals_read(s->signal_fd, &seen);
	if (seen.forward && !s->reaped)
		kill(s->child.pid, seen.forward);
	if (seen.stop)
		res->stopped = true;
}

static void wait_for_work(struct session *s, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = source_poll_fd(s->source), .events = POLLIN },
	};

	poll(fds, fds[1].fd >= 0 ? 2 : 1, timeout_ms);
}

static void trace_until_end(struct session *s, struct session_result *res)
{
	int timeout = TICK_MIN_MS;
	bool ended = false;

	while (!ended && !res->stopped && !res->sink_failure) {
		int n;

		wait_for_work(s, timeout);
		handle_signals(s, res);
		n = source_consume(s->source, take_event, s);
		if (n >= 0 && s->sink->tick) {
			int r = s->sink->tick(s->sink->arg);

			n = r < 0 ? r : n;
		}
		if (n < 0)
			res->sink_failure = n;
		timeout = n > 0 ? TICK_MIN_MS : timeout * 2;
		if (timeout > TICK_MAX_MS)
			timeout = TICK_MAX_MS;
		ended = !res->stopped && reap(s, res);
	}
}

int session_run(struct session *s, const struct session_sink *sink, struct session_result *res,
		struct err *e)
{
	int r;

	*res = (struct session_result){ 0 };
	s->sink = sink;
	r = launch(s, e);
	if (!r)
		r = release(s, res, e);
	if (r) {
		launch_abort(&s->child);
		return r;
	}
	trace_until_end(s, res);
	r = source_stop(s->source, take_event, s);
	if (r >= 0 && reap(s, res))
		r = tell_end(s, res);
	if (r < 0 && !res->sink_failure)
		res->sink_failure = r;
	return 0;
}

void session_wait(struct session *s, struct session_result *res)
{
	while (!reap(s, res)) {
		struct pollfd fd = { .fd = s->signal_fd, .events = POLLIN };
		struct signals_seen seen;

		poll(&fd, 1, -1);
		signals_read(s->signal_fd, &seen);
		if (seen.forward)
			kill(s->child.pid, seen.forward);
	}
}
