/* SPDX-License-Identifier: Apache-2.0 */
/* view.h: one format writing to one output. */
#ifndef ST_CLI_VIEW_H
#define ST_CLI_VIEW_H

#include <stdbool.h>

#include "cli/output.h"
#include "formats/render.h"

struct err;
struct ev_header;
struct view;

struct view_options {
	const struct format *format;
	const char *path; /* NULL: the fallback stream */
	unsigned top;
	enum weight weight;
	struct breakdown_spec breakdown;
	double min_percent;
};

/* -EINVAL if the format is no text and would go to a terminal, or between messages. */
int view_check(const struct view_options *o, FILE *fallback, struct err *e);
int view_open(const struct view_options *o, FILE *fallback, struct view **ret, struct err *e);

/* What the format may look at; all must outlive the view.  To be called before view_begin. */
void view_bind(struct view *v, const struct run_info *info, struct aggregate *a, struct names *n,
	       const struct capture_damage *damage);

/* Each returns 0 or a negative errno; view_close says in e which file could not be written. */
int view_begin(struct view *v);
int view_event(struct view *v, const struct ev_header *ev);
int view_end(struct view *v);

bool view_failed(const struct view *v); /* the stream has an error, so more events are in vain */
int view_close(struct view *v, struct err *e); /* frees; NULL-safe */

#endif
