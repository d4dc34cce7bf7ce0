/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.c: reading and writing.
 *
 * What epoll can wait for is tried first, and waited for only if the kernel says EAGAIN: most calls
 * need one system call.  Files never say that, they block; see file.c.
 *
 * The functions here, in file.c and in net.c check their stack, as a program's do.  No system call
 * is made through the C library: that would set errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/call.h"
#include "runtime/fd.h"
#include "runtime/io.h"
#include "runtime/sys_amd64.h"

long io_make(const struct io_call *c)
{
	long rc;

	do
		rc = sys_6(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4],
			   c->arg[5]);
	while (rc == -EINTR);
	return rc;
}

static void call_blocking(void *arg)
{
	struct io_call *c = arg;

	c->rc = io_make(c);
}

long io_blocking(struct io_call *c)
{
	int rc = co_syscall(call_blocking, c);

	return rc ? rc : c->rc;
}

/* The calls of sockets are shorter ways in the kernel, and raise no SIGPIPE. */
static void as_socket(struct io_call *c)
{
	if (c->number == SYS_read) {
		c->number = SYS_recvfrom;
	} else if (c->number == SYS_write) {
		c->number = SYS_sendto;
		c->arg[3] = MSG_NOSIGNAL;
	}
}

/* Makes a call that says EAGAIN until it need not wait. */
static long until_ready(struct fd *f, enum fd_side side, const struct io_call *c, int64_t deadline)
{
	bool drains = f->kind == FD_TCP && c->number == SYS_recvfrom && !c->arg[3], waits;
	uint32_t seen;
	long rc, waited;

	for (;;) {
		seen = fd_events(f, side);
		waits = drains && fd_is_empty(f, seen);
		rc = waits ? -EAGAIN : io_make(c);
		if (rc != -EAGAIN)
			break;
		waited = fd_wait(f, side, seen, deadline);
		if (!waited)
			continue;
		/* What need not wait is done nevertheless. */
		if (!waits || waited == -EBADF || (rc = io_make(c)) == -EAGAIN)
			return waited;
		break;
	}
	if (drains && rc > 0 && rc < c->arg[2])
		fd_emptied(f, seen);
	return rc;
}

/* What such a descriptor cannot do it says at once. */
static long blocking(struct fd *f, co_fd h, struct io_call *c, int64_t deadline)
{
	switch (c->number) {
	case SYS_read:
	case SYS_write:
	case SYS_pread64:
	case SYS_pwrite64:
		if (call_may_end(deadline))
			return io_file(f, h, c, deadline);
	}
	return io_blocking(c);
}

long io_call(co_fd h, enum fd_side side, struct io_call *c, int64_t deadline)
{
	struct fd *f;
	long rc;

	if (!tls_guard())
		return -EPERM;
	f = fd_get(h);
	if (!f)
		return -EBADF;
	c->arg[0] = fd_number(h);
	if (fd_is_socket(f))
		as_socket(c);
	rc = f->kind == FD_BLOCKING ? blocking(f, h, c, deadline)
				    : until_ready(f, side, c, deadline);
	fd_put(f, h);
	return rc;
}

ssize_t co_read_until(co_fd fd, void *buf, size_t n, int64_t deadline_ns)
{
	struct io_call c = { SYS_read, { 0, (long)buf, (long)n }, 0 };

	if (n > PTRDIFF_MAX)
		return -EINVAL;
	return io_call(fd, FD_READ, &c, deadline_ns);
}

ssize_t co_read(co_fd fd, void *buf, size_t n)
{
	return co_read_until(fd, buf, n, CO_FOREVER);
}

static ssize_t write_some(co_fd fd, const void *buf, size_t n, int64_t deadline)
{
	struct io_call c = { SYS_write, { 0, (long)buf, (long)n }, 0 };

	return io_call(fd, FD_WRITE, &c, deadline);
}

ssize_t co_write_until(co_fd fd, const void *buf, size_t n, int64_t deadline_ns)
{
	size_t done = 0;
	ssize_t rc;

	if (n > PTRDIFF_MAX)
		return -EINVAL;
	do {
		rc = write_some(fd, (const char *)buf + done, n - done, deadline_ns);
		if (rc < 0)
			return done ? (ssize_t)done : rc;
		done += (size_t)rc;
	} while (done < n && rc);
	return (ssize_t)done;
}

ssize_t co_write(co_fd fd, const void *buf, size_t n)
{
	return co_write_until(fd, buf, n, CO_FOREVER);
}

static ssize_t at_offset(long number, co_fd fd, const void *buf, size_t n, int64_t offset,
			 int64_t deadline)
{
	struct io_call c = { number, { 0, (long)buf, (long)n, offset }, 0 };

	if (n > PTRDIFF_MAX || offset < 0)
		return -EINVAL;
	return io_call(fd, FD_READ, &c, deadline);
}

