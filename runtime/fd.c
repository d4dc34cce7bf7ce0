/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd.c: the table of descriptors.
 *
 * Problem: one coroutine waits in read while another closes the descriptor, and a third opens a
 * file that gets the same number.  Hence the generation, and references as locks of Go's poll.FD
 * have them; see fd.h.
 *
 * Problem: epoll tells of each change once (edge-triggered), so that a descriptor is registered
 * once and a call that need not wait costs no other call.  What epoll tells between a try that
 * failed and the sleep must not be lost, and what it told before the try should not cause another:
 * the sides count what epoll has told.  Who tries reads the count first, and sleeps only if it has
 * not changed, under the lock under which it is changed.
 *
 * A read of a TCP connection that gets less than it wants has taken all there is, as the kernel
 * gives no less.  The next one then knows without asking that it has to wait, if epoll has told
 * nothing since: of what came meanwhile it will tell.  But of an end or an error it tells once,
 * perhaps together with the last bytes; from then on every read asks.  Other sockets may give less:
 * at the border of a message, or where descriptors come with it.
 *
 * Everybody who waits on a side is woken by each event.  One alone would be enough only if it were
 * certain that it takes all there is, which a coroutine that accepts one connection does not.
 *
 * The table consists of blocks that are never freed, so that handles from before can be looked up.
 */
#include "runtime/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/mheap.h"
#include "runtime/netpoll.h"
#include "runtime/proc.h"
#include "runtime/sys_amd64.h"

#define BLOCK_FDS 512
#define BLOCKS	  4096 /* two million descriptors */

static struct fd *blocks[BLOCKS]; /* atomic */
static struct lock blocks_lock;

static struct fd *find(uint64_t number)
{
	uint32_t fd = (uint32_t)number;
	struct fd *block;

	if (fd / BLOCK_FDS >= BLOCKS)
		return NULL;
	block = __atomic_load_n(&blocks[fd / BLOCK_FDS], __ATOMIC_ACQUIRE);
	return block ? &block[fd % BLOCK_FDS] : NULL;
}

static struct fd *find_or_make(int fd)
{
	struct fd *f = find((uint32_t)fd), *block;
	uint32_t at = (uint32_t)fd / BLOCK_FDS;

	if (f || at >= BLOCKS)
		return f;
	lock(&blocks_lock);
	if (!blocks[at]) {
		block = (struct fd *)map_pages(BLOCK_FDS * sizeof(*block), PROT_READ | PROT_WRITE);
		__atomic_store_n(&blocks[at], block, __ATOMIC_RELEASE);
	}
	unlock(&blocks_lock);
	return find((uint32_t)fd);
}

