/* SPDX-License-Identifier: Apache-2.0 */
/* chan.h: what co_select, timers and the collector need to know of channels. */
#ifndef ST_RUNTIME_CHAN_H
#define ST_RUNTIME_CHAN_H

#include "runtime/runtime.h"
#include "runtime/wait.h"

struct co_chan {
	struct lock lock;
	uint32_t magic;
	bool closed;
	size_t item_size, capacity;
	size_t head, count; /* of the items in the buffer */
	struct waitq senders, receivers;
	struct co_chan *next, **link; /* all there are */
	_Alignas(64) unsigned char buffer[];
};

/* Ends the program if it is none, or none any more. */
void chan_check(const struct co_chan *c);

/*
 * Sends or receives if that can be done at once, with the lock held.  0, and ret is a coroutine
 * to make ready when the lock is given up, or NULL; -EPIPE: closed; -EAGAIN: has to wait.
 */
int chan_send_now(struct co_chan *c, const void *item, struct g **ret);
int chan_recv_now(struct co_chan *c, void *ret_item, struct g **ret);

/* Takes what is in the buffer out of it. */
void chan_clear(struct co_chan *c);

/* Calls fn for the items in the buffer of every channel there is.  The world is stopped. */
void chan_each(void (*fn)(const void *items, size_t size, void *arg), void *arg);

#endif
