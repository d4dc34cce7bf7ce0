/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read of a TCP connection that got less than it wanted lets the next one wait without asking
 * (fd.c).  So whatever comes after such a read, and with it, must wake or be found.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000ll

static co_fd near;
static int far;
static long result;
static struct co_wg wg;
static char buf[64];

static void begin(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(!bind(listener, (struct sockaddr *)&at, size) && !listen(listener, 1) &&
	      !getsockname(listener, (struct sockaddr *)&at, &size) &&
	      !connect(fd, (struct sockaddr *)&at, size));
	far = accept(listener, NULL, NULL);
	close(listener);
	near = co_fd_take(fd);
	CHECK(near > 0 && far >= 0);
}

static void end(void)
{
	CHECK_EQUAL(co_close(near), 0);
	if (far >= 0)
		close(far);
}

static void say(const char *text, int flags)
{
	CHECK_EQUAL(send(far, text, strlen(text), flags), (long)strlen(text));
}

static void reads(void *arg)
{
	(void)arg;
	result = co_read(near, buf, sizeof(buf));
	co_wg_done(&wg);
}

/* A coroutine that is asleep in a read. */
static void read_meanwhile(void)
{
	co_wg_add(&wg, 1);
	co_go(reads, NULL);
	co_sleep(2 * MS);
}

static void read_short(void)
{
	say("abc", 0);
	CHECK_EQUAL(co_wait_fd(near, CO_READABLE), 0);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 3);
}

static void test_more(void)
{
	int i;

	begin();
	for (i = 0; i < 100; i++) {
		read_short();
		read_meanwhile();
		say("defgh", 0);
		CHECK_EQUAL(co_wg_wait(&wg), 0);
		CHECK_EQUAL(result, 5);
	}
	/* A try sees what came, though nobody asks epoll meanwhile. */
	read_short();
	CHECK_EQUAL(co_read_until(near, buf, sizeof(buf), 0), -ETIMEDOUT);
	say("xy", 0);
	while ((result = co_read_until(near, buf, sizeof(buf), 0)) == -ETIMEDOUT)
		;
	CHECK_EQUAL(result, 2);
	end();
}

/* The end comes with the last bytes, of which epoll tells once; after them; or is made here. */
static void test_ends(void)
{
	begin();
	say("last", 0);
	shutdown(far, SHUT_WR);
	co_sleep(2 * MS);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 4);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 0);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 0);
	end();

	begin();
	read_short();
	read_meanwhile();
	shutdown(far, SHUT_WR);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(result, 0);
	end();

	begin();
	read_short();
	read_meanwhile();
	CHECK_EQUAL(co_shutdown(near, SHUT_RD), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(result, 0);
	end();
}

static void test_reset(void)
{
	struct linger now = { .l_onoff = 1 };

	begin();
	read_short();
	read_meanwhile();
	setsockopt(far, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(far);
	far = -1;
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(result, -ECONNRESET);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 0);
	end();
}

/* A read stops at the mark of urgent data, with more behind it; and a look takes nothing. */
static void test_what_stays(void)
{
	begin();
	say("before", 0);
	say("!", MSG_OOB);
	say("after", 0);
	co_sleep(2 * MS);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 6);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 5);
	read_meanwhile();
	say("again", 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(result, 5);
	end();

	begin();
	say("abc", 0);
	CHECK_EQUAL(co_recvfrom(near, buf, sizeof(buf), MSG_PEEK, NULL, NULL), 3);
	CHECK_EQUAL(co_read(near, buf, sizeof(buf)), 3);
	end();
}

static void start(void *arg)
{
	int i;

	(void)arg;
	test_more();
	for (i = 0; i < 20; i++)
		test_ends();
	test_reset();
	test_what_stays();
}

int main(void)
{
	check_run(start);
	return check_result();
}
