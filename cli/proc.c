/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static FILE *open_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

int proc_status(pid_t pid, struct proc_status *ret)
{
	struct proc_status s = { .tgid = 0 };
	FILE *f = open_of(pid, "status");
	char line[256];

	if (!f)
		return -ESRCH;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Name: %63[^\n]", s.name);
		sscanf(line, "State: %c", &s.state);
		sscanf(line, "Tgid: %d", &s.tgid);
		sscanf(line, "PPid: %d", &s.ppid);
		sscanf(line, "TracerPid: %d", &s.tracer);
		sscanf(line, "Uid: %*u %u", &s.uid);
	}
	fclose(f);
	if (!s.tgid)
		return -ESRCH; /* it went while we read */
	*ret = s;
	return 0;
}

uint64_t proc_status_number(pid_t pid, const char *key)
{
	FILE *f = open_of(pid, "status");
	unsigned long long value = 0;
	size_t n = strlen(key);
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && line[n] == ':')
			sscanf(line + n + 1, "%llu", &value);
	fclose(f);
	return value;
}

int proc_exe(pid_t pid, char **ret)
{
	static const char deleted[] = " (deleted)";
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	if ((size_t)n > strlen(deleted) && !strcmp(path + n - strlen(deleted), deleted))
		path[n - (ssize_t)strlen(deleted)] = '\0';
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

/* Why there is no executable to be opened. */
static int explain(pid_t pid, int code, struct err *e)
{
	struct proc_status s;

	if (proc_status(pid, &s)) {
		err_set(e, ESRCH, "cannot trace process %d: there is no such process", pid);
		err_hint(e, "it may have ended: 'ps -e' lists those that run");
		return -ESRCH;
	}
	if (s.state == 'Z' || s.state == 'X') {
		err_set(e, ESRCH, "cannot trace process %d (%s): it has ended", pid, s.name);
		return -ESRCH;
	}
	if (code == EACCES || code == EPERM) {
		err_set(e, EPERM, "cannot trace process %d (%s): it is user %u's, not yours", pid,
			s.name, s.uid);
		if (s.uid == geteuid())
			err_set(e, EPERM,
				"cannot trace process %d (%s): it is protected, as one with "
				"privileges of its own is",
				pid, s.name);
		err_hint(e, "use sudo");
		return -EPERM;
	}
	if (code == ENOENT) {
		err_set(e, EINVAL,
			"cannot trace process %d (%s): it is a thread of the kernel and has no "
			"program",
			pid, s.name);
		return -EINVAL;
	}
	return err_sys(e, code, "cannot trace process %d (%s)", pid, s.name);
}

int proc_open_exe(pid_t pid, int *ret_fd, struct err *e)
{
	struct proc_status s;
	char path[64];
	int fd;

	if (!proc_status(pid, &s) && s.tgid != pid) {
		err_set(e, EINVAL, "cannot trace process %d: it is a thread of process %d", pid,
			s.tgid);
		err_hint(e, "use -p %d", s.tgid);
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return explain(pid, errno, e);
	*ret_fd = fd;
	return 0;
}
