/* SPDX-License-Identifier: Apache-2.0 */
/* sections_waits.h: who runs, waits, wakes, is blocked and contends, in the table and document. */
#ifndef ST_FORMATS_SECTIONS_WAITS_H
#define ST_FORMATS_SECTIONS_WAITS_H

#include "formats/section.h"

extern const struct section section_switching, section_running, section_waiting, section_waking,
	section_blocked, section_locks;

/* table_waits.c, for sections_waits.c */
int table_switching(const struct render_context *c);
int table_running(const struct render_context *c);
int table_waiting(const struct render_context *c);
int table_waking(const struct render_context *c);
int table_blocked(const struct render_context *c);
int table_locks(const struct render_context *c);

/* json_waits.c */
struct json_t *json_switching(const struct render_context *c);
struct json_t *json_running(const struct render_context *c);
struct json_t *json_waiting(const struct render_context *c);
struct json_t *json_waking(const struct render_context *c);
struct json_t *json_blocked(const struct render_context *c);
struct json_t *json_locks(const struct render_context *c);

#endif
