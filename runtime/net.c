/* SPDX-License-Identifier: Apache-2.0 */
/* net.c: sockets, and names of hosts. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/call.h"
#include "runtime/fd.h"
#include "runtime/io.h"
#include "runtime/sys_amd64.h"

#define FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static enum fd_kind kind_of(int domain, int type, int protocol)
{
	bool inet = domain == AF_INET || domain == AF_INET6;
	bool tcp = (type & ~FLAGS) == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP);

	return inet && tcp ? FD_TCP : FD_SOCKET;
}

co_fd co_socket(int domain, int type, int protocol)
{
	if (!tls_guard())
		return -EPERM;
	return io_take(sys_3(SYS_socket, domain, type | FLAGS, protocol),
		       kind_of(domain, type, protocol));
}

/* A connection that is not there at once: when the socket is writable it is, or has failed. */
int co_connect_until(co_fd fd, const struct sockaddr *to, unsigned size, int64_t deadline_ns)
{
	int error = 0;
	socklen_t len = sizeof(error);
	struct fd *f;
	uint32_t seen;
	long rc;

	if (!tls_guard())
		return -EPERM;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	/* The end that epoll saw of a socket without a connection is none of the one to come. */
	__atomic_store_n(&f->tells, false, __ATOMIC_RELAXED);
	seen = fd_events(f, FD_WRITE);
	rc = sys_3(SYS_connect, fd_number(fd), (long)to, (long)size);
	/* A Unix socket whose listener's queue is full says EAGAIN, and nothing will tell when not.
	 */
	if (rc == -EINPROGRESS || rc == -EINTR) {
		rc = fd_wait(f, FD_WRITE, seen, deadline_ns);
		if (!rc)
			rc = co_wait_fd_until(fd, CO_WRITABLE, deadline_ns);
		if (!rc)
			rc = sys_6(SYS_getsockopt, fd_number(fd), SOL_SOCKET, SO_ERROR,
				   (long)&error, (long)&len, 0);
		if (!rc)
			rc = -error;
	}
	fd_put(f, fd);
	return (int)rc;
}

int co_connect(co_fd fd, const struct sockaddr *to, unsigned size)
{
	return co_connect_until(fd, to, size, CO_FOREVER);
}

