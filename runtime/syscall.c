/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall.c: calls that block.
 *
 * Problem: while a thread waits in the kernel its P runs nobody.  Giving the P away before each
 * such call costs two handoffs between threads, 10 us, and most calls return at once.
 *
 * As in Go the thread leaves the P behind without giving it to anybody: it says P_SYSCALL, and
 * takes it back by one compare-and-swap if nobody was interested.  sysmon, or whoever stops the
 * world, may take it meanwhile by the same instruction.  Who comes back and finds its P gone takes
 * an idle one, or puts its coroutine into the global queue and sleeps.
 *
 * The P that a thread finds in P_SYSCALL need not be in its own call: it may have gone to another
 * thread that is in a call now, too.  It takes it all the same; the other then finds it gone.
 *
 * The coroutine is parked as for a switch (mcall), so its stack is described by gp->sched, and the
 * function runs on g0, where there is room and where it can call what it likes but nothing that
 * parks or needs a P: those say -EPERM.
 */
#include <errno.h>

#include "runtime/ring.h"
#include "runtime/sched.h"

/* Back from the call, with no P. */
static void exit_slow(struct g *gp) NORETURN;
static void exit_slow(struct g *gp)
{
	struct gqueue list = { 0 };
	struct p *p;

	lock(&sched.lock);
	sched.blocked--;
	if (sched.ending) {
		unlock(&sched.lock);
		leave();
	}
	p = pidle_get();
	if (!p) {
		SET(gp->wait_reason, WAIT_NONE);
		SET(gp->status, G_RUNNABLE);
		gqueue_push(&list, gp);
		globrunq_put(&list);
	}
	unlock(&sched.lock);
	if (p) {
		acquirep(p);
		execute(gp);
	}
	SET(this_m.curg, NULL);
	stopm();
	execute(find_runnable());
}

static void syscall0(struct g *gp)
{
	struct m *mp = &this_m;
	struct p *p = mp->p;
	uint32_t was = P_SYSCALL;

	note_use(gp);
	SET(gp->status, G_SYSCALL);
	__atomic_store_n(&p->syscalltick, p->syscalltick + 1, __ATOMIC_RELAXED);
	SET(mp->p, NULL);
	__atomic_store_n(&p->status, P_SYSCALL, __ATOMIC_RELEASE);
	sysmon_notice();
	mp->call_fn(mp->call_arg);
	if (!__atomic_compare_exchange_n(&p->status, &was, P_RUNNING, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		exit_slow(gp);
	SET(mp->p, p);
	SET(p->m, mp);
	if (unlikely(__atomic_load_n(&p->stop, __ATOMIC_RELAXED)))
		world_pause();
	execute(gp);
}

int co_syscall(co_fn *fn, void *arg)
{
	struct m *mp = getm();

	if (!tls_guard())
		return -EPERM;
	mp->call_fn = fn;
	mp->call_arg = arg;
	SET(mp->curg->wait_reason, WAIT_SYSCALL);
	mcall(syscall0);
	return 0;
}
