/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closing.h: what is in the core's tables when tracing ends, as records.
 */
#ifndef ST_BPF_CLOSING_H
#define ST_BPF_CLOSING_H

#include <sys/types.h>

#include "bpf/source.h"

struct core_bpf;

/* Hands over the copies whose end was not seen.  Returns what fn returned, or a negative errno. */
int closing_pending(struct core_bpf *core, source_event_fn *fn, void *arg);

/* Hands over the highest use of the coroutines that are alive. */
int closing_use(struct core_bpf *core, source_event_fn *fn, void *arg);

/* Sums over all CPUs: of every counter, and of the hits of one probe. */
struct core_counters;
void closing_counters(const struct core_bpf *core, struct core_counters *ret);
uint64_t closing_hits(const struct core_bpf *core, enum ev_probe probe);

#endif
