/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigaction.c: sigaction and signal, as corun-cc links them.
 *
 * A handler must run on the alternate stack, so SA_ONSTACK is added.  And it may have been compiled
 * with stack checks, which would compare that stack with the guard of the coroutine that was
 * interrupted: so what the kernel calls is on_signal, which calls the program's handler as on an
 * ordinary thread, with a guard of 0.
 *
 * Handlers installed past us (by a shared library, by a raw system call) must ask for SA_ONSTACK
 * themselves and must not be compiled with stack checks.  A handler must return, not longjmp.
 *
 * This object is linked only into programs that install a handler; it must stay one of its own,
 * since __real_sigaction exists only there.
 */
#include "runtime/sigaction.h"

#include <errno.h>
#include <stddef.h>

typedef void action_fn(int signo, siginfo_t *info, void *context);

/* As the program gave them.  One that takes the number only may be called with all three. */
static struct {
	action_fn *fn;
	int flags;
} handlers[NSIG];

static void on_signal(int signo, siginfo_t *info, void *context)
{
	uint64_t guard;

	/* Installed before co_run, and the runtime's since. */
	if ((signo == SIGSEGV || signo == SIGBUS) && __corun_fault(info, context))
		return;
	guard = __corun_signal_begin();
	handlers[signo].fn(signo, info, context);
	__corun_signal_end(guard);
}

int __corun_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction ours, before;
	action_fn *old_fn;
	int rc, old_flags;

	if (signo <= 0 || signo >= NSIG)
		return __real_sigaction(signo, act, old);
	old_fn = handlers[signo].fn;
	old_flags = handlers[signo].flags;
	if (act && act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN) {
		ours = *act;
		ours.sa_sigaction = on_signal;
		ours.sa_flags |= SA_ONSTACK | SA_SIGINFO;
		/* First, for the signal may come at once. */
		handlers[signo].fn = act->sa_sigaction;
		handlers[signo].flags = act->sa_flags;
		act = &ours;
	}
	if (__corun_fault_replaces(signo, act, &before))
		rc = 0;
	else
		rc = __real_sigaction(signo, act, &before);
	if (rc) {
		handlers[signo].fn = old_fn;
		handlers[signo].flags = old_flags;
	} else if (old) {
		*old = before;
		if (before.sa_sigaction == on_signal) {
			old->sa_sigaction = old_fn;
			old->sa_flags &= ~(SA_ONSTACK | SA_SIGINFO);
			old->sa_flags |= old_flags & (SA_ONSTACK | SA_SIGINFO);
		}
	}
	return rc;
}

static corun_handler *install(int signo, corun_handler *handler, int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags }, old;

	sigemptyset(&act.sa_mask);
	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	return __corun_sigaction(signo, &act, &old) ? SIG_ERR : old.sa_handler;
}

corun_handler *__corun_signal(int signo, corun_handler *handler)
{
	return install(signo, handler, SA_RESTART);
}

corun_handler *__corun_sysv_signal(int signo, corun_handler *handler)
{
	return install(signo, handler, SA_RESETHAND | SA_NODEFER);
}
