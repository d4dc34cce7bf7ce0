/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_process.c: a running process as the kernel tells of it, and how far its stacks can grow.
 *
 * Three things bound a coroutine's stack: what the runtime allows, what the process may map, and
 * the largest hole in its address space, as a copied stack must lie in one piece.  RLIMIT_STACK
 * bounds the stacks of threads only, on which C code and the scheduler run.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/human.h"
#include "cli/doctor.h"
#include "cli/proc.h"
#include "symbols/image.h"

#define SPACE_END 0x7ffffffff000ull /* of user space on x86-64 with four levels of page tables */
#define KIB	  1024ull

static FILE *open_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

/* --- limits ---------------------------------------------------------------------------------- */

/* The soft limit in a line of /proc/PID/limits that begins so. */
static uint64_t soft_limit(pid_t pid, const char *name)
{
	FILE *f = open_of(pid, "limits");
	uint64_t value = UINT64_MAX;
	size_t n = strlen(name);
	char line[256];

	if (!f)
		return value;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n))
			sscanf(line + n, "%" SCNu64, &value); /* or "unlimited" */
	fclose(f);
	return value;
}

static void read_space(pid_t pid, struct doctor_limits *l)
{
	FILE *f = open_of(pid, "maps");
	uint64_t before = 0, begin, end;
	char line[512];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &begin, &end) != 2 || begin > SPACE_END)
			continue;
		if (begin > before) {
			l->free_space += begin - before;
			if (begin - before > l->largest_hole)
				l->largest_hole = begin - before;
		}
		before = end;
	}
	fclose(f);
	if (before && before < SPACE_END)
		l->free_space += SPACE_END - before;
	if (before && before < SPACE_END && SPACE_END - before > l->largest_hole)
		l->largest_hole = SPACE_END - before;
}

uint64_t doctor_power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p <= n / 2)
		p *= 2;
	return n ? p : 0;
}

static void read_limits(struct doctor *d)
{
	struct doctor_limits *l = &d->limits;
	uint64_t bound, room;

	l->rlimit_stack = soft_limit(d->pid, "Max stack size");
	l->rlimit_as = soft_limit(d->pid, "Max address space");
	l->vm_peak = proc_status_number(d->pid, "VmPeak") * KIB;
	l->vm_size = proc_status_number(d->pid, "VmSize") * KIB;
	read_space(d->pid, l);
	bound = l->runtime ? l->runtime : UINT64_MAX;
	room = l->rlimit_as > l->vm_size ? l->rlimit_as - l->vm_size : 0;
	if (l->rlimit_as != UINT64_MAX && room < bound)
		bound = room;
	if (l->largest_hole && l->largest_hole < bound)
		bound = l->largest_hole;
	l->grow_to = doctor_power_of_two(bound);
}

static struct human limit_text(uint64_t bytes)
{
	struct human h = { "unlimited" };

	return bytes == UINT64_MAX ? h : human_size(bytes);
}

static void add_limits(struct doctor *d)
{
	const struct doctor_limits *l = &d->limits;

	findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "limits",
		     "a coroutine's stack can grow to %s: the runtime allows %s, the largest free "
		     "piece of its address space is %s (%s free), VmPeak %s, RLIMIT_AS %s",
		     human_size(l->grow_to).s,
		     l->runtime ? human_size(l->runtime).s : "an amount that is not known",
		     human_size(l->largest_hole).s, human_size(l->free_space).s,
		     human_size(l->vm_peak).s, limit_text(l->rlimit_as).s);
	findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "threads",
		     "%" PRIu64 ", with stacks of up to %s (RLIMIT_STACK)",
		     proc_status_number(d->pid, "Threads"), limit_text(l->rlimit_stack).s);
}

/* --- the process ----------------------------------------------------------------------------- */

/* Whether the path leads to the file that runs; below the process's own root, if it has another. */
static bool leads_there(const char *root, const char *path, const struct stat *running)
{
	char full[4096 + 64];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	return !stat(full, &st) && st.st_dev == running->st_dev && st.st_ino == running->st_ino;
}

static void add_file(struct doctor *d)
{
	char root[64], link[64], *path = NULL;
	struct stat st;

	snprintf(link, sizeof(link), "/proc/%d/exe", d->pid);
	snprintf(root, sizeof(root), "/proc/%d/root", d->pid);
	if (stat(link, &st) || proc_exe(d->pid, &path))
		return;
	if (leads_there("", path, &st))
		findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "program", "%s", path);
	else if (leads_there(root, path, &st))
		findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "program",
			     "%s in a container", path);
	else
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "program",
			     "%s, which has been replaced or removed since: what runs is looked at",
			     path);
	free(path);
}

static void add_state(struct doctor *d)
{
	struct proc_status s;

	if (proc_status(d->pid, &s))
		return;
	findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "process", "%d (%s) of user %u",
		     d->pid, s.name, s.uid);
	if (s.tracer)
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "tracer",
			     "process %d traces it: --follow cannot, probes can", s.tracer);
	if (s.state == 'T' || s.state == 't')
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "state",
			     "it is stopped: nothing happens in it until it goes on");
	if (proc_status_number(d->pid, "Seccomp"))
		findings_add(&d->findings, FINDING_PROCESS, FINDING_OK, "seccomp",
			     "it has a filter of system calls, which probes do not pass through");
}

static void look_at_memory(struct doctor *d)
{
	struct process_memory m;

	if (process_memory_open(d->pid, image_entry(d->img), &m)) {
		findings_add(&d->findings, FINDING_PROCESS, FINDING_NOTE, "memory",
			     "cannot be read, so its stacks are not looked at");
		findings_remedy(&d->findings, "it needs CAP_SYS_PTRACE: use sudo");
		return;
	}
	d->bias = m.memory.bias;
	doctor_stacks(d, &m.memory);
	process_memory_close(&m);
}

void doctor_process(struct doctor *d)
{
	if (!d->pid || !d->img)
		return;
	add_state(d);
	add_file(d);
	if (d->described)
		look_at_memory(d);
	read_limits(d);
	add_limits(d);
}
