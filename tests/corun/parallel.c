/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than one P: coroutines run on several threads at once and change between them, thieves find
 * work, calls that block give their P up, the number of Ps changes under load, and errors name the
 * coroutine on whatever thread it is.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

#define WORKERS 64
#define ROUNDS	200

static struct co_chan *done;
static unsigned long running, most_running, ended, leaving;
static volatile int stop;

static void add(unsigned long *to, long n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static unsigned long read_of(const unsigned long *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static void wait_for(int n)
{
	while (n--)
		CHECK_EQUAL(co_chan_recv(done, NULL), 0);
}

/* The compiler must not know what it does: it believes that the thread is always the same. */
static __attribute__((noipa)) unsigned long thread_now(void)
{
	return (unsigned long)pthread_self();
}

/* --- two threads -------------------------------------------------------------------------------
 */

/* Each holds its thread until it has seen the other: on one thread this never ends. */
static void meet(void *arg)
{
	unsigned long *mine = arg, *others = arg == &running ? &most_running : &running;

	__atomic_store_n(mine, thread_now(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(others, __ATOMIC_SEQ_CST))
		;
	CHECK(__atomic_load_n(others, __ATOMIC_SEQ_CST) != thread_now());
	co_chan_send(done, NULL);
}

static void start_meeting(void *arg)
{
	(void)arg;
	co_chan_make(0, 0, &done);
	co_go(meet, &running);
	co_go(meet, &most_running);
	wait_for(2);
	co_chan_free(done);
}

static unsigned long moves;

/* Yields and sleeps until it finds itself on another thread. */
static void wander(void *arg)
{
	unsigned long before = thread_now();

	(void)arg;
	while (!stop && thread_now() == before) {
		co_yield();
		co_sleep(20000);
	}
	if (thread_now() != before)
		add(&moves, 1);
	stop = 1;
	co_chan_send(done, NULL);
}

static void start_wandering(void *arg)
{
	int i;

	(void)arg;
	stop = 0;
	co_chan_make(0, WORKERS, &done);
	for (i = 0; i < 8; i++)
		co_go(wander, NULL);
	wait_for(8);
	CHECK(moves > 0);
	co_chan_free(done);
}

/* --- calls that block --------------------------------------------------------------------------
 */

static int pipe_of[2];

static void read_byte(void *arg)
{
	CHECK_EQUAL(read(pipe_of[0], arg, 1), 1);
	/* No place to park. */
	CHECK_EQUAL(co_yield(), -EPERM);
	CHECK_EQUAL(co_chan_send(done, NULL), -EPERM);
	CHECK_EQUAL(co_chan_close(done), -EPERM);
	CHECK_EQUAL(co_go(wander, NULL), -EPERM);
	CHECK_EQUAL(co_gomaxprocs(1), -EPERM);
	CHECK(!co_alloc(8));
}

static void reader(void *arg)
{
	static char byte[WORKERS];
	long i = (long)arg;

	CHECK_EQUAL(co_syscall(read_byte, &byte[i]), 0);
	CHECK_EQUAL(byte[i], 'x');
	co_chan_send(done, NULL);
}

/* More calls than Ps wait, and somebody else must run to end them: without handoff it hangs. */
static void start_blocking(void *arg)
{
	long i, n = (long)arg;

	CHECK_EQUAL(pipe(pipe_of), 0);
	co_chan_make(0, 0, &done);
	for (i = 0; i < n; i++)
		co_go(reader, (void *)i);
	co_yield();
	for (i = 0; i < n; i++)
		CHECK_EQUAL(write(pipe_of[1], "x", 1), 1);
	wait_for((int)n);
	close(pipe_of[0]);
	close(pipe_of[1]);
	co_chan_free(done);
}

/* --- GOMAXPROCS --------------------------------------------------------------------------------
 */

static __attribute__((noinline)) long deep(long n, const long *up)
{
	long here = n + (up ? *up % 3 : 0);

	if (n % 16 == 0)
		co_yield();
	return n ? deep(n - 1, &here) + (here - n) : here;
}

static void worker(void *arg)
{
	long n = (long)arg, i;

	for (i = 0; i < ROUNDS; i++) {
		unsigned long now = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);

		if (now > read_of(&most_running))
			__atomic_store_n(&most_running, now, __ATOMIC_RELAXED);
		add(&running, -1);
		deep((n * 31 + i * 7) % 150, NULL);
	}
	add(&ended, 1);
	co_chan_send(done, NULL);
}

static void start_resizing(void *arg)
{
	long i;
	int n, was = co_gomaxprocs(0);

	(void)arg;
	CHECK_EQUAL(was, 2);
	CHECK_EQUAL(co_gomaxprocs(-1), -EINVAL);
	running = most_running = ended = 0;
	co_chan_make(0, WORKERS, &done);
	for (i = 0; i < WORKERS; i++)
		co_go(worker, (void *)i);
	for (n = 1; read_of(&ended) < WORKERS; n = n % 5 + 1) {
		CHECK_EQUAL(co_gomaxprocs(n), was);
		was = n;
		if (n == 1) {
			/* Now nobody else runs: what two would do at once is not seen. */
			CHECK_EQUAL(read_of(&running), 0);
			for (i = 0; i < 1000; i++)
				CHECK_EQUAL(read_of(&running), 0);
		}
		co_yield();
	}
	wait_for(WORKERS);
	co_chan_free(done);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void yields_forever(void *arg)
{
	(void)arg;
	for (;;)
		co_yield();
}

static void sleeps(void *arg)
{
	(void)arg;
	usleep(200000);
	add(&ended, 1);
}

/* Till after the end. */
static void outlasts(void *arg)
{
	while (!read_of(&leaving))
		usleep(1000);
	sleeps(arg);
}

static void sleeps_long(void *arg)
{
	(void)arg;
	co_syscall(outlasts, NULL);
	add(&ended, 100); /* never: co_run ended meanwhile */
}

/* The first coroutine may end on another thread than the one on which co_run was called. */
static void start_ending(void *arg)
{
	unsigned long first = (unsigned long)arg;
	int i;

	ended = leaving = 0;
	for (i = 0; i < 8; i++)
		co_go(yields_forever, NULL);
	co_go(sleeps_long, NULL);
	for (i = 0; i < 100000 && (i < 100 || thread_now() == first); i++)
		co_yield();
	add(&leaving, 1);
}

/* --- errors ------------------------------------------------------------------------------------
 */

static __attribute__((noinline)) long runaway(long n)
{
	volatile char room[200];

	room[n % 200] = 1;
	return n < 0 ? n : runaway(n + 1) + room[n % 200];
}

static void runs_away(void *arg)
{
	(void)arg;
	while (!stop)
		co_yield();
	(void)runaway(0);
}

static void start_running_away(void *arg)
{
	(void)arg;
	co_go(runs_away, NULL);
	co_yield();
	stop = 1;
	for (;;)
		co_yield();
}

static void waits(void *arg)
{
	(void)arg;
	co_chan_recv(done, NULL);
}

static void start_deadlock(void *arg)
{
	int i;

	(void)arg;
	co_chan_make(0, 0, &done);
	for (i = 0; i < 20; i++)
		co_go(waits, NULL);
	co_syscall(sleeps, NULL); /* no deadlock meanwhile */
	waits(NULL);
}

static void start_many(void *arg)
{
	int rc, i;

	(void)arg;
	co_chan_make(0, 0, &done);
	for (i = 0; i < 10000000; i++) {
		rc = co_go(waits, NULL);
		if (rc) {
			printf("%d coroutines, then %s\n", i, strerror(-rc));
			return;
		}
	}
}

static int play(const char *role)
{
	struct co_config config = { .procs = 2, .max_stack = 1 << 20 };
	struct rlimit limit = { 200 << 20, 200 << 20 };

	if (!strcmp(role, "runaway"))
		return co_run(&config, start_running_away, NULL);
	if (!strcmp(role, "deadlock"))
		return co_run(&config, start_deadlock, NULL);
	if (!strcmp(role, "space")) {
		setrlimit(RLIMIT_AS, &limit);
		return co_run(&config, start_many, NULL);
	}
	return 3;
}

static void test_errors(void)
{
	CHECK_EQUAL(WEXITSTATUS(child_run("runaway", NULL)), 2);
	CHECK_SAID("stack of coroutine ");
	CHECK_SAID("[running]: runs_away, created by start_running_away");
	CHECK_SAID("runs_away");
	CHECK_EQUAL(WEXITSTATUS(child_run("deadlock", NULL)), 2);
	CHECK_SAID("all coroutines are asleep - deadlock!");
	CHECK_SAID("coroutine 1 [chan receive]");
	CHECK_SAID("coroutine 21 [chan receive]");
	if (!CHECK_SANITIZED) {
		CHECK_EQUAL(WEXITSTATUS(child_run("space", NULL)), 0);
		CHECK_SAID("coroutines, then Cannot allocate memory");
	}
	CHECK_EQUAL(co_syscall(sleeps, NULL), -EPERM);
	CHECK_EQUAL(co_gomaxprocs(2), -EPERM);
}

int main(int argc, char **argv)
{
	struct co_config config = { .procs = 2 };
	int i;

	if (argc > 1)
		return play(argv[1]);
	for (i = 0; i < 2; i++) {
		running = most_running = 0;
		CHECK_EQUAL(co_run(&config, start_meeting, NULL), 0);
		CHECK_EQUAL(co_run(&config, start_wandering, NULL), 0);
		config.procs = 1;
		CHECK_EQUAL(co_run(&config, start_blocking, (void *)1), 0);
		CHECK_EQUAL(co_run(&config, start_blocking, (void *)20), 0);
		config.procs = 2;
		CHECK_EQUAL(co_run(&config, start_blocking, (void *)20), 0);
		CHECK_EQUAL(co_run(&config, start_resizing, NULL), 0);
		CHECK_EQUAL(co_run(&config, start_ending, (void *)thread_now()), 0);
		CHECK_EQUAL(ended, 1);
	}
	test_errors();
	return check_result();
}
