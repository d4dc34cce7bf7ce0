/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	pid_t pid; /* 0: none */
	int terminal;
} pager = { .terminal = -1 };

static const char *command(void)
{
	const char *name = getenv("STACKTRACE_PAGER");

	if (!name)
		name = getenv("PAGER");
	if (!name)
		name = "less";
	return *name && strcmp(name, "cat") ? name : NULL;
}

__attribute__((noreturn)) static void run(const char *name, int in)
{
	static const char fallback[] = "cat";

	dup2(in, STDIN_FILENO);
	close(in);
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	signal(SIGINT, SIG_IGN); /* the pager's keys are its own; ours ends us */
	execl("/bin/sh", "sh", "-c", name, (char *)NULL);
	execlp(fallback, fallback, (char *)NULL);
	_exit(127);
}

/* Whether the shell finds the first word: else nothing would be seen at all. */
static bool exists(const char *name)
{
	char text[512];

	if ((size_t)snprintf(text, sizeof(text), "command -v %.*s >/dev/null 2>&1",
			     (int)strcspn(name, " \t"), name) >= sizeof(text))
		return false;
	return !system(text);
}

/* Else the shell would take the terminal back while the pager still reads from it. */
static void end_by_signal(int sig)
{
	close(STDOUT_FILENO);
	while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
		;
	signal(sig, SIG_DFL);
	raise(sig);
}

static void wait_when_killed(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signal(signals[i], end_by_signal) == SIG_IGN)
			signal(signals[i], SIG_IGN);
}

void pager_start(void)
{
	const char *name = command();
	int fd[2];

	if (!isatty(STDOUT_FILENO) || !name || !exists(name) || pipe2(fd, O_CLOEXEC))
		return;
	pager.terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	fflush(NULL);
	pager.pid = fork();
	if (!pager.pid)
		run(name, fd[0]);
	close(fd[0]);
	if (pager.pid < 0 || pager.terminal < 0 || dup2(fd[1], STDOUT_FILENO) < 0)
		pager.pid = 0;
	close(fd[1]);
	if (pager.pid > 0)
		wait_when_killed();
}

bool pager_is_active(void)
{
	return pager.pid > 0;
}

int pager_terminal(void)
{
	return pager.terminal;
}

void pager_wait(void)
{
	if (pager.pid <= 0)
		return;
	while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
		;
	pager.pid = 0;
}
