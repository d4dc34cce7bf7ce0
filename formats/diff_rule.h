/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_rule.h: what a change must not come to.
 *
 *	[FUNCTION:]METRIC[/PER] > VALUE		also <, >= and <=
 *
 * A VALUE with a sign is a change, in the metric's unit or, with "%", of what it was before;
 * without a sign it is what the metric must not be after.  FUNCTION is a glob: only growths with
 * such a creator, coroutine or leaf count.
 *
 * A change that is judged and not significant breaks no rule: noise must not fail a build.
 */
#ifndef ST_FORMATS_DIFF_RULE_H
#define ST_FORMATS_DIFF_RULE_H

#include <stdbool.h>

#include "formats/diff.h"

struct err;

struct diff_rule {
	const char *text; /* as given */
	char *function;	  /* NULL: the totals */
	enum diff_metric metric;
	enum weight weight; /* of the rows; where there is a function */
	enum diff_per per;  /* as given, else that of the view */
	enum { DIFF_VALUE, DIFF_CHANGE, DIFF_PERCENT } kind;
	bool above, or_equal;
	double limit;
};

/* text must outlive the rule.  -EINVAL: e says what is wrong with it. */
int diff_rule_parse(const char *text, enum diff_per view, struct diff_rule *ret, struct err *e);
void diff_rule_release(struct diff_rule *r);

struct diff_verdict {
	bool broken;
	size_t rows; /* that the function is in */
	struct diff_figure figure;
};

/*
 * values as for diff_total().  -ENODATA: no capture of a side knows the metric; -EINVAL: nothing to
 * divide by; e tells.
 */
int diff_rule_check(const struct diff *d, const struct diff_rule *r, double *values,
		    struct diff_verdict *ret, struct err *e);

#endif
