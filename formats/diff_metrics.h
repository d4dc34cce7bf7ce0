/* SPDX-License-Identifier: Apache-2.0 */
/* diff_metrics.h: the totals of a capture as figures that can be compared, each with a name. */
#ifndef ST_FORMATS_DIFF_METRICS_H
#define ST_FORMATS_DIFF_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/aggregate.h"

struct run_info;

enum diff_side { DIFF_BEFORE, DIFF_AFTER, DIFF_SIDES };

/* What figures are divided by. */
enum diff_per {
	DIFF_PER_RUN,
	DIFF_PER_SECOND,
	DIFF_PER_COROUTINE,
	DIFF_PER_REQUEST,
	DIFF_PER_COUNT,
};
extern const char *const diff_per_names[]; /* NULL at their end */

enum diff_metric {
	DIFF_GROWTHS,
	DIFF_SHRINKS,
	DIFF_BYTES_COPIED,
	DIFF_COPY_TIME,
	DIFF_STACKS,
	DIFF_ALLOCATED_BYTES,
	DIFF_USED_BYTES,
	DIFF_WASTE_BYTES,
	DIFF_WASTE_RATIO,
	DIFF_COROUTINES,
	DIFF_SHORT_LIVED,
	DIFF_LIFETIME,
	DIFF_AT_ONCE,
	DIFF_SWITCH_RATE,
	DIFF_COLLECTIONS,
	DIFF_CPU_TIME,
	DIFF_WALL_TIME,
	DIFF_MAX_RSS,
	DIFF_METRIC_COUNT,
};

enum diff_unit { DIFF_UNIT_COUNT, DIFF_UNIT_BYTES, DIFF_UNIT_NS, DIFF_UNIT_RATIO };

const char *diff_metric_name(enum diff_metric m);  /* "bytes_copied"; NULL from the count on */
const char *diff_metric_title(enum diff_metric m); /* "bytes copied" */
enum diff_unit diff_metric_unit(enum diff_metric m);
const char *diff_unit_name(enum diff_unit u); /* "bytes" */

/* Whether it is divided by what per says: a ratio or a peak is not. */
bool diff_metric_divides(enum diff_metric m, enum diff_per per);

/* The metric that sums up what stacks weigh. */
enum diff_metric diff_metric_of_weight(enum weight w);

/* The totals of one capture. */
struct diff_sample {
	double value[DIFF_METRIC_COUNT];
	bool known[DIFF_METRIC_COUNT];
	double divisor[DIFF_PER_COUNT]; /* 0: nothing to divide by */
};

void diff_sample_take(struct aggregate *a, const struct run_info *info, struct diff_sample *ret);

#endif
