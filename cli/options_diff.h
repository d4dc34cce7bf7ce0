/* SPDX-License-Identifier: Apache-2.0 */
/* options_diff.h: what stacktrace diff was asked for. */
#ifndef ST_CLI_OPTIONS_DIFF_H
#define ST_CLI_OPTIONS_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "formats/diff_render.h"
#include "formats/diff_rule.h"
#include "formats/filter.h"

struct diff_options {
	struct filter_spec filter;
	const struct diff_format *format;
	const char *to; /* NULL: standard output */
	unsigned top;
	bool strict, quiet;
	struct diff_spec spec;
	struct diff_view view; /* but for its diff */
	char **captures;       /* those of before, then those of after, as spec counts them */
	struct diff_rule *rules;
	size_t rule_count;
};

/* Exits on wrong usage.  0 or -ENOMEM. */
int diff_options_parse(int argc, char **argv, struct diff_options *ret);
void diff_options_release(struct diff_options *o);

#endif
