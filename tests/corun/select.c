/* SPDX-License-Identifier: Apache-2.0 */
/* co_select: each kind of case, fairness, closing, many channels, and what is left behind. */
#include <errno.h>
#include <stdint.h>

#include "check.h"

#define MS	 1000000ll
#define CHANNELS 40

static struct co_chan *c[CHANNELS], *done;
static struct co_wg wg;
static long received, sent;

static void make(int n, size_t capacity)
{
	int i;

	for (i = 0; i < n; i++)
		CHECK_EQUAL(co_chan_make(sizeof(long), capacity, &c[i]), 0);
}

static void free_all(int n)
{
	int i;

	for (i = 0; i < n; i++)
		CHECK_EQUAL(co_chan_free(c[i]), 0);
}

static void sends_one(void *arg)
{
	long n = (intptr_t)arg;

	CHECK_EQUAL(co_chan_send(c[n], &n), 0);
	co_wg_done(&wg);
}

static void receives_one(void *arg)
{
	long got = -1, n = (intptr_t)arg;

	CHECK_EQUAL(co_chan_recv(c[n], &got), 0);
	received = got;
	co_wg_done(&wg);
}

static void test_kinds(void)
{
	long got = -1, item = 7;
	struct co_case cases[] = {
		{ .chan = NULL, .op = CO_RECV },
		{ .op = CO_RECV, .item = &got },
		{ .op = CO_SEND, .item = &item },
		{ .op = CO_DEFAULT },
	};

	make(2, 0);
	cases[1].chan = c[0];
	cases[2].chan = c[1];
	CHECK_EQUAL(co_select(cases, 4), 3);
	CHECK_EQUAL(co_select_until(cases, 3, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_select_until(cases, 3, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_select_until(cases, 1, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_select_until(NULL, 0, co_now() + MS), -ETIMEDOUT);

	/* Somebody waits already, then somebody comes. */
	co_wg_add(&wg, 4);
	co_go(sends_one, (void *)0);
	co_yield();
	CHECK_EQUAL(co_select(cases, 4), 1);
	CHECK_EQUAL(got, 0);
	got = -1;
	co_go(sends_one, (void *)0);
	CHECK_EQUAL(co_select(cases, 3), 1);
	CHECK_EQUAL(got, 0);
	co_go(receives_one, (void *)1);
	co_yield();
	CHECK_EQUAL(co_select(cases, 4), 2);
	co_wg_add(&wg, -1);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(received, 7);
	co_wg_add(&wg, 1);
	received = 0;
	co_go(receives_one, (void *)1);
	CHECK_EQUAL(co_select(cases, 3), 2);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(received, 7);

	/* Nobody is left waiting in the channels. */
	CHECK_EQUAL(co_chan_send_until(c[0], &item, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_chan_recv_until(c[1], &item, 0), -ETIMEDOUT);

	CHECK_EQUAL(co_chan_close(c[0]), 0);
	cases[1].result = cases[2].result = 0;
	CHECK_EQUAL(co_select(cases, 4), 1);
	CHECK_EQUAL(cases[1].result, -EPIPE);
	CHECK_EQUAL(co_chan_close(c[1]), 0);
	CHECK_EQUAL(co_select(&cases[2], 2), 0);
	CHECK_EQUAL(cases[2].result, -EPIPE);
	free_all(2);
}

static void closes(void *arg)
{
	CHECK_EQUAL(co_chan_close(c[(intptr_t)arg]), 0);
	co_wg_done(&wg);
}

static void test_close_while_waiting(void)
{
	struct co_case cases[3] = { { .op = CO_RECV }, { .op = CO_RECV }, { .op = CO_RECV } };
	int i;

	make(3, 0);
	for (i = 0; i < 3; i++)
		cases[i].chan = c[i];
	co_wg_add(&wg, 1);
	co_go(closes, (void *)2);
	CHECK_EQUAL(co_select(cases, 3), 2);
	CHECK_EQUAL(cases[2].result, -EPIPE);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	free_all(3);
}

/* Of three that are always ready each has its share: 3000 throws, six times the deviation. */
static void test_fairness(void)
{
	struct co_case cases[3] = { { .op = CO_RECV }, { .op = CO_RECV }, { .op = CO_SEND } };
	long item = 0, count[3] = { 0 };
	int i, n;

	make(3, 1);
	for (i = 0; i < 3; i++) {
		cases[i].chan = c[i];
		cases[i].item = &item;
	}
	for (i = 0; i < 3000; i++) {
		co_chan_send_until(c[0], &item, 0);
		co_chan_send_until(c[1], &item, 0);
		co_chan_recv_until(c[2], &item, 0);
		n = co_select(cases, 3);
		CHECK(n >= 0 && n < 3);
		count[n]++;
	}
	for (i = 0; i < 3; i++)
		CHECK(count[i] > 845 && count[i] < 1155);
	free_all(3);
}

/* Many that select on all channels to send and to receive: no item is lost or doubled. */
static void selects(void *arg)
{
	struct co_case cases[CHANNELS];
	long item, got, base = (intptr_t)arg * 100, next = 0;
	int i, n;

	for (i = 0; i < CHANNELS; i++)
		cases[i] = (struct co_case){ c[(i * 7 + base) % CHANNELS],
					     i % 2 ? CO_SEND : CO_RECV, 0, i % 2 ? &item : &got };
	while (next < 100) {
		item = base + next;
		n = co_select(cases, CHANNELS);
		CHECK(n >= 0);
		if (n < 0)
			break;
		if (cases[n].op == CO_SEND) {
			__atomic_fetch_add(&sent, item, __ATOMIC_RELAXED);
			next++;
		} else {
			__atomic_fetch_add(&received, got, __ATOMIC_RELAXED);
		}
	}
	co_wg_done(&wg);
}

static void drains(void *arg)
{
	struct co_case cases[CHANNELS + 1];
	long got;
	int i, n;

	(void)arg;
	for (i = 0; i < CHANNELS; i++)
		cases[i] = (struct co_case){ c[i], CO_RECV, 0, &got };
	cases[CHANNELS] = (struct co_case){ done, CO_RECV, 0, NULL };
	while ((n = co_select(cases, CHANNELS + 1)) != CHANNELS) {
		CHECK_EQUAL(cases[n].result, 0);
		__atomic_fetch_add(&received, got, __ATOMIC_RELAXED);
	}
	co_wg_done(&wg);
}

static void test_many(void)
{
	intptr_t i;

	received = sent = 0;
	make(CHANNELS, 0);
	CHECK_EQUAL(co_chan_make(0, 0, &done), 0);
	co_wg_add(&wg, 30);
	for (i = 0; i < 30; i++)
		CHECK_EQUAL(co_go(selects, (void *)i), 0);
	co_go(drains, NULL);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	co_wg_add(&wg, 1);
	CHECK_EQUAL(co_chan_close(done), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(sent, 2999 * 3000 / 2);
	CHECK_EQUAL(received, sent);
	free_all(CHANNELS);
	CHECK_EQUAL(co_chan_free(done), 0);
}

static void test_bad(void)
{
	struct co_case two[] = { { .op = CO_DEFAULT }, { .op = CO_DEFAULT } };
	struct co_case odd = { .op = (enum co_op)9 }, empty = { .op = CO_SEND };

	make(1, 1);
	empty.chan = c[0];
	CHECK_EQUAL(co_select(two, 2), -EINVAL);
	CHECK_EQUAL(co_select(&odd, 1), -EINVAL);
	CHECK_EQUAL(co_select(&empty, 1), -EINVAL);
	CHECK_EQUAL(co_select(NULL, 1), -EINVAL);
	CHECK_EQUAL(co_select(two, (size_t)-1), -EINVAL);
	free_all(1);
}

static void first(void *arg)
{
	(void)arg;
	test_kinds();
	test_close_while_waiting();
	test_fairness();
	test_many();
	test_bad();
}

int main(void)
{
	check_run(first);
	return check_result();
}
