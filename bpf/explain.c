/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/explain.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define PERF_UPROBE "/sys/bus/event_source/devices/uprobe"
#define LOCKDOWN    "/sys/kernel/security/lockdown"

uint64_t explain_capabilities(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t caps = 0;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	fclose(f);
	return caps;
}

static bool has(uint64_t caps, int cap)
{
	return caps >> cap & 1;
}

/* The level in force is the one in brackets: "none [integrity] confidentiality". */
bool explain_lockdown(char *level, size_t size)
{
	FILE *f = fopen(LOCKDOWN, "re");
	char line[128] = "", *begin;

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	begin = strchr(line, '[');
	if (!begin)
		return false;
	begin[1 + strcspn(begin + 1, "]")] = '\0';
	snprintf(level, size, "%s", begin + 1);
	return strcmp(level, "none") != 0;
}

static void hint_privilege(struct err *e)
{
	uint64_t caps = explain_capabilities();
	char level[64], exe[512];
	ssize_t n;

	if (!has(caps, CAP_SYS_ADMIN) &&
	    !(has(caps, EXPLAIN_CAP_BPF) && has(caps, EXPLAIN_CAP_PERFMON))) {
		n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = '\0';
		if (geteuid() == 0)
			err_hint(e, "root has no CAP_BPF and CAP_PERFMON here: start the container "
				    "with --cap-add=BPF --cap-add=PERFMON");
		else
			err_hint(e, "use sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep '%s'",
				 exe);
	} else if (explain_lockdown(level, sizeof(level))) {
		err_hint(e, "the kernel is locked down (%s, see " LOCKDOWN "): boot without it",
			 level);
	} else if (!has(caps, CAP_SYS_ADMIN)) {
		err_hint(e, "CAP_BPF and CAP_PERFMON are enough from Linux 6.6 on; use sudo");
	} else {
		err_hint(e, "the privileges are there, so a container's seccomp filter or a "
			    "security module forbids bpf or perf_event_open: allow them");
	}
}

/* By the list of the kernel's functions, which every user may read, if without addresses. */
static bool kernel_lacks(const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[128];
	bool listed = false, found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %127s", name) != 1)
			continue;
		listed = true;
		found = !strcmp(name, function);
	}
	fclose(f);
	return listed && !found;
}

/* "No such file" is also what there is where the files by which uprobes are asked for are hidden.
 */
static int explain_missing(struct err *e, int code, const char *what)
{
	if (kernel_lacks("uprobe_munmap")) {
		err_set(e, ENOSYS, "%s: this kernel has no uprobes", what);
		err_hint(e, "it must be Linux 5.15 or newer with CONFIG_UPROBE_EVENTS");
		return -ENOSYS;
	}
	err_set(e, ENOSYS, "%s: %s", what, strerror(code)); /* ENOENT is a program's */
	if (access(PERF_UPROBE, F_OK))
		err_hint(e, "there is no " PERF_UPROBE " here: mount sysfs on /sys");
	return -ENOSYS;
}

int explain_bpf(struct err *e, int code, const char *what)
{
	switch (code) {
	case EPERM:
	case EACCES:
		err_sys(e, EPERM, "%s", what);
		hint_privilege(e);
		return -EPERM;
	case ENOSYS:
		err_set(e, ENOSYS, "%s: this kernel has no bpf system call", what);
		err_hint(e, "it must be built with CONFIG_BPF_SYSCALL");
		return -ENOSYS;
	case EOPNOTSUPP:
	case ENOENT:
		return explain_missing(e, code, what);
	default:
		return err_sys(e, code, "%s", what);
	}
}

static _Thread_local struct explain_log *current_log;

static int keep(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	struct explain_log *log = current_log;
	size_t half = sizeof(log->text) / 2;
	int n;

	if (!log || level == LIBBPF_DEBUG)
		return 0;
	if (log->len > half) {
		memmove(log->text, log->text + log->len - half, half);
		log->len = half;
	}
	n = vsnprintf(log->text + log->len, sizeof(log->text) - log->len, fmt, ap);
	if (n < 0)
		return 0;
	log->len += (size_t)n;
	if (log->len >= sizeof(log->text))
		log->len = sizeof(log->text) - 1;
	return n;
}

void explain_capture(struct explain_log *log)
{
	log->len = 0;
	log->text[0] = '\0';
	current_log = log;
	libbpf_set_print(keep);
}

void explain_release(void)
{
	current_log = NULL;
}

/* The verifier's last word stands before its statistics. */
static bool says_something(const char *line)
{
	return *line && !strstr(line, "END PROG LOAD LOG") && !strstr(line, "processed ") &&
	       !strstr(line, "verification time") && !strstr(line, "stack depth") &&
	       !strstr(line, "failed to load object") && !strstr(line, "failed to load BPF");
}

const char *explain_line(struct explain_log *log)
{
	const char *last = "", *before = "";
	char *save = NULL;

	for (char *l = strtok_r(log->text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (strstr(l, "END PROG LOAD LOG"))
			before = last;
		if (says_something(l))
			last = l;
	}
	if (*before)
		last = before;
	return strncmp(last, "libbpf: ", 8) ? last : last + 8;
}
