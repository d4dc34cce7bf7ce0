/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fate.c: a corun program that ends, or lives, as its first argument says.  For tests of how the
 * tool launches and follows a program.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corun.h"

static char **args;

/* Uses the stack so that there is something to trace. */
static int deep(int n)
{
	volatile char room[256];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] - (char)n : 0;
}

static void worker(void *arg)
{
	(void)arg;
	deep(40);
}

static void copy_input(void)
{
	char buf[512];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, (size_t)n) != n)
			exit(1);
}

static volatile sig_atomic_t signalled;

static void on_signal(int signo)
{
	signalled = signo;
}

/* Works until a signal comes, then ends with status 7. */
static void wait_for_signal(void)
{
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (!signalled) {
		co_go(worker, NULL);
		co_yield();
		usleep(1000);
	}
	printf("signal %d\n", (int)signalled);
	exit(7);
}

static void die_by(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}

static void main_coroutine(void *arg)
{
	const char *what = args[1];

	(void)arg;
	co_go(worker, NULL);
	co_yield();
	if (!strcmp(what, "exit"))
		exit(atoi(args[2]));
	else if (!strcmp(what, "kill"))
		die_by(atoi(args[2]));
	else if (!strcmp(what, "cat"))
		copy_input();
	else if (!strcmp(what, "whoami"))
		printf("%d %d %s %s\n", (int)getuid(), (int)getgid(), getenv("USER"),
		       getenv("HOME"));
	else if (!strcmp(what, "args"))
		for (char **a = args + 2; *a; a++)
			printf("<%s>\n", *a);
	else if (!strcmp(what, "signal"))
		wait_for_signal();
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (argc < 2)
		return 2;
	args = argv;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	return co_run(NULL, main_coroutine, NULL) ? 3 : 0;
}
