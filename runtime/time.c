/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time.c: sleeping, and channels that receive the time.
 *
 * A timer's channel holds one item.  When the timer fires and the last item was not taken, the new
 * one is dropped, as Go's tickers do.  After co_timer_stop and co_timer_set the channel is empty,
 * as in Go since 1.23: nobody receives a time that was set before.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/chan.h"
#include "runtime/proc.h"

struct co_timer {
	struct timer timer; /* first */
	int64_t period;	    /* 0: it fires once */
	struct co_chan *chan;
};

int co_sleep_until(int64_t deadline_ns)
{
	if (!tls_guard())
		return -EPERM;
	return wait_until(deadline_ns, WAIT_SLEEP);
}

int co_sleep(int64_t ns)
{
	int64_t deadline;

	if (ns <= 0)
		return tls_guard() ? 0 : -EPERM;
	if (__builtin_add_overflow(co_now(), ns, &deadline))
		deadline = CO_FOREVER;
	return co_sleep_until(deadline);
}

static int64_t timer_fire(struct timer *timer, int64_t now, struct g **ret)
{
	const struct co_timer *t = (struct co_timer *)timer;
	int64_t next;

	(void)ret;
	if (!t->period)
		return TIMER_NEVER;
	/* What came too late is left out. */
	if (__builtin_add_overflow(timer->when, ((now - timer->when) / t->period + 1) * t->period,
				   &next))
		return TIMER_NEVER;
	return next;
}

static void timer_send(struct timer *timer, int64_t now)
{
	struct co_chan *c = ((struct co_timer *)timer)->chan;
	struct g *gp;

	lock(&c->lock);
	chan_send_now(c, &now, &gp);
	unlock(&c->lock);
	if (gp)
		goready(gp);
}

int chan_make(size_t item_size, size_t capacity, struct co_chan **ret);
int chan_free(struct co_chan *c);

/* co_timer_set, on g0. */
int timer_set(struct co_timer *t, int64_t when_ns, int64_t period_ns);
int timer_set(struct co_timer *t, int64_t when_ns, int64_t period_ns)
{
	int was;

	if (!t || period_ns < 0 || when_ns < 0)
		return -EINVAL;
	if (!may_ready())
		return -EPERM;
	was = timer_disarm(&t->timer);
	chan_clear(t->chan);
	t->period = period_ns;
	if (when_ns != CO_FOREVER)
		timer_arm(&t->timer, when_ns);
	return was;
}

/* co_timer_make, on g0. */
int timer_make(int64_t when_ns, int64_t period_ns, struct co_timer **ret);
int timer_make(int64_t when_ns, int64_t period_ns, struct co_timer **ret)
{
	struct co_timer *t = NULL;
	int rc;

	if (!ret)
		return -EINVAL;
	if (!(unlikely(settings.fail_at) && debug_fail()))
		t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->timer.fire = timer_fire;
	t->timer.unlocked = timer_send;
	rc = chan_make(sizeof(int64_t), 1, &t->chan);
	if (!rc)
		rc = timer_set(t, when_ns, period_ns);
	if (rc) {
		chan_free(t->chan);
		free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

/* co_timer_stop, on g0. */
int timer_stop(struct co_timer *t);
int timer_stop(struct co_timer *t)
{
	return timer_set(t, CO_FOREVER, 0);
}

struct co_chan *co_timer_chan(struct co_timer *t)
{
	return t->chan;
}

/* co_timer_free, on g0. */
int timer_free(struct co_timer *t);
int timer_free(struct co_timer *t)
{
	int rc;

	if (!t)
		return 0;
	timer_disarm(&t->timer);
	rc = chan_free(t->chan);
	if (!rc)
		free(t);
	return rc;
}
