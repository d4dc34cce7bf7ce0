/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.h: what changed between captures of before and captures of after: aggregates in, figures
 * out.
 *
 * Each side is one capture or several.  Captures are handed over one after the other and can be
 * forgotten then; what is kept of each is its totals, and what its rows weigh.
 *
 * Rows are matched by names alone: the function with the go statement, the coroutine's function,
 * the one that ran out of stack.  Addresses differ from build to build, and lines move with every
 * edit above them.
 */
#ifndef ST_FORMATS_DIFF_H
#define ST_FORMATS_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/aggregate.h"
#include "formats/capture.h"
#include "formats/diff_metrics.h"
#include "formats/diff_stats.h"

struct diff;
struct err;
struct names;
struct run_info;

enum diff_by { DIFF_BY_GROWTH, DIFF_BY_CREATOR, DIFF_BY_LEAF, DIFF_BY_TOTAL };

struct diff_spec {
	size_t captures[DIFF_SIDES];   /* how many will come */
	uint64_t requests[DIFF_SIDES]; /* served in each capture; 0: not known */
	const char
		*request_function; /* glob: births of such coroutines are the requests, or NULL */
	bool stacks;		   /* call chains are wanted: diff_each_stack() */
	enum weight weight;	   /* of these */
};

/* spec is copied; its glob must outlive the diff.  0 or -ENOMEM. */
int diff_new(const struct diff_spec *spec, struct diff **ret);
void diff_free(struct diff *d); /* NULL-safe */

/* A capture, its aggregate finished.  path is for messages and documents. */
struct diff_input {
	const char *path;
	struct aggregate *aggregate;
	struct names *names;
	const struct run_info *info;
	const struct capture_damage *damage;
};

/* Takes the next capture of a side; all of before come first.  0 or -ENOMEM. */
int diff_add(struct diff *d, enum diff_side side, const struct diff_input *in);

/* What is said of a capture. */
struct diff_capture {
	char *path, *command, *target, *build_id, *runtime, *version;
	uint64_t lost;
	struct capture_damage damage;
	struct diff_sample sample;
};
const struct diff_spec *diff_spec_of(const struct diff *d);
const struct diff_capture *diff_capture(const struct diff *d, enum diff_side side, size_t i);

/* Whether every capture has what per divides by; -EINVAL: e names the one that has not. */
int diff_check_per(const struct diff *d, enum diff_per per, struct err *e);

/* A total on both sides; sides that do not know it have no values.  values has room for all
 * captures, those of before first, and must outlive the figure. */
void diff_total(const struct diff *d, enum diff_metric m, enum diff_per per, double *values,
		struct diff_figure *ret);

struct diff_row {
	/* Functions; NULL where rows are not by them. */
	const char *creator, *entry, *leaf;
	/* Where these are after, or were before if the row is gone; "" and 0: not known. */
	const char *creator_file, *leaf_file;
	uint32_t creator_line, leaf_line;
	bool there[DIFF_SIDES];
	struct diff_figure figure[WEIGHT_COUNT];
};

/*
 * Rows that weigh something by `weight`, significant changes first, then the largest; strings
 * belong to the diff, the array to the caller (diff_rows_free).
 */
int diff_rows(const struct diff *d, enum diff_by by, enum diff_per per, enum weight weight,
	      struct diff_row **ret, size_t *ret_count);
void diff_rows_free(struct diff_row *rows);

/* The sum of all rows with a function that matches; *ret_rows: how many these are.  values as for
 * diff_total. */
void diff_matching(const struct diff *d, const char *glob, enum weight weight, enum diff_per per,
		   double *values, struct diff_figure *ret, size_t *ret_rows);

/*
 * Each call chain, in order of its text, and what it weighs in a capture, in the mean; before in
 * as much work (of `per`) as after.  A result other than 0 ends it and is handed on.
 */
typedef int diff_stack_fn(void *arg, const char *chain, double before, double after);
int diff_each_stack(struct diff *d, enum diff_per per, diff_stack_fn *fn, void *arg);

#endif
