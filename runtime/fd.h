/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd.h: descriptors of files whose calls park coroutines instead of threads.
 *
 * A co_fd is the number of a descriptor and a generation, which says how often the number has been
 * used: one that was closed is never taken for the one that has its number now.
 */
#ifndef ST_RUNTIME_FD_H
#define ST_RUNTIME_FD_H

#include <stdbool.h>

#include "runtime/runtime.h"
#include "runtime/wait.h"

enum fd_kind {
	FD_SOCKET,   /* epoll tells when it is ready; send instead of write */
	FD_TCP,	     /* the same, and a read that gets less than it wants has taken all there is */
	FD_PIPE,     /* epoll tells */
	FD_BLOCKING, /* a file: calls block a thread; see file.c */
};

enum fd_side { FD_READ, FD_WRITE };

/*
 * state: generation << 32 | FD_OPEN | references.  It is open, and then each call that is in
 * progress holds one more reference; who gives the last one back closes the descriptor.  So no call
 * ever gets to a descriptor of the same number that was opened meanwhile.  With FD_KEPT nobody
 * closes it: it is one of the program's, and co_run is over.
 */
#define FD_OPEN (1u << 31)
#define FD_KEPT (1u << 30)
#define FD_REFS (FD_KEPT - 1)

struct fd {
	uint64_t state;	    /* atomic */
	uint32_t events[2]; /* atomic: how often epoll has told of each side */
	struct lock lock;   /* of the queues; see wait.h */
	uint32_t emptied;   /* atomic: how often epoll had told when a read took all there was */
	uint8_t kind;	    /* enum fd_kind */
	bool tells;	    /* atomic: there is an end or an error to read */
	uint32_t calls;	    /* references of calls that may outlive co_run; under the lock */
	struct waitq q[2];
} __attribute__((aligned(64)));

/* Takes a descriptor over, which the table then owns.  -EBUSY: it has it, or a call uses it. */
co_fd fd_begin(int fd, enum fd_kind kind);
/* On G: a reference.  NULL: closed, or none of this run. */
struct fd *fd_get(co_fd h);
void fd_put(struct fd *f, co_fd h);
/*
 * On G, with a reference: one more, for a call that may be given up; it goes on when co_run has
 * ended, and nobody gets the number of the descriptor as long.  fd_call_end is for any thread.
 */
void fd_call_begin(struct fd *f);
void fd_call_end(struct fd *f, co_fd h);
/* On G: nobody gets references any more, and who waits is told -EBADF.  Not yours: -EBADF. */
int fd_close(co_fd h);
/* Gives the descriptor back as it is, if nobody uses it: -EBUSY. */
int fd_release(co_fd h);

/*
 * On G: waits until something happens on one side that is not in seen, which the caller read from
 * events before its last try.  0, -EBADF, and as wait_in.
 */
int fd_wait(struct fd *f, enum fd_side side, uint32_t seen, int64_t deadline);

static inline uint32_t fd_events(const struct fd *f, enum fd_side side)
{
	return __atomic_load_n(&f->events[side], __ATOMIC_ACQUIRE);
}

/* A read found the end of what was there, after seen was read. */
static inline void fd_emptied(struct fd *f, uint32_t seen)
{
	__atomic_store_n(&f->emptied, seen, __ATOMIC_RELAXED);
}

/* Whether there is nothing to read for all that epoll has told. */
static inline bool fd_is_empty(const struct fd *f, uint32_t seen)
{
	return __atomic_load_n(&f->emptied, __ATOMIC_RELAXED) == seen &&
	       !__atomic_load_n(&f->tells, __ATOMIC_RELAXED);
}

static inline bool fd_is_socket(const struct fd *f)
{
	return f->kind <= FD_TCP;
}

static inline int fd_number(co_fd h)
{
	return (int)(uint32_t)h;
}

/* netpoll.c: from now on events of the descriptor come with this number.  -errno. */
int netpoll_add(int fd, uint64_t number);
void netpoll_remove(int fd);
/* What epoll said; the coroutines that may go on are added to the list. */
void fd_event(uint64_t number, uint32_t events, struct gqueue *ret);

/* co_run ends: nobody runs any more.  All that are open are closed, unless a call uses them. */
void fds_end(void);

#endif
