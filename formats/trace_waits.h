/* SPDX-License-Identifier: Apache-2.0 */
/* trace_waits.h: lines of the trace for switches, parks, wakes, blocked coroutines, collections. */
#ifndef ST_FORMATS_TRACE_WAITS_H
#define ST_FORMATS_TRACE_WAITS_H

#include <stdbool.h>

#include "base/event.h"

struct render_context;

/* Whether records of this kind have a line. */
bool trace_waits_has(unsigned kind);

/* The line without its prefix and end.  0 or -ENOMEM. */
int trace_waits_put(const struct render_context *c, const struct ev_header *ev);

#endif
