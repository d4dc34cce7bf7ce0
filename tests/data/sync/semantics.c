/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/data/go/semantics.go does, in C: both print the same. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "corun.h"

#define MS 1000000ll

static struct co_chan *c, *done, *a, *b;
static struct co_wg wg;
static struct co_mutex m;
static struct co_rwlock rw;
static struct co_once once;
static struct co_cond cond;
static long n;

static const char *is(int yes)
{
	return yes ? "true" : "false";
}

static void sends_three(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 3; i++) {
		co_chan_send(c, &i);
		printf("sent %d\n", i);
		co_chan_recv(done, NULL);
	}
	co_chan_close(c);
}

static void unbuffered(void)
{
	int i, v;

	co_chan_make(sizeof(int), 0, &c);
	co_chan_make(0, 0, &done);
	co_go(sends_three, NULL);
	for (i = 0; i < 3; i++) {
		int ok = !co_chan_recv(c, &v);

		co_chan_send(done, NULL);
		printf("received %d %s\n", v, is(ok));
		co_sleep(2 * MS);
	}
	printf("closed %s\n", is(!co_chan_recv(c, &v)));
	printf("closed %s\n", is(!co_chan_recv(c, &v)));
	co_chan_free(c);
	co_chan_free(done);
}

static void buffered(void)
{
	int i, v;

	co_chan_make(sizeof(int), 3, &c);
	for (i = 0; i < 3; i++) {
		v = i * 10;
		co_chan_send(c, &v);
		printf("len %zu cap %zu\n", co_chan_len(c), co_chan_cap(c));
	}
	puts(co_chan_send_until(c, &v, 0) ? "full" : "room");
	co_chan_close(c);
	while (!co_chan_recv(c, &v))
		printf("left %d %zu\n", v, co_chan_len(c));
	co_chan_free(c);
}

static void sends_arg(void *arg)
{
	int i = (int)(intptr_t)arg;

	co_chan_send(c, &i);
	co_wg_done(&wg);
}

static void blocked_senders(void)
{
	int i, v;

	co_chan_make(sizeof(int), 1, &c);
	for (i = 0; i < 3; i++) {
		co_wg_add(&wg, 1);
		co_go(sends_arg, (void *)(intptr_t)i);
		co_sleep(2 * MS);
	}
	for (i = 0; i < 3; i++) {
		co_chan_recv(c, &v);
		printf("in order %d\n", v);
	}
	co_wg_wait(&wg);
	co_chan_free(c);
}

static void sends_six(void *arg)
{
	int six = 6;

	(void)arg;
	co_sleep(2 * MS);
	co_chan_send(a, &six);
}

static void closes_b(void *arg)
{
	(void)arg;
	co_sleep(2 * MS);
	co_chan_close(b);
}

static void say(const struct co_case *cases, int i)
{
	static const char *const names[] = { "a", "b" };

	printf("%s %d\n", names[i], *(int *)cases[i].item);
}

static void selects(void)
{
	struct co_timer *t;
	int v, five = 5, i, seen[2] = { 0, 0 };
	struct co_case cases[] = { { .op = CO_RECV, .item = &v }, { .op = CO_RECV, .item = &v } };
	struct co_case first[] = { { .op = CO_RECV }, { .op = CO_RECV }, { .op = CO_DEFAULT } };
	struct co_case send[] = { { .op = CO_RECV }, { .op = CO_SEND, .item = &five } };
	struct co_case timed[] = { { .op = CO_RECV }, { .op = CO_RECV } };
	struct co_chan *both;

	co_chan_make(sizeof(int), 0, &a);
	co_chan_make(sizeof(int), 1, &b);
	cases[0].chan = first[0].chan = send[0].chan = timed[0].chan = a;
	cases[1].chan = send[1].chan = b;
	puts(co_select(first, 3) == 2 ? "default" : "no default");
	puts(co_select(send, 2) == 1 ? "sent to b" : "not sent");
	say(cases, co_select(cases, 2));
	co_go(sends_six, NULL);
	say(cases, co_select(cases, 2));
	co_go(closes_b, NULL);
	i = co_select(cases, 2);
	printf("%s %s\n", i ? "b" : "a", is(!cases[i].result));
	co_timer_make(co_now() + 2 * MS, 0, &t);
	timed[1].chan = co_timer_chan(t);
	puts(co_select(timed, 2) == 1 ? "time out" : "something");
	co_timer_free(t);
	co_chan_make(sizeof(int), 1, &both);
	cases[0].chan = both;
	for (i = 0; i < 1000; i++) {
		co_chan_send_until(both, &v, 0);
		seen[co_select(cases, 2)]++;
	}
	printf("fair %s %s\n", is(seen[0] > 350), is(seen[1] > 350));
	co_chan_free(a);
	co_chan_free(b);
	co_chan_free(both);
}

static void writer(void *arg)
{
	(void)arg;
	co_rwlock_write(&rw);
	puts("writer in");
	co_rwlock_unwrite(&rw);
}

static void counts(void *arg)
{
	int k;

	(void)arg;
	for (k = 0; k < 100; k++) {
		co_mutex_lock(&m);
		n++;
		co_mutex_unlock(&m);
	}
	co_wg_done(&wg);
}

static int try_read(void)
{
	return !co_rwlock_read_until(&rw, 0);
}

static int try_write(void)
{
	return !co_rwlock_write_until(&rw, 0);
}

