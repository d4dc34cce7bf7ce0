/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot go on ends with status 2 and a report that names the coroutines. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

#include "tests/corun/child.h"

static uint64_t last_id;

static __attribute__((noinline)) long runaway(long n)
{
	volatile long here = n;

	return OPAQUE(n) ? runaway(n + 1) + here : 0;
}

static void overflowing(void *arg)
{
	(void)arg;
	printf("%ld\n", runaway(1));
}

static void start_overflowing(void *arg)
{
	co_go(overflowing, arg);
	co_yield();
}

static void start_nothing(void *arg)
{
	CHECK_EQUAL(co_self(), last_id + 1);
	last_id++;
	(void)arg;
}

static struct co_chan *c;

static __attribute__((noinline)) void sender_inner(void)
{
	co_chan_send(c, NULL);
	CHECK(0);
}

static void sender(void *arg)
{
	(void)arg;
	sender_inner();
	CHECK(0);
}

static void never_runs(void *arg)
{
	(void)arg;
}

static void start_deadlock(void *arg)
{
	struct co_chan *other;

	(void)arg;
	co_chan_make(0, 0, &c);
	co_chan_make(0, 0, &other);
	co_go(never_runs, NULL);
	co_go(sender, NULL);
	co_go(sender, NULL);
	co_chan_recv(other, NULL);
	CHECK(0);
}

static __attribute__((no_split_stack)) void unchecked(void *arg)
{
	(void)arg;
}

static void start_unchecked(void *arg)
{
	co_go(unchecked, arg);
}

/* As many coroutines as the address space holds, and not one more; those that are there work. */
static void start_crowd(void *arg)
{
	struct rlimit limit = { 256 << 20, 256 << 20 };
	unsigned long n;
	int rc;

	(void)arg;
	co_chan_make(0, 0, &c);
	setrlimit(RLIMIT_AS, &limit);
	for (n = 0; !(rc = co_go(never_runs, NULL)); n++)
		;
	CHECK_EQUAL(rc, -12);
	CHECK(n > 50000);
	co_yield();
	CHECK_EQUAL(co_go(never_runs, NULL), 0);
	co_yield();
}

static void start_growing_crowd(void *arg)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };

	(void)arg;
	setrlimit(RLIMIT_AS, &limit);
	runaway(1);
}

static void *elsewhere(void *arg)
{
	/* Another thread may run coroutines, too, and its stack is as good. */
	*(int *)arg = co_run(NULL, start_nothing, NULL);
	return NULL;
}

static void start_huge(void *arg)
{
	size_t n = OPAQUE((size_t)3 << 40);
	volatile char *p = __builtin_alloca(n);

	(void)arg;
	p[n - 1] = 1;
}

static __attribute__((noinline)) int play(const char *role)
{
	struct co_config small = { .stack_size = 2048, .max_stack = 1 << 20 };

	if (!strcmp(role, "overflow"))
		co_run(&small, start_overflowing, NULL);
	else if (!strcmp(role, "deadlock"))
		co_run(NULL, start_deadlock, NULL);
	else if (!strcmp(role, "unchecked"))
		co_run(NULL, start_unchecked, NULL);
	else if (!strcmp(role, "huge"))
		co_run(NULL, start_huge, NULL);
	else if (!strcmp(role, "crowd"))
		co_run(NULL, start_crowd, NULL);
	else if (!strcmp(role, "growing"))
		co_run(NULL, start_growing_crowd, NULL);
	else
		check_run(start_nothing);
	return check_result();
}

static void check_status(int status)
{
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 2);
}

static void check_bad(const char *env, const char *text)
{
	check_status(child_run("nothing", env));
	CHECK_SAID(text);
}

int main(int argc, char **argv)
{
	int status, rc = 1;
	pthread_t t;

	if (argc > 1)
		return play(argv[1]);

	check_status(child_run("overflow", NULL));
	CHECK_SAID("stack of coroutine 2 exceeds the limit of 1048576 bytes");
	CHECK_SAID("fatal error: stack overflow");
	CHECK_SAID("coroutine 2 [running]: overflowing, created by start_overflowing+");
	CHECK_SAID("\n\trunaway+");
	CHECK_SAID(" frames ...\n");
	CHECK_SAID("\n\toverflowing+");
	check_status(child_run("overflow", "CORUN_MAXSTACK=64K"));
	CHECK_SAID("limit of 65536 bytes");
	status = child_run("overflow", "CORUN_DEBUG=crash");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK_SAID("fatal error: stack overflow");
	check_status(child_run("huge", NULL));
	CHECK_SAID("fatal error: stack overflow");
	CHECK_SAID("needs 32985348833");

	/* A stack that cannot move for want of memory is fatal. */
	if (!check_moving()) {
		CHECK_EQUAL(child_run("crowd", NULL), 0);
		CHECK_EQUAL(strlen(child_said), 0);
	}
	check_status(child_run("growing", NULL));
	CHECK_SAID("fatal error: out of memory: cannot grow the stack of coroutine 1 from ");

	check_run(start_nothing);
	CHECK(!pthread_create(&t, NULL, elsewhere, &rc) && !pthread_join(t, NULL) && !rc);
	check_run(start_nothing);
	CHECK_EQUAL(last_id, 3);

	check_status(child_run("deadlock", NULL));
	CHECK_SAID("fatal error: all coroutines are asleep - deadlock!");
	CHECK_SAID("coroutine 1 [chan receive]: start_deadlock, created by play+");
	CHECK_SAID("coroutine 3 [chan send]: sender, created by start_deadlock+");
	CHECK_SAID("coroutine 4 [chan send]");
	CHECK_SAID("\n\tco_chan_send+");
	CHECK_SAID("\n\tsender_inner+");
	CHECK(!strstr(child_said, "coroutine 2"));

	check_status(child_run("unchecked", NULL));
	CHECK_SAID("does not check its stack");

	check_bad("CORUN_STACK=3000", "CORUN_STACK: '3000' is not a power of two of at least 2048");
	check_bad("CORUN_STACK=1024", "CORUN_STACK: '1024' is not a power of two");
	check_bad("CORUN_STACK=", "CORUN_STACK: ''");
	check_bad("CORUN_STACK=4Kx", "CORUN_STACK: '4Kx'");
	check_bad("CORUN_STACK=-4096", "CORUN_STACK: '-4096'");
	check_bad("CORUN_STACK=99999999999999999999", "CORUN_STACK: '99999999999999999999'");
	check_bad("CORUN_STACK=2G", "more than the limit of 1000000000; see CORUN_STACK");
	check_bad("CORUN_MAXSTACK=x", "CORUN_MAXSTACK: 'x' is not a size");
	check_bad("CORUN_MAXSTACK=1K", "more than the limit of 1024");
	check_bad("CORUN_DEBUG=poison,wrong", "CORUN_DEBUG: 'wrong' is not poison, ");
	CHECK_EQUAL(child_run("nothing", "CORUN_STACK=64K"), 0);
	CHECK_EQUAL(child_run("nothing", "CORUN_DEBUG=poison,"), 0);
	return check_result();
}
