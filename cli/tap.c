/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

#define QUEUE_MOST 65536 /* then nothing more is read */
#define PIPE_BYTES (1 << 20)
#define LAST_MS	   20 /* a terminal hands on what was written behind the writer's back */

struct tap {
	int fd;	      /* ours; -1: nobody has the other end any more */
	int child_fd; /* -1: handed over */
	int lifeline; /* closed, by whatever, it sets the keeper going */
	bool terminal, by_writes;
	char *queue;
	size_t begin, end, room;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- the keeper ---------------------------------------------------------------------------- */

static void pass_on(int from, int to)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && (errno == EINTR))) {
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, buf + done, (size_t)(n - done));
			if (w < 0 && errno != EINTR)
				break; /* gone; the program's writes must go on all the same */
			w = w < 0 ? 0 : w;
		}
	}
}

__attribute__((noreturn)) static void keep(int fd, int lifeline)
{
	static const int ignored[] = {
		SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP, SIGTTOU, SIGPIPE
	};
	char c;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "stacktrace-keep");
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(lifeline, STDOUT_FILENO) < 0)
		_exit(1);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	while (read(STDOUT_FILENO, &c, 1) < 0 && errno == EINTR)
		;
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) & ~O_NONBLOCK);
	pass_on(STDIN_FILENO, STDERR_FILENO);
	_exit(0);
}

static int start_keeper(struct tap *t, struct err *e)
{
	int line[2];
	pid_t pid;

	if (pipe2(line, O_CLOEXEC))
		return err_sys(e, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		close(line[1]);
		close(t->child_fd);
		keep(t->fd, line[0]);
	}
	close(line[0]);
	t->lifeline = line[1];
	return pid < 0 ? err_sys(e, errno, "cannot create a process") : 0;
}

/* --- opening ------------------------------------------------------------------------------- */

/* As raw as it gets: the real terminal does what is to be done with the bytes. */
static int open_terminal(struct tap *t)
{
	struct termios raw;
	struct winsize size;
	bool sized = !ioctl(STDERR_FILENO, TIOCGWINSZ, &size);

	if (tcgetattr(STDERR_FILENO, &raw))
		return -errno;
	cfmakeraw(&raw);
	if (openpty(&t->fd, &t->child_fd, NULL, &raw, sized ? &size : NULL))
		return -errno;
	fcntl(t->fd, F_SETFD, FD_CLOEXEC);
	fcntl(t->child_fd, F_SETFD, FD_CLOEXEC);
	t->terminal = true;
	return 0;
}

static int open_pipe(struct tap *t)
{
	int fd[2];

	/* In packet mode each write is one reading, and takes a page of the pipe. */
	t->by_writes = !pipe2(fd, O_CLOEXEC | O_DIRECT);
	if (!t->by_writes && pipe2(fd, O_CLOEXEC))
		return -errno;
	fcntl(fd[0], F_SETPIPE_SZ, PIPE_BYTES); /* what is there is enough, if it must be */
	t->fd = fd[0];
	t->child_fd = fd[1];
	return 0;
}

int tap_open(struct tap **ret, struct err *e)
{
	struct tap *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(e, ENOMEM, "cannot start");
	t->fd = t->child_fd = t->lifeline = -1;
	r = isatty(STDERR_FILENO) ? open_terminal(t) : -ENOTTY;
	if (r)
		r = open_pipe(t);
	if (r)
		r = err_sys(e, -r, "cannot read the program's standard error");
	else
		r = start_keeper(t, e);
	if (r) {
		tap_close(t);
		return r;
	}
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
	*ret = t;
	return 0;
}

bool tap_by_writes(const struct tap *t)
{
	return t->by_writes;
}

int tap_child_fd(const struct tap *t)
{
	return t->child_fd;
}

/* So that it can open /dev/stderr. */
void tap_give_to(struct tap *t, uid_t uid, gid_t gid)
{
	int r = fchown(t->child_fd, uid, gid);

	(void)r; /* without privilege it is the same user anyway */
}

void tap_launched(struct tap *t)
{
	close_fd(&t->child_fd);
}

/* --- reading and writing ------------------------------------------------------------------- */

static size_t queued(const struct tap *t)
{
	return t->end - t->begin;
}

nfds_t tap_poll(const struct tap *t, struct pollfd *fds)
{
	nfds_t n = 0;

	if (t->fd >= 0 && queued(t) < QUEUE_MOST)
		fds[n++] = (struct pollfd){ .fd = t->fd, .events = POLLIN };
	if (queued(t))
		fds[n++] = (struct pollfd){ .fd = STDERR_FILENO, .events = POLLOUT };
	return n;
}

static size_t read_now(struct tap *t, char *to, size_t room)
{
	ssize_t n = t->fd >= 0 ? read(t->fd, to, room) : -1;

	if (n > 0)
		return (size_t)n;
	if (t->fd >= 0 && (!n || (errno != EAGAIN && errno != EINTR)))
		close_fd(&t->fd); /* a terminal says EIO */
	return 0;
}

size_t tap_read(struct tap *t, char *to, size_t room)
{
	return queued(t) < QUEUE_MOST ? read_now(t, to, room) : 0;
}

size_t tap_read_last(struct tap *t, char *to, size_t room)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	if (t->fd < 0 || poll(&p, 1, t->terminal ? LAST_MS : 0) <= 0)
		return 0;
	return read_now(t, to, room);
}

/* Of a pipe, this much goes without waiting when poll() says that it takes any. */
static bool push_some(struct tap *t)
{
	size_t len = queued(t) < PIPE_BUF ? queued(t) : PIPE_BUF;
	ssize_t n = write(STDERR_FILENO, t->queue + t->begin, len);

	if (n < 0 && errno != EINTR && errno != EAGAIN)
		t->begin = t->end; /* nobody reads it any more */
	else if (n > 0)
		t->begin += (size_t)n;
	return n > 0;
}

void tap_push(struct tap *t)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (queued(t) && poll(&p, 1, 0) > 0 && push_some(t))
		;
}

void tap_write(struct tap *t, const char *bytes, size_t len)
{
	if (t->begin == t->end)
		t->begin = t->end = 0;
	if (t->end + len > t->room) {
		size_t room = 2 * (t->end + len);
		char *grown = realloc(t->queue, room);

		if (!grown) { /* rather late than never */
			while (queued(t))
				push_some(t);
			while (write(STDERR_FILENO, bytes, len) < 0 && errno == EINTR)
				;
			return;
		}
		t->queue = grown;
		t->room = room;
	}
	memcpy(t->queue + t->end, bytes, len);
	t->end += len;
}

void tap_resize(struct tap *t, pid_t program)
{
	struct winsize size;

	if (!t->terminal || t->fd < 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size))
		return;
	if (!ioctl(t->fd, TIOCSWINSZ, &size) && program > 0)
		kill(program, SIGWINCH);
}

void tap_flush(struct tap *t)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (queued(t)) {
		poll(&p, 1, -1);
		push_some(t);
	}
}

void tap_close(struct tap *t)
{
	if (!t)
		return;
	tap_flush(t);
	close_fd(&t->fd);
	close_fd(&t->child_fd);
	close_fd(&t->lifeline);
	free(t->queue);
	free(t);
}
