/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/section.h"

#include <jansson.h>
#include <stddef.h>

#include "formats/diagnose_print.h"
#include "formats/lifecycle.h"
#include "formats/sections_waits.h"

/* In the order of the table. */
static const struct section *const all[] = {
	&section_lifecycle, &section_switching, &section_running, &section_waiting,
	&section_waking,    &section_blocked,	&section_locks,	  &section_diagnosis,
};
#define SECTIONS (sizeof(all) / sizeof(all[0]))

int sections_table(const struct render_context *c)
{
	int r = 0;

	for (size_t i = 0; i < SECTIONS && !r; i++)
		r = all[i]->table ? all[i]->table(c) : 0;
	return r;
}

bool sections_json(const struct render_context *c, json_t *document)
{
	bool bad = false;

	for (size_t i = 0; i < SECTIONS && !bad; i++)
		if (all[i]->json)
			bad = json_object_set_new(document, all[i]->key, all[i]->json(c));
	return !bad;
}
