/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread keeps no books: a stop tells what it is for.  The first stop of what was just born is
 * PTRACE_EVENT_STOP with SIGTRAP, and whether it is a thread or a process stands in /proc; so
 * nothing depends on whether parent or child is reported first.
 *
 * The thread can be cancelled in wait4() alone, where it holds nothing.
 */
#include "cli/ptracer.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/proc.h"

#define OPTIONS \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

struct queued {
	struct queued *next;
	struct ptracer_event ev;
};

struct ptracer {
	pthread_t thread;
	bool running;
	int fd;
	const pid_t *pids;
	size_t count;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queued *first, **last;
	bool seized; /* the thread has done its start, with this result */
	int result;
	pid_t failed;
	bool held; /* the thread waits for ptracer_go_on() */
	bool quit;
};

/* Without memory the event is lost; the process must go on all the same. */
static bool post(struct ptracer *t, const struct ptracer_event *ev)
{
	struct queued *q = calloc(1, sizeof(*q));
	const uint64_t one = 1;
	ssize_t n;

	if (!q)
		return false;
	q->ev = *ev;
	pthread_mutex_lock(&t->lock);
	*t->last = q;
	t->last = &q->next;
	pthread_mutex_unlock(&t->lock);
	n = write(t->fd, &one, sizeof(one));
	(void)n;
	return true;
}

static void post_and_hold(struct ptracer *t, const struct ptracer_event *ev)
{
	pthread_mutex_lock(&t->lock);
	t->held = true;
	pthread_mutex_unlock(&t->lock);
	if (!post(t, ev))
		return;
	pthread_mutex_lock(&t->lock);
	while (t->held && !t->quit)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static bool stops(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

static void born(struct ptracer *t, pid_t pid)
{
	struct ptracer_event ev = { .what = PTRACER_NEW, .pid = pid };
	struct proc_status s;

	if (proc_status(pid, &s) || s.tgid != pid)
		return;
	ev.ppid = s.ppid;
	post_and_hold(t, &ev);
}

static void take_stop(struct ptracer *t, pid_t pid, int status)
{
	int signo = WSTOPSIG(status), event = status >> 16;
	struct ptracer_event exec = { .what = PTRACER_EXEC, .pid = pid };

	switch (event) {
	case 0: /* on its way to the process */
		ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signo);
		return;
	case PTRACE_EVENT_STOP:
		if (stops(signo)) { /* it stays stopped, as whoever stopped it wants */
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
			return;
		}
		born(t, pid);
		break;
	case PTRACE_EVENT_EXEC:
		post_and_hold(t, &exec);
		break;
	}
	ptrace(PTRACE_CONT, pid, NULL, NULL);
}

static void watch(struct ptracer *t)
{
	for (;;) {
		struct ptracer_event ev = { .what = PTRACER_END };
		int old;

		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
		ev.pid = wait4(-1, &ev.wait_status, __WALL | __WNOTHREAD, &ev.usage);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		if (ev.pid < 0 && errno == EINTR)
			continue;
		if (ev.pid < 0)
			return; /* nobody is left */
		if (WIFSTOPPED(ev.wait_status))
			take_stop(t, ev.pid, ev.wait_status);
		else
			post(t, &ev);
	}
}

static bool ours(pid_t tid)
{
	struct proc_status s;

	return !proc_status(tid, &s) && s.tracer == (pid_t)syscall(SYS_gettid);
}

/* One pass over the threads.  Returns how many were taken hold of, or a negative errno. */
static int seize_threads(pid_t pid)
{
	char path[64];
	struct dirent *d;
	int taken = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -ESRCH;
	while ((d = readdir(dir))) {
		pid_t tid = atoi(d->d_name);

		if (tid <= 0 || ours(tid))
			continue;
		if (!ptrace(PTRACE_SEIZE, tid, NULL, (void *)(long)OPTIONS)) {
			taken++;
		} else if (errno != ESRCH && !ours(tid)) { /* born of one that was ours by then */
			taken = -errno;
			break;
		}
	}
	closedir(dir);
	return taken;
}

/* Threads may be born meanwhile of those not yet taken: until a pass finds no more. */
static int seize(pid_t pid)
{
	int n;

	do
		n = seize_threads(pid);
	while (n > 0);
	return n;
}

static void *run(void *arg)
{
	struct ptracer *t = arg;
	int old, r = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	for (size_t i = 0; i < t->count && !r; i++) {
		r = seize(t->pids[i]);
		t->failed = t->pids[i];
	}
	pthread_mutex_lock(&t->lock);
	t->seized = true;
	t->result = r;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	if (!r)
		watch(t);
	return NULL;
}

static int explain(const struct ptracer *t, struct err *e)
{
	struct proc_status s = { .tracer = 0 };

	if (t->result == -ESRCH)
		return err_set(e, ESRCH, "cannot follow process %d: it has ended", t->failed);
	err_sys(e, -t->result, "cannot follow process %d", t->failed);
	if (t->result != -EPERM)
		return t->result;
	if (!proc_status(t->failed, &s) && s.tracer)
		err_hint(e, "process %d follows it already, such as a debugger or strace",
			 s.tracer);
	else
		err_hint(e, "ptrace is not allowed: use sudo; in a container start it with "
			    "--cap-add=SYS_PTRACE");
	return t->result;
}

int ptracer_start(const pid_t *pids, size_t n, struct ptracer **ret, struct err *e)
{
	struct ptracer *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(e, ENOMEM, "cannot follow processes");
	t->last = &t->first;
	t->pids = pids;
	t->count = n;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = t->fd < 0 ? errno : pthread_create(&t->thread, NULL, run, t);
	if (r) {
		ptracer_free(t);
		return err_sys(e, r, "cannot follow processes");
	}
	t->running = true;
	pthread_mutex_lock(&t->lock);
	while (!t->seized)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
	if (t->result) {
		r = explain(t, e);
		ptracer_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

int ptracer_fd(const struct ptracer *t)
{
	return t->fd;
}

bool ptracer_next(struct ptracer *t, struct ptracer_event *ret)
{
	struct queued *q;
	uint64_t count;
	ssize_t n = read(t->fd, &count, sizeof(count));

	(void)n;
	pthread_mutex_lock(&t->lock);
	q = t->first;
	if (q) {
		t->first = q->next;
		if (!t->first)
			t->last = &t->first;
	}
	pthread_mutex_unlock(&t->lock);
	if (!q)
		return false;
	*ret = q->ev;
	free(q);
	return true;
}

void ptracer_go_on(struct ptracer *t)
{
	pthread_mutex_lock(&t->lock);
	t->held = false;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void ptracer_stop(struct ptracer *t)
{
	if (!t->running)
		return;
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	pthread_cancel(t->thread);
	pthread_join(t->thread, NULL);
	t->running = false;
}

void ptracer_free(struct ptracer *t)
{
	struct ptracer_event ev;

	if (!t)
		return;
	ptracer_stop(t);
	while (ptracer_next(t, &ev))
		;
	if (t->fd >= 0)
		close(t->fd);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->changed);
	free(t);
}
