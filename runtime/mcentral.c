/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcentral.c: the pools of free stacks that all Ps share, one with a lock for each order.
 *
 * Ps come here with dozens of stacks at a time, so the lock is taken once for many.  A span with
 * free stacks is on the list of its order; what is free in it stands in a set of bits beside the
 * chunk, so that no cold stack is touched.
 *
 * A span whose stacks are all free stays here, still resident: the next coroutine that grows pays
 * neither a system call nor page faults, where Go pays both each time.  Beyond KEEP bytes of an
 * order spans go back to the page heap, and their memory to the system.  So do those of all orders
 * when there is no room for one: a load of another kind finds what the last one left.
 */
#include "runtime/lock.h"
#include "runtime/mheap.h"
#include "runtime/runtime.h"

#define KEEP (64ull << 20)

static struct mcentral {
	struct lock lock;
	struct span *spans;
	uint64_t free; /* bytes in them */
} __attribute__((aligned(64))) central[PACKED_ORDERS];

static void list(struct mcentral *m, struct span *s)
{
	s->prev = NULL;
	s->next = m->spans;
	if (m->spans)
		m->spans->prev = s;
	m->spans = s;
	s->listed = 1;
}

static void unlist(struct mcentral *m, struct span *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		m->spans = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->listed = 0;
}

static bool is_free(const struct span *s)
{
	return s->free == (1u << s->count) - 1;
}

/* To the page heap, which makes its memory the system's. */
static void release(struct mcentral *m, struct span *s)
{
	unlist(m, s);
	m->free -= s->count * ((uint64_t)STACK_MIN << s->order);
	mheap_give(s);
}

/* Whether there was anything to give back.  Takes one lock at a time. */
static bool release_all(void)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < PACKED_ORDERS; i++) {
		struct span *s, *next;

		lock(&central[i].lock);
		for (s = central[i].spans; s; s = next) {
			next = s->next;
			if (!is_free(s))
				continue;
			release(&central[i], s);
			any = true;
		}
		unlock(&central[i].lock);
	}
	return any;
}

static unsigned take(struct mcentral *m, unsigned order, uint64_t *ret, unsigned n)
{
	uint64_t size = (uint64_t)STACK_MIN << order;
	unsigned got = 0;

	lock(&m->lock);
	while (got < n) {
		struct span *s = m->spans;
		unsigned i;

		if (!s) {
			s = mheap_take(order);
			if (!s)
				break;
			m->free += s->count * size;
			list(m, s);
		}
		while (s->free && got < n) {
			i = 31 - (unsigned)__builtin_clz(s->free);
			s->free &= ~(1u << i);
			ret[got++] = mheap_span_begin(s) + i * size;
		}
		if (!s->free)
			unlist(m, s);
	}
	m->free -= got * size;
	unlock(&m->lock);
	return got;
}

unsigned mcentral_take(unsigned order, uint64_t *ret, unsigned n)
{
	unsigned got = take(&central[order], order, ret, n);

	if (unlikely(!got) && release_all())
		got = take(&central[order], order, ret, n);
	return got;
}

void mcentral_give(unsigned order, const uint64_t *lo, unsigned n)
{
	struct mcentral *m = &central[order];
	uint64_t size = (uint64_t)STACK_MIN << order;
	unsigned i;

	lock(&m->lock);
	for (i = 0; i < n; i++) {
		struct span *s = mheap_span_of(lo[i]);

		s->free |= 1u << ((lo[i] - mheap_span_begin(s)) / size);
		m->free += size;
		if (!s->listed)
			list(m, s);
		if (m->free > KEEP && is_free(s))
			release(m, s);
	}
	unlock(&m->lock);
}

uint64_t mcentral_free(void)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < PACKED_ORDERS; i++) {
		lock(&central[i].lock);
		sum += central[i].free;
		unlock(&central[i].lock);
	}
	return sum;
}

void mcentral_reset(void)
{
	unsigned i;

	for (i = 0; i < PACKED_ORDERS; i++)
		central[i] = (struct mcentral){ 0 };
}