ssize_t co_pread_until(co_fd fd, void *buf, size_t n, int64_t offset, int64_t deadline_ns)
{
	return at_offset(SYS_pread64, fd, buf, n, offset, deadline_ns);
}

ssize_t co_pread(co_fd fd, void *buf, size_t n, int64_t offset)
{
	return co_pread_until(fd, buf, n, offset, CO_FOREVER);
}

ssize_t co_pwrite_until(co_fd fd, const void *buf, size_t n, int64_t offset, int64_t deadline_ns)
{
	return at_offset(SYS_pwrite64, fd, buf, n, offset, deadline_ns);
}

ssize_t co_pwrite(co_fd fd, const void *buf, size_t n, int64_t offset)
{
	return co_pwrite_until(fd, buf, n, offset, CO_FOREVER);
}

int co_wait_fd_until(co_fd fd, unsigned want, int64_t deadline_ns)
{
	enum fd_side side = want == CO_WRITABLE ? FD_WRITE : FD_READ;
	struct pollfd p = { fd_number(fd), side == FD_WRITE ? POLLOUT : POLLIN | POLLRDHUP, 0 };
	struct fd *f;
	uint32_t seen;
	long rc;

	if (want != CO_READABLE && want != CO_WRITABLE)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	do {
		seen = fd_events(f, side);
		rc = sys_3(SYS_poll, (long)&p, 1, 0);
		if (rc > 0) {
			rc = 0;
			break;
		}
		if (!rc)
			rc = f->kind == FD_BLOCKING ? -EPERM : fd_wait(f, side, seen, deadline_ns);
	} while (!rc || rc == -EINTR);
	fd_put(f, fd);
	return (int)rc;
}

int co_wait_fd(co_fd fd, unsigned want)
{
	return co_wait_fd_until(fd, want, CO_FOREVER);
}

/* --- opening and closing -------------------------------------------------------------------- */

enum fd_kind io_kind(co_fd h)
{
	struct fd *f = fd_get(h);
	enum fd_kind kind = f ? f->kind : FD_SOCKET;

	if (f)
		fd_put(f, h);
	return kind;
}

static enum fd_kind socket_kind(int fd)
{
	int type = 0, protocol = 0;
	socklen_t size = sizeof(int);

	sys_6(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, (long)&type, (long)&size, 0);
	sys_6(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, (long)&protocol, (long)&size, 0);
	return type == SOCK_STREAM && protocol == IPPROTO_TCP ? FD_TCP : FD_SOCKET;
}

co_fd io_take(long fd, enum fd_kind kind)
{
	co_fd h;

	if (fd < 0)
		return fd;
	h = fd_begin((int)fd, kind);
	if (h < 0)
		sys_3(SYS_close, fd, 0, 0);
	return h;
}

co_fd co_fd_take(int fd)
{
	struct stat st;
	long rc, flags;
	co_fd h;

	if (!getg() || getm()->in_signal)
		return -EPERM;
	rc = sys_3(SYS_fstat, fd, (long)&st, 0);
	if (rc < 0)
		return rc;
	flags = sys_3(SYS_fcntl, fd, F_GETFL, 0);
	if (flags < 0)
		return flags;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
		return fd_begin(fd, FD_BLOCKING);
	h = fd_begin(fd, S_ISSOCK(st.st_mode) ? socket_kind(fd) : FD_PIPE);
	if (h == -EPERM)
		return fd_begin(fd, FD_BLOCKING); /* a device that epoll does not know */
	if (h >= 0 && !(flags & O_NONBLOCK))
		sys_3(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
	return h;
}

int co_pipe(co_fd ret[2])
{
	int fd[2];
	long rc;

	if (!ret)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	rc = sys_3(SYS_pipe2, (long)fd, O_CLOEXEC | O_NONBLOCK, 0);
	if (rc < 0)
		return (int)rc;
	ret[0] = io_take(fd[0], FD_PIPE);
	ret[1] = io_take(fd[1], FD_PIPE);
	if (ret[0] >= 0 && ret[1] >= 0)
		return 0;
	rc = ret[0] < 0 ? ret[0] : ret[1];
	if (ret[0] >= 0)
		fd_close(ret[0]);
	if (ret[1] >= 0)
		fd_close(ret[1]);
	return (int)rc;
}

int co_close(co_fd fd)
{
	if (!getg() || getm()->in_signal)
		return -EPERM;
	return fd_close(fd);
}

int co_fd_release(co_fd fd)
{
	return fd_release(fd);
}

int co_fd_number(co_fd fd)
{
	struct fd *f = fd_get(fd);

	if (!f)
		return -EBADF;
	fd_put(f, fd);
	return fd_number(fd);
}
