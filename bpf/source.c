/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/source.h"

#include <errno.h>
#include <time.h>

#include "bpf/source_ops.h"

void source_free(struct source *s)
{
	if (s)
		s->ops->free(s);
}

const char *source_child_env(const struct source *s)
{
	return s->child_env;
}

int source_child_fd(const struct source *s)
{
	return s->child_fd;
}

int source_attach(struct source *s, pid_t pid, struct err *e)
{
	return s->ops->attach(s, pid, e);
}

int source_track(struct source *s, pid_t pid, bool on)
{
	return s->ops->track ? s->ops->track(s, pid, on) : -ENOTSUP;
}

int source_consume(struct source *s, source_event_fn *fn, void *arg)
{
	return s->stopped ? 0 : s->ops->consume(s, fn, arg);
}

int source_poll_fd(const struct source *s)
{
	return s->poll_fd;
}

int source_stop(struct source *s, source_event_fn *fn, void *arg)
{
	if (s->stopped)
		return 0;
	s->stopped = true;
	return s->ops->stop(s, fn, arg);
}

const char *source_name(const struct source *s)
{
	return s->ops->name;
}

void source_describe(const struct source *s, struct source_info *ret)
{
	s->ops->describe(s, ret);
}

uint64_t source_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void source_fill_header(struct ev_header *h, enum ev_kind kind, size_t size, pid_t pid)
{
	*h = (struct ev_header){
		.kind = (__u16)kind,
		.size = (__u16)size,
		.time_ns = source_now_ns(),
		.pid = (__u32)pid,
		.tid = (__u32)pid,
	};
}