static void locks(void)
{
	int i, first, second, third;

	first = !co_mutex_lock_until(&m, 0);
	second = !co_mutex_lock_until(&m, 0);
	printf("try %s %s\n", is(first), is(second));
	co_mutex_unlock(&m);
	first = try_read();
	second = try_read();
	third = try_write();
	printf("readers %s %s %s\n", is(first), is(second), is(third));
	co_rwlock_unread(&rw);
	co_rwlock_unread(&rw);
	first = try_write();
	second = try_read();
	third = try_write();
	printf("writer %s %s %s\n", is(first), is(second), is(third));
	co_rwlock_unwrite(&rw);
	co_rwlock_read(&rw);
	co_go(writer, NULL);
	co_sleep(2 * MS);
	printf("reader behind a writer %s\n", is(try_read()));
	co_rwlock_unread(&rw);
	co_rwlock_read(&rw);
	puts("reader in");
	co_rwlock_unread(&rw);
	for (i = 0; i < 10; i++) {
		co_wg_add(&wg, 1);
		co_go(counts, NULL);
	}
	co_wg_wait(&wg);
	printf("counted %ld\n", n);
}

static void adds(void *arg)
{
	(void)arg;
	n++;
}

static void calls_once(void *arg)
{
	(void)arg;
	co_once(&once, adds, NULL);
	co_wg_done(&wg);
}

static void waits_cond(void *arg)
{
	int i = (int)(intptr_t)arg;

	co_mutex_lock(&m);
	co_cond_wait(&cond, &m);
	co_chan_send(c, &i);
	co_mutex_unlock(&m);
	co_wg_done(&wg);
}

static void others(void)
{
	int i, v;

	n = 0;
	for (i = 0; i < 5; i++) {
		co_wg_add(&wg, 1);
		co_go(calls_once, NULL);
	}
	co_wg_wait(&wg);
	printf("once %ld\n", n);
	co_chan_make(sizeof(int), 3, &c);
	for (i = 0; i < 3; i++) {
		co_wg_add(&wg, 1);
		co_go(waits_cond, (void *)(intptr_t)i);
		co_sleep(2 * MS);
	}
	co_cond_signal(&cond);
	co_chan_recv(c, &v);
	printf("signal %d\n", v);
	co_sleep(2 * MS);
	printf("others wait %zu\n", co_chan_len(c));
	co_cond_broadcast(&cond);
	co_wg_wait(&wg);
	printf("broadcast %zu\n", co_chan_len(c));
	co_chan_free(c);
}

static void timers(void)
{
	struct co_timer *t, *tick;
	int64_t begin;
	int i, first, second;

	co_timer_make(co_now() + 3600000 * MS, 0, &t);
	first = co_timer_stop(t);
	second = co_timer_stop(t);
	printf("stop %s %s\n", is(first), is(second));
	printf("reset %s\n", is(co_timer_set(t, co_now() + MS, 0)));
	co_chan_recv(co_timer_chan(t), NULL);
	printf("fired %s\n", is(co_timer_stop(t)));
	co_timer_make(co_now() + 2 * MS, 2 * MS, &tick);
	for (i = 0; i < 3; i++) {
		co_chan_recv(co_timer_chan(tick), NULL);
		printf("tick %d\n", i);
	}
	co_sleep(10 * MS);
	printf("waiting %s\n", is(co_chan_len(co_timer_chan(tick)) <= 1));
	begin = co_now();
	co_sleep(-1);
	co_sleep(3 * MS);
	printf("slept %s\n", is(co_now() - begin >= 3 * MS));
	co_timer_free(t);
	co_timer_free(tick);
}

static void receives(void *arg)
{
	const char *what = "received";

	(void)arg;
	if (co_chan_recv(c, NULL) == -ECANCELED)
		what = "canceled";
	co_cancel_set(NULL);
	co_chan_send(done, &what);
}

static void contexts(void)
{
	struct co_cancel *outer, *inner, *late;
	const char *what;
	int one = 1;

	co_cancel_make(NULL, CO_FOREVER, &outer);
	co_cancel_make(outer, co_now() + 3600000 * MS, &inner);
	co_chan_make(sizeof(int), 0, &c);
	co_chan_make(sizeof(what), 0, &done);
	co_cancel_set(inner);
	co_go(receives, NULL);
	co_go(receives, NULL);
	co_cancel_set(NULL);
	co_chan_send(c, &one);
	co_chan_recv(done, &what);
	puts(what);
	printf("before %s\n", is(!co_canceled(inner)));
	co_cancel(outer);
	co_chan_recv(done, &what);
	puts(what);
	printf("after %s\n", is(co_canceled(inner) == -ECANCELED));
	co_cancel_make(NULL, co_now() + 2 * MS, &late);
	co_cancel_set(late);
	if (co_chan_recv(c, NULL) == -ETIMEDOUT)
		printf("late %s\n", is(co_canceled(late) == -ETIMEDOUT));
	co_cancel_set(NULL);
	co_cancel_free(outer);
	co_cancel_free(inner);
	co_cancel_free(late);
}

static void break_rule(const char *which)
{
	if (!strcmp(which, "unlock")) {
		co_mutex_unlock(&m);
	} else if (!strcmp(which, "wait group")) {
		co_wg_add(&wg, 1);
		co_wg_add(&wg, -2);
	} else if (!strcmp(which, "deadlock")) {
		co_chan_make(0, 0, &c);
		co_chan_recv(c, NULL);
	} else if (!strcmp(which, "select nothing")) {
		co_select(NULL, 0);
	}
}

static void first(void *arg)
{
	if (arg) {
		break_rule(arg);
		return;
	}
	unbuffered();
	buffered();
	blocked_senders();
	selects();
	locks();
	others();
	timers();
	contexts();
}

int main(int argc, char **argv)
{
	return co_run(NULL, first, argc > 1 ? argv[1] : NULL) != 0;
}