static uint32_t generation(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

co_fd fd_begin(int fd, enum fd_kind kind)
{
	struct fd *f = find_or_make(fd);
	uint64_t was;
	uint32_t next;
	co_fd h;
	int rc;

	if (!f)
		return -ENOMEM;
	was = __atomic_load_n(&f->state, __ATOMIC_ACQUIRE);
	if (was & (FD_OPEN | FD_REFS))
		return -EBUSY;
	next = (generation(was) + 1) & INT32_MAX;
	h = (co_fd)((uint64_t)(next ? next : 1) << 32 | (uint32_t)fd);
	f->kind = (uint8_t)kind;
	/* Not the count, also if an event of the file before, which is on its way, is counted after
	 * this. */
	SET(f->emptied, fd_events(f, FD_READ) - 1);
	SET(f->tells, false);
	/* Events may come as soon as it is registered. */
	__atomic_store_n(&f->state, (uint64_t)h >> 32 << 32 | FD_OPEN | 1, __ATOMIC_RELEASE);
	if (kind == FD_BLOCKING)
		return h;
	rc = netpoll_add(fd, (uint64_t)h);
	if (rc) {
		__atomic_store_n(&f->state, (uint64_t)h >> 32 << 32, __ATOMIC_RELEASE);
		return rc;
	}
	return h;
}

struct fd *fd_get(co_fd h)
{
	struct fd *f = h < 0 ? NULL : find((uint64_t)h);
	uint64_t s;

	if (!f)
		return NULL;
	s = __atomic_load_n(&f->state, __ATOMIC_RELAXED);
	do {
		if (generation(s) != (uint64_t)h >> 32 || !(s & FD_OPEN))
			return NULL;
	} while (!__atomic_compare_exchange_n(&f->state, &s, s + 1, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return f;
}

/* Whoever opens a file of this number next finds the state as it is now. */
static void close_unused(uint64_t state, co_fd h)
{
	if (!(state & (FD_OPEN | FD_REFS | FD_KEPT)))
		sys_3(SYS_close, fd_number(h), 0, 0);
}

void fd_put(struct fd *f, co_fd h)
{
	uint64_t s = __atomic_sub_fetch(&f->state, 1, __ATOMIC_ACQ_REL);

	close_unused(s, h);
}

void fd_call_begin(struct fd *f)
{
	lock(&f->lock);
	f->calls++;
	__atomic_fetch_add(&f->state, 1, __ATOMIC_ACQUIRE);
	unlock(&f->lock);
}

/* fds_end sees both or neither. */
void fd_call_end(struct fd *f, co_fd h)
{
	uint64_t s;

	lock(&f->lock);
	f->calls--;
	s = __atomic_sub_fetch(&f->state, 1, __ATOMIC_ACQ_REL);
	unlock(&f->lock);
	close_unused(s, h);
}

static void wake_side(struct fd *f, enum fd_side side, int result, struct gqueue *ret)
{
	struct sudog *sg;

	while ((sg = waitq_take(&f->q[side])))
		gqueue_push(ret, wait_end(sg, result));
}

int fd_close(co_fd h)
{
	struct fd *f = fd_get(h);
	struct gqueue woken = { 0 };
	struct g *gp;
	uint64_t s;

	if (!f)
		return -EBADF;
	s = __atomic_fetch_and(&f->state, ~(uint64_t)FD_OPEN, __ATOMIC_ACQ_REL);
	if (!(s & FD_OPEN)) {
		fd_put(f, h);
		return -EBADF;
	}
	/* Not by way of close: a copy of the descriptor would keep it registered. */
	if (f->kind != FD_BLOCKING)
		netpoll_remove(fd_number(h));
	lock(&f->lock);
	wake_side(f, FD_READ, -EBADF, &woken);
	wake_side(f, FD_WRITE, -EBADF, &woken);
	unlock(&f->lock);
	while ((gp = gqueue_pop(&woken)))
		goready(gp);
	fd_put(f, h);
	fd_put(f, h);
	return 0;
}

int fd_release(co_fd h)
{
	struct fd *f = h < 0 ? NULL : find((uint64_t)h);
	uint64_t s = f ? __atomic_load_n(&f->state, __ATOMIC_ACQUIRE) : 0;

	if (!(s & FD_OPEN) || generation(s) != (uint64_t)h >> 32)
		return -EBADF;
	s = (uint64_t)h >> 32 << 32 | FD_OPEN | 1;
	if (!__atomic_compare_exchange_n(&f->state, &s, (uint64_t)h >> 32 << 32, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return s & FD_OPEN ? -EBUSY : -EBADF;
	if (f->kind != FD_BLOCKING)
		netpoll_remove(fd_number(h));
	return fd_number(h);
}

int fd_wait(struct fd *f, enum fd_side side, uint32_t seen, int64_t deadline)
{
	int rc;

	lock(&f->lock);
	if (!(__atomic_load_n(&f->state, __ATOMIC_RELAXED) & FD_OPEN)) {
		unlock(&f->lock);
		return -EBADF;
	}
	if (f->events[side] != seen) {
		unlock(&f->lock);
		return 0;
	}
	netpoll_waits(1);
	rc = wait_in(&f->q[side], &f->lock, NULL, WAIT_IO, deadline);
	netpoll_waits(-1);
	return rc;
}

static void side_event(struct fd *f, enum fd_side side, struct gqueue *ret)
{
	__atomic_store_n(&f->events[side], f->events[side] + 1, __ATOMIC_RELEASE);
	wake_side(f, side, 0, ret);
}

void fd_event(uint64_t number, uint32_t events, struct gqueue *ret)
{
	struct fd *f = find(number);
	uint64_t s;

	if (!f)
		return;
	lock(&f->lock);
	s = __atomic_load_n(&f->state, __ATOMIC_RELAXED);
	/* Of one that was closed, and perhaps opened again, meanwhile: the new one has its own. */
	if (generation(s) == number >> 32) {
		if (events & ~(uint32_t)(EPOLLIN | EPOLLOUT))
			__atomic_store_n(&f->tells, true, __ATOMIC_RELAXED);
		if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			side_event(f, FD_READ, ret);
		if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			side_event(f, FD_WRITE, ret);
	}
	unlock(&f->lock);
}

/* What is left of the references are those of calls that were given up and go on. */
static void fd_end(struct fd *f, uint32_t number)
{
	bool kept = number <= STDERR_FILENO, unused;

	lock(&f->lock);
	unused = f->state & (FD_OPEN | FD_REFS) && !f->calls;
	__atomic_store_n(&f->state, f->state >> 32 << 32 | (kept ? FD_KEPT : 0) | f->calls,
			 __ATOMIC_RELEASE);
	f->q[0] = f->q[1] = (struct waitq){ NULL, NULL };
	unlock(&f->lock);
	if (unused && !kept)
		sys_3(SYS_close, (long)number, 0, 0);
}

void fds_end(void)
{
	uint32_t i, k;

	for (i = 0; i < BLOCKS; i++)
		for (k = 0; blocks[i] && k < BLOCK_FDS; k++)
			fd_end(&blocks[i][k], i * BLOCK_FDS + k);
}
