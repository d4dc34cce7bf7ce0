/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate.h: what a probe costs on this machine, now.
 */
#ifndef ST_BPF_CALIBRATE_H
#define ST_BPF_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/plan.h"

struct attachment;
struct core_bpf;
struct err;

struct calibration {
	uint64_t pair_ns; /* from the end of one probe's program to the start of the next one's */
	uint64_t hit_ns;  /* one hit, the mean of both */
	uint64_t typical_ns; /* what the cost classes say of that, to scale the others by */
};

/*
 * Puts probes of the loaded core on two adjacent instructions of this process, of the given
 * classes, and runs over them.  Fails if attaching does: this is the first use of uprobes.
 * *ret_probes is to be freed whenever convenient; it does no harm, and taking it away takes longer
 * than the calibration.
 */
int calibrate(struct core_bpf *core, bool multi, enum cost_class begin, enum cost_class end,
	      struct calibration *ret, struct attachment **ret_probes, struct err *e);

#endif
