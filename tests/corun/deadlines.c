/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions and lookups of names that nothing can interrupt, with deadlines and under tokens; what
 * becomes of those that were given up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>

#include "child.h"
#include "late.h"

#define MANY (CHECK_SANITIZED ? 100 : 1000)

/* --- functions ------------------------------------------------------------------------------ */

static void test_function(void)
{
	static struct job j = { 21, 0 };

	made = dropped = 0;
	open_gate(2);
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, CO_FOREVER), 0);
	CHECK_EQUAL(j.result, 42);
	j.result = 0;
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, co_now() + 10000 * MS), 0);
	CHECK_EQUAL(j.result, 42);
	CHECK_EQUAL(count(&made), 2);
	CHECK_EQUAL(count(&dropped), 0);

	j.result = 0;
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, 0), -ETIMEDOUT);
	CHECK_EQUAL(count(&made), 2);
	CHECK_EQUAL(count(&dropped), 1);
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(count(&made), 3);
	CHECK_EQUAL(count(&dropped), 1);
	open_gate(1);
	EVENTUALLY(count(&dropped) == 2);
	CHECK_EQUAL(j.result, 42);

	cancel_soon();
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, CO_FOREVER), -ECANCELED);
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, NULL, CO_FOREVER), -ECANCELED);
	CHECK_EQUAL(count(&made), 4);
	cancel_done();
	open_gate(1);
	EVENTUALLY(count(&dropped) == 3);
}

static void sleeps(void *arg)
{
	usleep(20000);
	*(int *)arg += 1;
}

/* A token alone: no timer runs, and it is no deadlock. */
static void test_alone(void)
{
	static int n;

	CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &token), 0);
	co_cancel_set(token);
	CHECK_EQUAL(co_syscall_until(sleeps, &n, NULL, CO_FOREVER), 0);
	CHECK_EQUAL(n, 1);
	co_cancel_set(NULL);
	co_cancel_free(token);
}

static void gives_up(void *arg)
{
	static struct job all;

	CHECK_EQUAL(co_syscall_until(waits_at_gate, &all, drops, *(int64_t *)arg), -ETIMEDOUT);
	CHECK_EQUAL(deep(100) & 0, 0);
	co_wg_done(&wg);
}

static void test_many(void)
{
	static int64_t deadline;
	unsigned threads = entries("/proc/self/task");
	long i;

	made = dropped = 0;
	deadline = co_now() + (CHECK_SANITIZED ? 3000 : 300) * MS;
	co_wg_add(&wg, MANY);
	for (i = 0; i < MANY; i++)
		CHECK_EQUAL(co_go(gives_up, &deadline), 0);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	CHECK(co_now() >= deadline);
	/* Some may have come too late. */
	EVENTUALLY(count(&made) + count(&dropped) == MANY);
	CHECK(count(&made) > 0);
	open_gate(count(&made));
	EVENTUALLY(count(&dropped) == MANY);
	/* Few are kept. */
	EVENTUALLY(entries("/proc/self/task") < threads + 80);
}

/* --- a call ends, is given up and canceled at about the same time --------------------------- */

static long balance;

static void sleeps_shortly(void *arg)
{
	struct job *j = arg;

	if (j->n)
		usleep((useconds_t)j->n);
	j->result = j->n + 1;
}

static void frees(void *arg)
{
	__atomic_sub_fetch(&balance, 1, __ATOMIC_RELAXED);
	free(arg);
}

static void races(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, i;
	struct job *j;
	int rc;

	for (i = 0; i < 50; i++) {
		seed = seed * 1664525 + 1013904223;
		j = malloc(sizeof(*j));
		__atomic_add_fetch(&balance, 1, __ATOMIC_RELAXED);
		*j = (struct job){ seed >> 24, 0 };
		rc = co_syscall_until(sleeps_shortly, j, frees, co_now() + (seed >> 8 & 0x7ffff));
		if (!rc) {
			CHECK_EQUAL(j->result, j->n + 1);
			frees(j);
		} else if (rc == -ECANCELED) {
			co_cancel_set(NULL);
		} else {
			CHECK_EQUAL(rc, -ETIMEDOUT);
		}
	}
	co_wg_done(&wg);
}