co_fd co_listen(const struct sockaddr *at, unsigned size, int backlog)
{
	int one = 1;
	co_fd fd;
	long rc;

	if (!at || size < sizeof(at->sa_family))
		return -EINVAL;
	fd = co_socket(at->sa_family, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	rc = sys_6(SYS_setsockopt, fd_number(fd), SOL_SOCKET, SO_REUSEADDR, (long)&one, sizeof(one),
		   0);
	if (!rc || at->sa_family == AF_UNIX)
		rc = sys_3(SYS_bind, fd_number(fd), (long)at, (long)size);
	if (!rc)
		rc = sys_3(SYS_listen, fd_number(fd), backlog, 0);
	if (!rc)
		return fd;
	fd_close(fd);
	return rc;
}

co_fd co_accept_until(co_fd fd, struct sockaddr *from, unsigned *size, int64_t deadline_ns)
{
	struct io_call c = { SYS_accept4, { 0, (long)from, (long)size, FLAGS }, 0 };
	enum fd_kind kind;
	long rc;

	if (!tls_guard())
		return -EPERM;
	kind = io_kind(fd);

	/* Connections that were given up before they were accepted. */
	do
		rc = io_call(fd, FD_READ, &c, deadline_ns);
	while (rc == -ECONNABORTED);
	return io_take(rc, kind);
}

co_fd co_accept(co_fd fd, struct sockaddr *from, unsigned *size)
{
	return co_accept_until(fd, from, size, CO_FOREVER);
}

ssize_t co_recvfrom_until(co_fd fd, void *buf, size_t n, int flags, struct sockaddr *from,
			  unsigned *size, int64_t deadline_ns)
{
	struct io_call c = { SYS_recvfrom,
			     { 0, (long)buf, (long)n, flags, (long)from, (long)size },
			     0 };

	return io_call(fd, FD_READ, &c, deadline_ns);
}

ssize_t co_recvfrom(co_fd fd, void *buf, size_t n, int flags, struct sockaddr *from, unsigned *size)
{
	return co_recvfrom_until(fd, buf, n, flags, from, size, CO_FOREVER);
}

ssize_t co_sendto_until(co_fd fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
			unsigned size, int64_t deadline_ns)
{
	struct io_call c = { SYS_sendto,
			     { 0, (long)buf, (long)n, flags | MSG_NOSIGNAL, (long)to, (long)size },
			     0 };

	return io_call(fd, FD_WRITE, &c, deadline_ns);
}

ssize_t co_sendto(co_fd fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
		  unsigned size)
{
	return co_sendto_until(fd, buf, n, flags, to, size, CO_FOREVER);
}

int co_shutdown(co_fd fd, int how)
{
	struct fd *f = fd_get(fd);
	long rc;

	if (!f)
		return -EBADF;
	/* Who waits for what will not come any more is told by epoll. */
	rc = sys_3(SYS_shutdown, fd_number(fd), how, 0);
	fd_put(f, fd);
	return (int)rc;
}

/* --- names ---------------------------------------------------------------------------------- */

struct lookup {
	const char *host, *service;
	const struct addrinfo *hints;
	struct addrinfo *found;
	int rc;
};

static void look_up(void *arg)
{
	struct lookup *l = arg;
	int before = errno;

	switch (getaddrinfo(l->host, l->service, l->hints, &l->found)) {
	case 0:
		l->rc = 0;
		break;
	case EAI_AGAIN:
		l->rc = -EAGAIN;
		break;
	case EAI_MEMORY:
		l->rc = -ENOMEM;
		break;
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
#endif
	case EAI_SERVICE:
		l->rc = -ENOENT;
		break;
	case EAI_SYSTEM:
		l->rc = -errno;
		break;
	case EAI_FAIL:
		l->rc = -EIO;
		break;
	default:
		l->rc = -EINVAL;
	}
	errno = before;
}

/* One that may be given up, with copies of all that it needs. */
struct lookup_call {
	struct call call;
	struct lookup l;
	struct addrinfo hints;
	char names[];
};

static void lookup_make(void *arg)
{
	look_up(&((struct lookup_call *)arg)->l);
}

static void lookup_drop(void *arg)
{
	struct lookup_call *l = arg;

	if (l->l.found)
		freeaddrinfo(l->l.found);
	free(l);
}

static void copy_hints(struct addrinfo *ret, const struct addrinfo *hints)
{
	*ret = (struct addrinfo){ .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };
	if (!hints)
		return;
	ret->ai_flags = hints->ai_flags;
	ret->ai_family = hints->ai_family;
	ret->ai_socktype = hints->ai_socktype;
	ret->ai_protocol = hints->ai_protocol;
}

static struct lookup_call *lookup_new(const struct lookup *l)
{
	size_t host = l->host ? strlen(l->host) + 1 : 0;
	size_t service = l->service ? strlen(l->service) + 1 : 0;
	struct lookup_call *c = call_new(sizeof(*c) + host + service);

	if (!c)
		return NULL;
	c->call.make = lookup_make;
	c->call.drop = lookup_drop;
	c->l = (struct lookup){ NULL, NULL, &c->hints, NULL, 0 };
	if (host)
		c->l.host = memcpy(c->names, l->host, host);
	if (service)
		c->l.service = memcpy(c->names + host, l->service, service);
	copy_hints(&c->hints, l->hints);
	return c;
}

/* Numbers need not be waited for. */
static void try_numbers(struct lookup_call *c)
{
	int flags = c->hints.ai_flags;

	c->hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	co_syscall(look_up, &c->l);
	c->hints.ai_flags = flags;
}

static int lookup_until(struct lookup *l, int64_t deadline)
{
	struct lookup_call *c = lookup_new(l);
	int rc = 0;

	if (!c)
		return -ENOMEM;
	try_numbers(c);
	if (c->l.rc == -ENOENT)
		rc = call_until(&c->call, deadline);
	if (rc)
		return rc;
	l->found = c->l.found;
	l->rc = c->l.rc;
	c->l.found = NULL; /* taken */
	call_drop(&c->call);
	return 0;
}

int co_getaddrinfo_until(const char *host, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret, int64_t deadline_ns)
{
	struct lookup l = { host, service, hints, NULL, 0 };
	int rc;

	if (!ret)
		return -EINVAL;
	if (!tls_guard())
		return -EPERM;
	rc = call_may_end(deadline_ns) ? lookup_until(&l, deadline_ns) : co_syscall(look_up, &l);
	if (rc || l.rc)
		return rc ? rc : l.rc;
	*ret = l.found;
	return 0;
}

int co_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		   struct addrinfo **ret)
{
	return co_getaddrinfo_until(host, service, hints, ret, CO_FOREVER);
}

/* Each address in turn.  Out of one function, whose addrinfo would take much of G's stack. */
static co_fd first_of(const struct addrinfo *a, bool to_listen, int64_t deadline)
{
	co_fd fd = -ENOENT;
	int rc;

	for (; a; a = a->ai_next) {
		if (to_listen) {
			fd = co_listen(a->ai_addr, a->ai_addrlen, SOMAXCONN);
			if (fd >= 0)
				break;
			continue;
		}
		fd = co_socket(a->ai_family, SOCK_STREAM, 0);
		if (fd < 0)
			continue;
		rc = co_connect_until(fd, a->ai_addr, a->ai_addrlen, deadline);
		if (!rc)
			break;
		fd_close(fd);
		fd = rc;
	}
	return fd;
}

static co_fd by_name(const char *host, const char *service, int flags, int64_t deadline)
{
	struct addrinfo hints = { .ai_flags = flags, .ai_socktype = SOCK_STREAM }, *found;
	int rc = co_getaddrinfo_until(host, service, &hints, &found, deadline);
	co_fd fd;

	if (rc)
		return rc;
	fd = first_of(found, flags & AI_PASSIVE, deadline);
	freeaddrinfo(found);
	return fd;
}

co_fd co_tcp_listen_until(const char *host, const char *service, int64_t deadline_ns)
{
	return by_name(host, service, AI_PASSIVE, deadline_ns);
}

co_fd co_tcp_listen(const char *host, const char *service)
{
	return co_tcp_listen_until(host, service, CO_FOREVER);
}

co_fd co_tcp_connect_until(const char *host, const char *service, int64_t deadline_ns)
{
	return by_name(host, service, 0, deadline_ns);
}

co_fd co_tcp_connect(const char *host, const char *service)
{
	return co_tcp_connect_until(host, service, CO_FOREVER);
}
