/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/err.h"

static void wanted(sigset_t *set)
{
	static const int list[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD, SIGWINCH };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sigaddset(set, list[i]);
}

int signals_open(int *ret_fd, struct err *e)
{
	sigset_t set;
	int fd;

	wanted(&set);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, errno, "cannot receive signals");
	*ret_fd = fd;
	return 0;
}

void signals_close(int fd)
{
	struct signals_seen late;
	sigset_t set;

	/* One that came while the program ended must not kill us before we tell the program's
	 * status. */
	signals_read(fd, &late);
	close(fd);
	wanted(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_read(int fd, struct signals_seen *ret)
{
	struct signalfd_siginfo si;

	*ret = (struct signals_seen){ 0 };
	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			ret->child = true;
			continue;
		}
		if (si.ssi_signo == SIGWINCH) {
			ret->resized = true;
			continue;
		}
		ret->stop = true;
		/* The terminal signals the whole foreground group, the program included. */
		if (si.ssi_code != SI_KERNEL)
			ret->forward = (int)si.ssi_signo;
	}
}

void signals_die_by(int signo)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none); /* the program's own core file must survive */
	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	fflush(NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
}
