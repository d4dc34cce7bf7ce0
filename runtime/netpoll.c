/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netpoll.c: epoll.
 *
 * Each descriptor is registered once, edge-triggered, for both directions.  Whoever looks for work
 * asks without waiting; one thread that finds none at all sleeps here instead of on its own word,
 * until something happens, a timer is due, or somebody breaks its sleep.
 *
 * That no timer is slept through: who arms one that is the first of its P publishes its time, then
 * reads how long the thread in here sleeps (asleep_until); the thread says how long, then looks at
 * all published times again.  Of the two one sees the other.
 */
#include "runtime/netpoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "runtime/fd.h"
#include "runtime/sched.h"
#include "runtime/sys_amd64.h"

#define EVENTS 128 /* taken at once */
#define BREAK  0   /* the number of the eventfd; no co_fd has it */

static struct lock begin_lock;
static int epoll = -1; /* atomic */
static int event = -1;
static int64_t asleep_until;			   /* atomic; 0: nobody sleeps */
static uint32_t broken;				   /* atomic: the eventfd is set */
static int32_t waits __attribute__((aligned(64))); /* atomic */

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* With begin_lock held. */
static int begin(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = BREAK };
	long ep, wake, rc;

	/* The eventfd stays ready until the one who sleeps has read it. */
	ep = sys_3(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0);
	if (ep < 0)
		return (int)ep;
	wake = sys_3(SYS_eventfd2, 0, 02000000 | 04000, 0); /* EFD_CLOEXEC | EFD_NONBLOCK */
	rc = wake;
	if (wake >= 0)
		rc = sys_4(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, wake, (long)&ev);
	if (rc < 0) {
		if (wake >= 0)
			sys_3(SYS_close, wake, 0, 0);
		sys_3(SYS_close, ep, 0, 0);
		return (int)rc;
	}
	event = (int)wake;
	__atomic_store_n(&epoll, (int)ep, __ATOMIC_RELEASE);
	return 0;
}

static int netpoll_begin(void)
{
	int rc = 0;

	if (__atomic_load_n(&epoll, __ATOMIC_ACQUIRE) >= 0)
		return 0;
	lock(&begin_lock);
	if (epoll < 0)
		rc = begin();
	unlock(&begin_lock);
	return rc;
}

int netpoll_add(int fd, uint64_t number)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
		.data.u64 = number,
	};
	int rc = netpoll_begin();

	if (rc)
		return rc;
	return (int)sys_4(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, (long)&ev);
}

void netpoll_remove(int fd)
{
	sys_4(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, 0);
}

static void earlier(struct p *p, void *arg)
{
	int64_t *until = arg;

	if (timers_next(&p->timers) < *until)
		*until = timers_next(&p->timers);
}

static long wait_events(struct epoll_event *ev, int64_t until)
{
	struct timespec t = { 0, 0 };
	int64_t ns;
	long n;

	if (until != INT64_MAX && until) {
		ns = until - clock_now();
		if (ns > 0)
			t = (struct timespec){ ns / 1000000000, ns % 1000000000 };
	}
	n = sys_6(SYS_epoll_pwait2, epoll, (long)ev, EVENTS, until == INT64_MAX ? 0 : (long)&t, 0,
		  0);
	if (n != -ENOSYS)
		return n;
	/* Before Linux 5.11: in milliseconds, rounded up. */
	ns = until == INT64_MAX ? -1 : t.tv_sec * 1000 + (t.tv_nsec + 999999) / 1000000;
	return sys_6(SYS_epoll_pwait, epoll, (long)ev, EVENTS, ns > INT32_MAX ? INT32_MAX : ns, 0,
		     0);
}

void netpoll(int64_t until, struct gqueue *ret)
{
	struct epoll_event ev[EVENTS];
	uint64_t count;
	long n, i;

	if (__atomic_load_n(&epoll, __ATOMIC_ACQUIRE) < 0 && (!until || netpoll_begin()))
		return;
	if (until) {
		__atomic_store_n(&asleep_until, until, __ATOMIC_SEQ_CST);
		for_each_p(earlier, &until);
	}
	n = wait_events(ev, until);
	if (until)
		__atomic_store_n(&asleep_until, 0, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		if (ev[i].data.u64 != BREAK) {
			fd_event(ev[i].data.u64, ev[i].events, ret);
		} else if (until) {
			sys_3(SYS_read, event, (long)&count, sizeof(count));
			/* A fence: who is not told of afterwards is seen by us. */
			__atomic_exchange_n(&broken, 0, __ATOMIC_SEQ_CST);
		}
	}
}

void netpoll_break(void)
{
	uint64_t one = 1;

	if (__atomic_load_n(&epoll, __ATOMIC_ACQUIRE) < 0 ||
	    __atomic_exchange_n(&broken, 1, __ATOMIC_ACQ_REL))
		return;
	sys_3(SYS_write, event, (long)&one, sizeof(one));
}

void netpoll_until(int64_t when)
{
	int64_t until = __atomic_load_n(&asleep_until, __ATOMIC_SEQ_CST);

	if (unlikely(until > when))
		netpoll_break();
}

void netpoll_waits(int n)
{
	__atomic_fetch_add(&waits, n, __ATOMIC_SEQ_CST);
}

bool netpoll_awaited(void)
{
	return __atomic_load_n(&waits, __ATOMIC_RELAXED) != 0;
}

void netpoll_end(void)
{
	fds_end();
	if (epoll >= 0) {
		sys_3(SYS_close, epoll, 0, 0);
		sys_3(SYS_close, event, 0, 0);
	}
	epoll = event = -1;
	broken = 0;
	waits = 0;
	asleep_until = 0;
}
