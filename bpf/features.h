/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features.h: what of the probes works on this kernel, for this user, found out by doing it.
 */
#ifndef ST_BPF_FEATURES_H
#define ST_BPF_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/plan.h"

enum feature {
	FEATURE_BPF,	/* programs are loaded */
	FEATURE_RING,	/* the BPF ring buffer */
	FEATURE_MULTI,	/* uprobe_multi; the others do without */
	FEATURE_PROBES, /* the tool's own core on the tool's own instructions */
	FEATURE_COUNT,
};

struct features {
	bool tried[FEATURE_COUNT]; /* false: a former one is missing */
	int result[FEATURE_COUNT]; /* 0 or a negative errno */
	struct err why[FEATURE_COUNT];
	uint64_t hit_ns[COST_CLASSES]; /* one hit, by what it is on */
};

/* Some 300 ms.  Attaches to nothing but this process, and leaves nothing behind. */
void features_try(struct features *ret);

#endif
