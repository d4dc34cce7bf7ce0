/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c: calls of files, which block.
 *
 * Without a deadline and a token they leave the P to others, as in co_syscall.  With one, they are
 * made on a thread of their own and may be given up (call.c): what is read goes to memory of the
 * call first, what is written and the names of files are copied, and the call holds a reference of
 * its own to the descriptor.
 *
 * What need not wait is done nevertheless, and does not take two threads: first the kernel is asked
 * for what it can do at once, from or into the page cache (RWF_NOWAIT).  Where it does less the
 * rest is asked for, as a file is not done with what happens to be in the cache.  Not all file
 * systems know that, and of an open nobody can say before whether it waits: those take the thread.
 *
 * Whoever reads or writes at the place where the file stands may have to wait for others that do,
 * also with RWF_NOWAIT.  So it is tried only if nobody else uses the descriptor, and in a way that
 * holds up no others if somebody comes in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "runtime/call.h"
#include "runtime/fd.h"
#include "runtime/io.h"
#include "runtime/sys_amd64.h"

#define PIECE (1u << 20) /* most that a call has memory for */

struct file_call {
	struct call call;
	struct fd *fd; /* of which it has a reference, or NULL: it opens one */
	co_fd handle;
	struct io_call io;
	char bytes[]; /* the name, or what is written or read */
};

static void file_make(void *arg)
{
	struct file_call *f = arg;

	f->io.rc = io_make(&f->io);
}

static void file_drop(void *arg)
{
	struct file_call *f = arg;

	if (f->fd)
		fd_call_end(f->fd, f->handle);
	else if (f->io.rc >= 0)
		sys_3(SYS_close, f->io.rc, 0, 0);
	free(f);
}

/* The second argument of all of them is the memory. */
static struct file_call *file_call_new(const struct io_call *io, size_t room)
{
	struct file_call *f = call_new(sizeof(*f) + room);

	if (!f)
		return NULL;
	f->call.make = file_make;
	f->call.drop = file_drop;
	f->fd = NULL;
	f->io = *io;
	f->io.arg[1] = (long)f->bytes;
	f->io.rc = -ECANCELED;
	return f;
}

/* --- reading and writing -------------------------------------------------------------------- */

static bool writes(const struct io_call *io)
{
	return io->number == SYS_write || io->number == SYS_pwrite64;
}

static bool has_offset(const struct io_call *io)
{
	return io->number == SYS_pread64 || io->number == SYS_pwrite64;
}

/* Whether the only references are that of the table and our own. */
static bool is_alone(const struct fd *f)
{
	return (__atomic_load_n(&f->state, __ATOMIC_RELAXED) & FD_REFS) == 2;
}

/* -EAGAIN: it would wait, or nobody knows. */
static long try_now(const struct io_call *io)
{
	struct iovec v = { (void *)io->arg[1], (size_t)io->arg[2] };
	struct io_call now = { writes(io) ? SYS_pwritev2 : SYS_preadv2,
			       { io->arg[0], (long)&v, 1, has_offset(io) ? io->arg[3] : -1, 0,
				 RWF_NOWAIT },
			       0 };
	long rc = io_blocking(&now);

	/* The last three: the kernel is old, or a sandbox knows only the usual calls. */
	if (rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENOSYS || rc == -EPERM)
		return -EAGAIN;
	return rc;
}

static long on_thread(struct fd *fd, co_fd h, const struct io_call *io, int64_t deadline)
{
	size_t n = (size_t)io->arg[2] < PIECE ? (size_t)io->arg[2] : PIECE;
	struct file_call *f = file_call_new(io, n);
	long rc;

	if (!f)
		return -ENOMEM;
	f->io.arg[2] = (long)n;
	if (writes(io) && n)
		memcpy(f->bytes, (void *)io->arg[1], n);
	f->fd = fd;
	f->handle = h;
	fd_call_begin(fd);
	rc = call_until(&f->call, deadline);
	if (rc)
		return rc;
	rc = f->io.rc;
	if (!writes(io) && rc > 0)
		memcpy((void *)io->arg[1], f->bytes, (size_t)rc);
	call_drop(&f->call);
	return rc;
}

long io_file(struct fd *fd, co_fd h, struct io_call *io, int64_t deadline)
{
	bool whole;
	long rc, done = 0;

	for (;;) {
		whole = true;
		rc = has_offset(io) || is_alone(fd) ? try_now(io) : -EAGAIN;
		if (rc == -EAGAIN) {
			rc = on_thread(fd, h, io, deadline);
			whole = rc == PIECE;
		}
		if (rc <= 0)
			return done ? done : rc;
		done += rc;
		io->arg[1] += rc;
		io->arg[2] -= rc;
		io->arg[3] += rc;
		if (!io->arg[2] || !whole)
			return done;
	}
}

/* --- opening -------------------------------------------------------------------------------- */

static long open_until(const char *path, int flags, unsigned mode, int64_t deadline)
{
	struct io_call io = { SYS_openat, { AT_FDCWD, (long)path, flags | O_CLOEXEC, mode }, 0 };
	struct file_call *f;
	size_t size;
	long rc;

	if (!call_may_end(deadline))
		return io_blocking(&io);
	size = strlen(path) + 1;
	f = file_call_new(&io, size);
	if (!f)
		return -ENOMEM;
	memcpy(f->bytes, path, size);
	rc = call_until(&f->call, deadline);
	if (rc)
		return rc;
	rc = f->io.rc;
	f->io.rc = -ECANCELED; /* taken */
	call_drop(&f->call);
	return rc;
}

/* What the opened file is decides how it is waited for. */
co_fd co_open_until(const char *path, int flags, unsigned mode, int64_t deadline_ns)
{
	co_fd h;
	long fd;

	if (!path)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	fd = open_until(path, flags, mode, deadline_ns);
	if (fd < 0)
		return fd;
	h = co_fd_take((int)fd);
	if (h < 0)
		sys_3(SYS_close, fd, 0, 0);
	return h;
}

co_fd co_open(const char *path, int flags, unsigned mode)
{
	return co_open_until(path, flags, mode, CO_FOREVER);
}
