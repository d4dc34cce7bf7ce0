/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h: what the kernel's refusals mean to a user.
 */
#ifndef ST_BPF_EXPLAIN_H
#define ST_BPF_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define EXPLAIN_CAP_PERFMON 38
#define EXPLAIN_CAP_BPF	    39

/* Bit by number: the capabilities in effect. */
uint64_t explain_capabilities(void);

/* Whether the kernel is locked down; level ("integrity") is filled if it can be. */
bool explain_lockdown(char *level, size_t size);

/*
 * Fills in e for a refusal by the bpf or perf part of the kernel: what ("cannot load the probes"),
 * the positive errno, and the remedy.  Returns the negative errno that source_bpf_open() promises:
 * -EPERM, -ENOSYS or the one given.
 */
int explain_bpf(struct err *e, int code, const char *what);

/* Catches libbpf's messages instead of printing them, until explain_release(). */
struct explain_log {
	char text[16384]; /* the latest part */
	size_t len;
};
void explain_capture(struct explain_log *log);
void explain_release(void);

/* The line of a log that says most about a failure, or "". */
const char *explain_line(struct explain_log *log);

#endif
