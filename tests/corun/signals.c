/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals in the middle of coroutines: handlers run beside their stacks, though compiled with stack
 * checks, and find errno and sigaction as the program left them.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

#define TICKS 300

static volatile sig_atomic_t ticks, on_coroutine_stack, late;
static uintptr_t coroutine_low, coroutine_high;

/* Needs far more than a coroutine has. */
static __attribute__((noinline)) int hungry(int n)
{
	volatile char room[6000];
	char text[64];

	room[0] = room[sizeof(room) - 1] = (char)n;
	snprintf(text, sizeof(text), "%d %g", n, 1.5);
	return text[0] + room[0];
}

static void on_tick(int signo)
{
	uintptr_t here = (uintptr_t)&signo;

	ticks++;
	hungry(ticks);
	if (here >= coroutine_low && here < coroutine_high)
		on_coroutine_stack++;
	if (co_yield() != -EPERM || co_go((co_fn *)abort, NULL) != -EPERM)
		late++;
}

static __attribute__((noinline)) long recurse(int depth, const long *up)
{
	volatile long mine = depth;
	const long *p = (const long *)&mine;
	long sum = *p + (up ? *up - depth - 1 : 0);

	if (depth)
		sum += recurse(depth - 1, p);
	return mine == depth && *p == depth ? sum : -1000000;
}

static void worker(void *arg)
{
	volatile char here;

	(void)arg;
	coroutine_low = ((uintptr_t)&here) & ~2047ul;
	coroutine_high = coroutine_low + 2048;
	while (ticks < TICKS) {
		CHECK_EQUAL(recurse(100, NULL), 5050);
		co_yield();
	}
}

static void start(void *arg)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = on_tick, .sa_flags = SA_RESTART }, old;

	(void)arg;
	CHECK_EQUAL(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_EQUAL(sigaction(SIGALRM, NULL, &old), 0);
	CHECK(old.sa_handler == on_tick && !(old.sa_flags & SA_SIGINFO));
	CHECK_EQUAL(setitimer(ITIMER_REAL, &every, NULL), 0);
	co_go(worker, NULL);
	co_go(worker, NULL);
	while (ticks < TICKS)
		co_yield();
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK_EQUAL(on_coroutine_stack, 0);
	CHECK_EQUAL(late, 0);

	/* signal, with its return values, and raise while a C library call runs beside us. */
	CHECK(signal(SIGUSR1, on_tick) == SIG_DFL);
	CHECK(signal(SIGUSR1, on_tick) == on_tick);
	late = 0;
	ticks = 0;
	raise(SIGUSR1);
	CHECK(ticks == 1 && !late);
	CHECK(signal(SIGUSR1, SIG_IGN) == on_tick);
	raise(SIGUSR1);
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	CHECK_EQUAL(ticks, 1);
	CHECK(signal(SIGKILL, on_tick) == SIG_ERR && errno == EINVAL);
}

static volatile sig_atomic_t released;

static void sleeps(void *arg)
{
	(void)arg;
	while (!released)
		usleep(1000);
}

static void blocks(void *arg)
{
	co_syscall(sleeps, arg);
}

/* On a thread that was made because another is in a call: it takes the signals that others do. */
static void start_blocking(void *arg)
{
	pid_t called_from = gettid();
	sigset_t now;

	co_go(blocks, arg);
	co_yield();
	CHECK(gettid() != called_from);
	CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	CHECK(!sigismember(&now, SIGSEGV) && !sigismember(&now, SIGURG));
	CHECK(sigismember(&now, SIGUSR2));
	released = 1;
}

int main(void)
{
	sigset_t usr2;

	check_run(start);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	check_run(start_blocking);
	return check_result();
}
