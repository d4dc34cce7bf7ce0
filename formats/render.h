/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render.h: the formats.  A format sees events, the aggregate, names and a stream, and nothing
 * else; so whatever can be shown live can be shown from a capture.
 */
#ifndef ST_FORMATS_RENDER_H
#define ST_FORMATS_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/event.h"
#include "formats/aggregate.h"
#include "formats/breakdown.h"
#include "formats/capture.h"

struct aggregate;
struct err;
struct names;
struct run_info;

struct render_context {
	FILE *out;
	const struct run_info *info;
	struct aggregate *aggregate; /* has taken each event before the format sees it */
	struct names *names;
	const struct capture_damage *damage; /* NULL when live */
	unsigned width;			     /* columns, 0: unlimited */
	bool colour;
	bool utf8;    /* the stream takes UTF-8 ("2K → 64K"); else ASCII ("2K -> 64K") */
	unsigned top; /* rows in tables, 0: all */
	struct breakdown_spec breakdown;
	double min_percent; /* branches of a tree with less are summed up */
	enum weight weight; /* what graphs of stacks are drawn by */
};

/* The functions return 0 or -ENOMEM; whether bytes arrived is for the caller to ask of the stream.
 */
struct format {
	const char *name, *summary;
	bool binary;	   /* not for a terminal */
	bool result;	   /* for standard output also where the report goes to standard error */
	size_t state_size; /* the caller allocates it zeroed, and frees it */
	int (*begin)(void *state, const struct render_context *c); /* may be NULL */
	int (*event)(void *state, const struct render_context *c,
		     const struct ev_header *ev);		 /* may be NULL */
	int (*end)(void *state, const struct render_context *c); /* aggregate is finished */
	void (*release)(void *state); /* what it points to; also where end was not called; may be
					 NULL */
};

extern const struct format format_table;
extern const struct format format_tree;
extern const struct format format_histogram;
extern const struct format format_csv;
extern const struct format format_trace;
extern const struct format format_folded;
extern const struct format format_json;
extern const struct format format_pprof;
extern const struct format format_prom;
extern const struct format format_speedscope;
extern const struct format format_lines;
extern const struct format format_svg;
extern const struct format format_chrome;
extern const struct format format_perfetto;
extern const struct format format_html;

/* All formats in the order of --help; count in *ret_count. */
const struct format *const *formats_all(size_t *ret_count);
const struct format *format_find(const char *name); /* NULL: no such format */

#endif
