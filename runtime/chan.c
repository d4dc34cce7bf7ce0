/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan.c: channels.
 *
 * Invariants:
 *	- nobody waits to receive while the buffer holds an item or somebody waits to send;
 *	- nobody waits to send while the buffer has room or somebody waits to receive;
 *	- in a closed channel nobody waits.
 *
 * A coroutine that waits lends its descriptor to the queue; it waits in one channel at a time.  The
 * item is copied straight to or from where the waiting coroutine wants it, which may be a local of
 * its own: a stack does not move while its coroutine is parked.
 *
 * co_chan_send and co_chan_recv run on G, without a check of their stack: keep their frames small.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/chan.h"
#include "runtime/proc.h"
#include "runtime/runtime.h"

struct waitq {
	struct g *first, *last;
};

struct co_chan {
	struct lock lock;
	bool closed;
	size_t item_size, capacity;
	size_t head, count; /* of the items in the buffer */
	struct waitq senders, receivers;
	_Alignas(16) unsigned char buffer[];
};

static void enqueue(struct waitq *q, struct g *gp)
{
	gp->wait_next = NULL;
	gp->wait_prev = q->last;
	if (q->last)
		q->last->wait_next = gp;
	else
		q->first = gp;
	q->last = gp;
}

static void unlink_waiter(struct waitq *q, struct g *gp)
{
	if (gp->wait_prev)
		gp->wait_prev->wait_next = gp->wait_next;
	else
		q->first = gp->wait_next;
	if (gp->wait_next)
		gp->wait_next->wait_prev = gp->wait_prev;
	else
		q->last = gp->wait_prev;
	gp->wait_chan = NULL;
}

/* Takes the first who waits, or NULL. */
static struct g *dequeue(struct waitq *q)
{
	struct g *gp = q->first;

	if (gp)
		unlink_waiter(q, gp);
	return gp;
}

static void *slot(struct co_chan *c, size_t i)
{
	size_t at = c->head + i;

	if (at >= c->capacity)
		at -= c->capacity;
	return c->buffer + at * c->item_size;
}

static void copy_item(const struct co_chan *c, void *to, const void *from)
{
	if (to)
		memcpy(to, from, c->item_size);
}

static void wake(struct g *gp, int result)
{
	gp->wait_result = result;
	goready(gp);
}

/* Parks in a queue, and gives the lock back, until somebody has done what the caller came for. */
static int wait_in(struct co_chan *c, struct waitq *q, void *item, enum wait_reason reason)
{
	struct g *gp = getg();

	gp->wait_chan = c;
	gp->wait_item = item;
	enqueue(q, gp);
	gopark_unlock(&c->lock, reason);
	return gp->wait_result;
}

int co_chan_send(struct co_chan *c, const void *item)
{
	struct g *receiver;

	if (!c || (!item && c->item_size))
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	lock(&c->lock);
	if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	}
	receiver = dequeue(&c->receivers);
	if (receiver) {
		copy_item(c, receiver->wait_item, item);
		unlock(&c->lock);
		wake(receiver, 0);
		return 0;
	}
	if (c->count < c->capacity) {
		copy_item(c, slot(c, c->count++), item);
		unlock(&c->lock);
		return 0;
	}
	return wait_in(c, &c->senders, (void *)item, WAIT_CHAN_SEND);
}

int co_chan_recv(struct co_chan *c, void *ret_item)
{
	struct g *sender;

	if (!c)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	lock(&c->lock);
	sender = dequeue(&c->senders);
	if (c->count) {
		copy_item(c, ret_item, slot(c, 0));
		c->head = c->head + 1 == c->capacity ? 0 : c->head + 1;
		c->count--;
		/* The buffer was full: the sender's item takes the place that is free now. */
		if (sender)
			copy_item(c, slot(c, c->count++), sender->wait_item);
	} else if (sender) {
		copy_item(c, ret_item, sender->wait_item);
	} else if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	} else {
		return wait_in(c, &c->receivers, ret_item, WAIT_CHAN_RECEIVE);
	}
	unlock(&c->lock);
	if (sender)
		wake(sender, 0);
	return 0;
}

int co_chan_close(struct co_chan *c)
{
	struct gqueue woken = { 0 };
	struct m *mp = getm();
	struct g *gp;

	if (!c)
		return -EINVAL;
	if (!mp->curg || mp->in_signal)
		return -EPERM;
	lock(&c->lock);
	if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	}
	c->closed = true;
	while ((gp = dequeue(&c->receivers)) || (gp = dequeue(&c->senders))) {
		gp->wait_result = -EPIPE;
		gqueue_push(&woken, gp);
	}
	unlock(&c->lock);
	while ((gp = gqueue_pop(&woken)))
		goready(gp);
	return 0;
}

/* co_chan_make, on g0. */
int chan_make(size_t item_size, size_t capacity, struct co_chan **ret);
int chan_make(size_t item_size, size_t capacity, struct co_chan **ret)
{
	struct co_chan *c;
	size_t bytes;

	if (!ret || __builtin_mul_overflow(item_size, capacity, &bytes) ||
	    bytes > PTRDIFF_MAX - sizeof(*c))
		return -EINVAL;
	if (unlikely(settings.fail_at) && debug_fail())
		return -ENOMEM;
	c = calloc(1, sizeof(*c) + bytes);
	if (!c)
		return -ENOMEM;
	c->item_size = item_size;
	c->capacity = capacity;
	*ret = c;
	return 0;
}

/* co_chan_free, on g0. */
int chan_free(struct co_chan *c);
int chan_free(struct co_chan *c)
{
	if (!c)
		return 0;
	if (c->senders.first || c->receivers.first)
		return -EBUSY;
	free(c);
	return 0;
}

void chan_forget(struct g *gp)
{
	struct co_chan *c = gp->wait_chan;

	if (!c)
		return;
	unlink_waiter(gp->wait_reason == WAIT_CHAN_SEND ? &c->senders : &c->receivers, gp);
}
