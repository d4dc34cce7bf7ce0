/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate_x86.h: pairs of adjacent instructions in the tool's own text, to put probes on.
 */
#ifndef ST_BPF_CALIBRATE_X86_H
#define ST_BPF_CALIBRATE_X86_H

#include <stdint.h>

#include "bpf/plan.h"

struct calibration_loop {
	void (*run)(uint64_t times); /* executes the pair so many times, at least once */
	const void *begin, *end;     /* the two instructions */
};

/* A loop whose two instructions are of these classes. */
const struct calibration_loop *calibration_loop(enum cost_class begin, enum cost_class end);

#endif
