/* SPDX-License-Identifier: Apache-2.0 */
/* Locks, wait groups, semaphores, conditions, once; deadlines and cancellation. */
#include <errno.h>
#include <stdint.h>

#include "check.h"
#include "child.h"

#define MS 1000000ll

static struct co_mutex m;
static struct co_rwlock rw;
static struct co_wg wg;
static struct co_sem sem;
static struct co_cond cond;
static struct co_once once;
static struct co_chan *c;
static long counter, inside, most_inside;
static char trail[256];
static int results[16];

static void mark(char ch)
{
	size_t n = strlen(trail);

	if (n < sizeof(trail) - 1)
		trail[n] = ch;
}

static int marked(const char *want)
{
	int same = !strcmp(trail, want);

	if (!same)
		fprintf(stderr, "got %s, not %s\n", trail, want);
	memset(trail, 0, sizeof(trail));
	return same;
}

static void adds(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++) {
		long was;

		co_mutex_lock(&m);
		was = counter;
		if (i % 10 == 0)
			co_yield();
		counter = was + 1;
		co_mutex_unlock(&m);
	}
	co_wg_done(&wg);
}

static void test_mutex(void)
{
	int i;

	counter = 0;
	co_wg_add(&wg, 20);
	for (i = 0; i < 20; i++)
		CHECK_EQUAL(co_go(adds, NULL), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(counter, 20000);

	co_mutex_lock(&m);
	CHECK_EQUAL(co_mutex_lock_until(&m, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_mutex_lock_until(&m, co_now() + 2 * MS), -ETIMEDOUT);
	co_mutex_unlock(&m);
	CHECK_EQUAL(co_mutex_lock_until(&m, 0), 0);
	co_mutex_unlock(&m);
	/* Nothing is left of the one that gave up. */
	CHECK(!m.private_[0] && !m.private_q[0]);
}

static void holds_long(void *arg)
{
	int i;

	for (i = 0; i < 40; i++) {
		co_mutex_lock(&m);
		co_sleep(MS / 5);
		counter++;
		co_mutex_unlock(&m);
	}
	(void)arg;
	co_wg_done(&wg);
}

/* Who takes it again at once cannot keep a sleeper off for ever. */
static void test_starvation(void)
{
	counter = 0;
	co_wg_add(&wg, 1);
	co_go(holds_long, NULL);
	co_yield();
	co_mutex_lock(&m);
	CHECK(counter < 40);
	co_mutex_unlock(&m);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(counter, 40);
}

static void reader(void *arg)
{
	co_rwlock_read(&rw);
	mark((char)(intptr_t)arg);
	inside++;
	if (inside > most_inside)
		most_inside = inside;
	co_yield();
	inside--;
	co_rwlock_unread(&rw);
	co_wg_done(&wg);
}

static void writer(void *arg)
{
	co_rwlock_write(&rw);
	CHECK_EQUAL(inside, 0);
	mark((char)(intptr_t)arg);
	co_yield();
	CHECK_EQUAL(inside, 0);
	co_rwlock_unwrite(&rw);
	co_wg_done(&wg);
}

static void writer_until(void *arg)
{
	results[0] = co_rwlock_write_until(&rw, co_now() + 2 * MS);
	(void)arg;
	co_wg_done(&wg);
}

static void test_rwlock(void)
{
	co_wg_add(&wg, 6);
	co_rwlock_read(&rw);
	co_go(reader, (void *)'a');
	co_yield();
	co_go(writer, (void *)'B');
	co_yield();
	/* Behind a writer that waits no reader comes in. */
	co_go(reader, (void *)'c');
	co_go(reader, (void *)'d');
	co_go(writer, (void *)'E');
	co_go(reader, (void *)'f');
	co_yield();
	co_rwlock_unread(&rw);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK(marked("aBcdEf"));
	CHECK_EQUAL(most_inside, 2);

	/* A writer that gives up lets those in that waited behind it. */
	co_wg_add(&wg, 2);
	co_rwlock_read(&rw);
	co_go(writer_until, NULL);
	co_yield();
	co_go(reader, (void *)'g');
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(results[0], -ETIMEDOUT);
	CHECK(marked("g"));
	co_rwlock_unread(&rw);
	CHECK_EQUAL(co_rwlock_write_until(&rw, 0), 0);
	CHECK_EQUAL(co_rwlock_read_until(&rw, 0), -ETIMEDOUT);
	co_rwlock_unwrite(&rw);
}

static void takes(void *arg)
{
	results[(intptr_t)arg] = co_sem_wait(&sem);
	mark((char)('0' + (intptr_t)arg));
	co_wg_done(&wg);
}

static void test_sem(void)
{
	intptr_t i;

	sem.count = 2;
	co_wg_add(&wg, 4);
	for (i = 0; i < 4; i++)
		co_go(takes, (void *)i);
	co_yield();
	CHECK(marked("01"));
	CHECK_EQUAL(co_sem_wait_until(&sem, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_sem_post(&sem), 0);
	co_yield();
	CHECK(marked("2"));
	CHECK_EQUAL(co_sem_post(&sem), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK(marked("3"));
	CHECK_EQUAL(sem.count, 0);
	sem.count = UINT32_MAX;
	CHECK_EQUAL(co_sem_post(&sem), -EOVERFLOW);
}

static void waits_cond(void *arg)
{
	co_mutex_lock(&m);
	CHECK_EQUAL(co_cond_wait(&cond, &m), 0);
	mark((char)(intptr_t)arg);
	co_mutex_unlock(&m);
	co_wg_done(&wg);
}

static void test_cond(void)
{
	co_wg_add(&wg, 3);
	co_go(waits_cond, (void *)'a');
	co_go(waits_cond, (void *)'b');
	co_go(waits_cond, (void *)'c');
	co_yield();
	CHECK(marked(""));
	co_cond_signal(&cond);
	co_yield();
	CHECK(marked("a"));
	co_mutex_lock(&m);
	co_cond_broadcast(&cond);
	co_yield();
	CHECK(marked(""));
	co_mutex_unlock(&m);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(strlen(trail), 2);
	memset(trail, 0, sizeof(trail));
	co_mutex_lock(&m);
	CHECK_EQUAL(co_cond_wait_until(&cond, &m, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_mutex_lock_until(&m, 0), -ETIMEDOUT);
	co_mutex_unlock(&m);
	co_cond_signal(&cond); /* is lost */
}

static void init(void *arg)
{
	(void)arg;
	co_yield();
	counter++;
}

static void calls_once(void *arg)
{
	(void)arg;
	co_once(&once, init, NULL);
	CHECK_EQUAL(counter, 1);
	co_wg_done(&wg);
}

static void test_once(void)
{
	int i;

	counter = 0;
	memset(&once, 0, sizeof(once));
	co_wg_add(&wg, 5);
	for (i = 0; i < 5; i++)
		co_go(calls_once, NULL);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(counter, 1);
}

static void test_deadlines(void)
{
	int64_t begin = co_now();
	int item = 0;

	CHECK_EQUAL(co_chan_make(sizeof(int), 1, &c), 0);
	CHECK_EQUAL(co_chan_recv_until(c, &item, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_chan_recv_until(c, &item, begin + 3 * MS), -ETIMEDOUT);
	CHECK(co_now() >= begin + 3 * MS);
	CHECK_EQUAL(co_chan_send_until(c, &item, 0), 0);
	CHECK_EQUAL(co_chan_send_until(c, &item, co_now() + MS), -ETIMEDOUT);
	CHECK_EQUAL(co_chan_len(c), 1);
	CHECK_EQUAL(co_chan_cap(c), 1);
	CHECK_EQUAL(co_chan_recv_until(c, &item, -5), 0);
	CHECK_EQUAL(co_chan_free(c), 0);
	co_wg_add(&wg, 1);
	CHECK_EQUAL(co_wg_wait_until(&wg, co_now() + MS), -ETIMEDOUT);
	co_wg_add(&wg, -1);
	CHECK_EQUAL(co_sleep(-1), 0);
	begin = co_now();
	CHECK_EQUAL(co_sleep(2 * MS), 0);
	CHECK(co_now() >= begin + 2 * MS);
	CHECK_EQUAL(co_sleep_until(begin), 0);
}

static void sleeps(void *arg)
{
	co_sleep((intptr_t)arg * MS);
	mark((char)('0' + (intptr_t)arg));
	co_wg_done(&wg);
}

static void test_order_of_timers(void)
{
	static const int order[] = { 7, 3, 9, 1, 5, 2, 8, 4, 6 };
	size_t i;

	co_wg_add(&wg, 9);
	for (i = 0; i < 9; i++)
		co_go(sleeps, (void *)(intptr_t)order[i]);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK(marked("123456789"));
}

static void test_timers(void)
{
	struct co_timer *t = NULL;
	int64_t first, second, begin = co_now();

	CHECK_EQUAL(co_timer_make(-1, 0, &t), -EINVAL);
	CHECK_EQUAL(co_timer_make(0, -1, &t), -EINVAL);
	CHECK_EQUAL(co_timer_make(begin + MS, 0, &t), 0);
	CHECK_EQUAL(co_chan_recv(co_timer_chan(t), &first), 0);
	CHECK(first >= begin + MS);
	CHECK_EQUAL(co_timer_stop(t), 0);
	CHECK_EQUAL(co_timer_set(t, co_now() + MS, MS), 0);
	CHECK_EQUAL(co_chan_recv(co_timer_chan(t), &first), 0);
	CHECK_EQUAL(co_chan_recv(co_timer_chan(t), &second), 0);
	CHECK(second > first);
	co_sleep(5 * MS);
	CHECK_EQUAL(co_chan_len(co_timer_chan(t)), 1);
	CHECK_EQUAL(co_timer_stop(t), 1);
	/* What was sent before is gone. */
	CHECK_EQUAL(co_chan_recv_until(co_timer_chan(t), &first, co_now() + 2 * MS), -ETIMEDOUT);
	CHECK_EQUAL(co_timer_free(t), 0);
	CHECK_EQUAL(co_timer_free(NULL), 0);
}

/* --- cancellation --------------------------------------------------------------------------- */

static void waits_each_way(void *arg)
{
	struct co_case cases[] = { { .chan = c, .op = CO_RECV } };
	int how = (int)(intptr_t)arg, rc = -1;

	switch (how) {
	case 0:
		rc = co_chan_recv(c, NULL);
		break;
	case 1:
		rc = co_select(cases, 1);
		break;
	case 2:
		rc = co_sleep_until(CO_FOREVER);
		break;
	case 3:
		rc = co_sem_wait(&sem);
		break;
	case 4:
		rc = co_mutex_lock_until(&m, CO_FOREVER);
		break;
	case 5:
		rc = co_rwlock_read_until(&rw, co_now() + 100000 * MS);
		break;
	case 6:
		rc = co_select(NULL, 0);
		break;
	case 7:
		co_mutex_lock(&m); /* not ended */
		co_mutex_unlock(&m);
		rc = 7;
		break;
	}
	results[how] = rc;
	co_wg_done(&wg);
}

static void test_cancel(void)
{
	struct co_cancel *outer, *inner, *late;
	intptr_t i;

	sem.count = 0;
	CHECK_EQUAL(co_chan_make(0, 0, &c), 0);
	CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &outer), 0);
	CHECK_EQUAL(co_cancel_make(outer, CO_FOREVER, &inner), 0);
	CHECK_EQUAL(co_cancel_make(outer, CO_FOREVER, NULL), -EINVAL);
	CHECK_EQUAL(co_cancel(NULL), -EINVAL);
	co_mutex_lock(&m);
	co_rwlock_write(&rw);
	CHECK_EQUAL(co_cancel_set(inner), 0);
	co_wg_add(&wg, 8);
	for (i = 0; i < 8; i++) {
		results[i] = 99;
		CHECK_EQUAL(co_go(waits_each_way, (void *)i), 0);
	}
	CHECK_EQUAL(co_cancel_set(NULL), 0);
	co_yield();
	CHECK_EQUAL(co_canceled(inner), 0);
	CHECK_EQUAL(co_cancel(outer), 0);
	CHECK_EQUAL(co_canceled(inner), -ECANCELED);
	co_yield();
	for (i = 0; i < 7; i++)
		CHECK_EQUAL(results[i], -ECANCELED);
	CHECK_EQUAL(results[7], 99);
	co_mutex_unlock(&m);
	co_rwlock_unwrite(&rw);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK_EQUAL(results[7], 7);
	/* Everything is as if they had never come. */
	CHECK_EQUAL(co_sem_post(&sem), 0);
	CHECK_EQUAL(sem.count, 1);
	CHECK_EQUAL(co_chan_free(c), 0);
	CHECK_EQUAL(co_mutex_lock_until(&m, 0), 0);
	co_mutex_unlock(&m);

	/* Set for oneself, canceled already, and a deadline of the token's own. */
	CHECK_EQUAL(co_cancel_make(inner, CO_FOREVER, &late), 0);
	CHECK_EQUAL(co_canceled(late), -ECANCELED);
	co_cancel_set(late);
	CHECK(co_cancel_get() == late);
	CHECK_EQUAL(co_sleep(MS), -ECANCELED);
	CHECK_EQUAL(co_sem_wait(&sem), 0);
	CHECK_EQUAL(co_sem_wait(&sem), -ECANCELED);
	co_cancel_set(NULL);
	co_cancel_free(late);
	co_cancel_free(outer);
	co_cancel_free(inner);
	CHECK_EQUAL(co_cancel_make(NULL, co_now() + MS, &late), 0);
	co_cancel_set(late);
	co_cancel_free(late);
	CHECK_EQUAL(co_sleep(1000 * MS), -ETIMEDOUT);
	CHECK_EQUAL(co_sem_wait(&sem), -ETIMEDOUT);
	CHECK_EQUAL(co_canceled(co_cancel_get()), -ETIMEDOUT);
	co_cancel_set(NULL);
}

/* --- what ends the program ------------------------------------------------------------------ */

static void breaks_rules(void *arg)
{
	struct co_mutex local = { 0 };

	co_set_name("the culprit");
	switch (*(const char *)arg) {
	case 'u':
		co_mutex_unlock(&m);
		break;
	case 'r':
		co_rwlock_unread(&rw);
		break;
	case 'w':
		co_rwlock_unwrite(&rw);
		break;
	case 'g':
		co_wg_add(&wg, 2);
		co_wg_add(&wg, -3);
		break;
	case 'l':
		co_mutex_lock(&local);
		co_mutex_lock(&local);
		break;
	case 'c':
		co_chan_make(8, 1, &c);
		co_chan_free(c);
		co_chan_recv(c, NULL);
		break;
	case 's':
		co_select(NULL, 0);
		break;
	case 'm':
		co_mutex_lock(&m);
		co_mutex_lock(&m);
		break;
	}
}

/* --- no memory ------------------------------------------------------------------------------ */

static void say_no_memory(const char *call, int rc)
{
	if (rc == -ENOMEM)
		printf("no memory: %s\n", call);
	else if (rc && rc != -ETIMEDOUT)
		printf("%s: %d\n", call, rc);
}

/* Each call either works or has no memory, and then leaves nothing behind. */
static void wants_memory(void *arg)
{
	unsigned key = 0;
	struct co_cancel *token = NULL;
	struct co_timer *t = NULL;
	struct co_case cases[20];
	int i, rc;

	(void)arg;
	do {
		rc = co_chan_make(8, 1, &c);
		say_no_memory("co_chan_make", rc);
	} while (rc);
	say_no_memory("co_chan_recv_until", co_chan_recv_until(c, NULL, co_now() + MS / 10));
	for (i = 0; i < 20; i++)
		cases[i] = (struct co_case){ c, CO_RECV, 0, NULL };
	say_no_memory("co_select", co_select_until(cases, 20, co_now() + MS / 10));
	say_no_memory("co_timer_make", co_timer_make(CO_FOREVER, 0, &t));
	co_timer_free(t);
	say_no_memory("co_cancel_make", co_cancel_make(NULL, CO_FOREVER, &token));
	co_cancel_free(token);
	say_no_memory("co_set_name", co_set_name("a name"));
	co_key_make(NULL, &key);
	say_no_memory("co_set", co_set(key, &counter));
	co_chan_free(c);
}

static void test_no_memory(void)
{
	static const char *const calls[] = { "co_chan_make",  "co_chan_recv_until", "co_select",
					     "co_timer_make", "co_cancel_make",	    "co_set_name",
					     "co_set" };
	unsigned seen = 0, i, n;
	char env[32], line[64];
	int status;

	for (n = 1; n <= 24; n++) {
		snprintf(env, sizeof(env), "CORUN_DEBUG=fail=%u", n);
		status = child_run("n", env);
		/* The first ones are those of co_run itself. */
		if (strstr(child_said, "co_run"))
			continue;
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
			snprintf(line, sizeof(line), "no memory: %s\n", calls[i]);
			if (strstr(child_said, line))
				seen |= 1u << i;
		}
		CHECK(!strstr(child_said, ": -"));
	}
	CHECK_EQUAL(seen, (1u << (sizeof(calls) / sizeof(*calls))) - 1);
}

static void check_fatal(const char *role, const char *said)
{
	int status = child_run(role, "CORUN_DEBUG=poison");

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID(said);
	CHECK_SAID("coroutine 1 \"the culprit\" [");
	CHECK_SAID("]: breaks_rules, created by main");
	CHECK_SAID("\tbreaks_rules");
}

static void first(void *arg)
{
	(void)arg;
	test_mutex();
	test_starvation();
	test_rwlock();
	test_sem();
	test_cond();
	test_once();
	test_deadlines();
	test_order_of_timers();
	test_timers();
	test_cancel();
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		int rc = co_run(NULL, *argv[1] == 'n' ? wants_memory : breaks_rules, argv[1]);

		if (rc)
			printf("co_run: %d\n", rc);
		return 0;
	}
	CHECK_EQUAL(co_sleep(1), -EPERM);
	CHECK_EQUAL(co_wg_wait(&wg), -EPERM);
	CHECK_EQUAL(co_sem_wait(&sem), -EPERM);
	CHECK_EQUAL(co_sem_post(&sem), -EPERM);
	CHECK_EQUAL(co_select(NULL, 0), -EPERM);
	CHECK(!co_cancel_get());
	check_run(first);
	check_run(first);
	test_no_memory();
	check_fatal("u", "fatal error: unlock of unlocked mutex\n");
	check_fatal("r", "fatal error: unlock of a lock that no reader has\n");
	check_fatal("w", "fatal error: unlock of a lock that no writer has\n");
	check_fatal("g", "fatal error: negative count of a wait group\n");
	check_fatal("l", "fatal error: what coroutines wait for lies on a stack that moves\n");
	check_fatal("c", "fatal error: use of a channel that was freed\n");
	check_fatal("s", "deadlock!\n\ncoroutine 1 \"the culprit\" [select (no cases)]");
	check_fatal("m", "deadlock!\n\ncoroutine 1 \"the culprit\" [mutex lock]");
	return check_result();
}
