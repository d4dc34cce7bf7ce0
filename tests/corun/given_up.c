/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of files, and opening, with deadlines and under tokens; what becomes of those that were
 * given up, also when co_run ends.
 *
 * A read of a file is made to wait for as long as we like by a seccomp filter that has a thread of
 * ours asked first (hold_files); opening a FIFO does so by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "late.h"

#define FILE_FD	  200 /* whose calls are held up, and those of 0 */
#define LONG_FILE ((2 << 20) + 4321)

static char fifo[64], path[64];

static unsigned open_files(void)
{
	return entries("/proc/self/fd");
}

/* --- opening -------------------------------------------------------------------------------- */

static void test_open(void)
{
	struct co_cancel *t;
	unsigned before;
	co_fd fd, ends[2];
	char ch;
	int peer;

	/* The runtime's own two come with the first one. */
	CHECK_EQUAL(co_pipe(ends), 0);
	co_close(ends[0]);
	co_close(ends[1]);
	before = open_files();
	CHECK_EQUAL(co_open_until(fifo, O_RDONLY, 0, co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_open_until(fifo, O_RDONLY, 0, 0), -ETIMEDOUT);
	/* It still waits in the kernel, for this. */
	fd = co_open_until(fifo, O_WRONLY, 0, co_now() + 10000 * MS);
	CHECK(fd > 0);
	CHECK_EQUAL(co_close(fd), 0);
	EVENTUALLY(open_files() == before);

	cancel_soon();
	CHECK_EQUAL(co_open(fifo, O_RDONLY, 0), -ECANCELED);
	CHECK_EQUAL(co_open("/dev/null", O_RDONLY, 0), -ECANCELED);
	cancel_done();
	CHECK_EQUAL(co_cancel_make(NULL, co_now() + SOON, &t), 0);
	co_cancel_set(t);
	CHECK_EQUAL(co_open(fifo, O_RDONLY, 0), -ETIMEDOUT);
	co_cancel_set(NULL);
	co_cancel_free(t);
	EVENTUALLY((peer = open(fifo, O_WRONLY | O_NONBLOCK)) >= 0);
	EVENTUALLY(open_files() == before + 1);
	close(peer);

	peer = open(fifo, O_RDWR);
	fd = co_open_until(fifo, O_RDONLY, 0, co_now() + 10000 * MS);
	CHECK(fd > 0);
	CHECK_EQUAL(write(peer, "x", 1), 1);
	CHECK_EQUAL(co_read(fd, &ch, 1), 1);
	CHECK_EQUAL(co_read_until(fd, &ch, 1, co_now() + SOON), -ETIMEDOUT);
	close(peer);
	co_close(fd);
	CHECK_EQUAL(co_open_until("/no/such/file", O_RDONLY, 0, co_now() + 10000 * MS), -ENOENT);
	CHECK_EQUAL(co_open_until(NULL, O_RDONLY, 0, 0), -EINVAL);
	CHECK_EQUAL(open_files(), before);
}

/* --- files ---------------------------------------------------------------------------------- */

static int listener = -1; /* of the filter, or there is none */
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t held[64];
static unsigned held_count;
static int held_up;

#define ARG_LOW(n)	 (offsetof(struct seccomp_data, args) + 8 * (n))
#define JUMP(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define LOAD(at)	 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(action)	 BPF_STMT(BPF_RET | BPF_K, action)

/* What asks for no wait is told that it would have to. */
static int install_filter(void)
{
	struct sock_filter code[] = {
		LOAD(ARG_LOW(0)),
		JUMP(FILE_FD, 1, 0),
		JUMP(0, 0, 9),
		LOAD(offsetof(struct seccomp_data, nr)),
		JUMP(SYS_read, 6, 0),
		JUMP(SYS_pread64, 5, 0),
		JUMP(SYS_write, 4, 0),
		JUMP(SYS_pwrite64, 3, 0),
		JUMP(SYS_preadv2, 1, 0),
		JUMP(SYS_pwritev2, 0, 2),
		RETURN(SECCOMP_RET_ERRNO | EAGAIN),
		RETURN(SECCOMP_RET_USER_NOTIF),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &prog);
}

static void let_go(uint64_t id)
{
	struct seccomp_notif_resp resp = { .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static void *watches(void *arg)
{
	struct seccomp_notif n;

	(void)arg;
	for (;;) {
		memset(&n, 0, sizeof(n));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
			continue;
		pthread_mutex_lock(&held_lock);
		if (held_up)
			held[held_count++] = n.id;
		else
			let_go(n.id);
		pthread_mutex_unlock(&held_lock);
	}
	return NULL;
}

/* From now on calls wait, or they do not. */
static void hold_files(int yes)
{
	pthread_mutex_lock(&held_lock);
	held_up = yes;
	while (!yes && held_count)
		let_go(held[--held_count]);
	pthread_mutex_unlock(&held_lock);
}

static unsigned files_held(void)
{
	unsigned n;

	pthread_mutex_lock(&held_lock);
	n = held_count;
	pthread_mutex_unlock(&held_lock);
	return n;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static co_fd take_file(int number)
{
	int fd = open(path, O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQUAL(dup2(fd, number), number);
	close(fd);
	return co_fd_take(number);
}

static void test_given_up(void)
{
	char buf[16] = "untouched";
	co_fd fd = take_file(FILE_FD);

	CHECK(fd > 0);
	hold_files(1);
	CHECK_EQUAL(co_read_until(fd, buf, sizeof(buf), co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_pread_until(fd, buf, sizeof(buf), 0, co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_pread_until(fd, buf, sizeof(buf), 0, 0), -ETIMEDOUT);
	CHECK_EQUAL(co_pwrite_until(fd, "WWW", 3, 100, co_now() + SOON), -ETIMEDOUT);
	CHECK_EQUAL(co_write_until(fd, "zzz", 3, 0), -ETIMEDOUT);
	cancel_soon();
	CHECK_EQUAL(co_pread(fd, buf, sizeof(buf), 0), -ECANCELED);
	CHECK_EQUAL(co_read(fd, buf, sizeof(buf)), -ECANCELED);
	CHECK_EQUAL(co_write(fd, "zzz", 3), -ECANCELED);
	cancel_done();
	EVENTUALLY(files_held() == 4);
	CHECK_EQUAL(deep(200) & 0, 0);
	CHECK(!strcmp(buf, "untouched"));
	/* The calls have it. */
	CHECK_EQUAL(co_fd_release(fd), -EBUSY);
	CHECK_EQUAL(co_close(fd), 0);
	CHECK(is_open(FILE_FD));
	CHECK_EQUAL(co_fd_take(FILE_FD), -EBUSY);
	hold_files(0);
	EVENTUALLY(!is_open(FILE_FD));
	CHECK(!strcmp(buf, "untouched"));
	fd = take_file(FILE_FD);
	CHECK(fd > 0);
	CHECK_EQUAL(co_pread_until(fd, buf, 5, 99, co_now() + 10000 * MS), 5);
	CHECK(!memcmp(buf, "aWWWa", 5)); /* it was written all the same */
	CHECK_EQUAL(co_pwrite_until(fd, "aaa", 3, 100, co_now() + 10000 * MS), 3);
	CHECK_EQUAL(co_close(fd), 0);
	CHECK(!is_open(FILE_FD));
}

/* Data and places, by threads or not. */
static void test_contents(co_fd fd)
{
	int64_t later = co_now() + 60000 * MS;
	char *buf = malloc(LONG_FILE + 100), small[8];
	long i, wrong = 0;

	CHECK_EQUAL(co_read_until(fd, buf, LONG_FILE + 100, later), LONG_FILE);
	for (i = 0; i < LONG_FILE; i++)
		wrong += buf[i] != 'a';
	CHECK_EQUAL(wrong, 0);
	CHECK_EQUAL(co_read_until(fd, small, 8, later), 0);
	memset(buf, 'b', LONG_FILE);
	CHECK_EQUAL(co_write_until(fd, buf, LONG_FILE, later), LONG_FILE);
	CHECK_EQUAL(co_pread_until(fd, small, 4, LONG_FILE - 2, later), 4);
	CHECK(!memcmp(small, "aabb", 4));
	memset(buf, 'c', LONG_FILE);
	CHECK_EQUAL(co_pwrite_until(fd, buf, LONG_FILE, 7, later), LONG_FILE);
	CHECK_EQUAL(co_pread_until(fd, buf, 3, 6, later), 3);
	CHECK(!memcmp(buf, "acc", 3));
	CHECK_EQUAL(co_pread_until(fd, buf, LONG_FILE, 7, later), LONG_FILE);
	for (i = 0; i < LONG_FILE; i++)
		wrong += buf[i] != 'c';
	CHECK_EQUAL(wrong, 0);
	CHECK_EQUAL(co_pread_until(fd, small, 4, 10ll * LONG_FILE, later), 0);
	CHECK_EQUAL(co_pread_until(fd, small, 4, -1, later), -EINVAL);
	CHECK_EQUAL(co_read_until(fd, small, (size_t)-1, later), -EINVAL);
	CHECK_EQUAL(co_pread_until(fd, NULL, 0, 0, later), 0);
	CHECK_EQUAL(co_sendto_until(fd, small, 1, 0, NULL, 0, later), -ENOTSOCK);
	free(buf);
}

static void write_file(void)
{
	char *buf = malloc(LONG_FILE);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(buf, 'a', LONG_FILE);
	CHECK_EQUAL(write(fd, buf, LONG_FILE), LONG_FILE);
	close(fd);
	free(buf);
}

static void test_files(void)
{
	co_fd fd;
	char ch;

	write_file();
	fd = co_open_until(path, O_RDWR, 0, co_now() + 10000 * MS);
	CHECK(fd > 0);
	test_contents(fd);
	CHECK_EQUAL(co_close(fd), 0);
	fd = co_open("/", O_RDONLY, 0);
	CHECK_EQUAL(co_read_until(fd, &ch, 1, co_now() + 10000 * MS), -EISDIR);
	CHECK_EQUAL(co_write_until(fd, &ch, 1, co_now() + 10000 * MS), -EBADF);
	CHECK_EQUAL(co_close(fd), 0);
	CHECK_EQUAL(co_read_until(fd, &ch, 1, co_now() + 10000 * MS), -EBADF);
	if (listener < 0)
		return;
	write_file();
	test_given_up();
	fd = take_file(FILE_FD);
	test_contents(fd);
	CHECK_EQUAL(co_close(fd), 0);
	CHECK(!is_open(FILE_FD));
}

/* --- co_run ends ---------------------------------------------------------------------------- */

static co_fd standard, file;
static struct job jobs[2];

static void waits(void *arg)
{
	long which = (long)(intptr_t)arg;
	struct co_cancel *t;
	char ch;

	CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &t), 0);
	co_cancel_set(t);
	co_cancel_free(t);
	if (which == 0)
		co_syscall_until(waits_at_gate, &jobs[0], drops, CO_FOREVER);
	else if (which == 1)
		co_syscall_until(waits_at_gate, &jobs[1], drops, co_now() + 100 * MS);
	else if (which == 2)
		co_open(fifo, O_RDONLY, 0);
	else if (which == 3)
		co_read(standard, &ch, 1);
	else
		co_read_until(file, &ch, 1, co_now() + 100 * MS);
	CHECK(which == 1 || which == 4);
	co_wg_done(&wg);
}

static void ends_first(void *arg)
{
	intptr_t i, n = listener < 0 ? 3 : 5;

	(void)arg;
	made = dropped = 0;
	wg = (struct co_wg){ 0 };
	if (listener >= 0) {
		hold_files(1);
		standard = take_file(0);
		file = take_file(FILE_FD);
	}
	co_wg_add(&wg, n / 2);
	for (i = 0; i < n; i++)
		co_go(waits, (void *)i);
	co_wg_wait(&wg); /* for those that give up */
	EVENTUALLY(count(&made) == 2);
	EVENTUALLY(listener < 0 || files_held() == 2);
}

static void ends_second(void *arg)
{
	co_fd fd;

	(void)arg;
	CHECK_EQUAL(count(&dropped), 0);
	fd = co_open_until("/dev/null", O_RDONLY, 0, co_now() + 10000 * MS);
	CHECK(fd > 0);
	if (listener >= 0) {
		CHECK_EQUAL(co_fd_take(0), -EBUSY);
		CHECK_EQUAL(co_fd_take(FILE_FD), -EBUSY);
		hold_files(0);
		EVENTUALLY(!is_open(FILE_FD));
		EVENTUALLY((standard = co_fd_take(0)) > 0);
		CHECK_EQUAL(co_close(standard), 0);
	}
	open_gate(2);
	EVENTUALLY(count(&dropped) == 2);
	CHECK_EQUAL(jobs[0].result, 2);
}

static void test_end(void)
{
	unsigned before = open_files(), threads = entries("/proc/self/task");
	int peer;

	jobs[0].n = 1;
	check_run(ends_first);
	CHECK_EQUAL(count(&dropped), 0);
	CHECK(listener < 0 || (is_open(0) && is_open(FILE_FD)));
	check_run(ends_second);
	EVENTUALLY((peer = open(fifo, O_WRONLY | O_NONBLOCK)) >= 0);
	close(peer);
	EVENTUALLY(open_files() == before - (listener >= 0)); /* without 0, which was closed */
	EVENTUALLY(entries("/proc/self/task") == threads);
}

static void first(void *arg)
{
	(void)arg;
	test_open();
	test_files();
}

int main(void)
{
	pthread_t thread;

	snprintf(path, sizeof(path), "given-up-%d", (int)getpid());
	snprintf(fifo, sizeof(fifo), "fifo-%d", (int)getpid());
	CHECK_EQUAL(pipe2(gate, O_CLOEXEC), 0);
	CHECK_EQUAL(mkfifo(fifo, 0600), 0);
	CHECK_EQUAL(co_open_until("/", O_RDONLY, 0, 0), -EPERM);
	listener = install_filter();
	if (listener < 0)
		fprintf(stderr, "no seccomp listener: files are not made to wait\n");
	else
		CHECK_EQUAL(pthread_create(&thread, NULL, watches, NULL), 0);
	check_run(first);
	test_end();
	unlink(path);
	unlink(fifo);
	return check_result();
}
