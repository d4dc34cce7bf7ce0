/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.c: waiting for one of several channels.
 *
 * As in Go: the channels are locked in the order of their addresses, looked at in random order, and
 * if none is ready the coroutine waits in all of them, in each with a sudog that is shared.  Who
 * claims it does its part with the sudog that it found; the coroutine takes the others out.
 *
 * All of it runs on g0 but the sleep itself, since the coroutine may have little stack.  The locks
 * are held from the first look to the sleep.  They are given up from the last to the first, and the
 * coroutine, once woken, takes them from the first to the last: so it waits for the one that is
 * given up at the very end, after which nobody reads what belongs to this call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/chan.h"
#include "runtime/proc.h"

#define MAX_CASES 65535
#define KEPT	  16 /* memory for up to so many cases is kept for the next call */
#define PARK	  INT32_MIN

struct select {
	unsigned room;	   /* cases for which there is memory */
	unsigned channels; /* cases with one, in lock order */
	struct select_case {
		struct sudog sudog;
		struct co_chan *chan;
		uint32_t poll;
	} cases[];
};

static uint32_t below(uint32_t n)
{
	static __thread uint64_t state;

	if (!state)
		state = (uint64_t)clock_now() | 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * n) >> 32);
}

static int check_cases(const struct co_case *cases, size_t n, int *ret_default)
{
	size_t i;

	*ret_default = -1;
	if (n > MAX_CASES || (n && !cases))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		const struct co_case *k = &cases[i];

		switch (k->op) {
		case CO_DEFAULT:
			if (*ret_default >= 0)
				return -EINVAL;
			*ret_default = (int)i;
			break;
		case CO_SEND:
			if (k->chan && !k->item && k->chan->item_size)
				return -EINVAL;
			break;
		case CO_RECV:
			break;
		default:
			return -EINVAL;
		}
		if (k->op != CO_DEFAULT && k->chan)
			chan_check(k->chan);
	}
	return 0;
}

static struct select *room_for(struct g *gp, size_t n)
{
	struct waitx *x = gp->waitx;
	size_t room = n > KEPT ? n : KEPT;

	if (x->select && x->select->room >= n)
		return x->select;
	free(x->select);
	x->select = NULL;
	if (unlikely(settings.fail_at) && debug_fail())
		return NULL;
	x->select = calloc(1, sizeof(struct select) + room * sizeof(struct select_case));
	if (x->select)
		x->select->room = (unsigned)room;
	return x->select;
}

static int by_address(const void *a, const void *b)
{
	const struct select_case *l = a, *r = b;

	return l->chan < r->chan ? -1 : l->chan > r->chan;
}

/* The cases that have a channel, by its address. */
static void order(struct select *s, const struct co_case *cases, size_t n)
{
	struct select_case *k = s->cases;
	size_t i, at;

	for (i = 0; i < n; i++) {
		if (cases[i].op == CO_DEFAULT || !cases[i].chan)
			continue;
		/* Few are sorted as they come. */
		for (at = (size_t)(k - s->cases);
		     n <= KEPT && at && s->cases[at - 1].chan > cases[i].chan; at--)
			s->cases[at] = s->cases[at - 1];
		s->cases[at].chan = cases[i].chan;
		s->cases[at].sudog.index = (unsigned)i;
		k++;
	}
	s->channels = (unsigned)(k - s->cases);
	if (n > KEPT)
		qsort(s->cases, s->channels, sizeof(*s->cases), by_address);
	/* A random order to look at them, all being as likely. */
	for (i = 0; i < s->channels; i++) {
		at = below((uint32_t)i + 1);
		s->cases[i].poll = s->cases[at].poll;
		s->cases[at].poll = (uint32_t)i;
	}
}

static void lock_all(struct select *s)
{
	unsigned i;

	for (i = 0; i < s->channels; i++)
		if (!i || s->cases[i].chan != s->cases[i - 1].chan)
			lock(&s->cases[i].chan->lock);
}

static void unlock_all(struct select *s)
{
	unsigned i = s->channels;

	while (i--)
		if (!i || s->cases[i].chan != s->cases[i - 1].chan)
			unlock(&s->cases[i].chan->lock);
}

