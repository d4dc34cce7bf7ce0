/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c: waits with a deadline, waits that can be canceled, and the plain one.
 *
 * What runs on G here has frames that are small; see STACK_GUARD.
 */
#include "runtime/wait.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/proc.h"

void waitq_wake_all(struct waitq *q, int result)
{
	struct gqueue woken = { 0 };
	struct sudog *sg;

	while ((sg = waitq_take(q)))
		gqueue_push(&woken, wait_end(sg, result));
	injectglist(&woken);
}

/* Nobody but us may end it if this is true. */
static bool end_early(struct g *gp, int result)
{
	if (!claim(gp))
		return false;
	gp->wait_result = result;
	gp->wait_sudog = NULL;
	return true;
}

/* The deadline.  With the lock of the timers. */
static int64_t wait_expired(struct timer *t, int64_t now, struct g **ret)
{
	struct g *gp = ((struct waitx *)t)->g;

	(void)now;
	if (end_early(gp, -ETIMEDOUT))
		*ret = gp;
	return TIMER_NEVER;
}

static struct waitx *waitx_new(struct g *gp)
{
	struct waitx *x = NULL;

	if (!(unlikely(settings.fail_at) && debug_fail()))
		x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->timer.fire = wait_expired;
	x->g = gp;
	gp->waitx = x;
	return x;
}

int wait_prepare0(int64_t deadline, unsigned how)
{
	struct g *gp = this_m.curg;
	struct co_cancel *t = how & WAIT_UNCANCELED ? NULL : gp->cancel;
	struct waitx *x = gp->waitx;

	if (t && cancel_is(t))
		return -ECANCELED;
	if (t && cancel_deadline(t) < deadline)
		deadline = cancel_deadline(t);
	if (deadline != CO_FOREVER && (deadline <= 0 || deadline <= clock_now()))
		return -ETIMEDOUT;
	if (!x)
		x = waitx_new(gp);
	if (!x)
		return -ENOMEM;
	x->deadline = deadline;
	x->token = t;
	__atomic_store_n(&gp->claimed, 0, __ATOMIC_RELEASE);
	return 0;
}

bool wait_arm(struct waitx *x, struct lock *l, void (*unlock_all)(struct waitx *))
{
	struct co_cancel *t = x->token;
	struct g *gp = x->g;
	bool sleeps = true;

	/* In the order of the locks; when the last of them is given up, x may be gone. */
	if (t && !cancel_link(t, x)) {
		sleeps = !end_early(gp, -ECANCELED);
	} else if (x->deadline != CO_FOREVER) {
		timer_arm(&x->timer, x->deadline);
	}
	if (t)
		cancel_linked(t);
	if (l)
		unlock(l);
	else if (unlock_all)
		unlock_all(x);
	return sleeps;
}

void wait_disarm(struct waitx *x)
{
	if (x->token)
		cancel_unlink(x);
	timer_disarm(&x->timer);
}

static bool arm(struct g *gp, void *l)
{
	return wait_arm(gp->waitx, l, NULL);
}

/* In a function of its own, since the usual wait needs no more than a few words of stack. */
static __attribute__((noinline)) int wait_shared(struct lock *l, enum wait_reason reason)
{
	struct g *gp = getg();
	struct sudog *sg = &gp->sudog;

	gopark(arm, l, reason);
	wait_disarm(gp->waitx);
	if (gp->wait_sudog)
		return gp->wait_result;
	lock(l);
	if (sg->q)
		waitq_remove(sg);
	unlock(l);
	return gp->wait_result;
}

int wait_in_as(unsigned how, struct waitq *q, struct lock *l, void *item, enum wait_reason reason,
	       int64_t deadline)
{
	struct g *gp = getg();
	struct sudog *sg = &gp->sudog;
	int rc;

	if (unlikely((uint64_t)l - gp->stack.lo < gp->stack.hi - gp->stack.lo) &&
	    settings.policy == CO_COPY)
		fatal_misuse("what coroutines wait for lies on a stack that moves");
	sg->g = gp;
	sg->item = item;
	sg->shared = deadline != CO_FOREVER || (gp->cancel && !(how & WAIT_UNCANCELED));
	if (unlikely(sg->shared)) {
		rc = wait_prepare(deadline, how);
		if (rc) {
			unlock(l);
			return rc;
		}
	}
	if (how & WAIT_FIRST)
		waitq_add_first(q, sg);
	else
		waitq_add(q, sg);
	if (unlikely(sg->shared))
		return wait_shared(l, reason);
	gopark_unlock(l, reason);
	return gp->wait_result;
}

int wait_until(int64_t deadline, enum wait_reason reason)
{
	int rc = wait_prepare(deadline, 0);
	struct g *gp = getg();
	int64_t until;

	if (rc == -ETIMEDOUT)
		return deadline == CO_FOREVER || deadline > co_now() ? rc : 0;
	if (rc)
		return rc;
	until = gp->waitx->deadline;
	gopark(arm, NULL, reason);
	wait_disarm(gp->waitx);
	if (gp->wait_result == -ETIMEDOUT && until == deadline)
		return 0;
	return gp->wait_result;
}

void wait_forget(struct g *gp)
{
	struct waitx *x = gp->waitx;

	if (gp->sudog.q)
		waitq_remove(&gp->sudog);
	if (!x)
		return;
	if (x->select)
		select_forget(x->select);
	wait_disarm(x);
}

void wait_relocate(struct g *gp, struct stack old, uint64_t delta)
{
	if ((uint64_t)gp->sudog.item - old.lo < old.hi - old.lo)
		gp->sudog.item = (char *)gp->sudog.item + delta;
	if (gp->waitx && gp->waitx->select)
		select_relocate(gp->waitx->select, old, delta);
}

void wait_free(struct g *gp)
{
	if (!gp->waitx)
		return;
	free(gp->waitx->select);
	free(gp->waitx);
	gp->waitx = NULL;
}
