/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h: the way of events from where they come from, through the filter, into the aggregate
 * and the views; the same for a live run and for a capture.
 */
#ifndef ST_CLI_INTAKE_H
#define ST_CLI_INTAKE_H

#include "formats/capture.h"
#include "formats/filter.h"

struct aggregate;
struct err;
struct ev_header;
struct names;
struct offline;
struct run_info;
struct view;

#define INTAKE_VIEWS 2

struct intake {
	struct aggregate *aggregate;
	struct names *names;
	struct filter *filter;
	struct offline *offline;	 /* finds names that a capture lacks; NULL when live */
	struct view *view[INTAKE_VIEWS]; /* may be NULL */
	struct capture_reader *reader;	 /* to show how far it has come; NULL when live */
	unsigned events;		 /* since that was shown */
};

/* Makes aggregate and names.  e tells on failure; intake_release() is allowed in any case. */
int intake_init(struct intake *in, struct err *e);
void intake_release(struct intake *in); /* closes views that are still open */

/* Binds filter and views and begins the views; spec, info and damage (NULL when live) must outlive
 * them.  0 or a negative errno. */
int intake_begin(struct intake *in, const struct filter_spec *spec, const struct run_info *info,
		 const struct capture_damage *damage);

/* One event; arg is the struct intake.  -EIO if the first view cannot be written any more. */
int intake_event(void *arg, const struct ev_header *ev);

/* Has names that a capture lacks looked for, as offline.h says; before the first event.  info must
 * outlive in.  0 or -ENOMEM. */
int intake_find_names(struct intake *in, const char *sysroot, const struct run_info *info);

/* Finishes aggregate and views.  0 or a negative errno. */
int intake_end(struct intake *in);

/*
 * A whole capture at once, for commands that have no view: in must be initialised; *ret_reader,
 * which the caller frees, holds the run_info.  Damage is no failure.  e tells.
 */
int intake_load(struct intake *in, const char *path, const struct filter_spec *spec,
		struct capture_reader **ret_reader, struct capture_damage *damage, struct err *e);

#endif
