/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preempt.c: stops coroutines that neither park nor grow, at their next call of a function.
 *
 * Who stops the world sends SIGURG, as Go does, to threads that have not come after a while.  The
 * handler runs on the thread itself and raises its stack guard above everything: the next prologue
 * check fails, and newstack finds that there is room but the world is to be stopped.  While the
 * guard is 0 the thread is in the runtime or in a call on g0, which write the guard when they are
 * done; the signal comes again.
 *
 * A loop that calls nothing is not stopped.  Rejected: to stop at any instruction, as Go does since
 * 1.14; it takes tables of which registers hold addresses, or reading them all from a signal frame
 * that lies on another stack and may be in the middle of a prologue.
 *
 * A program that handles SIGURG itself keeps it, and its coroutines stop as late as they did.
 */
#include <pthread.h>
#include <signal.h>

#include "runtime/sched.h"

/* The C library's own, past the wrapper that corun-cc links. */
int __sigaction(int signo, const struct sigaction *act, struct sigaction *old);

static bool installed;

static void on_urgent(int signo)
{
	const struct p *p = this_m.p;

	(void)signo;
	if (tls_guard() && p && __atomic_load_n(&p->stop, __ATOMIC_RELAXED))
		tls_set_guard(UINT64_MAX);
}

void preempt_begin(void)
{
	struct sigaction act = { .sa_handler = on_urgent, .sa_flags = SA_RESTART | SA_ONSTACK },
			 old;

	installed = false;
	if (settings.asyncpreemptoff || __sigaction(SIGURG, NULL, &old) ||
	    old.sa_handler != SIG_DFL)
		return;
	sigfillset(&act.sa_mask);
	installed = !__sigaction(SIGURG, &act, NULL);
}

void preempt_end(void)
{
	struct sigaction now;

	if (installed && !__sigaction(SIGURG, NULL, &now) && now.sa_handler == on_urgent)
		__sigaction(SIGURG, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	installed = false;
}

/* Whether the thread is on the stack of a coroutine: the guard stands in its thread control block,
 * whose address glibc uses for the thread, too. */
static bool on_g(const struct m *mp)
{
	return __atomic_load_n((const uint64_t *)(mp->thread + TLS_GUARD), __ATOMIC_RELAXED) != 0;
}

void preempt_late(void)
{
	struct sigaction now;
	uint32_t i;

	if (!installed || __sigaction(SIGURG, NULL, &now) || now.sa_handler != on_urgent)
		return;
	lock(&sched.lock);
	for (i = 0; i < sched.procs; i++) {
		const struct p *p = sched.all_p[i];
		const struct m *mp = __atomic_load_n(&p->m, __ATOMIC_RELAXED);

		/* A P that has a thread has one that lives; it may be let go of meanwhile. */
		if (p->stop && mp && mp != &this_m && on_g(mp) &&
		    __atomic_load_n(&p->status, __ATOMIC_RELAXED) == P_RUNNING)
			pthread_kill((pthread_t)mp->thread, SIGURG);
	}
	unlock(&sched.lock);
}
