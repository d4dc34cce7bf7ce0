/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the C library from coroutines: they give what they give elsewhere, and the coroutine
 * stays at 2 KiB.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <search.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"

#define NOINLINE __attribute__((noinline))

static NOINLINE void test_memory(void *arg)
{
	char a[64], b[64], *p;

	(void)arg;
	memset(a, 'x', OPAQUE(sizeof(a)));
	a[63] = '\0';
	memcpy(b, a, OPAQUE(sizeof(b)));
	CHECK(!strcmp(a, b) && strlen(b) == 63);
	memmove(b + 1, b, OPAQUE(20ul));
	CHECK(strchr(b, 'x') == b && !strchr(b, 'y') && !memcmp(a, b, 60));
	p = malloc(OPAQUE(1000ul));
	p = realloc(p, OPAQUE(100000ul));
	CHECK(p != NULL);
	free(p);
	p = strdup("a copy");
	CHECK(!strcmp(p, "a copy"));
	free(p);
}

/* All registers, the count in al, and more arguments on the stack than any fixed copy would take.
 */
static NOINLINE void test_printf(void *arg)
{
	static char text[1024];
	const char *want =
		"1 2.5 s 4 5 6.5 7 8 9.5 10 11 12.5 13 14 15.5 16 17 18.5 19 20 21.5 22 23 "
		"24.5 25 26 27.5 28 29 30.5 31.25 32";
	int n;

	(void)arg;
	n = snprintf(
		text, sizeof(text),
		"%d %g %s %ld %d %g %d %d %g %d %d %g %d %d %g %d %d %g %d %d %g %d %d %g %d %d "
		"%g %d %d %g %Lg %d",
		1, 2.5, "s", 4l, 5, 6.5, 7, 8, 9.5, 10, 11, 12.5, 13, 14, 15.5, 16, 17, 18.5, 19,
		20, 21.5, 22, 23, 24.5, 25, 26, 27.5, 28, 29, 30.5, 31.25L, 32);
	CHECK(!strcmp(text, want));
	CHECK_EQUAL(n, (long)strlen(want));
	n = sprintf(text, "%s|%5.2f|%lc", OPAQUE((const char *)"text"), OPAQUE(2.0), (wint_t)'c');
	CHECK(!strcmp(text, "text| 2.00|c") && n == 12);
	n = printf("%s", "");
	CHECK_EQUAL(n, 0);
	fprintf(stderr, "%s", "");
	dprintf(2, "%s", "");
}

static NOINLINE int by_va_list(char *to, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to, size, fmt, ap);
	va_end(ap);
	return n;
}

