/* SPDX-License-Identifier: Apache-2.0 */
/* diff_render.h: a diff as text for people and for programs. */
#ifndef ST_FORMATS_DIFF_RENDER_H
#define ST_FORMATS_DIFF_RENDER_H

#include "base/human.h"
#include "formats/diff.h"

struct render_context;

struct diff_view {
	struct diff *diff;
	enum diff_by by;
	enum diff_per per;
};

struct diff_format {
	const char *name, *summary;
	/* Of c, out, width, colour, utf8, top and weight count.  0 or -ENOMEM. */
	int (*print)(const struct diff_view *v, const struct render_context *c);
};
extern const struct diff_format diff_formats[]; /* ends with a name NULL */

int diff_print_table(const struct diff_view *v, const struct render_context *c);
int diff_print_csv(const struct diff_view *v, const struct render_context *c);
int diff_print_json(const struct diff_view *v, const struct render_context *c);
int diff_print_folded(const struct diff_view *v, const struct render_context *c);

/* "10,003", "1.5 MiB", "27.2 %": a value of a metric for people, with its sign. */
struct human diff_human(enum diff_metric m, double v, bool utf8);
/* The same with a sign in any case; of ratios in points. */
struct human diff_human_change(enum diff_metric m, double v, bool utf8);
struct human diff_human_percent(double percent); /* "+20.4 %" */

const char *diff_status_name(const struct diff_row *row); /* "new", "gone", "both" */
extern const char *const diff_by_names[];		  /* NULL at their end */

/* Numbers for all captures, as diff_total() wants them; the caller's to free. */
double *diff_values(const struct diff *d);

#endif
