/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/event_fields.h"

#include <string.h>

#define FIELD(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define AT(type, f)	offsetof(struct type, f)
#define SIZE(type, f)	sizeof(((struct type *)0)->f)
#define LENGTH(type, f) (SIZE(type, f) / SIZE(type, f[0]))
#define NUM(type, f)	FIELD(#f, FIELD_NUMBER, SIZE(type, f), AT(type, f), 1, 0)
#define ADDR(type, f)	FIELD(#f, FIELD_ADDRESS, SIZE(type, f), AT(type, f), 1, 0)
#define NUMS(type, f)	FIELD(#f, FIELD_NUMBER, SIZE(type, f[0]), AT(type, f), LENGTH(type, f), 0)
#define ADDRS(type, f)	FIELD(#f, FIELD_ADDRESS, SIZE(type, f[0]), AT(type, f), LENGTH(type, f), 0)
#define CHARS(type, f)	FIELD(#f, FIELD_TEXT, 1, AT(type, f), SIZE(type, f), 0)
/* As many as another field says, behind the fixed part. */
#define TEXT(type, f, n)   FIELD(#f, FIELD_TEXT, 1, AT(type, f), UINT16_MAX, AT(type, n))
#define VECTOR(type, f, n) FIELD(#f, FIELD_ADDRESS, 8, AT(type, f), UINT16_MAX, AT(type, n))
#define END		   FIELD(NULL, FIELD_NUMBER, 0, 0, 0, 0)

static const struct event_field ev_image_fields[] = {
	ADDR(ev_image, load_bias),
	CHARS(ev_image, comm),
	END,
};

static const struct event_field ev_stack_fields[] = {
	ADDR(ev_stack, stack_id),
	NUM(ev_stack, depth),
	NUM(ev_stack, flags),
	VECTOR(ev_stack, pc, depth),
	END,
};

static const struct event_field ev_newproc_fields[] = {
	ADDR(ev_newproc, gp),
	NUM(ev_newproc, goid),
	NUM(ev_newproc, parent_goid),
	ADDR(ev_newproc, creator_pc),
	ADDR(ev_newproc, entry_pc),
	NUM(ev_newproc, stack_size),
	END,
};

static const struct event_field ev_goexit_fields[] = {
	ADDR(ev_goexit, gp),
	NUM(ev_goexit, goid),
	NUM(ev_goexit, stack_size),
	NUM(ev_goexit, used),
	END,
};

static const struct event_field ev_copystack_fields[] = {
	ADDR(ev_copystack, gp),
	NUM(ev_copystack, goid),
	ADDR(ev_copystack, creator_pc),
	ADDR(ev_copystack, entry_pc),
	NUM(ev_copystack, old_size),
	NUM(ev_copystack, new_size),
	NUM(ev_copystack, used),
	NUM(ev_copystack, duration_ns),
	ADDR(ev_copystack, stack_id),
	NUM(ev_copystack, flags),
	END,
};

static const struct event_field ev_stack_use_fields[] = {
	ADDR(ev_stack_use, gp),
	NUM(ev_stack_use, goid),
	NUM(ev_stack_use, stack_size),
	NUM(ev_stack_use, used),
	END,
};

static const struct event_field ev_switches_fields[] = {
	NUM(ev_switches, count),
	NUM(ev_switches, window_ns),
	END,
};

static const struct event_field ev_lost_fields[] = {
	NUMS(ev_lost, count),
	END,
};

static const struct event_field ev_hits_fields[] = {
	NUM(ev_hits, cost_ns),
	NUMS(ev_hits, hits),
	NUMS(ev_hits, each_ns),
	END,
};

static const struct event_field ev_exit_fields[] = {
	NUM(ev_exit, wait_status),
	NUM(ev_exit, wall_ns),
	NUM(ev_exit, cpu_ns),
	NUM(ev_exit, max_rss),
	END,
};

static const struct event_field ev_process_fields[] = {
	NUM(ev_process, what),	 NUM(ev_process, ppid),		 NUM(ev_process, value),
	NUM(ev_process, length), TEXT(ev_process, path, length), END,
};

static const struct event_field ev_line_fields[] = {
	NUM(ev_line, fd),
	NUM(ev_line, flags),
	NUM(ev_line, length),
	TEXT(ev_line, text, length),
	END,
};

static const struct event_field ev_reason_fields[] = {
	NUM(ev_reason, reason),
	CHARS(ev_reason, name),
	END,
};

static const struct event_field ev_gogo_fields[] = {
	ADDR(ev_gogo, gp),
	NUM(ev_gogo, goid),
	ADDR(ev_gogo, creator_pc),
	NUM(ev_gogo, latency_ns),
	END,
};

static const struct event_field ev_park_fields[] = {
	ADDR(ev_park, gp),
	NUM(ev_park, goid),
	ADDR(ev_park, creator_pc),
	NUM(ev_park, run_ns),
	NUM(ev_park, used),
	NUM(ev_park, reason),
	END,
};

