/* SPDX-License-Identifier: Apache-2.0 */
/* Where stacks come from: allocators that change at run time, a program's own, those that fail. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

#include "tests/corun/child.h"

#define COUNT 3000

static long taken, returned, refuse_after = -1;
static struct co_chan *gate;

static int own_alloc(size_t size, void **ret)
{
	void *p;

	if (refuse_after >= 0 && taken >= refuse_after)
		return -ENOMEM;
	if (posix_memalign(&p, size, size + 128))
		return -ENOMEM;
	memset(p, 0x5a, size);
	taken++;
	*ret = p;
	return 0;
}

static void own_free(void *lo, size_t size)
{
	CHECK((uintptr_t)lo % size == 0);
	returned++;
	free(lo);
}

static int crooked_alloc(size_t size, void **ret)
{
	static char block[1 << 14];

	(void)size;
	*ret = (void *)(((uintptr_t)block | 2047) + 9);
	return 0;
}

static const struct co_stack_allocator own = { "own", own_alloc, own_free };
static const struct co_stack_allocator crooked = { "crooked", crooked_alloc, own_free };

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

/* Lives on one kind of stack, grows onto another, ends. */
static void worker(void *arg)
{
	long n = (long)(intptr_t)arg;

	CHECK_EQUAL(deep(n % 7), n % 7);
	CHECK_EQUAL(co_chan_recv(gate, NULL), -EPIPE);
	CHECK_EQUAL(deep(n % 100), n % 100);
}

/* Only the caller has a stack, and by order and by bytes that is what is counted. */
static __attribute__((noinline)) void check_sums(void)
{
	static struct co_stats s;
	unsigned long long bytes = 0;
	int i;

	co_stats(&s);
	for (i = 0; i < CO_ORDERS; i++)
		bytes += (s.stackalloc[i] - s.stackfree[i]) * (2048ull << i);
	CHECK_EQUAL(bytes, s.stack_in_use);
	CHECK_EQUAL(bytes, co_stack_size());
}

static void start_changing(void *arg)
{
	static const struct co_stack_allocator *const kinds[] = { &own, NULL, &co_mmap_allocator };
	long i;

	(void)arg;
	co_chan_make(0, 0, &gate);
	for (i = 0; i < COUNT; i++) {
		CHECK_EQUAL(co_set_allocator(kinds[i / 10 % 3]), 0);
		CHECK_EQUAL(co_go(worker, (void *)(intptr_t)i), 0);
	}
	co_yield();
	CHECK(getenv("CORUN_ALLOCATOR") || taken >= COUNT / 3);
	co_chan_close(gate);
	CHECK_EQUAL(co_set_allocator(&own), 0);
	co_yield();
	co_chan_free(gate);
	check_sums();
}

/* Allocations that fail are errors of calls, and everything goes on. */
static void start_failing(void *arg)
{
	int i, rc, failures = 0, workers = 0;

	co_chan_make(0, 0, &gate);
	CHECK_EQUAL(co_set_allocator(arg), 0);
	refuse_after = taken + 5;
	for (i = 0; i < 20; i++) {
		rc = co_go(worker, NULL);
		CHECK(rc == 0 || rc == -ENOMEM);
		failures += rc != 0;
		workers += rc == 0;
	}
	CHECK(failures >= 13 && workers >= 4);
	refuse_after = -1;
	CHECK_EQUAL(co_go(worker, NULL), 0);
	co_yield();
	co_chan_close(gate);
	co_yield();
}

static void nothing(void *arg)
{
	(void)arg;
}

/* CORUN_DEBUG=fail=N: exactly one of what is allocated after co_run's own fails. */
static void start_counted(void *arg)
{
	struct co_chan *c;
	int i, rc, failures = 0;

	(void)arg;
	for (i = 0; i < 10; i++) {
		rc = co_go(nothing, NULL);
		CHECK(rc == 0 || rc == -ENOMEM);
		failures += rc != 0;
	}
	rc = co_chan_make(8, 8, &c);
	failures += rc != 0;
	CHECK(rc == 0 || rc == -ENOMEM);
	if (!rc)
		co_chan_free(c);
	co_yield();
	printf("%d failures\n", failures);
}

static void grown(void *arg)
{
	(void)arg;
	CHECK_EQUAL(deep(200), 200);
	CHECK_EQUAL(co_chan_recv(gate, NULL), -EPIPE);
}

static void waiter(void *arg)
{
	(void)arg;
	co_chan_recv(gate, NULL);
}

