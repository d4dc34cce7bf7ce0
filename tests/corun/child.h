/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: runs this very program once more, in another role, and keeps what it says. */
#ifndef ST_TESTS_CORUN_CHILD_H
#define ST_TESTS_CORUN_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char child_said[65536]; /* on standard error, and on standard output */

/* Runs "SELF role" with NAME=VALUE in its environment (or NULL); returns the wait status. */
static inline int child_run(const char *role, const char *env)
{
	int p[2], status = -1;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(p) || (pid = fork()) < 0) {
		perror("child_run");
		exit(1);
	}
	if (!pid) {
		if (env)
			putenv(strdup(env));
		dup2(p[1], 1);
		dup2(p[1], 2);
		close(p[0]);
		close(p[1]);
		execl("/proc/self/exe", "self", role, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	while (n < sizeof(child_said) - 1 &&
	       (got = read(p[0], child_said + n, sizeof(child_said) - 1 - n)) > 0)
		n += (size_t)got;
	child_said[n] = '\0';
	close(p[0]);
	waitpid(pid, &status, 0);
	return status;
}

#define CHECK_SAID(text)                                                                  \
	do {                                                                              \
		if (!strstr(child_said, (text))) {                                        \
			fprintf(stderr, "%s:%d: the child did not say \"%s\" but:\n%s\n", \
				__FILE__, __LINE__, (text), child_said);                  \
			check_failures++;                                                 \
		}                                                                         \
	} while (0)

#endif
