/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits ROUNDS LOCKERS: waits whose number is known, of each kind, for switches_corun.sh.
 *
 * The first coroutine and echo hand a value to and fro ROUNDS times.  LOCKERS find a mutex taken,
 * and as many a lock that a writer has.  One sleeps 300 ms, and one waits for a channel until the
 * end.  "NAME VALUE" is what is printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "corun.h"

static struct co_chan *there, *back, *never;
static struct co_mutex m;
static struct co_rwlock rw;
static struct co_wg wg;
static long rounds, lockers;

static void echo(void *arg)
{
	long v;

	(void)arg;
	while (!co_chan_recv(there, &v))
		co_chan_send(back, &v);
}

static void contend(void *arg)
{
	(void)arg;
	co_mutex_lock(&m);
	co_mutex_unlock(&m);
	co_wg_done(&wg);
}

static void reads(void *arg)
{
	(void)arg;
	co_rwlock_read(&rw);
	co_rwlock_unread(&rw);
	co_wg_done(&wg);
}

static void sleeper(void *arg)
{
	(void)arg;
	co_sleep(300000000);
	co_wg_done(&wg);
}

static void stuck(void *arg)
{
	(void)arg;
	co_chan_recv(never, NULL);
}

static void start(void *arg)
{
	long i, v;

	(void)arg;
	co_chan_make(sizeof(v), 0, &there);
	co_chan_make(sizeof(v), 0, &back);
	co_chan_make(0, 0, &never);
	co_go(stuck, NULL);
	co_go(echo, NULL);
	for (i = 0; i < rounds; i++) {
		co_chan_send(there, &i);
		co_chan_recv(back, &v);
	}
	co_mutex_lock(&m);
	co_rwlock_write(&rw);
	co_wg_add(&wg, 2 * lockers + 1);
	for (i = 0; i < lockers; i++) {
		co_go(contend, NULL);
		co_go(reads, NULL);
	}
	co_yield();
	co_mutex_unlock(&m);
	co_rwlock_unwrite(&rw);
	co_go(sleeper, NULL);
	co_wg_wait(&wg);
	co_chan_close(there);
	co_yield();
}

int main(int argc, char **argv)
{
	struct co_stats s;

	rounds = argc > 1 ? atol(argv[1]) : 1000;
	lockers = argc > 2 ? atol(argv[2]) : 10;
	if (co_run(NULL, start, NULL))
		return 1;
	co_stats(&s);
	printf("switches %lu\n", (unsigned long)s.switches);
	return 0;
}
