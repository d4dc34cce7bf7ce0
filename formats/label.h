/* SPDX-License-Identifier: Apache-2.0 */
/* label.h: a source place as one cell of a table. */
#ifndef ST_FORMATS_LABEL_H
#define ST_FORMATS_LABEL_H

#include <stdbool.h>
#include <stddef.h>

struct site;

/*
 * "main.deep deep.go:5": function, base name of the file, line, as far as known, made safe to
 * print; beyond ASCII only if utf8.  The caller's to free; NULL: no memory.
 */
char *label_site(const struct site *s, bool utf8);

/*
 * Makes a label fit so many columns by leaving out first the directories of the package path, then
 * the beginning, since names differ at their ends.  Frees label and returns the new one, or NULL.
 */
char *label_fit(char *label, size_t columns, bool utf8);

/* Columns that a text takes: its characters. */
size_t label_width(const char *s);

/* The last component of a path. */
const char *label_base_name(const char *path);

#endif
