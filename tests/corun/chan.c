/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: order, meeting, buffers, closing, freeing; ends of coroutines and of co_run. */
#include <errno.h>
#include <stdint.h>

#include "check.h"

static struct co_chan *c, *results;
static int log_of[64], logged;

static void note(int n)
{
	log_of[logged++ % 64] = n;
}

static int logged_are(const int *want, int n)
{
	int same = logged == n && !memcmp(log_of, want, sizeof(*want) * (size_t)n);

	logged = 0;
	return same;
}

static void send_three(void *arg)
{
	int i, base = (int)(intptr_t)arg;

	for (i = base; i < base + 3; i++) {
		note(i);
		CHECK_EQUAL(co_chan_send(c, &i), 0);
	}
	note(base + 99);
}

static void test_unbuffered(void)
{
	int i, got;

	CHECK_EQUAL(co_chan_make(sizeof(int), 0, &c), 0);
	CHECK_EQUAL(co_go(send_three, (void *)0), 0);
	co_yield();
	/* The sender waits with its first item until it is taken. */
	CHECK(logged_are((int[]){ 0 }, 1));
	for (i = 0; i < 3; i++) {
		CHECK_EQUAL(co_chan_recv(c, &got), 0);
		CHECK_EQUAL(got, i);
		co_yield();
	}
	CHECK(logged_are((int[]){ 1, 2, 99 }, 3));
	CHECK_EQUAL(co_chan_free(c), 0);
}

static void test_buffered(void)
{
	int i, got;

	CHECK_EQUAL(co_chan_make(sizeof(int), 2, &c), 0);
	co_go(send_three, (void *)10);
	co_go(send_three, (void *)20);
	co_yield();
	/* Two fit, then both senders wait, in the order in which they came. */
	CHECK(logged_are((int[]){ 10, 11, 12, 20 }, 4));
	for (i = 0; i < 6; i++) {
		static const int want[] = { 10, 11, 12, 20, 21, 22 };

		CHECK_EQUAL(co_chan_recv(c, &got), 0);
		CHECK_EQUAL(got, want[i]);
		co_yield();
	}
	logged = 0;
	CHECK_EQUAL(co_chan_free(c), 0);
}

static void receive_until_closed(void *arg)
{
	int got, rc;

	(void)arg;
	while (!(rc = co_chan_recv(c, &got)))
		note(got);
	note(rc);
}

static void send_one(void *arg)
{
	int item = 5;

	(void)arg;
	note(co_chan_send(c, &item));
}

static void test_close(void)
{
	int i;

	/* Receivers that wait, items that are left, senders that wait. */
	CHECK_EQUAL(co_chan_make(sizeof(int), 4, &c), 0);
	co_go(receive_until_closed, NULL);
	co_go(receive_until_closed, NULL);
	co_yield();
	CHECK_EQUAL(co_chan_free(c), -EBUSY);
	for (i = 1; i <= 3; i++)
		CHECK_EQUAL(co_chan_send(c, &i), 0);
	CHECK_EQUAL(co_chan_close(c), 0);
	CHECK_EQUAL(co_chan_close(c), -EPIPE);
	co_yield();
	CHECK(logged_are((int[]){ 2, 3, -EPIPE, 1, -EPIPE }, 5));
	CHECK_EQUAL(co_chan_send(c, &i), -EPIPE);
	CHECK_EQUAL(co_chan_recv(c, &i), -EPIPE);
	CHECK_EQUAL(co_chan_free(c), 0);

	CHECK_EQUAL(co_chan_make(sizeof(int), 0, &c), 0);
	co_go(send_one, NULL);
	co_go(send_one, NULL);
	co_yield();
	CHECK_EQUAL(co_chan_close(c), 0);
	co_yield();
	CHECK(logged_are((int[]){ -EPIPE, -EPIPE }, 2));
	CHECK_EQUAL(co_chan_free(c), 0);

	CHECK_EQUAL(co_chan_make(sizeof(int), 3, &c), 0);
	for (i = 1; i <= 3; i++)
		CHECK_EQUAL(co_chan_send(c, &i), 0);
	CHECK_EQUAL(co_chan_close(c), 0);
	receive_until_closed(NULL);
	CHECK(logged_are((int[]){ 1, 2, 3, -EPIPE }, 4));
	CHECK_EQUAL(co_chan_free(c), 0);
}

