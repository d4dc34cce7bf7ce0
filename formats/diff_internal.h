/* SPDX-License-Identifier: Apache-2.0 */
/* diff_internal.h: shared by diff.c, diff_rows.c and diff_stacks.c. */
#ifndef ST_FORMATS_DIFF_INTERNAL_H
#define ST_FORMATS_DIFF_INTERNAL_H

#include "base/map.h"
#include "formats/diff.h"

/* Growths by (creator, entry, leaf): the finest rows there are. */
struct diff_key {
	char *text;			    /* all three names: the key */
	const char *creator, *entry, *leaf; /* in it */
	char *creator_file, *leaf_file;
	uint32_t creator_line, leaf_line;
	bool there[DIFF_SIDES];
	UT_hash_handle hh;
	double value[]; /* [capture][weight] */
};

/* A call chain, and what it weighs in all captures of each side. */
struct diff_stack {
	char *chain;
	double weight[DIFF_SIDES];
	UT_hash_handle hh;
};

struct diff {
	struct diff_spec spec;
	size_t captures; /* of both sides */
	size_t taken[DIFF_SIDES];
	struct diff_capture *capture; /* those of before first */
	struct diff_key *keys;
	struct diff_stack *stacks;
};

/* Adds what a row weighs to one number for each capture. */
void diff_add_weights(const struct diff *d, const struct diff_key *k, enum weight w,
		      double *values);

/* Divides them, and compares the sides. */
void diff_divide(const struct diff *d, enum diff_per per, double *values, struct diff_figure *ret);

int diff_take_stacks(struct diff *d, size_t capture, const struct diff_input *in);
void diff_stacks_free(struct diff *d);

#endif
