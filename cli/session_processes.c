/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes are traced, and what they run.
 *
 * Without following, a process is in the kernel's filter of the probes, which are in no other one's
 * way.  Following, the probes are in all processes of a program, so that those which are forked or
 * execute it later have them from their first instruction, and a table says whose hits count.
 *
 * A process that executes another program is held until the probes of that are in place.  A program
 * that cannot be traced, as most in a shell script, is remembered as such.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/diag.h"
#include "cli/proc.h"
#include "cli/ptracer.h"
#include "cli/session_internal.h"

static struct program *find_program(struct session *s, const struct program_id *id)
{
	struct program *p = s->programs;

	while (p && !program_same(&p->id, id))
		p = p->next;
	return p;
}

static void add_program(struct session *s, struct program *p)
{
	p->session = s;
	p->next = s->programs;
	s->programs = p;
}

static int set_path(struct tracee *p)
{
	char *path = NULL;

	if (proc_exe((pid_t)p->pid, &path))
		return -ESRCH;
	free(p->path);
	p->path = path;
	return 0;
}

/* --- attaching to what runs ---------------------------------------------------------------- */

static bool has_ended(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

static int ended(pid_t pid, struct err *e)
{
	return err_set(e, ESRCH, "cannot trace process %d: it has ended", pid);
}

static int open_running(struct session *s, pid_t pid, struct program **ret, struct err *e)
{
	struct program *program;
	int r = program_open_running(pid, &program, e);

	if (r)
		return r;
	add_program(s, program);
	r = program_describe(program, e);
	if (!r && program->target.warning[0] && !s->opt.quiet)
		diag_warning("%s", program->target.warning);
	if (!r)
		*ret = program;
	return r;
}

/*
 * A number is given to another process once its own has ended.  So the process is held first, and
 * asked last whether it is still there: then all that was read in between was its own.
 */
static int open_pid(struct session *s, pid_t pid, struct err *e)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), r;
	struct program *program;
	struct tracee *p;
	struct program_id id;

	if (program_id_of(pid, &id) || !(program = find_program(s, &id))) {
		r = open_running(s, pid, &program, e);
		if (r)
			goto failed;
	}
	p = tracees_add(&s->tracees, (uint32_t)pid, 0);
	if (!p) {
		r = err_sys(e, ENOMEM, "cannot trace process %d", pid);
		goto failed;
	}
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->program = program;
	p->pidfd = pidfd;
	program->processes++;
	if (pidfd < 0 || set_path(p) || has_ended(pidfd))
		return ended(pid, e);
	return 0;
failed:
	if (pidfd >= 0)
		close(pidfd);
	return r;
}

int session_look_at_pids(struct session *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < s->opt.pid_count && !r; i++)
		r = open_pid(s, s->opt.pids[i], e);
	return r;
}

int session_open_pids(struct session *s, struct err *e)
{
	int r = session_look_at_pids(s, e);

	for (struct program *p = s->programs; p && !r; p = p->next)
		r = program_open_source(p, &s->opt, e);
	return r;
}

int session_attach(struct session *s, struct program *p, pid_t pid, struct err *e)
{
	int r = 0;

	(void)s;
	if (p->only_tracked) {
		r = source_track(p->source, pid, true);
		if (r)
			return err_sys(e, -r, "cannot trace process %d", pid);
		if (p->attached)
			return 0;
	}
	r = source_attach(p->source, pid, e);
	p->attached = !r;
	return r;
}

int session_attach_pids(struct session *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < s->opt.pid_count && !r; i++) {
		const struct tracee *p = tracees_find(&s->tracees, (uint32_t)s->opt.pids[i]);
		struct proc_status st = { .ppid = 0 };

		r = session_attach(s, p->program, s->opt.pids[i], e);
		if (r)
			return r;
		if (has_ended(p->pidfd))
			return ended(s->opt.pids[i], e);
		proc_status(s->opt.pids[i], &st);
		if (session_tell_process(s, p, EV_PROCESS_START, st.ppid, 0))
			return err_sys(e, ENOMEM, "cannot trace process %d", s->opt.pids[i]);
	}
	return r;
}

int session_reap_pids(struct session *s)
{
	struct tracee *p, *next;
	int r = 0;

	HASH_ITER(hh, s->tracees.map, p, next) {
		if (p->ended || p->pidfd < 0 || !has_ended(p->pidfd))
			continue;
		r = session_tell_process(s, p, EV_PROCESS_EXIT, 0, UINT64_MAX);
		tracees_end(&s->tracees, p);
		if (r)
			break;
	}
	return r;
}

/* --- following ----------------------------------------------------------------------------- */

