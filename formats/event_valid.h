/* SPDX-License-Identifier: Apache-2.0 */
/* event_valid.h: whether a record is long enough for what its kind says. */
#ifndef ST_FORMATS_EVENT_VALID_H
#define ST_FORMATS_EVENT_VALID_H

#include <stdbool.h>

#include "base/event.h"

/* Longer records are good (later versions append fields), and so are unknown kinds. */
static inline bool event_valid(const struct ev_header *ev)
{
	static const unsigned short least[EV_KIND_COUNT] = {
		[EV_NONE] = sizeof(struct ev_header),
		[EV_PAD] = sizeof(struct ev_header),
		[EV_IMAGE] = sizeof(struct ev_image),
		[EV_STACK] = sizeof(struct ev_stack),
		[EV_NEWPROC] = sizeof(struct ev_newproc),
		[EV_GOEXIT] = sizeof(struct ev_goexit),
		[EV_COPYSTACK] = sizeof(struct ev_copystack),
		[EV_STACK_USE] = sizeof(struct ev_stack_use),
		[EV_SWITCHES] = sizeof(struct ev_switches),
		[EV_LOST] = sizeof(struct ev_lost),
		[EV_HITS] = EV_HITS_SHORT,
		[EV_EXIT] = sizeof(struct ev_exit),
		[EV_PROCESS] = sizeof(struct ev_process),
		[EV_LINE] = sizeof(struct ev_line),
		[EV_REASON] = sizeof(struct ev_reason),
		[EV_GOGO] = sizeof(struct ev_gogo),
		[EV_PARK] = sizeof(struct ev_park),
		[EV_READY] = sizeof(struct ev_ready),
		[EV_RUNS] = sizeof(struct ev_runs),
		[EV_WAITS] = sizeof(struct ev_waits),
		[EV_WAKES] = sizeof(struct ev_wakes),
		[EV_BLOCKED] = sizeof(struct ev_blocked),
		[EV_LOCK] = sizeof(struct ev_lock),
		[EV_GC] = sizeof(struct ev_gc),
	};

	if (ev->kind >= EV_KIND_COUNT)
		return ev->size >= sizeof(struct ev_header);
	if (ev->size < least[ev->kind])
		return false;
	switch (ev->kind) {
	case EV_STACK:
		return ((const struct ev_stack *)ev)->depth <=
		       (ev->size - sizeof(struct ev_stack)) / sizeof(__u64);
	case EV_LINE:
		return ((const struct ev_line *)ev)->length <= ev->size - sizeof(struct ev_line);
	case EV_PROCESS:
		return ((const struct ev_process *)ev)->length <
		       ev->size - sizeof(struct ev_process);
	default:
		return true;
	}
}

#endif
