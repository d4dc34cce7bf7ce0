/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_merge.h: several captures as one.
 *
 * Records come in order of time on one clock: that of the capture that began first, to which the
 * others are shifted by their wall clocks, for CLOCK_MONOTONIC means nothing on another machine.
 * Processes of one number in two captures, and stacks, get numbers of their own.  Running totals
 * are added up and come last.
 */
#ifndef ST_FORMATS_CAPTURE_MERGE_H
#define ST_FORMATS_CAPTURE_MERGE_H

#include <stddef.h>

#include "formats/capture.h"

struct capture_merge;

int capture_merge_new(struct capture_merge **ret);
void capture_merge_free(struct capture_merge *m); /* NULL-safe */

/* One more capture, which is opened.  e tells. */
int capture_merge_add(struct capture_merge *m, const char *path, struct err *e);

/* Writes all of them to a new capture.  e tells; damage of the inputs is summed up in *damage. */
int capture_merge_write(struct capture_merge *m, const char *path, struct capture_written *written,
			struct capture_damage *damage, struct err *e);

#endif
