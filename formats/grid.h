/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grid.h: aligned columns for the table format, by libsmartcols.
 *
 * Number columns stand left and right-aligned, at their full width.  Label columns stand right of
 * them and share what the terminal has left; what does not fit is shortened as label.h says.
 */
#ifndef ST_FORMATS_GRID_H
#define ST_FORMATS_GRID_H

#include <stdbool.h>
#include <stddef.h>

struct grid;
struct render_context;

/* Titles are ASCII and must outlive the grid; the last `labels` of the columns hold labels. */
int grid_new(const char *const *titles, size_t columns, size_t labels, struct grid **ret);
void grid_free(struct grid *g); /* NULL-safe */

/* Takes the cells over, also on failure; a NULL cell means that the caller was out of memory. */
int grid_add(struct grid *g, char *const *cells);

size_t grid_rows(const struct grid *g);

/* Prints title line and rows, indented by two columns.  0 or -ENOMEM. */
int grid_print(struct grid *g, const struct render_context *c);

#endif