static void test_races(void)
{
	uintptr_t i;

	cancel_soon();
	for (i = 0; i < 40; i++) {
		co_wg_add(&wg, 1);
		CHECK_EQUAL(co_go(races, (void *)(i * 7919)), 0);
	}
	cancel_done();
	EVENTUALLY(!count(&balance));
}

/* --- names ---------------------------------------------------------------------------------- */

static long found;

/* The program's resolver, whose server does not answer but for a byte at the gate. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	struct {
		struct addrinfo a;
		struct sockaddr_in in;
	} * a;
	struct in_addr address = { 0 };
	char ch;

	if (!host || !inet_pton(AF_INET, host, &address)) {
		if (hints && hints->ai_flags & AI_NUMERICHOST)
			return EAI_NONAME;
		if (strcmp(host, "slow") || !service || read(gate[0], &ch, 1) != 1)
			return EAI_AGAIN;
		address.s_addr = htonl(INADDR_LOOPBACK);
	}
	a = calloc(1, sizeof(*a));
	a->a.ai_family = a->in.sin_family = AF_INET;
	a->a.ai_addr = (struct sockaddr *)&a->in;
	a->a.ai_addrlen = sizeof(a->in);
	a->in.sin_addr = address;
	a->in.sin_port = htons((uint16_t)atoi(service));
	__atomic_add_fetch(&found, 1, __ATOMIC_RELAXED);
	*ret = &a->a;
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	__atomic_sub_fetch(&found, 1, __ATOMIC_RELAXED);
	free(a);
}

static void test_names(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *a = NULL;
	char host[8] = "slow";

	CHECK_EQUAL(co_getaddrinfo_until(host, "1", &hints, &a, co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_getaddrinfo_until(host, "1", NULL, &a, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_tcp_connect_until(host, "1", co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_tcp_listen_until(host, "0", co_now() + SOON), -ETIMEDOUT);
	memset(host, 'z', 4);
	cancel_soon();
	CHECK_EQUAL(co_getaddrinfo("slow", "1", NULL, &a), -ECANCELED);
	CHECK_EQUAL(co_tcp_connect("slow", "1"), -ECANCELED);
	CHECK_EQUAL(co_tcp_listen("slow", "1"), -ECANCELED);
	/* Numbers need not be waited for. */
	CHECK_EQUAL(co_getaddrinfo("127.0.0.1", "1", NULL, &a), 0);
	freeaddrinfo(a);
	cancel_done();
	CHECK(!count(&found));
	open_gate(4);
	EVENTUALLY(!count(&found));
	CHECK_EQUAL(co_getaddrinfo_until("other", "1", NULL, &a, co_now() + 10000 * MS), -EAGAIN);
	open_gate(1);
	CHECK_EQUAL(co_getaddrinfo_until("slow", "80", NULL, &a, co_now() + 10000 * MS), 0);
	CHECK_EQUAL(((struct sockaddr_in *)a->ai_addr)->sin_port, htons(80));
	freeaddrinfo(a);
	CHECK_EQUAL(co_getaddrinfo_until("127.0.0.1", "1", NULL, &a, 0), 0);
	freeaddrinfo(a);
	open_gate(1);
	CHECK_EQUAL(co_tcp_connect_until("slow", "1", co_now() + 10000 * MS), -ECONNREFUSED);
	CHECK_EQUAL(co_getaddrinfo_until("slow", "1", NULL, NULL, 0), -EINVAL);
	EVENTUALLY(!count(&found));
}

/* --- what goes wrong ------------------------------------------------------------------------ */

