/* SPDX-License-Identifier: Apache-2.0 */
/* html_data.h: what the page of the format html shows, as the JSON document that its script reads.
 */
#ifndef ST_FORMATS_HTML_DATA_H
#define ST_FORMATS_HTML_DATA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct render_context;

#define HTML_ROWS	 1000  /* in each table */
#define HTML_FRAMES	 30000 /* in the flame graph */
#define HTML_SLICES	 480   /* of time */
#define HTML_COLLECTIONS 2000

/* Collections as they are met in the events; more than there is room for are only counted. */
struct html_collections {
	uint64_t start_ns[HTML_COLLECTIONS], end_ns[HTML_COLLECTIONS]; /* 0: its end was not seen */
	uint64_t count;
};

/* NULL: no memory.  The caller's to release. */
json_t *html_data(const struct render_context *c, const struct html_collections *gc);

/* The member "graph" of it: html_graph.c. */
json_t *html_graph(const struct render_context *c);

#endif
