/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h: a BPF program on a set of instructions of a file.
 *
 * One interface over the kernel's two ways.  uprobe_multi (Linux 6.6) makes one link for all
 * points, is attached and detached many times faster, and needs no more than CAP_BPF and
 * CAP_PERFMON; perf uprobes make one event a point and are there since 5.15 with cookies.
 */
#ifndef ST_BPF_ATTACH_H
#define ST_BPF_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_program;
struct err;

struct attach_site {
	uint64_t offset; /* in the file */
	uint64_t cookie;
};

/* BPF_TRACE_UPROBE_MULTI, for bpf_program__set_expected_attach_type() before loading. */
#define ATTACH_UPROBE_MULTI 48

/*
 * Whether the kernel has uprobe_multi with a filter by process that works.  -EPERM and -ENOSYS as
 * in source_bpf_open(): it is the first to need the bpf system call.
 */
int attach_probe_multi(bool *ret, struct err *e);

struct attachment;

/* Attaches to process pid alone, or to every process with pid -1. */
int attach_sites(const struct bpf_program *prog, bool multi, pid_t pid, const char *path,
		 const struct attach_site *sites, size_t n, struct attachment **ret, struct err *e);

/* Takes some 45 ms a link, asleep.  NULL-safe. */
void attach_free(struct attachment *a);

/* As attach_free() of all, at the price of one. */
void attach_free_all(struct attachment **a, size_t n);

#endif
