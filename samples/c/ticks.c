/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticks: jobs that run at intervals of their own, until they are told to stop.
 *
 *	ticks [-v] [JOBS [TICKS]]
 *
 * Job n has a timer with a period of n milliseconds.  It waits for the timer and for the end at the
 * same time (co_select), counts, and after TICKS ticks reports how late they were.  When all have
 * reported, a token is canceled that one more coroutine sleeps under, which would sleep for ever.
 */
#include "sample.h"

static struct sample_number numbers[] = {
	{ "JOBS", 10, 10000 },
	{ "TICKS", 10, 1000000 },
};
#define JOBS  numbers[0].value
#define TICKS numbers[1].value

#define MS 1000000ll

struct report {
	unsigned long job, ticks;
	int64_t late; /* the latest, ns */
};

static struct co_chan *reports, *stop;
static struct co_wg left;
static unsigned long ticked, canceled;
static int64_t latest;

static void job(void *arg)
{
	struct report r = { (unsigned long)arg, 0, 0 };
	int64_t period = (int64_t)r.job * MS, due = co_now() + period, now;
	struct co_timer *timer;
	struct co_case cases[2] = { { .op = CO_RECV, .item = &now }, { .op = CO_RECV } };
	int rc = co_timer_make(due, period, &timer);

	if (rc)
		sample_fail("co_timer_make", rc);
	co_set_name("job");
	cases[0].chan = co_timer_chan(timer);
	cases[1].chan = stop;
	while (r.ticks < TICKS && co_select(cases, 2) == 0) {
		r.ticks++;
		if ((now - due) % period > r.late)
			r.late = (now - due) % period;
	}
	co_timer_free(timer);
	co_chan_send(reports, &r);
	co_chan_recv(stop, NULL);
	co_wg_done(&left);
}

static void sleeper(void *arg)
{
	(void)arg;
	if (co_sleep_until(CO_FOREVER))
		canceled++;
	co_wg_done(&left);
}

static void start(void *arg)
{
	struct co_cancel *token;
	struct report r;
	unsigned long i;
	int rc;

	(void)arg;
	rc = co_chan_make(sizeof(r), 0, &reports);
	if (!rc)
		rc = co_chan_make(0, 0, &stop);
	if (!rc)
		rc = co_cancel_make(NULL, CO_FOREVER, &token);
	if (rc)
		sample_fail("ticks", rc);
	co_wg_add(&left, (int64_t)JOBS + 1);
	for (i = 1; i <= JOBS && !rc; i++)
		rc = co_go(job, (void *)i);
	co_cancel_set(token);
	if (!rc)
		rc = co_go(sleeper, NULL);
	co_cancel_set(NULL);
	if (rc)
		sample_fail("co_go", rc);
	for (i = 0; i < JOBS; i++) {
		co_chan_recv(reports, &r);
		ticked += r.ticks;
		if (r.late > latest)
			latest = r.late;
	}
	co_chan_close(stop);
	co_cancel(token);
	co_cancel_free(token);
	co_wg_wait(&left);
	co_yield();
}

int main(int argc, char **argv)
{
	int rc;

	sample_read(argc, argv, numbers, 2);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	sample_say("coroutines", JOBS + 2);
	sample_say("growths", 0);
	sample_say("ticks", ticked);
	sample_say("latest_ns", (unsigned long)latest);
	sample_say_runtime();
	return ticked != JOBS * TICKS || canceled != 1;
}
