/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

static bool is_program(const char *path, int *why)
{
	struct stat st;

	if (stat(path, &st)) {
		if (*why == ENOENT)
			*why = errno;
		return false;
	}
	if (S_ISDIR(st.st_mode) || !(st.st_mode & 0111)) {
		*why = EACCES;
		return false;
	}
	return true;
}

/* Looks for name in the directories of PATH; an empty element is the working directory. */
static int search_path(const char *name, char **ret)
{
	const char *dirs = getenv("PATH");
	int why = ENOENT;

	for (const char *d = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; d;) {
		size_t n = strcspn(d, ":");
		char *path;

		if (asprintf(&path, "%.*s%s%s", (int)n, d, n ? "/" : "./", name) < 0)
			return -ENOMEM;
		if (is_program(path, &why)) {
			*ret = path;
			return 0;
		}
		free(path);
		d = d[n] ? d + n + 1 : NULL;
	}
	return -why;
}

int launch_find_program(const char *name, char **ret, struct err *e)
{
	int r;

	if (strchr(name, '/')) { /* as execvp: no search; image_open says what is wrong with it */
		*ret = strdup(name);
		return *ret ? 0 : err_sys(e, ENOMEM, "cannot run '%s'", name);
	}
	r = name[0] ? search_path(name, ret) : -ENOENT;
	if (r == -ENOENT || r == -ENOTDIR) {
		err_set(e, -r, "cannot run '%s': no such program in PATH", name);
		err_hint(e, "a program in the working directory is './%s'", name);
		return -ENOENT;
	}
	if (r)
		return err_sys(e, -r, "cannot run '%s'", name);
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int become(const struct launch_user *u)
{
	if (!u->change)
		return 0;
	if (initgroups(u->name, u->gid) || setgid(u->gid) || setuid(u->uid))
		return -errno;
	setenv("USER", u->name, 1);
	setenv("LOGNAME", u->name, 1);
	if (u->home[0])
		setenv("HOME", u->home, 1);
	return 0;
}

/* Signals as the program would have found them without us. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
child_main(const struct launch_options *o, int wait_fd, int status_fd)
{
	ssize_t n;
	char go;
	int why;

	do
		n = read(wait_fd, &go, 1); /* end of file: the tracer is gone, run all the same */
	while (n < 0 && errno == EINTR);
	if (o->keep_fd >= 0)
		fcntl(o->keep_fd, F_SETFD, 0);
	for (unsigned i = 0; i < sizeof(o->env) / sizeof(o->env[0]); i++)
		if (o->env[i])
			putenv((char *)o->env[i]);
	if (o->stderr_fd >= 0)
		dup2(o->stderr_fd, STDERR_FILENO);
	why = -become(o->user);
	if (!why) {
		reset_signals();
		execv(o->path, o->argv);
		why = errno;
	}
	n = write(status_fd, &why, sizeof(why));
	(void)n;
	_exit(why == ENOENT ? 127 : 126);
}

int launch_start(const struct launch_options *o, struct launch *ret, struct err *e)
{
	int go[2] = { -1, -1 }, status[2] = { -1, -1 };
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) || pipe2(status, O_CLOEXEC)) {
		int code = errno;

		close_fd(&go[0]);
		close_fd(&go[1]);
		return err_sys(e, code, "cannot make a pipe");
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(status[0]);
		child_main(o, go[0], status[1]);
	}
	close_fd(&go[0]);
	close_fd(&status[1]);
	if (pid < 0) {
		int code = errno;

		close_fd(&go[1]);
		close_fd(&status[0]);
		return err_sys(e, code, "cannot create a process");
	}
	*ret = (struct launch){ .pid = pid, .release_fd = go[1], .status_fd = status[0] };
	return 0;
}

int launch_release(struct launch *l, const char *path, struct err *e)
{
	int why = 0;
	ssize_t n;

	n = write(l->release_fd, "g", 1);
	(void)n; /* a child killed meanwhile shows below and in waitpid */
	close_fd(&l->release_fd);
	do
		n = read(l->status_fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	close_fd(&l->status_fd);
	if (n != (ssize_t)sizeof(why))
		return 0;
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	err_sys(e, why, "cannot execute '%s'", path);
	if (why == EPERM)
		err_hint(e, "changing to another user needs root");
	return -why;
}

void launch_abort(struct launch *l)
{
	if (l->release_fd < 0)
		return;
	kill(l->pid, SIGKILL); /* before the pipe closes, or it would run */
	close_fd(&l->release_fd);
	close_fd(&l->status_fd);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
