/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits that end in several ways at once, on as many threads as there are: deadlines that come
 * while an item does, tokens that are canceled meanwhile, descriptors that are closed.  Whatever
 * happens, nothing is lost or doubled.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>

#include "check.h"

#define US     1000ll
#define ROUNDS 300
#define EACH   16

#define ADD(x, n) __atomic_fetch_add(&(x), (n), __ATOMIC_RELAXED)
#define GET(x)	  __atomic_load_n(&(x), __ATOMIC_RELAXED)

static struct co_chan *c[3];
static struct co_mutex m;
static struct co_rwlock rw;
static struct co_sem sem;
static struct co_wg wg, selecting;
static struct co_cond cond;
static long sent, received, sum_sent, sum_received, counter, counted, holders, readers, writers;
static long timed_out, stop;

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* From a try up to some tens of microseconds, which is about what the others take. */
static int64_t soon(uint64_t *r)
{
	uint64_t n = next_random(r) % 64;

	return n < 8 ? 0 : co_now() + (int64_t)n * US;
}

static void note(int rc)
{
	CHECK(rc == -ETIMEDOUT);
	ADD(timed_out, 1);
}

static void sends(void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg;
	long i, item;
	int rc;

	for (i = 0; i < ROUNDS; i++) {
		item = (long)(next_random(&r) % 1000);
		rc = co_chan_send_until(c[next_random(&r) % 3], &item, soon(&r));
		if (rc) {
			note(rc);
			continue;
		}
		ADD(sent, 1);
		ADD(sum_sent, item);
	}
	co_wg_done(&wg);
}

static void selects(void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg;
	long in, out;
	struct co_case cases[3];
	int i;

	while (!GET(stop)) {
		for (i = 0; i < 3; i++)
			cases[i] = (struct co_case){ c[i], CO_RECV, 0, &in };
		out = (long)(next_random(&r) % 1000);
		i = (int)(next_random(&r) % 3);
		cases[i].op = CO_SEND;
		cases[i].item = &out;
		i = co_select_until(cases, 3, soon(&r));
		if (i < 0) {
			note(i);
		} else if (cases[i].op == CO_SEND) {
			ADD(sent, 1);
			ADD(sum_sent, out);
		} else {
			ADD(received, 1);
			ADD(sum_received, in);
		}
	}
	co_wg_done(&selecting);
}

static void test_channels(void)
{
	intptr_t i;
	long item;

	for (i = 0; i < 3; i++)
		CHECK_EQUAL(co_chan_make(sizeof(long), (size_t)i * 2, &c[i]), 0);
	stop = 0;
	co_wg_add(&wg, EACH);
	co_wg_add(&selecting, EACH);
	for (i = 0; i < EACH; i++) {
		co_go(sends, (void *)(i + 1));
		co_go(selects, (void *)(i + 100));
	}
	co_wg_wait(&wg);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	co_wg_wait(&selecting);
	for (i = 0; i < 3; i++) {
		while (!co_chan_recv_until(c[i], &item, 0)) {
			received++;
			sum_received += item;
		}
		CHECK_EQUAL(co_chan_free(c[i]), 0);
	}
	CHECK_EQUAL(received, sent);
	CHECK_EQUAL(sum_received, sum_sent);
	CHECK(sent > ROUNDS);
}

static void locks(void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (next_random(&r) % 4)
			co_mutex_lock(&m);
		else if (co_mutex_lock_until(&m, soon(&r)))
			continue;
		CHECK_EQUAL(holders, 0);
		holders++;
		counter++;
		if (next_random(&r) % 16 == 0)
			co_yield();
		holders--;
		co_mutex_unlock(&m);
		ADD(counted, 1);

		if (next_random(&r) % 4) {
			if (co_rwlock_read_until(&rw, soon(&r)))
				continue;
			ADD(readers, 1);
			CHECK_EQUAL(GET(writers), 0);
			if (next_random(&r) % 16 == 0)
				co_yield();
			ADD(readers, -1);
			co_rwlock_unread(&rw);
		} else {
			if (co_rwlock_write_until(&rw, soon(&r)))
				continue;
			CHECK_EQUAL(ADD(writers, 1), 0);
			CHECK_EQUAL(GET(readers), 0);
			if (next_random(&r) % 16 == 0)
				co_yield();
			ADD(writers, -1);
			co_rwlock_unwrite(&rw);
		}
		if (!co_sem_wait_until(&sem, soon(&r))) {
			if (next_random(&r) % 16 == 0)
				co_yield();
			CHECK_EQUAL(co_sem_post(&sem), 0);
		}
	}
	co_wg_done(&wg);
}

static void test_locks(void)
{
	intptr_t i;

	sem.count = 3;
	co_wg_add(&wg, EACH);
	for (i = 0; i < EACH; i++)
		co_go(locks, (void *)(i + 1));
	co_wg_wait(&wg);
	CHECK_EQUAL(counter, counted);
	CHECK_EQUAL(sem.count, 3);
	CHECK_EQUAL(co_rwlock_write_until(&rw, 0), 0);
	co_rwlock_unwrite(&rw);
	CHECK_EQUAL(co_mutex_lock_until(&m, 0), 0);
	co_mutex_unlock(&m);
	CHECK(!m.private_[0]);
}

