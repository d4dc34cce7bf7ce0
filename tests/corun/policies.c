/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that stay in place, stacks of one size: growth, limits, guard pages, faults of others. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/corun/child.h"

#define LIMIT (1 << 20)

static struct co_config config;
static volatile long *kept;
static unsigned long sum;

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[500];

	room[0] = (char)n;
	return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

/* An address in a global stays good, which is what the policy is for. */
static void in_place(void *arg)
{
	volatile long here = 11;
	size_t before = co_stack_size();

	(void)arg;
	kept = &here;
	CHECK_EQUAL(deep(1000), 1000);
	CHECK(OPAQUE(kept) == &here && *kept == 11);
	CHECK(co_stack_size() > 500000 && co_stack_size() <= LIMIT);
	CHECK(before <= 8192);
	sum++;
}

/* A system call writes into locals that were not touched yet. */
static __attribute__((noinline)) void read_zeros(void)
{
	char buffer[100000];
	int fd = open("/dev/zero", O_RDONLY);

	CHECK_EQUAL(read(fd, buffer, sizeof(buffer)), sizeof(buffer));
	CHECK(buffer[0] == 0 && buffer[sizeof(buffer) - 1] == 0);
	close(fd);
}

static void large_frames(void *arg)
{
	size_t n = OPAQUE((size_t)300000);
	volatile char *p = __builtin_alloca(n);

	(void)arg;
	p[0] = p[n - 1] = 1;
	read_zeros();
	CHECK(p[0] == 1 && p[n - 1] == 1);
	sum++;
}

static void start_in_place(void *arg)
{
	struct co_stats s;
	int i;

	sum = 0;
	for (i = 0; i < 20; i++) {
		CHECK_EQUAL(co_go(in_place, arg), 0);
		CHECK_EQUAL(co_go(large_frames, arg), 0);
	}
	co_yield();
	CHECK_EQUAL(sum, 40);
	co_stats(&s);
	CHECK(s.growths > 0);
	CHECK_EQUAL(s.bytes_copied, 0);
	CHECK(s.stack_in_use > 0 && s.stack_in_use <= s.stack_mapped);
	/* Grown ones are used again. */
	i = (int)s.growths;
	CHECK_EQUAL(co_go(large_frames, arg), 0);
	co_yield();
	CHECK_EQUAL(check_growths(), i);
}

/* --- children -----------------------------------------------------------------------------------
 */

static __attribute__((noinline)) long runaway(long n)
{
	volatile long here = n;

	return OPAQUE(n) ? runaway(n + 1) + here : 0;
}

static __attribute__((noinline, no_split_stack)) long unchecked(long n)
{
	volatile char room[100];

	room[0] = (char)n;
	return OPAQUE(n) ? unchecked(n + 1) + room[0] : 0;
}

static void run_away(void *arg)
{
	(void)arg;
	printf("%ld\n", runaway(1));
}

static void run_unchecked(void *arg)
{
	(void)arg;
	printf("%ld\n", unchecked(1));
}

/* Far below the stack pointer, though in the range of the stack. */
static void go_wild(void *arg)
{
	volatile char here = 1, *p = &here;

	(void)arg;
	p = OPAQUE(p) - 200000;
	*p = here;
	printf("it was given memory\n");
}

static co_fn *second;

static void start_second(void *arg)
{
	co_go(second, arg);
	co_yield();
}

/* More stacks than mappings: an error, after which everything goes on; one that cannot grow is
 * fatal. */
static struct co_chan *gate;

static void waiter(void *arg)
{
	if (co_chan_recv(gate, NULL) == -EPIPE && arg)
		deep(1000);
}

/* No mapping is left when a stack must move to one of its own. */
static void start_mappings(void *arg)
{
	long i;

	(void)arg;
	for (i = 0; i < 1000000; i++)
		if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) == MAP_FAILED)
			break;
	printf("%ld\n", runaway(1));
}

static void start_crowd(void *arg)
{
	int n, rc = 0;

	co_chan_make(0, 0, &gate);
	for (n = 0; n < 200000 && !rc; n++)
		rc = co_go(waiter, arg);
	CHECK_EQUAL(rc, -ENOMEM);
	printf("%d coroutines\n", n);
	co_yield();
	co_chan_close(gate);
	co_yield();
	CHECK_EQUAL(co_go(waiter, NULL), 0);
	co_yield();
}

/* --- the program's own SIGSEGV -------------------------------------------------------------------
 */

static volatile char *locked;
static volatile sig_atomic_t opened;

static void open_page(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (signo != SIGSEGV || info->si_addr != locked)
		_exit(9);
	opened++;
	mprotect((void *)locked, 4096, PROT_READ | PROT_WRITE);
}

static void own_fault(void *arg)
{
	(void)arg;
	mprotect((void *)locked, 4096, PROT_NONE);
	*locked = 1;
	deep(500);
}

static void set_handler(void)
{
	struct sigaction act = { .sa_sigaction = open_page, .sa_flags = SA_SIGINFO }, old;

	CHECK_EQUAL(sigaction(SIGSEGV, &act, NULL), 0);
	CHECK_EQUAL(sigaction(SIGSEGV, NULL, &old), 0);
	CHECK(old.sa_sigaction == open_page);
}

