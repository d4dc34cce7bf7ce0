/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd: serves the files of a directory over HTTP.
 *
 *	httpd [-v] [-p PORT] [-n CONNECTIONS] DIRECTORY
 *
 * GET and HEAD, with keep-alive.  It prints the port that it serves on 127.0.0.1; -n ends it after
 * so many connections.  Each has a coroutine, which gives up after ten seconds without a request.
 * Nothing above the directory can be had: a path with a part that begins with a dot is not found.
 */
#define _GNU_SOURCE /* strcasestr */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sample.h"

#define IDLE 10000000000ll

static const char *directory;
static char port[16] = "0";
static unsigned long limit, served, requests;
static co_fd listener;
static struct co_wg connections;

struct request {
	char method[8], path[512];
	int keep;
};

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css" },
		{ ".js", "text/javascript" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(dot, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

static int answer(co_fd fd, const char *status, const char *type, unsigned long size, int keep)
{
	char head[256];
	int n = snprintf(
		head, sizeof(head),
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lu\r\nConnection: %s\r\n\r\n",
		status, type, size, keep ? "keep-alive" : "close");

	return co_write(fd, head, (size_t)n) == n;
}

static int refuse(co_fd fd, const char *status, int keep)
{
	return answer(fd, status, "text/plain", strlen(status) + 1, keep) &&
	       co_write(fd, status, strlen(status)) > 0 && co_write(fd, "\n", 1) == 1;
}

static int copy(co_fd to, co_fd from)
{
	char *buf = malloc(65536);
	ssize_t n = -1;

	while (buf && (n = co_read(from, buf, 65536)) > 0)
		if (co_write(to, buf, (size_t)n) != n)
			n = -1;
	free(buf);
	return n == 0;
}

/* Whether the connection can go on. */
static int send_file(co_fd fd, const struct request *r)
{
	char path[1024];
	struct stat st;
	co_fd file;
	int ok, index = r->path[strlen(r->path) - 1] == '/';

	if (r->path[0] != '/' || strstr(r->path, "/."))
		return refuse(fd, "404 Not Found", r->keep) && r->keep;
	snprintf(path, sizeof(path), "%s%s%s", directory, r->path, index ? "index.html" : "");
	file = co_open(path, O_RDONLY, 0);
	if (file < 0 || fstat(co_fd_number(file), &st) || !S_ISREG(st.st_mode)) {
		if (file >= 0)
			co_close(file);
		return refuse(fd, "404 Not Found", r->keep) && r->keep;
	}
	ok = answer(fd, "200 OK", type_of(path), (unsigned long)st.st_size, r->keep);
	if (ok && !strcmp(r->method, "GET"))
		ok = copy(fd, file);
	co_close(file);
	return ok && r->keep;
}

/* One request with its empty line, or 0: there is none. */
static int read_request(co_fd fd, char *buf, size_t size, size_t *have)
{
	int64_t deadline = co_now() + IDLE;
	ssize_t n;

	for (;;) {
		buf[*have] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return 1;
		if (*have == size - 1)
			return 0;
		n = co_read_until(fd, buf + *have, size - 1 - *have, deadline);
		if (n <= 0)
			return 0;
		*have += (size_t)n;
	}
}

static int handle(co_fd fd, char *buf, size_t *have)
{
	char *end = strstr(buf, "\r\n\r\n"), version[16];
	struct request r;
	int ok;

	*end = '\0';
	__atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED);
	if (sscanf(buf, "%7s %511s %15s", r.method, r.path, version) != 3)
		return refuse(fd, "400 Bad Request", 0) && 0;
	r.keep = !strcmp(version, "HTTP/1.1") && !strcasestr(buf, "\r\nconnection: close");
	r.path[strcspn(r.path, "?#")] = '\0';
	if (strcmp(r.method, "GET") && strcmp(r.method, "HEAD"))
		ok = refuse(fd, "405 Method Not Allowed", r.keep) && r.keep;
	else
		ok = send_file(fd, &r);
	*have -= (size_t)(end + 4 - buf);
	memmove(buf, end + 4, *have);
	return ok;
}

static void serve(void *arg)
{
	co_fd fd = (co_fd)(intptr_t)arg;
	size_t size = 8192, have = 0;
	char *buf = malloc(size);

	while (buf && read_request(fd, buf, size, &have) && handle(fd, buf, &have))
		;
	free(buf);
	co_close(fd);
	co_wg_done(&connections);
}

static void start(void *arg)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	co_fd fd;

	(void)arg;
	listener = co_tcp_listen("127.0.0.1", port);
	if (listener < 0)
		sample_fail("co_tcp_listen", (int)listener);
	if (!getsockname(co_fd_number(listener), (struct sockaddr *)&at, &size))
		printf("port %u\n", ntohs(at.sin_port));
	fflush(stdout);
	while ((!limit || served < limit) && (fd = co_accept(listener, NULL, NULL)) >= 0) {
		served++;
		co_wg_add(&connections, 1);
		if (!co_go(serve, (void *)(intptr_t)fd))
			continue;
		co_close(fd);
		co_wg_done(&connections);
	}
	co_wg_wait(&connections);
	co_yield();
}

int main(int argc, char **argv)
{
	int rc, opt;

	while ((opt = getopt(argc, argv, "vp:n:")) != -1) {
		switch (opt) {
		case 'v':
			sample_verbose = 1;
			break;
		case 'p':
			snprintf(port, sizeof(port), "%s", optarg);
			break;
		case 'n':
			limit = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: httpd [-v] [-p PORT] [-n CONNECTIONS] DIRECTORY\n");
		return 2;
	}
	directory = argv[optind];
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	sample_say("coroutines", served + 1);
	sample_say("requests", requests);
	sample_say_runtime();
	return 0;
}
