/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_stats.h: one figure on both sides, and whether its change is more than noise.
 *
 * Mann and Whitney's U test, two-sided, p < 0.05, asks only how often as large a difference in
 * ranks would come by chance: captures are few, and times are not normally distributed.  Where so
 * few captures can never reach p < 0.05 (2 or 3 a side), the ranges must lie further apart than
 * the wider of them is wide.  With one capture on a side nothing is known of noise, and nothing is
 * judged.
 */
#ifndef ST_FORMATS_DIFF_STATS_H
#define ST_FORMATS_DIFF_STATS_H

#include <stdbool.h>
#include <stddef.h>

#define DIFF_ALPHA 0.05

struct diff_range {
	size_t count; /* of values; with 0 the others mean nothing */
	double min, median, max;
	const double *value;
};

struct diff_figure {
	struct diff_range before, after;
	double change;	  /* of the medians; 0 where a side has no values */
	double percent;	  /* of before; NAN where there is none, or it is 0 */
	double p;	  /* NAN where a side has fewer than two values */
	bool judged;	  /* both sides have several values, and so ... */
	bool significant; /* ... it is known whether the change is more than noise */
};

/* The values must outlive the figure. */
void diff_compare(const double *before, size_t befores, const double *after, size_t afters,
		  struct diff_figure *ret);

/* p of Mann and Whitney's test, exact for up to 20 values, else by the normal distribution. */
double diff_p_value(const double *a, size_t as, const double *b, size_t bs);

#endif