/* The first in random order that need not wait; -EAGAIN: none. */
static int try_all(struct select *s, struct co_case *cases, struct g **ret)
{
	unsigned i;
	int rc;

	for (i = 0; i < s->channels; i++) {
		struct select_case *k = &s->cases[s->cases[i].poll];
		struct co_case *c = &cases[k->sudog.index];

		if (c->op == CO_SEND)
			rc = chan_send_now(k->chan, c->item, ret);
		else
			rc = chan_recv_now(k->chan, c->item, ret);
		if (rc == -EAGAIN)
			continue;
		c->result = rc;
		return (int)k->sudog.index;
	}
	return -EAGAIN;
}

static void enqueue_all(struct select *s, struct g *gp, const struct co_case *cases)
{
	unsigned i;

	for (i = 0; i < s->channels; i++) {
		struct select_case *k = &s->cases[i];
		const struct co_case *c = &cases[k->sudog.index];

		k->sudog.g = gp;
		k->sudog.item = c->item;
		k->sudog.shared = true;
		waitq_add(c->op == CO_SEND ? &k->chan->senders : &k->chan->receivers, &k->sudog);
	}
}

/* An index, an error, or PARK: then the channels are locked and the coroutine waits in them. */
int select_begin0(struct co_case *cases, size_t n, int64_t deadline);
int select_begin0(struct co_case *cases, size_t n, int64_t deadline)
{
	struct g *gp = this_m.curg, *ready = NULL;
	int fallback, rc = check_cases(cases, n, &fallback);
	struct select *s;

	if (rc)
		return rc;
	if (!gp->waitx && wait_prepare0(CO_FOREVER, WAIT_UNCANCELED))
		return -ENOMEM;
	s = room_for(gp, n);
	if (!s)
		return -ENOMEM;
	order(s, cases, n);
	lock_all(s);
	rc = try_all(s, cases, &ready);
	if (rc == -EAGAIN && fallback >= 0) {
		cases[fallback].result = 0;
		rc = fallback;
	}
	if (rc == -EAGAIN) {
		rc = wait_prepare0(deadline, 0);
		if (!rc) {
			enqueue_all(s, gp, cases);
			return PARK;
		}
	}
	unlock_all(s);
	if (ready)
		goready(ready);
	return rc;
}

static void give_up(struct waitx *x)
{
	unlock_all(x->select);
}

bool select_sleep(struct g *gp, void *arg);
bool select_sleep(struct g *gp, void *arg)
{
	(void)arg;
	/* Without a channel there is no lock that keeps the coroutine from going on. */
	return wait_arm(gp->waitx, NULL, gp->waitx->select->channels ? give_up : NULL);
}

int select_end0(struct co_case *cases);
int select_end0(struct co_case *cases)
{
	struct g *gp = this_m.curg;
	struct waitx *x = gp->waitx;
	struct select *s = x->select;
	unsigned i;

	wait_disarm(x);
	lock_all(s);
	for (i = 0; i < s->channels; i++) {
		if (s->cases[i].sudog.q)
			waitq_remove(&s->cases[i].sudog);
		/* An address of a local as a rule, which nobody adjusts from here on. */
		s->cases[i].sudog.item = NULL;
	}
	unlock_all(s);
	s->channels = 0;
	if (!gp->wait_sudog)
		return gp->wait_result;
	i = gp->wait_sudog->index;
	cases[i].result = gp->wait_result;
	if (s->room > KEPT) {
		free(s);
		x->select = NULL;
	}
	return (int)i;
}

void select_forget(struct select *s)
{
	unsigned i;

	for (i = 0; i < s->channels; i++)
		if (s->cases[i].sudog.q)
			waitq_remove(&s->cases[i].sudog);
}

void select_relocate(struct select *s, struct stack old, uint64_t delta)
{
	unsigned i;

	for (i = 0; i < s->channels; i++) {
		struct sudog *sg = &s->cases[i].sudog;

		if ((uint64_t)sg->item - old.lo < old.hi - old.lo)
			sg->item = (char *)sg->item + delta;
	}
}

/* The part on G, which other files of the runtime do not need. */
int select_begin(struct co_case *cases, size_t n, int64_t deadline); /* call_amd64.S */
int select_end(struct co_case *cases);

int co_select_until(struct co_case *cases, size_t n, int64_t deadline_ns)
{
	int rc;

	if (!tls_guard())
		return -EPERM;
	rc = select_begin(cases, n, deadline_ns);
	if (rc != PARK)
		return rc;
	gopark(select_sleep, NULL, n ? WAIT_SELECT : WAIT_SELECT_NONE);
	return select_end(cases);
}

int co_select(struct co_case *cases, size_t n)
{
	return co_select_until(cases, n, CO_FOREVER);
}
