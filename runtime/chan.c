/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan.c: channels.
 *
 * Invariants, under the channel's lock:
 *	- nobody waits to receive while the buffer holds an item or somebody waits to send;
 *	- nobody waits to send while the buffer has room or somebody waits to receive;
 *	- in a closed channel nobody waits.
 * A shared sudog whose wait is over for another reason does not count as waiting: it is passed over
 * and taken out by whoever comes first, its coroutine or the other side.
 *
 * The item is copied straight to or from where the waiting coroutine wants it, which may be a local
 * of its own: while it is parked only the collector moves its stack, which stops everybody first
 * and has wait_relocate tell the sudogs.
 *
 * co_chan_send and co_chan_recv run on G, without a check of their stack: keep their frames small.
 */
#include "runtime/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/proc.h"

#define MAGIC 0x6e616863u /* a channel */
#define FREED 0x65657266u

static struct lock all_lock;
static struct co_chan *all;

void chan_check(const struct co_chan *c)
{
	if (likely(c->magic == MAGIC))
		return;
	fatal_misuse(c->magic == FREED ? "use of a channel that was freed"
				       : "use of something that is no channel");
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
	if (!to)
		return;
	if (c->item_size == 8)
		memcpy(to, from, 8); /* without a call */
	else if (c->item_size)	     /* an item of no size need not be anywhere */
		memcpy(to, from, c->item_size);
}

int chan_send_now(struct co_chan *c, const void *item, struct g **ret)
{
	struct sudog *receiver;

	*ret = NULL;
	if (c->closed)
		return -EPIPE;
	receiver = waitq_take(&c->receivers);
	if (receiver) {
		copy_item(c, receiver->item, item);
		*ret = wait_end(receiver, 0);
		return 0;
	}
	if (c->count == c->capacity)
		return -EAGAIN;
	copy_item(c, slot(c, c->count++), item);
	return 0;
}

int chan_recv_now(struct co_chan *c, void *ret_item, struct g **ret)
{
	struct sudog *sender;

	*ret = NULL;
	if (c->count) {
		copy_item(c, ret_item, slot(c, 0));
		c->head = c->head + 1 == c->capacity ? 0 : c->head + 1;
		c->count--;
		/* The buffer was full: the sender's item takes the place that is free now. */
		sender = waitq_take(&c->senders);
		if (sender)
			copy_item(c, slot(c, c->count++), sender->item);
	} else {
		sender = waitq_take(&c->senders);
		if (!sender)
			return c->closed ? -EPIPE : -EAGAIN;
		copy_item(c, ret_item, sender->item);
	}
	if (sender)
		*ret = wait_end(sender, 0);
	return 0;
}

static inline int send(struct co_chan *c, const void *item, int64_t deadline)
{
	struct g *receiver;
	int rc;

	if (!c || (!item && c->item_size))
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	chan_check(c);
	lock(&c->lock);
	rc = chan_send_now(c, item, &receiver);
	if (rc == -EAGAIN)
		return wait_in(&c->senders, &c->lock, (void *)item, WAIT_CHAN_SEND, deadline);
	unlock(&c->lock);
	if (receiver)
		goready(receiver);
	return rc;
}

static inline int receive(struct co_chan *c, void *ret_item, int64_t deadline)
{
	struct g *sender;
	int rc;

	if (!c)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	chan_check(c);
	lock(&c->lock);
	rc = chan_recv_now(c, ret_item, &sender);
	if (rc == -EAGAIN)
		return wait_in(&c->receivers, &c->lock, ret_item, WAIT_CHAN_RECEIVE, deadline);
	unlock(&c->lock);
	if (sender)
		goready(sender);
	return rc;
}

int co_chan_send(struct co_chan *c, const void *item)
{
	return send(c, item, CO_FOREVER);
}

int co_chan_send_until(struct co_chan *c, const void *item, int64_t deadline_ns)
{
	return send(c, item, deadline_ns);
}

int co_chan_recv(struct co_chan *c, void *ret_item)
{
	return receive(c, ret_item, CO_FOREVER);
}

int co_chan_recv_until(struct co_chan *c, void *ret_item, int64_t deadline_ns)
{
	return receive(c, ret_item, deadline_ns);
}

int co_chan_close(struct co_chan *c)
{
	int rc = -EPIPE;

	if (!c)
		return -EINVAL;
	if (!may_ready())
		return -EPERM;
	chan_check(c);
	lock(&c->lock);
	if (!c->closed) {
		c->closed = true;
		waitq_wake_all(&c->receivers, -EPIPE);
		waitq_wake_all(&c->senders, -EPIPE);
		rc = 0;
	}
	unlock(&c->lock);
	return rc;
}

size_t co_chan_len(struct co_chan *c)
{
	size_t n;

	if (!c)
		return 0;
	chan_check(c);
	lock(&c->lock);
	n = c->count;
	unlock(&c->lock);
	return n;
}

size_t co_chan_cap(const struct co_chan *c)
{
	if (!c)
		return 0;
	chan_check(c);
	return c->capacity;
}

void chan_clear(struct co_chan *c)
{
	lock(&c->lock);
	c->count = 0;
	unlock(&c->lock);
}

/* co_chan_make, on g0. */
int chan_make(size_t item_size, size_t capacity, struct co_chan **ret);
int chan_make(size_t item_size, size_t capacity, struct co_chan **ret)
{
	struct co_chan *c;
	size_t bytes;

	if (!ret || __builtin_mul_overflow(item_size, capacity, &bytes) ||
	    bytes > PTRDIFF_MAX - 2 * sizeof(*c))
		return -EINVAL;
	if (unlikely(settings.fail_at) && debug_fail())
		return -ENOMEM;
	/* Two channels in one cache line would slow each other down. */
	c = aligned_alloc(64, (sizeof(*c) + bytes + 63) & ~(size_t)63);
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c) + bytes);
	c->magic = MAGIC;
	c->item_size = item_size;
	c->capacity = capacity;
	lock(&all_lock);
	c->next = all;
	c->link = &all;
	if (c->next)
		c->next->link = &c->next;
	all = c;
	unlock(&all_lock);
	*ret = c;
	return 0;
}

/* co_chan_free, on g0. */
int chan_free(struct co_chan *c);
int chan_free(struct co_chan *c)
{
	bool busy;

	if (!c)
		return 0;
	chan_check(c);
	lock(&c->lock);
	busy = c->senders.first || c->receivers.first;
	if (!busy)
		c->magic = FREED;
	unlock(&c->lock);
	if (busy)
		return -EBUSY;
	lock(&all_lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	unlock(&all_lock);
	/* While errors are looked for the memory stays, so that its use is one for certain. */
	if (!settings.poison)
		free(c);
	return 0;
}

void chan_each(void (*fn)(const void *items, size_t size, void *arg), void *arg)
{
	struct co_chan *c;
	size_t tail;

	for (c = all; c; c = c->next) {
		tail = c->capacity - c->head;
		if (tail > c->count)
			tail = c->count;
		fn(c->buffer + c->head * c->item_size, tail * c->item_size, arg);
		fn(c->buffer, (c->count - tail) * c->item_size, arg);
	}
}