/* --- cancellation --------------------------------------------------------------------------- */

static co_fd ends[2];

static void waits(void *arg)
{
	uint64_t how = (uint64_t)(uintptr_t)arg;
	struct co_case cases[] = { { c[0], CO_RECV, 0, NULL }, { c[1], CO_RECV, 0, NULL } };
	char ch;
	int rc = 0;

	while (!rc || rc == -ETIMEDOUT) {
		switch (how % 6) {
		case 0:
			rc = co_chan_recv(c[0], NULL);
			break;
		case 1:
			rc = co_select(cases, 2);
			rc = rc > 0 ? 0 : rc;
			break;
		case 2:
			rc = co_sleep(20 * US);
			break;
		case 3:
			rc = (int)co_read_until(ends[0], &ch, 1, co_now() + 20 * US);
			break;
		case 4:
			co_mutex_lock(&m);
			rc = co_cond_wait_until(&cond, &m, co_now() + 20 * US);
			co_mutex_unlock(&m);
			break;
		case 5:
			rc = co_sem_wait_until(&sem, co_now() + 20 * US);
			break;
		}
	}
	CHECK_EQUAL(rc, -ECANCELED);
	co_wg_done(&wg);
}

static void test_cancel(void)
{
	struct co_cancel *all, *some;
	intptr_t round, i;

	sem.count = 0;
	CHECK_EQUAL(co_pipe(ends), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQUAL(co_chan_make(0, 0, &c[i]), 0);
	for (round = 0; round < 20; round++) {
		CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &all), 0);
		co_wg_add(&wg, 3 * EACH);
		for (i = 0; i < 3 * EACH; i++) {
			CHECK_EQUAL(co_cancel_make(all, CO_FOREVER, &some), 0);
			co_cancel_set(i % 2 ? some : all);
			CHECK_EQUAL(co_go(waits, (void *)i), 0);
			co_cancel_set(NULL);
			co_cancel_free(some);
		}
		for (i = 0; i < 20; i++) {
			co_chan_send_until(c[i % 2], NULL, co_now() + 5 * US);
			co_sem_post(&sem);
			co_cond_broadcast(&cond);
		}
		CHECK_EQUAL(co_cancel(all), 0);
		CHECK_EQUAL(co_wg_wait(&wg), 0);
		co_cancel_free(all);
	}
	for (i = 0; i < 2; i++) {
		CHECK_EQUAL(co_chan_free(c[i]), 0);
		CHECK_EQUAL(co_close(ends[i]), 0);
	}
}

/* --- descriptors that are closed while they are used ------------------------------------------ */

static co_fd shared[2];

static void uses_fd(void *arg)
{
	char *buf = calloc(1, 8192);
	ssize_t n;

	do
		n = arg ? co_read(shared[0], buf, 8192)
			: co_write_until(shared[1], buf, 8192, co_now() + 100 * US);
	while (n > 0 || n == -ETIMEDOUT);
	/* Or the other end was closed while the call was on its way. */
	CHECK(n == -EBADF || (arg ? n == 0 : n == -EPIPE));
	free(buf);
	co_wg_done(&wg);
}

static void test_close(void)
{
	intptr_t round, i;

	for (round = 0; round < 50; round++) {
		CHECK_EQUAL(co_pipe(shared), 0);
		co_wg_add(&wg, 6);
		for (i = 0; i < 6; i++)
			co_go(uses_fd, (void *)(i % 2));
		co_sleep(30 * US);
		CHECK_EQUAL(co_close(shared[1]), 0);
		CHECK_EQUAL(co_close(shared[0]), 0);
		CHECK_EQUAL(co_wg_wait(&wg), 0);
	}
}

static void ticks(void *arg)
{
	struct co_timer *t;
	int64_t now;
	int i;

	(void)arg;
	CHECK_EQUAL(co_timer_make(co_now() + 50 * US, 50 * US, &t), 0);
	for (i = 0; i < 50; i++) {
		CHECK_EQUAL(co_chan_recv(co_timer_chan(t), &now), 0);
		if (i % 10 == 9) {
			co_timer_set(t, co_now() + 50 * US, 50 * US);
			CHECK(co_chan_len(co_timer_chan(t)) <= 1);
		}
	}
	CHECK_EQUAL(co_timer_free(t), 0);
	co_wg_done(&wg);
}

static void test_timers(void)
{
	int i;

	co_wg_add(&wg, EACH);
	for (i = 0; i < EACH; i++)
		co_go(ticks, NULL);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
}

static void first(void *arg)
{
	(void)arg;
	test_channels();
	test_locks();
	test_cancel();
	test_close();
	test_timers();
	CHECK(timed_out > 0);
}

int main(void)
{
	static const char *const procs[] = { "1", "2", "4" };
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(procs) / sizeof(*procs); i++) {
		setenv("GOMAXPROCS", procs[i], 1);
		check_run(first);
	}
	return check_result();
}
