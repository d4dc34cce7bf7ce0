/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, sockets of each kind, files; closing, reuse, deadlines, cancellation; what goes wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000ll

static struct co_wg wg;
static co_fd pipe_ends[2], left, right, listener;
static long results[16];
static char *big;
#define BIG 1000000

/* --- pipes ---------------------------------------------------------------------------------- */

static void reads_pipe(void *arg)
{
	char buf[16] = "";

	(void)arg;
	CHECK_EQUAL(co_read(pipe_ends[0], buf, sizeof(buf)), 5);
	CHECK(!strcmp(buf, "hello"));
	co_wg_done(&wg);
}

static void writes_big(void *arg)
{
	(void)arg;
	results[0] = co_write(pipe_ends[1], big, BIG);
	CHECK_EQUAL(co_close(pipe_ends[1]), 0);
	co_wg_done(&wg);
}

static void test_pipe(void)
{
	char *buf = malloc(4096);
	long n, total = 0, sum = 0, want = 0, i;

	CHECK_EQUAL(co_pipe(pipe_ends), 0);
	CHECK(pipe_ends[0] > INT32_MAX && pipe_ends[0] != pipe_ends[1]);
	co_wg_add(&wg, 1);
	co_go(reads_pipe, NULL);
	co_yield();
	CHECK_EQUAL(co_write(pipe_ends[1], "hello", 5), 5);
	CHECK_EQUAL(co_wg_wait(&wg), 0);

	/* More than fits, so that both sides wait. */
	for (i = 0; i < BIG; i++)
		want += (unsigned char)(big[i] = (char)(i * 7));
	co_wg_add(&wg, 1);
	co_go(writes_big, NULL);
	while ((n = co_read(pipe_ends[0], buf, 4096)) > 0)
		for (total += n, i = 0; i < n; i++)
			sum += (unsigned char)buf[i];
	CHECK_EQUAL(n, 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(results[0], BIG);
	CHECK_EQUAL(total, BIG);
	CHECK_EQUAL(sum, want);
	CHECK_EQUAL(co_close(pipe_ends[0]), 0);

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQUAL(co_pipe(pipe_ends), 0);
	CHECK_EQUAL(co_close(pipe_ends[0]), 0);
	CHECK_EQUAL(co_write(pipe_ends[1], "x", 1), -EPIPE);
	CHECK_EQUAL(co_close(pipe_ends[1]), 0);
	signal(SIGPIPE, SIG_DFL);
	free(buf);
}

/* --- what becomes of those that wait -------------------------------------------------------- */

static void reads_one(void *arg)
{
	char ch;

	results[(intptr_t)arg] = co_read(pipe_ends[0], &ch, 1);
	co_wg_done(&wg);
}

static void test_close(void)
{
	struct co_cancel *token;
	co_fd old, now[2];
	intptr_t i;
	char ch;

	CHECK_EQUAL(co_pipe(pipe_ends), 0);
	co_wg_add(&wg, 3);
	for (i = 0; i < 3; i++)
		co_go(reads_one, (void *)i);
	co_yield();
	old = pipe_ends[0];
	CHECK_EQUAL(co_close(old), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQUAL(results[i], -EBADF);
	CHECK_EQUAL(co_close(old), -EBADF);
	CHECK_EQUAL(co_read(old, &ch, 1), -EBADF);
	CHECK_EQUAL(co_fd_number(old), -EBADF);
	/* The same descriptor, not the same co_fd. */
	CHECK_EQUAL(co_pipe(now), 0);
	CHECK_EQUAL(co_fd_number(now[0]), (int)(uint32_t)old);
	CHECK(now[0] != old);
	CHECK_EQUAL(co_read_until(old, &ch, 1, 0), -EBADF);
	CHECK_EQUAL(co_read_until(now[0], &ch, 1, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_read_until(now[0], &ch, 1, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_wait_fd_until(now[0], CO_READABLE, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_wait_fd(now[1], CO_WRITABLE), 0);
	CHECK_EQUAL(co_wait_fd(now[1], 3), -EINVAL);

	pipe_ends[0] = now[0];
	CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &token), 0);
	co_cancel_set(token);
	co_wg_add(&wg, 1);
	co_go(reads_one, (void *)3);
	co_cancel_set(NULL);
	co_yield();
	CHECK_EQUAL(co_cancel(token), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(results[3], -ECANCELED);
	co_cancel_free(token);

	CHECK_EQUAL(co_fd_release(now[0]), (int)(uint32_t)old);
	CHECK_EQUAL(co_fd_release(now[0]), -EBADF);
	CHECK_EQUAL(read((int)(uint32_t)old, &ch, 1), -1);
	CHECK_EQUAL(errno, EAGAIN);
	CHECK((now[0] = co_fd_take((int)(uint32_t)old)) > 0);
	CHECK_EQUAL(co_fd_take((int)(uint32_t)old), -EBUSY);
	co_close(now[0]);
	co_close(now[1]);
	co_close(pipe_ends[1]);
	CHECK_EQUAL(co_fd_take(99999), -EBADF);
	CHECK_EQUAL(co_close(-1), -EBADF);
	CHECK_EQUAL(co_close(7), -EBADF);
	CHECK_EQUAL(co_close(INT64_MAX), -EBADF);
	CHECK_EQUAL(co_write(-EMFILE, &ch, 1), -EBADF);
}

/* --- sockets -------------------------------------------------------------------------------- */

static void echoes(void *arg)
{
	co_fd fd = (co_fd)(intptr_t)arg;
	char buf[256];
	ssize_t n;

	while ((n = co_read(fd, buf, sizeof(buf))) > 0)
		CHECK_EQUAL(co_write(fd, buf, (size_t)n), n);
	CHECK_EQUAL(co_close(fd), 0);
	co_wg_done(&wg);
}

static void serves(void *arg)
{
	co_fd fd;

	(void)arg;
	while ((fd = co_accept(listener, NULL, NULL)) >= 0) {
		co_wg_add(&wg, 1);
		co_go(echoes, (void *)(intptr_t)fd);
	}
	CHECK_EQUAL(fd, -EBADF);
	co_wg_done(&wg);
}

static void talk(co_fd fd)
{
	char buf[16] = "";

	CHECK_EQUAL(co_read_until(fd, buf, sizeof(buf), 0), -ETIMEDOUT);
	CHECK_EQUAL(co_write(fd, "ping", 4), 4);
	CHECK_EQUAL(co_read(fd, buf, sizeof(buf)), 4);
	CHECK(!strcmp(buf, "ping"));
	CHECK_EQUAL(co_shutdown(fd, SHUT_WR), 0);
	CHECK_EQUAL(co_read(fd, buf, sizeof(buf)), 0);
	CHECK_EQUAL(co_write(fd, "x", 1), -EPIPE);
	CHECK_EQUAL(co_close(fd), 0);
}

static int port_of(co_fd fd)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	CHECK_EQUAL(getsockname(co_fd_number(fd), (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin_port);
}

static void test_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	char service[16];
	co_fd fd;
	int port;

	listener = co_tcp_listen("127.0.0.1", "0");
	CHECK(listener > 0);
	port = port_of(listener);
	co_wg_add(&wg, 1);
	co_go(serves, NULL);
	snprintf(service, sizeof(service), "%d", port);
	fd = co_tcp_connect("127.0.0.1", service);
	CHECK(fd > 0);
	talk(fd);
	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = co_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQUAL(co_connect(fd, (struct sockaddr *)&at, size), 0);
	talk(fd);
	CHECK_EQUAL(co_listen((struct sockaddr *)&at, size, 5), -EADDRINUSE);
	CHECK_EQUAL(co_close(listener), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(co_tcp_connect("127.0.0.1", service), -ECONNREFUSED);
	CHECK_EQUAL(co_accept(listener, NULL, NULL), -EBADF);
	CHECK_EQUAL(co_socket(AF_INET, 999, 0), -EINVAL);
	CHECK_EQUAL(co_listen(NULL, 0, 1), -EINVAL);
	CHECK_EQUAL(co_tcp_connect("256.256.256.256.invalid.", "1"), -ENOENT);
}

static void test_udp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET }, from;
	socklen_t size = sizeof(at);
	char buf[16] = "";

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	left = co_socket(AF_INET, SOCK_DGRAM, 0);
	right = co_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(left > 0 && right > 0);
	CHECK_EQUAL(bind(co_fd_number(left), (struct sockaddr *)&at, size), 0);
	at.sin_port = htons((uint16_t)port_of(left));
	CHECK_EQUAL(co_recvfrom_until(left, buf, sizeof(buf), 0, NULL, NULL, co_now() + MS),
		    -ETIMEDOUT);
	CHECK_EQUAL(co_sendto(right, "datagram", 8, 0, (struct sockaddr *)&at, size), 8);
	CHECK_EQUAL(co_recvfrom(left, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size), 8);
	CHECK(!strcmp(buf, "datagram"));
	CHECK_EQUAL(ntohs(from.sin_port), port_of(right));
	co_close(left);
	co_close(right);
}

static void test_unix(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	co_fd fd;

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/corun-io-%d", (int)getpid());
	listener = co_listen((struct sockaddr *)&at, sizeof(at), 10);
	CHECK(listener > 0);
	co_wg_add(&wg, 1);
	co_go(serves, NULL);
	fd = co_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQUAL(co_connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	talk(fd);
	CHECK_EQUAL(co_close(listener), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	unlink(at.sun_path);
}

/* --- files ---------------------------------------------------------------------------------- */

static void test_files(void)
{
	char name[64], buf[16] = "";
	co_fd fd;

	snprintf(name, sizeof(name), "/tmp/corun-io-%d", (int)getpid());
	CHECK_EQUAL(co_open(name, O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(co_open(NULL, O_RDONLY, 0), -EINVAL);
	fd = co_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd > 0);
	CHECK_EQUAL(co_write(fd, "contents", 8), 8);
	CHECK_EQUAL(co_pread(fd, buf, sizeof(buf), 3), 5);
	CHECK(!strcmp(buf, "tents"));
	CHECK_EQUAL(co_pwrite(fd, "C", 1, 0), 1);
	CHECK_EQUAL(co_pread(fd, buf, 4, 0), 4);
	CHECK(!strcmp(buf, "Conts"));
	CHECK_EQUAL(co_pread(fd, buf, 4, -1), -EINVAL);
	CHECK_EQUAL(co_read(fd, buf, 4), 0);
	CHECK_EQUAL(co_read(fd, buf, (size_t)-1), -EINVAL);
	CHECK_EQUAL(co_close(fd), 0);
	CHECK_EQUAL(unlink(name), 0);
	fd = co_open("/dev/null", O_RDWR, 0);
	CHECK(fd > 0);
	CHECK_EQUAL(co_write(fd, "x", 1), 1);
	CHECK_EQUAL(co_read(fd, buf, 1), 0);
	CHECK_EQUAL(co_close(fd), 0);
}

static void test_no_descriptors(void)
{
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	CHECK_EQUAL(co_pipe(pipe_ends), -EMFILE);
	CHECK_EQUAL(co_socket(AF_INET, SOCK_STREAM, 0), -EMFILE);
	CHECK_EQUAL(co_open("/dev/null", O_RDONLY, 0), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	errno = 0;
	CHECK_EQUAL(co_open("/no/such/file", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(errno, 0);
}

static void first(void *arg)
{
	(void)arg;
	big = malloc(BIG);
	test_pipe();
	test_close();
	test_tcp();
	test_udp();
	test_unix();
	test_files();
	test_no_descriptors();
	free(big);
	/* These are still open when co_run ends. */
	CHECK_EQUAL(co_pipe(pipe_ends), 0);
	results[0] = pipe_ends[0];
	co_go(reads_one, (void *)1);
	co_yield();
}

static void second(void *arg)
{
	(void)arg;
	CHECK_EQUAL(co_read(results[0], NULL, 0), -EBADF);
	CHECK_EQUAL(co_pipe(pipe_ends), 0);
	CHECK_EQUAL((uint32_t)pipe_ends[0], (uint32_t)results[0]);
	CHECK_EQUAL(co_read(results[0], NULL, 0), -EBADF);
}

int main(void)
{
	char ch;

	CHECK_EQUAL(co_read(1, &ch, 1), -EPERM);
	CHECK_EQUAL(co_close(1), -EPERM);
	CHECK_EQUAL(co_fd_take(0), -EPERM);
	CHECK_EQUAL(co_socket(AF_INET, SOCK_STREAM, 0), -EPERM);
	CHECK_EQUAL(co_pipe(pipe_ends), -EPERM);
	CHECK_EQUAL(co_open("/", O_RDONLY, 0), -EPERM);
	check_run(first);
	check_run(second);
	return check_result();
}
