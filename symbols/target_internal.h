/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_internal.h: the sources of a target description, for target.c alone.
 */
#ifndef ST_SYMBOLS_TARGET_INTERNAL_H
#define ST_SYMBOLS_TARGET_INTERNAL_H

struct err;
struct image;
struct target;

/* An empty description: every field unknown, no probe present. */
void target_init(struct target *t);

/* Appends to the warning, behind "; " if there is one already.  Cut at its room. */
void target_warn(struct target *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each fills an empty description.  -ENOENT without a text: the image is no such thing. */
int target_from_note(struct image *img, struct target *t, struct err *e);
int target_from_go(struct image *img, struct target *t, struct err *e);

#endif
