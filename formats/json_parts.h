/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_parts.h: what the JSON document is made of.  Every function returns NULL for the want of
 * memory, and takes over the values that it is given.
 */
#ifndef ST_FORMATS_JSON_PARTS_H
#define ST_FORMATS_JSON_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/escape.h"
#include "formats/breakdown.h"

struct capture_damage;
struct run_info;
struct site;

json_t *json_number(uint64_t n); /* stops at 2^63 - 1 */
json_t *json_text(const char *s, enum escape_style style);
json_t *json_file_of(const struct site *s); /* null if not known */
json_t *json_line_of(const struct site *s);
json_t *json_waste_ratio(uint64_t measured, uint64_t allocated, uint64_t used);
json_t *json_by_log2(const uint64_t *count); /* {"2048": 10, "4096": 2}, of 64 counts */

/* A NULL value is the want of memory. */
struct json_member {
	const char *key;
	json_t *value;
};
json_t *json_members(const struct json_member *m, size_t count);
#define JSON_OBJECT(members) json_members((members), sizeof(members) / sizeof((members)[0]))

/* Adds the members of from, which is freed, to o.  False: no memory. */
bool json_extend(json_t *o, json_t *from);

/* Parts of the document that the page of the format html has too; json.c. */
json_t *json_summary(const struct render_context *c);
json_t *json_advice(const struct render_context *c);
json_t *json_recording(const struct run_info *i); /* who, what, where, when */
json_t *json_warnings(const struct run_info *i);
json_t *json_damage(const struct capture_damage *d); /* null where there is none */
json_t *json_cell(const struct breakdown_cell *p, enum column column);

#endif
