/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse RULE... -- PROGRAM [ARG...]: runs a program whose system calls fail as a kernel that lacks
 * something lets them fail.
 *
 *	bpf=ENOSYS		every bpf() fails with that errno
 *	bpf:28=EOPNOTSUPP	bpf() with that command (28: BPF_LINK_CREATE)
 *	perf_event_open=ENOENT
 *	membarrier=EPERM
 *	multi			bpf() that makes a uprobe_multi link, as before Linux 6.6
 *	kill			uretprobe() and uprobe(), which probes make in the program's name,
 *				kill it as in a sandbox that does not know them
 *
 * Exit status: the program's; 2 usage, 3 no filter can be set.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULE_MAX      16
#define LINK_CREATE   28  /* of bpf() */
#define UPROBE_MULTI  48  /* attach type, the third word of what it is given */
#define SYS_uretprobe 335 /* and 336, uprobe */

static const struct {
	const char *name;
	int code;
} errnos[] = {
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM },   { "EOPNOTSUPP", EOPNOTSUPP },
	{ "ENOENT", ENOENT }, { "EINVAL", EINVAL }, { "EACCES", EACCES },
	{ "E2BIG", E2BIG },   { "ENOMEM", ENOMEM }, { "EMFILE", EMFILE },
};

static struct sock_filter code[8 * RULE_MAX + 8];
static unsigned length;
static bool notify; /* some calls are decided by what they point to */

static void emit(struct sock_filter insn)
{
	code[length++] = insn;
}

static void load(size_t offset)
{
	emit((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

/* command is -1 for any. */
static void add_refusal(unsigned number, long command, int error)
{
	load(offsetof(struct seccomp_data, nr));
	emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0,
					  command < 0 ? 1 : 3));
	if (command >= 0) {
		load(offsetof(struct seccomp_data, args[0]));
		emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)command, 0,
						  1));
	}
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

/* Calls that came after those a usual program makes: among them are uretprobe and uprobe. */
static void add_kill(void)
{
	load(offsetof(struct seccomp_data, nr));
	emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_uretprobe, 0, 2));
	emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_pidfd_send_signal, 1, 0));
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
}

static void add_multi(void)
{
	notify = true;
	load(offsetof(struct seccomp_data, nr));
	emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3));
	load(offsetof(struct seccomp_data, args[0]));
	emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LINK_CREATE, 0, 1));
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
}

static int add_rule(const char *text)
{
	const char *equal = strchr(text, '='), *colon = strchr(text, ':');
	long command = -1;
	unsigned number;

	if (!strcmp(text, "kill")) {
		add_kill();
		return 0;
	}
	if (!strcmp(text, "multi")) {
		add_multi();
		return 0;
	}
	if (!strncmp(text, "bpf", 3))
		number = SYS_bpf;
	else if (!strncmp(text, "perf_event_open", 15))
		number = SYS_perf_event_open;
	else if (!strncmp(text, "membarrier", 10))
		number = SYS_membarrier;
	else
		return -1;
	if (colon)
		command = strtol(colon + 1, NULL, 10);
	for (size_t i = 0; equal && i < sizeof(errnos) / sizeof(errnos[0]); i++) {
		if (strcmp(equal + 1, errnos[i].name))
			continue;
		add_refusal(number, command, errnos[i].code);
		return 0;
	}
	return -1;
}

static void decide(int listener)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp answer = { 0 };
	uint32_t attr[3] = { 0 };
	struct iovec to = { attr, sizeof(attr) }, from;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	from = (struct iovec){ (void *)(uintptr_t)call.data.args[1], sizeof(attr) };
	answer.id = call.id;
	if (process_vm_readv((pid_t)call.pid, &to, 1, &from, 1, 0) == sizeof(attr) &&
	    attr[2] == UPROBE_MULTI)
		answer.error = -EINVAL;
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* The program runs as a child, which is asked about by this process till it ends. */
static int supervise(int listener, char **argv)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	pid_t child = fork();
	int status;

	if (!child) {
		close(listener);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	signal(SIGINT, SIG_IGN);
	while (child > 0 && !waitpid(child, &status, WNOHANG))
		if (poll(&p, 1, 10) > 0)
			decide(listener);
	if (child < 0)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct sock_fprog program = { .filter = code };
	long listener;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (i > RULE_MAX || add_rule(argv[i]))
			break;
	if (i == 1 || i + 1 >= argc || strcmp(argv[i], "--")) {
		fprintf(stderr, "usage: refuse RULE... -- PROGRAM [ARG...]\n");
		return 2;
	}
	emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	program.len = (unsigned short)length;
	/* With privilege the flag is not needed, and would take the program's away. */
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			   notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
	if (listener < 0) {
		perror("refuse");
		return 3;
	}
	if (notify)
		return supervise((int)listener, argv + i + 1);
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 127;
}
