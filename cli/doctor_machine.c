/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel and the user.  What decides is tried; settings are told because they are what a user
 * can change, and because one that looks to blame often is not.
 */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/explain.h"
#include "bpf/features.h"
#include "bpf/plan.h"
#include "cli/doctor.h"
#include "cli/proc.h"

static enum finding_state bad(const struct doctor *d)
{
	return d->own_ring ? FINDING_NOTE : FINDING_BAD;
}

/* The first word of a file, or "". */
static void read_word(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "re");

	ret[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret, (int)size, f))
		ret[0] = '\0';
	fclose(f);
	ret[strcspn(ret, " \n")] = '\0';
}

/* --- the kernel ------------------------------------------------------------------------------ */

static void add_feature(struct doctor *d, const struct features *f, enum feature which,
			const char *name, const char *fine)
{
	if (!f->tried[which]) {
		findings_add(&d->findings, FINDING_KERNEL, FINDING_NOTE, name,
			     "not tried, as what it needs is missing");
	} else if (!f->result[which]) {
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, name, "%s", fine);
	} else {
		findings_add(&d->findings, FINDING_KERNEL, bad(d), name, "%s", f->why[which].text);
		if (f->why[which].hint[0])
			findings_remedy(&d->findings, "%s", f->why[which].hint);
	}
}

static void add_multi(struct doctor *d, const struct features *f)
{
	if (!f->tried[FEATURE_MULTI])
		return;
	if (!f->result[FEATURE_MULTI]) {
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "uprobe_multi",
			     "all probes are attached and detached at once");
		return;
	}
	findings_add(&d->findings, FINDING_KERNEL, FINDING_NOTE, "uprobe_multi",
		     "not in this kernel: detaching takes a second or two, and needs root");
	findings_remedy(&d->findings, "Linux 6.10 or newer has it");
}

static void add_probes(struct doctor *d, const struct features *f)
{
	char fine[256] = "work on this tool's own instructions; a hit takes";
	size_t n = strlen(fine);

	for (int c = COST_NOP; c < COST_CLASSES; c++)
		n += (size_t)snprintf(fine + n, sizeof(fine) - n, "%s %" PRIu64 " ns on a %s",
				      c ? "," : "", f->hit_ns[c], cost_class_name(c));
	add_feature(d, f, FEATURE_PROBES, "uprobes", fine);
}

static void add_settings(struct doctor *d)
{
	char word[32], level[64];

	read_word("/proc/sys/kernel/perf_event_paranoid", word, sizeof(word));
	if (word[0])
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "perf_event_paranoid",
			     "%s; CAP_PERFMON stands above it", word);
	read_word("/proc/sys/kernel/unprivileged_bpf_disabled", word, sizeof(word));
	if (word[0])
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "unprivileged_bpf_disabled",
			     "%s; CAP_BPF stands above it", word);
	if (explain_lockdown(level, sizeof(level)))
		findings_add(&d->findings, FINDING_KERNEL, FINDING_NOTE, "lockdown",
			     "the kernel is locked down (%s), which may forbid what fails above",
			     level);
	else
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "lockdown", "none");
	findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "BTF",
		     "%s, and not needed: the probes read nothing of the kernel's",
		     access("/sys/kernel/btf/vmlinux", R_OK) ? "not there" : "there");
}

static void add_kernel(struct doctor *d)
{
	struct features f;
	struct utsname un;

	if (!uname(&un))
		findings_add(&d->findings, FINDING_KERNEL, FINDING_OK, "kernel", "%s %s %s",
			     un.sysname, un.release, un.machine);
	features_try(&f);
	add_feature(d, &f, FEATURE_BPF, "bpf", "programs can be loaded");
	add_feature(d, &f, FEATURE_RING, "ring buffer", "there");
	add_probes(d, &f);
	add_multi(d, &f);
	add_settings(d);
}

/* --- the user -------------------------------------------------------------------------------- */

static bool has(uint64_t caps, int cap)
{
	return caps >> cap & 1;
}

static void own_path(char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);

	ret[n > 0 ? n : 0] = '\0';
}