int session_follow(struct session *s, const pid_t *pids, size_t n, struct err *e)
{
	return ptracer_start(pids, n, &s->ptracer, e);
}

/* What was not to be expected of any program is worth a word. */
static bool is_news(int error)
{
	return error != -ENODATA && error != -ESRCH;
}

/* What a process runs now, opened if it is new; NULL: nothing that can be traced. */
static struct program *program_of(struct session *s, pid_t pid)
{
	struct program *p = NULL;
	struct program_id id;
	struct err e;
	int r;

	if (program_id_of(pid, &id))
		return NULL;
	p = find_program(s, &id);
	if (p)
		return p->source ? p : NULL;
	r = program_open_running(pid, &p, &e);
	if (!r) {
		r = program_describe(p, &e);
	} else {
		p = calloc(1, sizeof(*p)); /* to know it by */
		if (!p)
			return NULL;
		p->fd = -1;
		p->id = id;
	}
	if (!r)
		r = program_open_source(p, &s->opt, &e);
	add_program(s, p);
	if (!r && p->target.warning[0] && !s->opt.quiet)
		diag_warning("%s", p->target.warning);
	if (r && is_news(r) && !s->opt.quiet)
		diag_warning("process %d goes on untraced: %s", pid, e.text);
	return r ? NULL : p;
}

static void attach_to(struct session *s, struct tracee *p, struct program *program)
{
	struct err e;

	p->program = program;
	if (!program || !session_attach(s, program, (pid_t)p->pid, &e))
		return;
	p->program = NULL;
	if (!s->opt.quiet)
		diag_warning("process %u goes on untraced: %s", p->pid, e.text);
}

static int take_new(struct session *s, const struct ptracer_event *ev)
{
	struct tracee *p = tracees_find(&s->tracees, (uint32_t)ev->pid), *parent;
	int r;

	if (p && !p->ended)
		return 0; /* it was stopped, and continued */
	parent = tracees_find(&s->tracees, (uint32_t)ev->ppid);
	p = tracees_add(&s->tracees, (uint32_t)ev->pid, session_now_ns());
	if (!p)
		return -ENOMEM;
	attach_to(s, p, parent ? parent->program : NULL);
	set_path(p);
	r = session_tell_process(s, p, EV_PROCESS_START, ev->ppid, 0);
	return r;
}

/* All that the process has sent so far: nothing more comes while it is held. */
static int drain(struct session *s, struct program *p)
{
	uint64_t rounds = s->opt.probes.ring_size / (1u << 20) + 1;
	int n = 1;

	while (rounds-- && n > 0)
		n = source_consume(p->source, session_take, p);
	return n < 0 ? n : 0;
}

static int take_exec(struct session *s, const struct ptracer_event *ev)
{
	struct tracee *p = tracees_add(&s->tracees, (uint32_t)ev->pid, session_now_ns());
	uint64_t now = session_now_ns();
	struct program *old;
	bool first;
	int r = 0;

	if (!p)
		return -ENOMEM;
	old = p->program;
	first = !p->path && ev->pid == s->child.pid;
	if (old && !first) {
		r = drain(s, old);
		if (!r && p->seen)
			r = tracee_renumber(&s->tracees, p, now);
		if (r)
			return r;
		source_track(old->source, ev->pid, false);
	}
	attach_to(s, p, program_of(s, ev->pid));
	set_path(p);
	return session_tell_process(s, p, first ? EV_PROCESS_START : EV_PROCESS_EXEC,
				    first ? getpid() : 0, 0);
}

static int take_end(struct session *s, const struct ptracer_event *ev, struct session_result *res)
{
	struct tracee *p = tracees_find(&s->tracees, (uint32_t)ev->pid);
	int r;

	if (!p || p->ended)
		return 0; /* a thread */
	if (ev->pid == s->child.pid) {
		s->reaped = true;
		s->usage = ev->usage;
		s->end_ns = session_now_ns();
		res->wait_status = ev->wait_status;
	}
	r = session_tell_process(s, p, EV_PROCESS_EXIT, 0, (uint32_t)ev->wait_status);
	if (p->program)
		source_track(p->program->source, ev->pid, false);
	tracees_end(&s->tracees, p);
	return r;
}

int session_follow_events(struct session *s, struct session_result *res)
{
	struct ptracer_event ev;
	int r = 0;

	while (!r && ptracer_next(s->ptracer, &ev)) {
		switch (ev.what) {
		case PTRACER_NEW:
			r = take_new(s, &ev);
			break;
		case PTRACER_EXEC:
			r = take_exec(s, &ev);
			break;
		case PTRACER_END:
			r = take_end(s, &ev, res);
			break;
		}
		if (ev.what != PTRACER_END)
			ptracer_go_on(s->ptracer);
	}
	return r;
}
