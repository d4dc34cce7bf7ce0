/* SPDX-License-Identifier: Apache-2.0 */
/*
 * section.h: parts of the table and of the JSON document that come from files of their own.
 *
 * A section is one entry in formats/sections.c.  In the table it is printed between the sentences
 * and the advice, and only if it has something to say; in the document it is the member of its key,
 * always there.
 */
#ifndef ST_FORMATS_SECTION_H
#define ST_FORMATS_SECTION_H

#include <stdbool.h>

struct json_t;
struct render_context;

struct section {
	const char *key;
	int (*table)(const struct render_context *c);		/* 0 or -ENOMEM; may be NULL */
	struct json_t *(*json)(const struct render_context *c); /* NULL: no memory; may be NULL */
};

int sections_table(const struct render_context *c);

/* Adds the members to a document.  False: no memory. */
bool sections_json(const struct render_context *c, struct json_t *document);

#endif