/* Where there is no room for small stacks, that of large ones that are free is taken. */
static void start_pressure(void *arg)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	struct rlimit limit;
	long i;

	(void)arg;
	co_chan_make(0, 0, &gate);
	for (i = 0; i < 400; i++)
		CHECK_EQUAL(co_go(grown, NULL), 0);
	co_yield();
	/* Little more than what those had, for descriptors. */
	if (!f || fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	fclose(f);
	limit.rlim_cur = limit.rlim_max = pages * 4096 + (8 << 20);
	CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
	co_chan_close(gate);
	co_yield();
	co_chan_free(gate);
	co_chan_make(0, 0, &gate);
	for (i = 0; !co_go(waiter, NULL); i++)
		;
	printf("%ld stacks\n", i);
	/* 25 MiB in 64 KiB each, and as much again that they had on their way there. */
	CHECK(i > 12000);
}

/* A stack that cannot grow for want of addresses. */
static void start_space(void *arg)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };

	(void)arg;
	CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
	deep(10000000);
}

static void start_stale(void *arg)
{
	volatile long here = 7;
	uintptr_t hidden = OPAQUE(~(uintptr_t)&here);

	(void)arg;
	deep(100);
	printf("%ld\n", *(volatile long *)~hidden);
}

static void start_crooked(void *arg)
{
	(void)arg;
	co_set_allocator(&crooked);
	for (;;)
		co_go(nothing, NULL);
}

static __attribute__((noinline)) int play(const char *role)
{
	if (!strcmp(role, "changing"))
		check_run(start_changing);
	else if (!strcmp(role, "counted"))
		return co_run(NULL, start_counted, NULL) ? 3 : check_result();
	else if (!strcmp(role, "pressure"))
		check_run(start_pressure);
	else if (!strcmp(role, "space"))
		check_run(start_space);
	else if (!strcmp(role, "stale"))
		check_run(start_stale);
	else
		check_run(start_crooked);
	CHECK_EQUAL(taken, returned);
	return check_result();
}

static void check_counted(void)
{
	char env[64];
	int n, status, failed = 0, refused = 0;

	for (n = 1; n <= 24; n++) {
		snprintf(env, sizeof(env), "CORUN_DEBUG=fail=%d", n);
		status = child_run("counted", env);
		CHECK(WIFEXITED(status));
		if (WEXITSTATUS(status) == 3) {
			refused++; /* co_run itself said -ENOMEM */
			continue;
		}
		CHECK_EQUAL(status, 0);
		failed += strstr(child_said, "1 failures") != NULL;
	}
	/* The first coroutine's descriptor and stack; those of ten more; a channel. */
	CHECK_EQUAL(refused, 2);
	CHECK_EQUAL(failed, 21);
}

int main(int argc, char **argv)
{
	static const struct co_stack_allocator half = { "half", own_alloc, NULL };
	static struct co_stack_allocator many[12];
	struct co_config config = { 0 };
	int status, i, rc = 0;

	if (argc > 1)
		return play(argv[1]);
	CHECK_EQUAL(co_set_allocator(&half), -EINVAL);

	check_run(start_changing);
	CHECK(taken > 0);
	CHECK_EQUAL(taken, returned);
	CHECK_EQUAL(co_run(&config, start_failing, (void *)&own), 0);
	CHECK_EQUAL(taken, returned);
	CHECK_EQUAL(co_set_allocator(NULL), 0);

	CHECK_EQUAL(child_run("pressure", NULL), 0);
	if (check_failures)
		fputs(child_said, stderr);
	CHECK_EQUAL(child_run("changing", "CORUN_ALLOCATOR=mmap"), 0);
	CHECK_EQUAL(child_run("changing", "CORUN_DEBUG=poison"), 0);
	check_counted();
	status = child_run("crooked", NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("the stack allocator 'crooked' gave 0x");
	status = child_run("space", NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("out of memory: cannot grow the stack of coroutine 1 from ");
	CHECK_SAID("the address space is limited to 67108864 bytes (ulimit -v)");
	status = child_run("changing", "CORUN_ALLOCATOR=brk");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("CORUN_ALLOCATOR: 'brk' is not page or mmap");
	status = child_run("counted", "CORUN_DEBUG=fail=0");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);

	/* Without its memory an old stack is not read by mistake. */
	status = child_run("stale", "CORUN_DEBUG=unmap");
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 2);

	for (i = 0; i < 12 && !rc; i++) {
		many[i] = own;
		rc = co_set_allocator(&many[i]);
	}
	CHECK_EQUAL(rc, -ENOSPC);
	CHECK_EQUAL(i, 11);
	return check_result();
}
