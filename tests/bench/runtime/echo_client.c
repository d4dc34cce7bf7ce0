/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo-client CONNECTIONS COMMAND...: what an echo server needs of the processor for one request.
 *
 * Starts COMMAND with the number of a free port appended, opens CONNECTIONS to it, and has each
 * send 64 bytes again and again as soon as they have come back.  Of all threads of the server the
 * kernel says how long they ran.  Each trial is printed as bench.h has it: nanoseconds of the
 * server's processor time for a request.  The client itself is a bare loop over epoll.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/runtime/bench.h"

#define SIZE	 64
#define TRIALS	 5
#define TRIAL_NS 400000000u

static char message[SIZE], answer[SIZE];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* One that is free now, and likely still when the server binds it. */
static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		die("socket");
	close(fd);
	return ntohs(at.sin_port);
}

static int try_connect(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static pid_t start_server(char **argv, int argc, int port)
{
	char **args = calloc((size_t)argc + 2, sizeof(*args)), number[16];
	pid_t pid;
	int i;

	if (!args)
		die("calloc");
	snprintf(number, sizeof(number), "%d", port);
	memcpy(args, argv, (size_t)argc * sizeof(*args));
	args[argc] = number;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		execvp(args[0], args);
		_exit(127);
	}
	free(args);
	for (i = 0; i < 500; i++) {
		int fd = try_connect(port);

		if (fd >= 0) {
			close(fd);
			return pid;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		usleep(10000);
	}
	fprintf(stderr, "echo-client: %s does not serve port %d\n", argv[0], port);
	exit(1);
}

/* Of all threads that it has now. */
static uint64_t cpu_ns(pid_t pid)
{
	unsigned long long sum = 0, ns;
	char path[300];
	struct dirent *d;
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((d = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, d->d_name);
		f = d->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		fclose(f);
	}
	closedir(dir);
	return sum;
}

static uint64_t talk(int ep, uint64_t ns)
{
	uint64_t requests = 0, end = now_ns() + ns;
	struct epoll_event ev[256];
	int n, i;

	while (now_ns() < end) {
		n = epoll_wait(ep, ev, 256, 1000);
		for (i = 0; i < n; i++) {
			if (read(ev[i].data.fd, answer, SIZE) != SIZE ||
			    write(ev[i].data.fd, message, SIZE) != SIZE)
				die("the connection");
			requests++;
		}
	}
	return requests;
}

int main(int argc, char **argv)
{
	int connections = argc > 2 ? atoi(argv[1]) : 0, port, ep, i, fd;
	pid_t server;
	char row[32];

	if (connections < 1)
		return 2;
	port = free_port();
	server = start_server(argv + 2, argc - 2, port);
	ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < connections; i++) {
		struct epoll_event ev = { .events = EPOLLIN };

		fd = try_connect(port);
		if (fd < 0)
			die("connect");
		ev.data.fd = fd;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
		if (write(fd, message, SIZE) != SIZE)
			die("write");
	}
	snprintf(row, sizeof(row), "echo-%d", connections);
	talk(ep, TRIAL_NS / 2);
	for (i = 0; i < TRIALS; i++) {
		uint64_t before = cpu_ns(server), requests = talk(ep, TRIAL_NS);

		print_trial(row, (double)(cpu_ns(server) - before) / (double)requests);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
