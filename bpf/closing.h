/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closing.h: what is in the core's tables when tracing ends, as records.
 */
#ifndef ST_BPF_CLOSING_H
#define ST_BPF_CLOSING_H

#include <sys/types.h>

#include "bpf/source.h"

struct core_bpf;

/* Calls each for every entry of a hash; ends with the first result other than 0. */
typedef int closing_fn(const void *key, const void *value, void *ctx);
struct bpf_map;
int closing_each(const struct bpf_map *map, closing_fn *each, void *ctx);

/* Hands over the copies whose end was not seen.  Returns what fn returned, or a negative errno. */
int closing_pending(struct core_bpf *core, source_event_fn *fn, void *arg);

/* Hands over the highest use of the coroutines that are alive. */
int closing_use(struct core_bpf *core, source_event_fn *fn, void *arg);

/* Sums over all CPUs: of every counter, and of the hits of one probe. */
struct core_counters;
void closing_counters(const struct core_bpf *core, struct core_counters *ret);
uint64_t closing_hits(const struct core_bpf *core, enum ev_probe probe);

#endif
