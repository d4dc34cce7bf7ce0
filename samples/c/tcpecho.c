/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcpecho: a server that sends back what it gets, and clients that check it.
 *
 *	tcpecho -p PORT				serves 127.0.0.1:PORT until it is killed
 *	tcpecho [-v] [CLIENTS [MESSAGES]]	serves CLIENTS of its own
 *
 * A coroutine for each connection, at both ends, written as if it had a thread of its own: reads
 * and writes park it.  Beside those there are the first one and the one that accepts.
 */
#include <arpa/inet.h>

#include "sample.h"

static struct sample_number numbers[] = {
	{ "CLIENTS", 100, 100000 },
	{ "MESSAGES", 20, 100000000 },
};
#define CLIENTS	 numbers[0].value
#define MESSAGES numbers[1].value

#define SIZE 64

static co_fd listener;
static struct co_wg clients, connections;
static unsigned long echoed;
static char port[16] = "0";

static void serve(void *arg)
{
	co_fd fd = (co_fd)(intptr_t)arg;
	char buf[SIZE * 8];
	ssize_t n;

	while ((n = co_read(fd, buf, sizeof(buf))) > 0)
		if (co_write(fd, buf, (size_t)n) != n)
			break;
	co_close(fd);
	co_wg_done(&connections);
}

static void accept_all(void *arg)
{
	co_fd fd;

	(void)arg;
	while ((fd = co_accept(listener, NULL, NULL)) >= 0) {
		co_wg_add(&connections, 1);
		if (!co_go(serve, (void *)(intptr_t)fd))
			continue;
		co_close(fd);
		co_wg_done(&connections);
	}
	co_wg_done(&connections);
}

/* Reads exactly n bytes. */
static int read_all(co_fd fd, char *buf, size_t n)
{
	ssize_t got;

	for (; n; buf += got, n -= (size_t)got)
		if ((got = co_read(fd, buf, n)) <= 0)
			return -1;
	return 0;
}

static void client(void *arg)
{
	unsigned long id = (unsigned long)arg, i;
	char message[SIZE], answer[SIZE];
	co_fd fd = co_tcp_connect("127.0.0.1", port);

	if (fd < 0)
		sample_fail("co_tcp_connect", (int)fd);
	for (i = 0; i < MESSAGES; i++) {
		memset(message, (int)(id + i), SIZE);
		if (co_write(fd, message, SIZE) == SIZE && !read_all(fd, answer, SIZE) &&
		    !memcmp(message, answer, SIZE))
			__atomic_fetch_add(&echoed, 1, __ATOMIC_RELAXED);
	}
	co_close(fd);
	co_wg_done(&clients);
}

static void find_port(void)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	if (!getsockname(co_fd_number(listener), (struct sockaddr *)&at, &size))
		snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
}

static void start(void *arg)
{
	unsigned long i;
	int rc;

	listener = co_tcp_listen("127.0.0.1", port);
	if (listener < 0)
		sample_fail("co_tcp_listen", (int)listener);
	co_wg_add(&connections, 1);
	if (arg)
		accept_all(NULL);
	find_port();
	rc = co_go(accept_all, NULL);
	for (i = 0; i < CLIENTS && !rc; i++) {
		co_wg_add(&clients, 1);
		rc = co_go(client, (void *)i);
	}
	if (rc)
		sample_fail("co_go", rc);
	co_wg_wait(&clients);
	co_close(listener); /* which ends the one that accepts */
	co_wg_wait(&connections);
	co_yield();
}

int main(int argc, char **argv)
{
	int serves = argc == 3 && !strcmp(argv[1], "-p");
	int rc;

	if (serves)
		snprintf(port, sizeof(port), "%s", argv[2]);
	else
		sample_read(argc, argv, numbers, 2);
	rc = co_run(NULL, start, serves ? port : NULL);
	if (rc)
		sample_fail("co_run", rc);
	sample_say("coroutines", 2 * CLIENTS + 2);
	sample_say("growths", 0);
	sample_say("echoed", echoed);
	sample_say_runtime();
	return echoed != CLIENTS * MESSAGES;
}
