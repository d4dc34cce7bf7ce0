/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hot.h: the probes that follow switches, parks, readies and locks, as the source has them.
 *
 * They are one attachment, since what one of them sees the others need, and it is there only while
 * its cost is within the budget.
 */
#ifndef ST_BPF_HOT_H
#define ST_BPF_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/attach.h"
#include "bpf/source.h"

struct core_bpf;
struct core_config;
struct core_counters;
struct plan;
struct target;

/* Whether the options ask for more of switches than their number. */
bool hot_wanted(const struct source_options *opt, const struct plan *plan);

/* Whether this probe is one of the attachment's. */
bool hot_probe(const struct source_options *opt, const struct plan *plan, enum ev_probe p);

void hot_configure(struct core_config *c, const struct target *t, const struct plan *plan,
		   const struct source_options *opt);

/*
 * The sums as records: runs, waits, wakes, locks.  watched_ns is for how long they were counted.
 * With end_ns, which is when the last window was closed, what still ran or was parked then is
 * added, and parks longer than the threshold are reported as still blocked; nothing may be attached
 * any more.  What fn returned if not 0, or -ENOMEM.
 */
int hot_report(struct core_bpf *core, const struct target *t, const struct source_options *opt,
	       uint64_t watched_ns, uint64_t end_ns, source_event_fn *fn, void *arg);

/* The names of the wait reasons, for a process. */
int hot_reasons(const struct target *t, pid_t pid, source_event_fn *fn, void *arg);

#endif