static NOINLINE void test_scan(void *arg)
{
	int i[8], n;
	double d;
	char word[8], text[64];

	(void)arg;
	n = sscanf("1 2 3 4 5 6 7 8.5 word", "%d %d %d %d %d %d %d %lf %7s", &i[0], &i[1], &i[2],
		   &i[3], &i[4], &i[5], &i[6], &d, word);
	CHECK(n == 9 && i[0] == 1 && i[6] == 7 && d == 8.5 && !strcmp(word, "word"));
	CHECK_EQUAL(by_va_list(text, sizeof(text), "%d %s %g %d %d %d %d", 1, "b", 3.5, 4, 5, 6, 7),
		    15);
	CHECK(!strcmp(text, "1 b 3.5 4 5 6 7"));
	CHECK_EQUAL(strtol("77", NULL, 10), 77);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int compare_and_try(const void *a, const void *b)
{
	/* Called on the thread's stack: may print, may not park. */
	fprintf(stderr, "%s", "");
	CHECK_EQUAL(co_yield(), -EPERM);
	return compare(a, b);
}

static NOINLINE void test_callbacks(void *arg)
{
	int v[50], i, key = 30, *found;

	(void)arg;
	for (i = 0; i < 50; i++)
		v[i] = (i * 37) % 50;
	qsort(v, 50, sizeof(*v), compare_and_try);
	for (i = 0; i < 50; i++)
		CHECK_EQUAL(v[i], i);
	found = bsearch(&key, v, 50, sizeof(*v), compare);
	CHECK(found == &v[30]);
}

static NOINLINE void test_math(void *arg)
{
	long double third = OPAQUE(1.0L) / 3;

	(void)arg;
	CHECK(fabs(sin(OPAQUE(0.5)) - 0.479425538604203) < 1e-12);
	CHECK(pow(OPAQUE(2.0), OPAQUE(10.0)) == 1024);
	CHECK(powl(OPAQUE(2.0L), OPAQUE(70.0L)) == 1180591620717411303424.0L);
	CHECK(fmal(third, 3, 1) > 1.99L && fmodl(OPAQUE(7.5L), 2) == 1.5L);
	CHECK(floor(OPAQUE(2.7)) == 2 && lround(OPAQUE(2.7)) == 3);
}

static NOINLINE void test_files(void *arg)
{
	char name[] = "corun-test-XXXXXX", line[32];
	struct stat st;
	FILE *f;
	int fd;

	(void)arg;
	fd = mkstemp(name);
	CHECK(fd >= 0);
	f = fdopen(fd, "w+");
	fputs("first\nsecond\n", f);
	rewind(f);
	CHECK(fgets(line, sizeof(line), f) && !strcmp(line, "first\n"));
	CHECK(!fstat(fd, &st) && st.st_size == 13);
	fclose(f);
	unlink(name);
	errno = 0;
	CHECK(open("/nonexistent/file", 0) == -1 && errno == ENOENT);
}

static NOINLINE void test_names(void *arg)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	char host[32], port[8];
	int rc;

	(void)arg;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rc = getnameinfo((struct sockaddr *)&addr, sizeof(addr), host, sizeof(host), port,
			 sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV); /* seven arguments */
	CHECK_EQUAL(rc, 0);
	CHECK(!strcmp(host, "127.0.0.1") && !strcmp(port, "80"));
	rc = getaddrinfo("127.0.0.1", "80", &hints, &ai);
	CHECK_EQUAL(rc, 0);
	if (!rc)
		freeaddrinfo(ai);
}

static void *thread(void *arg)
{
	char text[32];

	/* No coroutine, and code with stack checks all the same. */
	snprintf(text, sizeof(text), "%d", 77);
	*(int *)arg = atoi(text);
	CHECK_EQUAL(co_self(), 0);
	CHECK_EQUAL(co_yield(), -EPERM);
	CHECK_EQUAL(co_go((co_fn *)test_math, NULL), -EPERM);
	return arg;
}

static int thread_result;

static NOINLINE void test_threads(void *arg)
{
	pthread_t t;
	time_t now = time(NULL);
	struct tm tm;
	void *ret;

	(void)arg;
	CHECK(!pthread_create(&t, NULL, thread, &thread_result));
	CHECK(!pthread_join(t, &ret) && ret == &thread_result && thread_result == 77);
	CHECK(localtime_r(&now, &tm) && tm.tm_year > 100);
}

static NOINLINE void test_fork(void *arg)
{
	pid_t pid = fork();
	int status = -1;

	(void)arg;
	if (!pid)
		_exit(co_self() > 1 ? 9 : 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static void deep_foreign(void *arg)
{
	volatile char room[100000];

	memset((char *)room, 1, sizeof(room));
	*(int *)arg += room[99999];
}

static NOINLINE void test_call(void *arg)
{
	static int count;

	(void)arg;
	co_call(deep_foreign, &count);
	CHECK_EQUAL(count, 1);
}

static void run_all(void *arg)
{
	static co_fn *const tests[] = { test_memory, test_printf, test_scan,  test_callbacks,
					test_math,   test_files,  test_names, test_threads,
					test_fork,   test_call };
	unsigned long before;
	unsigned i;

	(void)arg;
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		before = check_growths();
		CHECK_EQUAL(co_go(tests[i], NULL), 0);
		co_yield();
		if (check_growths() != before) {
			fprintf(stderr, "test %u of libc.c grew its stack\n", i);
			check_failures++;
		}
	}
}

int main(void)
{
	check_run(run_all);
	return check_result();
}
