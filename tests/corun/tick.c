/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One timer that fires again and again, while threads run out of work at all times: none may go to
 * sleep for good because it looked when the timer was between two armings.
 */
#include <stdint.h>

#include "check.h"

#define US 1000ll

static struct co_chan *ball;
static int over; /* atomic */

static void returns(void *arg)
{
	long item;

	(void)arg;
	while (!co_chan_recv(ball, &item))
		;
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
}

static void start(void *arg)
{
	struct co_timer *t;
	int64_t now;
	long i;

	(void)arg;
	CHECK_EQUAL(co_chan_make(sizeof(long), 0, &ball), 0);
	co_go(returns, NULL);
	CHECK_EQUAL(co_timer_make(co_now() + 10 * US, 10 * US, &t), 0);
	for (i = 0; i < 20000; i++) {
		CHECK_EQUAL(co_chan_recv(co_timer_chan(t), &now), 0);
		co_chan_send(ball, &i);
	}
	CHECK_EQUAL(co_timer_free(t), 0);
	CHECK_EQUAL(co_chan_close(ball), 0);
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		co_yield();
	CHECK_EQUAL(co_chan_free(ball), 0);
}

int main(void)
{
	setenv("GOMAXPROCS", "4", 1);
	check_run(start);
	return check_result();
}
