/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten thousand connections over loopback, all open at the same time.  A process of its own has the
 * clients, so that each needs no more than ten thousand descriptors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CONNECTIONS 10000
#define AT_ONCE	    500 /* that are being made */

static struct sockaddr_in at = { .sin_family = AF_INET };
static struct co_wg clients, servers;
static struct co_sem slots = { AT_ONCE, 0, { NULL, NULL } };
static struct co_chan *all_there;
static co_fd listener;
static long open_now, most, right, served;
static char port[16];

static void serve(void *arg)
{
	co_fd fd = (co_fd)(intptr_t)arg;
	char buf[16];
	ssize_t n;

	while ((n = co_read(fd, buf, sizeof(buf))) > 0)
		co_write(fd, buf, (size_t)n);
	CHECK_EQUAL(n, 0);
	CHECK_EQUAL(co_close(fd), 0);
	co_wg_done(&servers);
}

static void accepts(void *arg)
{
	co_fd fd;

	(void)arg;
	while ((fd = co_accept(listener, NULL, NULL)) >= 0) {
		served++;
		co_wg_add(&servers, 1);
		if (co_go(serve, (void *)(intptr_t)fd))
			abort();
	}
	CHECK_EQUAL(fd, -EBADF);
	co_wg_done(&servers);
}

static int exchange(co_fd fd, uint32_t id)
{
	uint32_t got = 0;

	return co_write(fd, &id, sizeof(id)) == sizeof(id) &&
	       co_read(fd, &got, sizeof(got)) == sizeof(got) && got == id;
}

static void client(void *arg)
{
	uint32_t id = (uint32_t)(intptr_t)arg;
	co_fd fd;
	long now;
	int ok;

	co_sem_wait(&slots);
	fd = co_socket(AF_INET, SOCK_STREAM, 0);
	ok = fd >= 0 && !co_connect(fd, (struct sockaddr *)&at, sizeof(at)) && exchange(fd, id);
	now = __atomic_add_fetch(&open_now, 1, __ATOMIC_RELAXED);
	if (now > most)
		most = now;
	co_sem_post(&slots);
	if (now == CONNECTIONS)
		co_chan_close(all_there);
	co_chan_recv(all_there, NULL);
	if (ok && exchange(fd, ~id))
		__atomic_add_fetch(&right, 1, __ATOMIC_RELAXED);
	co_close(fd);
	co_wg_done(&clients);
}

static void connects(void *arg)
{
	long i;

	(void)arg;
	CHECK_EQUAL(co_chan_make(0, 0, &all_there), 0);
	co_wg_add(&clients, CONNECTIONS);
	for (i = 0; i < CONNECTIONS; i++)
		CHECK_EQUAL(co_go(client, (void *)i), 0);
	CHECK_EQUAL(co_wg_wait(&clients), 0);
	CHECK_EQUAL(most, CONNECTIONS);
	CHECK_EQUAL(right, CONNECTIONS);
	CHECK_EQUAL(co_chan_free(all_there), 0);
}

/* Runs the clients in a process of its own once there is somebody to serve them. */
static void start_clients(void *arg)
{
	pid_t *ret = arg;

	*ret = fork();
	if (*ret)
		return;
	execl("/proc/self/exe", "connections", port, (char *)NULL);
	_exit(127);
}

static void serve_all(void *arg)
{
	unsigned size = sizeof(at);
	pid_t pid = 0;
	int status = -1;

	(void)arg;
	listener = co_listen((struct sockaddr *)&at, sizeof(at), 4096);
	CHECK(listener > 0);
	CHECK_EQUAL(getsockname(co_fd_number(listener), (struct sockaddr *)&at, &size), 0);
	snprintf(port, sizeof(port), "%d", ntohs(at.sin_port));
	co_wg_add(&servers, 1);
	co_go(accepts, NULL);
	co_call(start_clients, &pid);
	while (waitpid(pid, &status, WNOHANG) == 0)
		co_sleep(5000000);
	CHECK_EQUAL(status, 0);
	CHECK_EQUAL(co_close(listener), 0);
	CHECK_EQUAL(co_wg_wait(&servers), 0);
	CHECK_EQUAL(served, CONNECTIONS);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < CONNECTIONS + 100) {
		files.rlim_cur = CONNECTIONS + 100;
		if (files.rlim_cur > files.rlim_max || setrlimit(RLIMIT_NOFILE, &files)) {
			printf("needs %d descriptors, and %ld are the limit\n", CONNECTIONS + 100,
			       (long)files.rlim_max);
			return 77;
		}
	}
	if (argc > 1)
		at.sin_port = htons((uint16_t)atoi(argv[1]));
	check_run(argc > 1 ? connects : serve_all);
	return check_result();
}