static const struct event_field ev_ready_fields[] = {
	ADDR(ev_ready, gp),
	NUM(ev_ready, goid),
	ADDR(ev_ready, creator_pc),
	NUM(ev_ready, waker_goid),
	ADDR(ev_ready, waker_creator_pc),
	NUM(ev_ready, wait_ns),
	END,
};

static const struct event_field ev_runs_fields[] = {
	ADDR(ev_runs, creator_pc), ADDR(ev_runs, entry_pc),
	NUM(ev_runs, switches),	   NUM(ev_runs, run_ns),
	NUM(ev_runs, watched_ns),  NUM(ev_runs, latency_ns),
	NUMS(ev_runs, latency),	   END,
};

static const struct event_field ev_waits_fields[] = {
	ADDR(ev_waits, creator_pc), ADDR(ev_waits, entry_pc),
	NUM(ev_waits, reason),	    NUM(ev_waits, parks),
	NUM(ev_waits, wait_ns),	    NUM(ev_waits, max_ns),
	NUM(ev_waits, ended),	    END,
};

static const struct event_field ev_wakes_fields[] = {
	ADDR(ev_wakes, waker_creator_pc),
	ADDR(ev_wakes, waker_entry_pc),
	ADDR(ev_wakes, wakee_creator_pc),
	ADDR(ev_wakes, wakee_entry_pc),
	NUM(ev_wakes, count),
	END,
};

static const struct event_field ev_blocked_fields[] = {
	ADDR(ev_blocked, gp),
	NUM(ev_blocked, goid),
	ADDR(ev_blocked, creator_pc),
	ADDR(ev_blocked, entry_pc),
	NUM(ev_blocked, since_ns),
	ADDR(ev_blocked, stack_id),
	NUM(ev_blocked, reason),
	NUM(ev_blocked, flags),
	NUM(ev_blocked, reg_count),
	ADDRS(ev_blocked, reg),
	END,
};

static const struct event_field ev_lock_fields[] = {
	ADDR(ev_lock, lock),
	ADDR(ev_lock, creator_pc),
	ADDR(ev_lock, entry_pc),
	ADDR(ev_lock, stack_id),
	NUM(ev_lock, kind),
	NUM(ev_lock, waits),
	NUM(ev_lock, wait_ns),
	NUM(ev_lock, max_wait_ns),
	NUM(ev_lock, holds),
	NUM(ev_lock, hold_ns),
	END,
};

static const struct event_field ev_gc_fields[] = {
	NUM(ev_gc, what),
	NUM(ev_gc, cycle),
	END,
};

static const struct {
	const char *name;
	const struct event_field *fields;
} kinds[EV_KIND_COUNT] = {
	[EV_IMAGE] = { "image", ev_image_fields },
	[EV_STACK] = { "stack", ev_stack_fields },
	[EV_NEWPROC] = { "newproc", ev_newproc_fields },
	[EV_GOEXIT] = { "goexit", ev_goexit_fields },
	[EV_COPYSTACK] = { "copystack", ev_copystack_fields },
	[EV_STACK_USE] = { "stack_use", ev_stack_use_fields },
	[EV_SWITCHES] = { "switches", ev_switches_fields },
	[EV_LOST] = { "lost", ev_lost_fields },
	[EV_HITS] = { "hits", ev_hits_fields },
	[EV_EXIT] = { "exit", ev_exit_fields },
	[EV_PROCESS] = { "process", ev_process_fields },
	[EV_LINE] = { "line", ev_line_fields },
	[EV_REASON] = { "reason", ev_reason_fields },
	[EV_GOGO] = { "gogo", ev_gogo_fields },
	[EV_PARK] = { "park", ev_park_fields },
	[EV_READY] = { "ready", ev_ready_fields },
	[EV_RUNS] = { "runs", ev_runs_fields },
	[EV_WAITS] = { "waits", ev_waits_fields },
	[EV_WAKES] = { "wakes", ev_wakes_fields },
	[EV_BLOCKED] = { "blocked", ev_blocked_fields },
	[EV_LOCK] = { "lock", ev_lock_fields },
	[EV_GC] = { "gc", ev_gc_fields },
};

const char *event_kind_name(unsigned kind)
{
	return kind < EV_KIND_COUNT ? kinds[kind].name : NULL;
}

const struct event_field *event_fields(unsigned kind)
{
	static const struct event_field none[] = { END };

	return kind < EV_KIND_COUNT && kinds[kind].fields ? kinds[kind].fields : none;
}

size_t event_field_count(const struct event_field *f, const struct ev_header *ev)
{
	size_t room = ev->size > f->offset ? (size_t)(ev->size - f->offset) / f->size : 0;
	size_t count = f->count;
	uint32_t said;

	if (f->count_at) {
		memcpy(&said, (const char *)ev + f->count_at, sizeof(said));
		count = said;
	}
	count = count < room ? count : room;
	return f->type == FIELD_TEXT ? strnlen((const char *)ev + f->offset, count) : count;
}

uint64_t event_field_value(const struct event_field *f, const struct ev_header *ev, size_t i)
{
	const char *at = (const char *)ev + f->offset + i * f->size;
	uint64_t wide = 0;
	uint32_t narrow;

	if (f->size == 4) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}
