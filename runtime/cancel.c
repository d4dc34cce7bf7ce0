/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cancel.c: tokens by which the waits of many coroutines are ended at once.
 *
 * A token knows its parent, its children, and the waits that it can end.  Two things keep it in
 * memory: whoever made it, until co_cancel_free, and each coroutine that it is set for.  A child
 * keeps its parent.
 *
 * Locks: a parent's before its child's.  co_cancel holds the parent's while it goes through the
 * children, so that none of them goes away.
 *
 * A deadline of a token is the deadline of every wait under it: there is nothing to fire.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/proc.h"
#include "runtime/wait.h"

struct co_cancel {
	struct lock lock;
	uint32_t refs;	   /* atomic */
	uint32_t canceled; /* atomic; set once, under the lock */
	int64_t deadline;
	struct co_cancel *parent, *children, *next, **link;
	struct waitx *waits;
};

bool cancel_is(const struct co_cancel *t)
{
	return __atomic_load_n(&t->canceled, __ATOMIC_ACQUIRE);
}

int64_t cancel_deadline(const struct co_cancel *t)
{
	return t->deadline;
}

bool cancel_link(struct co_cancel *t, struct waitx *x)
{
	lock(&t->lock);
	if (t->canceled) {
		x->link = NULL;
		return false;
	}
	x->next = t->waits;
	x->link = &t->waits;
	if (x->next)
		x->next->link = &x->next;
	t->waits = x;
	return true;
}

void cancel_linked(struct co_cancel *t)
{
	unlock(&t->lock);
}

static void unlink_wait(struct waitx *x)
{
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	x->link = NULL;
}

void cancel_unlink(struct waitx *x)
{
	struct co_cancel *t = x->token;

	lock(&t->lock);
	if (x->link)
		unlink_wait(x);
	unlock(&t->lock);
	x->token = NULL;
}

static void unref(struct co_cancel *t)
{
	while (t && !__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL)) {
		struct co_cancel *parent = t->parent;

		if (parent) {
			lock(&parent->lock);
			*t->link = t->next;
			if (t->next)
				t->next->link = t->link;
			unlock(&parent->lock);
		}
		free(t);
		t = parent;
	}
}

static void ref(struct co_cancel *t)
{
	if (t)
		__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
}

void cancel_inherit(struct g *child, const struct g *parent)
{
	child->cancel = parent ? parent->cancel : NULL;
	ref(child->cancel);
}

void cancel_drop(struct g *gp)
{
	struct co_cancel *t = gp->cancel;

	gp->cancel = NULL;
	unref(t);
}

/* co_cancel_make, on g0. */
int cancel_make(struct co_cancel *parent, int64_t deadline_ns, struct co_cancel **ret);
int cancel_make(struct co_cancel *parent, int64_t deadline_ns, struct co_cancel **ret)
{
	struct co_cancel *t = NULL;

	if (!ret)
		return -EINVAL;
	if (!(unlikely(settings.fail_at) && debug_fail()))
		t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->deadline = deadline_ns;
	t->parent = parent;
	if (parent) {
		if (parent->deadline < deadline_ns)
			t->deadline = parent->deadline;
		ref(parent);
		lock(&parent->lock);
		t->canceled = parent->canceled;
		t->next = parent->children;
		t->link = &parent->children;
		if (t->next)
			t->next->link = &t->next;
		parent->children = t;
		unlock(&parent->lock);
	}
	*ret = t;
	return 0;
}

/* Ends all waits under a token and its children, whose coroutines are added to ready. */
static void cancel_tree(struct co_cancel *t, struct gqueue *ready)
{
	struct co_cancel *child;
	struct waitx *x;

	lock(&t->lock);
	__atomic_store_n(&t->canceled, 1, __ATOMIC_RELEASE);
	while ((x = t->waits)) {
		unlink_wait(x);
		if (!claim(x->g))
			continue;
		x->g->wait_result = -ECANCELED;
		x->g->wait_sudog = NULL;
		gqueue_push(ready, x->g);
	}
	for (child = t->children; child; child = child->next)
		cancel_tree(child, ready);
	unlock(&t->lock);
}

/* co_cancel, on g0. */
int cancel(struct co_cancel *t);
int cancel(struct co_cancel *t)
{
	struct gqueue ready = { 0 };

	if (!t)
		return -EINVAL;
	if (!may_ready())
		return -EPERM;
	cancel_tree(t, &ready);
	injectglist(&ready);
	return 0;
}

/* co_cancel_free, on g0. */
void cancel_free(struct co_cancel *t);
void cancel_free(struct co_cancel *t)
{
	unref(t);
}

/* co_cancel_set, on g0. */
int cancel_set(struct co_cancel *t);
int cancel_set(struct co_cancel *t)
{
	struct co_cancel *old;

	if (!may_ready())
		return -EPERM;
	ref(t);
	old = this_m.curg->cancel;
	this_m.curg->cancel = t;
	unref(old);
	return 0;
}

struct co_cancel *co_cancel_get(void)
{
	struct g *gp = getg();

	return gp ? gp->cancel : NULL;
}

int co_canceled(const struct co_cancel *t)
{
	if (!t)
		return 0;
	if (cancel_is(t))
		return -ECANCELED;
	return t->deadline != CO_FOREVER && t->deadline <= co_now() ? -ETIMEDOUT : 0;
}