static void start_faults(void *arg)
{
	own_fault(arg);
	set_handler();
	own_fault(arg);
	signal(SIGSEGV, SIG_DFL);
	set_handler();
	own_fault(arg);
}

static __attribute__((noinline)) int play(const char *role)
{
	struct co_config guard = { .policy = CO_MMAP, .trigger = CO_GUARD, .max_stack = LIMIT };
	struct co_config fixed = { .policy = CO_FIXED },
			 plain = { .policy = CO_MMAP, .max_stack = LIMIT };
	const struct co_config *c = &guard;
	co_fn *fn = start_second;
	void *arg = NULL;

	if (!strncmp(role, "fixed-", 6))
		c = &fixed;
	else if (!strncmp(role, "plain-", 6))
		c = &plain;
	role = strchr(role, '-') + 1;
	if (!strcmp(role, "runaway"))
		second = run_away;
	else if (!strcmp(role, "unchecked"))
		second = run_unchecked;
	else if (!strcmp(role, "wild"))
		second = go_wild;
	else if (!strcmp(role, "crowd"))
		fn = start_crowd;
	else if (!strcmp(role, "mappings"))
		fn = start_mappings, c = NULL;
	if (co_run(c, fn, arg))
		return 3;
	return check_result();
}

static void check_overflow(const char *role, const char *text, const char *chain)
{
	int status = child_run(role, NULL);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("fatal error: stack overflow\n");
	CHECK_SAID("\ncoroutine 2 [running]: ");
	CHECK_SAID(text);
	CHECK_SAID(chain);
}

static void check_children(void)
{
	int status;

	check_overflow("guard-runaway",
		       "stack of coroutine 2 exceeds the limit of 1048576 bytes (CORUN_MAXSTACK)",
		       "\n\trun_away+");
	check_overflow("plain-runaway", "limit of 1048576 bytes (CORUN_MAXSTACK)", "\n\trunaway+");
	check_overflow("fixed-runaway", "limit of 65536 bytes (CORUN_STACK)", "\n\trun_away+");
	check_overflow(
		"guard-unchecked",
		"corun: coroutine 2 ran past the end of its stack, into the guard page at 0x",
		"\n\tunchecked+");
	check_overflow("plain-unchecked", "into the guard page", "\n\trun_unchecked+");
	check_overflow("fixed-unchecked", "into the guard page", "\n\trun_unchecked+");
	status = child_run("guard-wild", NULL);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK_EQUAL(child_run("guard-crowd", NULL), 0);
	CHECK_SAID(" coroutines\n");
	CHECK_EQUAL(child_run("fixed-crowd", NULL), 0);
	status = child_run("copy-mappings", NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK_SAID("fatal error: out of memory: cannot grow the stack of coroutine 1 from ");
	CHECK_SAID("the limit of vm.max_map_count");
	/* The environment wins, also over what only makes sense with the program's policy. */
	CHECK_EQUAL(child_run("guard-wild", "CORUN_POLICY=copy") >> 8 & 0x7f, 0);
}

static void check_refusals(void)
{
	static const struct co_config bad[] = {
		{ .policy = (enum co_policy)9 },
		{ .trigger = (enum co_trigger)3 },
		{ .policy = CO_COPY, .trigger = CO_GUARD },
		{ .policy = CO_SEGMENTED, .trigger = CO_GUARD },
		{ .policy = CO_MMAP, .stack_size = CO_ADAPTIVE },
		{ .policy = CO_MMAP, .stack_size = 5000 },
		{ .policy = CO_MMAP, .stack_size = 8192, .max_stack = 4096 },
		{ .gap = (size_t)-1 },
	};
	static const struct {
		const char *env, *said;
	} texts[] = {
		{ "CORUN_POLICY=heap",
		  "CORUN_POLICY: 'heap' is not copy, mmap, fixed or segmented" },
		{ "CORUN_TRIGGER=x", "CORUN_TRIGGER: 'x' is not prologue or guard" },
		{ "CORUN_GAP=-1", "CORUN_GAP: '-1' is not a size" },
		{ "CORUN_STACK=adaptive",
		  "CORUN_STACK: 'adaptive' is for the policies copy and segmented" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (co_run(&bad[i], start_in_place, NULL) != -EINVAL) {
			fprintf(stderr, "configuration %zu was accepted\n", i);
			check_failures++;
		}
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int status = child_run("guard-wild", texts[i].env);

		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
		CHECK_SAID(texts[i].said);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return play(argv[1]);
	config = (struct co_config){ .policy = CO_MMAP, .max_stack = LIMIT };
	CHECK_EQUAL(co_run(&config, start_in_place, NULL), 0);
	config.trigger = CO_GUARD;
	CHECK_EQUAL(co_run(&config, start_in_place, NULL), 0);
	config.gap = 64 << 10;
	CHECK_EQUAL(co_run(&config, start_in_place, NULL), 0);

	locked = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	set_handler();
	CHECK_EQUAL(co_run(&config, start_faults, NULL), 0);
	CHECK_EQUAL(opened, 3);
	/* Afterwards it is the program's alone. */
	mprotect((void *)locked, 4096, PROT_NONE);
	*locked = 1;
	CHECK_EQUAL(opened, 4);
	signal(SIGSEGV, SIG_DFL);

	check_children();
	check_refusals();
	return check_result();
}