static void cannot_start(void *arg)
{
	static struct job j;
	int64_t later = co_now() + 10000 * MS;
	struct addrinfo *a;
	co_fd fd;

	(void)arg;
	CHECK_EQUAL(co_syscall_until(waits_at_gate, &j, drops, later), -EAGAIN);
	CHECK_EQUAL(count(&made), 0);
	CHECK_EQUAL(count(&dropped), 0);
	CHECK_EQUAL(co_open_until("/dev/null", O_RDONLY, 0, later), -EAGAIN);
	CHECK_EQUAL(co_getaddrinfo_until("slow", "1", NULL, &a, later), -EAGAIN);
	fd = co_open("/dev/null", O_RDONLY, 0);
	CHECK(fd > 0);
	CHECK_EQUAL(co_close(fd), 0);
}

/* Limits are for those who are not root. */
static int role_no_threads(void)
{
	struct rlimit none = { 1, 1 };

	if (!getuid() && setuid(65534))
		return 0;
	setrlimit(RLIMIT_NPROC, &none);
	check_run(cannot_start);
	_exit(check_result()); /* not by way of LeakSanitizer, which needs a thread */
}

static void lacks_memory(void *arg)
{
	static struct job j = { 1, 0 };
	int64_t later = co_now() + 10000 * MS;
	struct addrinfo *a = NULL;
	co_fd fd;
	int rc;

	(void)arg;
	open_gate(2);
	rc = co_syscall_until(waits_at_gate, &j, drops, later);
	CHECK(!rc || rc == -ENOMEM);
	CHECK_EQUAL(count(&made), !rc);
	fd = co_open_until("/dev/null", O_RDWR, 0, later);
	CHECK(fd > 0 || fd == -ENOMEM);
	if (fd > 0)
		CHECK_EQUAL(co_close(fd), 0);
	if (fd > 0)
		rc = -ENOMEM == rc ? rc : 0;
	else
		rc = -ENOMEM;
	fd = (co_fd)co_getaddrinfo_until("slow", "1", NULL, &a, later);
	CHECK(!fd || fd == -ENOMEM);
	if (fd)
		rc = -ENOMEM;
	else
		freeaddrinfo(a);
	CHECK_EQUAL(count(&dropped), 0);
	CHECK_EQUAL(count(&found), 0);
	fprintf(stderr, rc ? "lacked\n" : "enough\n");
}

static void test_memory(void)
{
	unsigned lacked = 0, n;
	char env[32];
	int status;

	for (n = 1; n < 60; n++) {
		snprintf(env, sizeof(env), "CORUN_DEBUG=fail=%u", n);
		status = child_run("memory", env);
		lacked += strstr(child_said, "lacked") != NULL;
		if (strstr(child_said, "enough"))
			break;
		CHECK(WIFEXITED(status));
	}
	CHECK_EQUAL(status, 0);
	/* The call's, and the wait's, of the first; and those of the two others. */
	CHECK(lacked >= 4);
}

static int role_memory(void)
{
	int rc = co_run(NULL, lacks_memory, NULL);

	if (rc)
		CHECK_EQUAL(rc, -ENOMEM);
	return check_result();
}

static void first(void *arg)
{
	(void)arg;
	test_function();
	test_alone();
	test_names();
	test_races();
	test_many();
}

int main(int argc, char **argv)
{
	CHECK_EQUAL(pipe2(gate, O_CLOEXEC), 0);
	if (argc > 1 && !strcmp(argv[1], "memory"))
		return role_memory();
	if (argc > 1)
		return role_no_threads();
	CHECK_EQUAL(co_syscall_until(drops, NULL, NULL, 0), -EPERM);
	CHECK_EQUAL(co_getaddrinfo_until("slow", "1", NULL, (struct addrinfo **)1, 0), -EPERM);
	if (child_run("threads", NULL)) {
		fprintf(stderr, "without threads: %s", child_said);
		CHECK_FAILED();
	}
	test_memory();
	check_run(first);
	return check_result();
}
