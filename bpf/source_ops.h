/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_ops.h: what a source is inside; for source*.c alone.
 */
#ifndef ST_BPF_SOURCE_OPS_H
#define ST_BPF_SOURCE_OPS_H

#include "bpf/source.h"

struct source_ops {
	const char *name;
	void (*free)(struct source *s);
	int (*attach)(struct source *s, pid_t pid, struct err *e);
	int (*track)(struct source *s, pid_t pid, bool on); /* may be NULL */
	int (*consume)(struct source *s, source_event_fn *fn, void *arg);
	int (*stop)(struct source *s, source_event_fn *fn, void *arg);
	void (*describe)(const struct source *s, struct source_info *ret);
};

/* First member of each source. */
struct source {
	const struct source_ops *ops;
	const char *child_env;
	int child_fd;
	int poll_fd;
	bool stopped;
};

uint64_t source_now_ns(void); /* CLOCK_MONOTONIC, as in the records */

/* A header for records that the source makes itself. */
void source_fill_header(struct ev_header *h, enum ev_kind kind, size_t size, pid_t pid);

#endif