struct big {
	uint64_t words[33];
};

static void send_big(void *arg)
{
	struct big b;
	unsigned i, k;

	(void)arg;
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 33; k++)
			b.words[k] = i * 100 + k;
		co_chan_send(c, &b);
	}
	co_chan_close(c);
}

static void test_items(void)
{
	struct big b;
	unsigned i = 0, k;

	CHECK_EQUAL(co_chan_make(sizeof(b), 3, &c), 0);
	co_go(send_big, NULL);
	for (; !co_chan_recv(c, i == 7 ? NULL : &b); i++)
		for (k = 0; i != 7 && k < 33; k++)
			CHECK_EQUAL(b.words[k], i * 100 + k);
	CHECK_EQUAL(i, 20);
	co_chan_free(c);

	/* Items of no size are signals. */
	CHECK_EQUAL(co_chan_make(0, 2, &c), 0);
	CHECK_EQUAL(co_chan_send(c, NULL), 0);
	CHECK_EQUAL(co_chan_recv(c, NULL), 0);
	co_chan_free(c);

	CHECK_EQUAL(co_chan_make(SIZE_MAX, 2, &c), -EINVAL);
	CHECK_EQUAL(co_chan_make(8, SIZE_MAX / 32, &c), -ENOMEM);
	CHECK_EQUAL(co_chan_make(8, 1, NULL), -EINVAL);
	CHECK_EQUAL(co_chan_send(NULL, &i), -EINVAL);
	CHECK_EQUAL(co_chan_recv(NULL, &i), -EINVAL);
	CHECK_EQUAL(co_chan_close(NULL), -EINVAL);
	CHECK_EQUAL(co_chan_free(NULL), 0);
}

static void exits_early(void *arg)
{
	(void)arg;
	note(1);
	co_exit();
	note(2);
}

static void test_exit(void)
{
	struct co_stats before, after;

	co_stats(&before);
	co_go(exits_early, NULL);
	co_yield();
	co_stats(&after);
	CHECK(logged_are((int[]){ 1 }, 1));
	CHECK_EQUAL(after.ended - before.ended, 1);
}

static void first(void *arg)
{
	(void)arg;
	CHECK_EQUAL(co_self(), 1);
	CHECK_EQUAL(co_run(NULL, first, NULL), -EBUSY);
	test_unbuffered();
	test_buffered();
	test_close();
	test_items();
	test_exit();
}

static void waits_forever(void *arg)
{
	(void)arg;
	co_chan_recv(c, NULL);
	note(3);
}

/* The others end with the first one, also while they wait, and leave the channel. */
static void leaves_others(void *arg)
{
	struct co_config bad = { .stack_size = 3000 };

	(void)arg;
	CHECK(co_self() > 1);
	CHECK_EQUAL(co_run(&bad, first, NULL), -EBUSY);
	co_chan_make(0, 0, &c);
	co_go(waits_forever, NULL);
	co_go(waits_forever, NULL);
	co_yield();
	co_go(waits_forever, NULL);
	co_exit();
	note(4);
}

int main(void)
{
	struct co_config bad = { .stack_size = 3000 }, small = { .max_stack = 1024 },
			 large = { .stack_size = 16384 };
	int item = 0;

	CHECK_EQUAL(co_self(), 0);
	CHECK_EQUAL(co_yield(), -EPERM);
	CHECK_EQUAL(co_go(first, NULL), -EPERM);
	CHECK_EQUAL(co_chan_make(sizeof(int), 1, &results), 0);
	CHECK_EQUAL(co_chan_send(results, &item), -EPERM);
	CHECK_EQUAL(co_chan_recv(results, &item), -EPERM);
	CHECK_EQUAL(co_chan_close(results), -EPERM);
	CHECK_EQUAL(co_chan_free(results), 0);
	CHECK_EQUAL(co_stack_size(), 0);
	co_exit();
	CHECK_EQUAL(co_run(&bad, first, NULL), -EINVAL);
	CHECK_EQUAL(co_run(&small, first, NULL), -EINVAL);

	check_run(first);
	logged = 0;
	check_run(leaves_others);
	CHECK_EQUAL(logged, 0);
	CHECK_EQUAL(co_chan_free(c), 0);
	CHECK_EQUAL(co_run(&large, exits_early, NULL), 0);
	return check_result();
}
