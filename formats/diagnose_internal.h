/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose_internal.h: facts, and the rules over them.
 *
 *	diagnose.c         gathers facts, asks the rules
 *	diagnose_rules.c   the table, and those rules that look at lines
 *	diagnose_stacks.c  those that look at events
 */
#ifndef ST_FORMATS_DIAGNOSE_INTERNAL_H
#define ST_FORMATS_DIAGNOSE_INTERNAL_H

#include <stdbool.h>

#include "formats/diagnose.h"
#include "formats/line_report.h"

#define RULES_MOST 16
#define WINDOW_NS  UINT64_C(100000000) /* in which growths are counted */

/* A row of a report, and the line that it is of. */
struct sample {
	struct line_row row;
	char *text;
};

struct samples {
	const struct line_report *report;
	struct line_rows *rows;
	struct sample *at;
	size_t count;
	unsigned every, skipped; /* one in so many is kept */
	char *text;		 /* of the row being gathered */
};

struct shrunk;

struct diagnose {
	struct samples sched, gc;
	struct line *line;
	struct shrunk *shrunk;	    /* coroutines whose last copy made their stack smaller */
	uint64_t growths, thrashes; /* thrashes: growths of such */
	uint64_t thrash_bytes;
	uint64_t window, in_window, most_in_window; /* growths in WINDOW_NS */
	struct ev_copystack largest;		    /* growth, by the size that it came to */
	double threshold[RULES_MOST][DIAGNOSE_THRESHOLDS];
	struct aggregate *aggregate; /* while the rules are asked */
	struct names *names;
};

/* The figure of a column, by its name; 0 if it is not known. */
double sample_value(const struct samples *s, size_t i, const char *column);
bool sample_has(const struct samples *s, size_t i, const char *column);

/* Evidence: a line; and the sentence.  1, for the rule to return, or -ENOMEM. */
void finding_add_line(struct finding *f, const struct samples *s, size_t i);
int finding_say(struct finding *f, double confidence, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

rule_fn rule_growth_storm, rule_thrash, rule_oversized, rule_undersized, rule_overflow,
	rule_leak_by_events, rule_convoy_by_events;

#endif