/* Capabilities of a file are not given on such a file system, nor with no_new_privs. */
static const char *file_capabilities_refused(void)
{
	struct statvfs fs;

	if (proc_status_number(getpid(), "NoNewPrivs"))
		return "no_new_privs is set, which forbids sudo and capabilities of files: start "
		       "from another shell";
	if (!statvfs("/proc/self/exe", &fs) && fs.f_flag & ST_NOSUID)
		return "the file system of this tool is mounted nosuid: install the tool elsewhere";
	return NULL;
}

static void add_capabilities(struct doctor *d, uint64_t caps)
{
	bool enough = has(caps, CAP_SYS_ADMIN) ||
		      (has(caps, EXPLAIN_CAP_BPF) && has(caps, EXPLAIN_CAP_PERFMON));
	const char *refused = file_capabilities_refused();
	char exe[512];

	if (enough) {
		findings_add(&d->findings, FINDING_USER, FINDING_OK, "capabilities",
			     "user %u has %s", geteuid(),
			     has(caps, CAP_SYS_ADMIN) ? "CAP_SYS_ADMIN"
						      : "CAP_BPF and CAP_PERFMON");
		return;
	}
	findings_add(&d->findings, FINDING_USER, bad(d), "capabilities",
		     "user %u has neither CAP_SYS_ADMIN nor both CAP_BPF and CAP_PERFMON",
		     geteuid());
	own_path(exe, sizeof(exe));
	if (geteuid() == 0)
		findings_remedy(&d->findings, "start the container with --cap-add=BPF "
					      "--cap-add=PERFMON");
	else if (refused)
		findings_remedy(&d->findings, "%s", refused);
	else
		findings_remedy(&d->findings,
				"use sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep '%s'", exe);
}

static void add_ptrace(struct doctor *d, uint64_t caps)
{
	char scope[16];

	read_word("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope));
	if (has(caps, CAP_SYS_PTRACE)) {
		findings_add(&d->findings, FINDING_USER, FINDING_OK, "other processes",
			     "CAP_SYS_PTRACE: memory of any process, --follow from any process");
		return;
	}
	if (scope[0] && strcmp(scope, "0")) {
		findings_add(&d->findings, FINDING_USER, FINDING_NOTE, "other processes",
			     "kernel.yama.ptrace_scope is %s: no stacks of running processes here, "
			     "no --follow from them",
			     scope);
		findings_remedy(&d->findings,
				"use sudo, or: sudo sysctl kernel.yama.ptrace_scope=0");
		return;
	}
	findings_add(&d->findings, FINDING_USER, FINDING_OK, "other processes", "those of user %u",
		     geteuid());
}

static void add_filter(struct doctor *d)
{
	if (proc_status_number(getpid(), "Seccomp"))
		findings_add(&d->findings, FINDING_USER, FINDING_NOTE, "seccomp",
			     "a filter of system calls is in force, as in a container; it may be "
			     "what refuses bpf or perf_event_open");
	else
		findings_add(&d->findings, FINDING_USER, FINDING_OK, "seccomp", "no filter");
}

/* Capabilities of a user namespace are none for the kernel's own things. */
static bool in_user_namespace(void)
{
	unsigned first = 0, outside = 0, count = 0;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool whole;

	if (!f)
		return false;
	whole = fscanf(f, "%u %u %u", &first, &outside, &count) == 3 && !first && !outside &&
		count == UINT32_MAX;
	fclose(f);
	return !whole;
}

static void add_user(struct doctor *d)
{
	uint64_t caps = explain_capabilities();

	add_capabilities(d, caps);
	add_ptrace(d, caps);
	if (in_user_namespace()) {
		findings_add(&d->findings, FINDING_USER, FINDING_NOTE, "user namespace",
			     "not the first one: its capabilities do not reach BPF");
		findings_remedy(&d->findings, "run the tool outside of the container, which sees "
					      "the processes in it");
	}
	if (!has(caps, CAP_SETUID))
		findings_add(&d->findings, FINDING_USER, FINDING_OK, "--user",
			     "programs run as user %u alone, for want of CAP_SETUID", getuid());
	add_filter(d);
}

void doctor_machine(struct doctor *d)
{
	add_kernel(d);
	add_user(d);
}
