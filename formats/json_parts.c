/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "formats/aggregate.h"

json_t *json_number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *json_text(const char *s, enum escape_style style)
{
	char *safe = escape_dup(s, style);
	json_t *r = safe ? json_string(safe) : NULL;

	free(safe);
	return r;
}

json_t *json_file_of(const struct site *s)
{
	return *s->file ? json_text(s->file, ESCAPE_FIELD) : json_null();
}

json_t *json_line_of(const struct site *s)
{
	return s->line ? json_number(s->line) : json_null();
}

json_t *json_waste_ratio(uint64_t measured, uint64_t allocated, uint64_t used)
{
	if (!measured || !allocated)
		return json_null();
	return json_real((double)(allocated - used) / (double)allocated);
}

json_t *json_by_log2(const uint64_t *count)
{
	json_t *o = json_object();
	char key[24];

	for (unsigned i = 0; i < 64 && o; i++) {
		if (!count[i])
			continue;
		snprintf(key, sizeof(key), "%llu", 1ull << i);
		if (json_object_set_new(o, key, json_number(count[i]))) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

json_t *json_members(const struct json_member *m, size_t count)
{
	json_t *o = json_object();
	bool bad = !o;

	for (size_t i = 0; i < count; i++)
		bad |= json_object_set_new(o, m[i].key, m[i].value) != 0;
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

bool json_extend(json_t *o, json_t *from)
{
	bool bad = !from || json_object_update(o, from);

	json_decref(from);
	return !bad;
}
