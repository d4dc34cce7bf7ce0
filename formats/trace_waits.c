/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/trace_waits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/sites.h"
#include "formats/waits.h"

bool trace_waits_has(unsigned kind)
{
	return kind == EV_GOGO || kind == EV_PARK || kind == EV_READY || kind == EV_BLOCKED ||
	       kind == EV_GC;
}

/* A name out of the traced program. */
static void put_reason(const struct render_context *c, uint32_t pid, uint32_t reason)
{
	escape_put(c->out, waits_reason(aggregate_waits(c->aggregate), pid, reason),
		   c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);
}

/* A time that may not be known. */
static void put_time(const struct render_context *c, const char *before, uint64_t ns)
{
	if (ns)
		fprintf(c->out, ", %s %s", before, human_time(ns, c->utf8).s);
}

static void put_gogo(const struct render_context *c, const struct ev_gogo *ev)
{
	fprintf(c->out, "g%" PRIu64 " runs on thread %" PRIu32, (uint64_t)ev->goid, ev->h.tid);
	put_time(c, "ready for", ev->latency_ns);
}

static void put_park(const struct render_context *c, const struct ev_park *ev)
{
	fprintf(c->out, "g%" PRIu64 " parks: ", (uint64_t)ev->goid);
	put_reason(c, ev->h.pid, ev->reason);
	put_time(c, "ran for", ev->run_ns);
	fprintf(c->out, ", used=%" PRIu64, (uint64_t)ev->used);
}

static void put_ready(const struct render_context *c, const struct ev_ready *ev)
{
	fprintf(c->out, "g%" PRIu64 " is woken", (uint64_t)ev->goid);
	if (ev->waker_goid)
		fprintf(c->out, " by g%" PRIu64, (uint64_t)ev->waker_goid);
	put_time(c, "waited", ev->wait_ns);
}

static int put_blocked(const struct render_context *c, const struct ev_blocked *ev)
{
	struct site creator;
	char *label;

	site_creator(c->names, ev->h.pid, ev->creator_pc, ev->entry_pc, &creator);
	label = label_site(&creator, c->utf8);
	if (!label)
		return -ENOMEM;
	fprintf(c->out, "g%" PRIu64 " %s blocked for %s: ", (uint64_t)ev->goid,
		ev->flags & EV_BLOCKED_SEEN    ? "is seen"
		: ev->flags & EV_BLOCKED_STILL ? "is still"
					       : "was",
		human_time(ev->h.time_ns - ev->since_ns, c->utf8).s);
	put_reason(c, ev->h.pid, ev->reason);
	fprintf(c->out, ", created at %s", label);
	free(label);
	return 0;
}

int trace_waits_put(const struct render_context *c, const struct ev_header *ev)
{
	switch (ev->kind) {
	case EV_GOGO:
		put_gogo(c, (const struct ev_gogo *)ev);
		return 0;
	case EV_PARK:
		put_park(c, (const struct ev_park *)ev);
		return 0;
	case EV_READY:
		put_ready(c, (const struct ev_ready *)ev);
		return 0;
	case EV_BLOCKED:
		return put_blocked(c, (const struct ev_blocked *)ev);
	case EV_GC:
		fputs(((const struct ev_gc *)ev)->what == EV_GC_START
			      ? "collection begins"
			      : "collection: marking is done",
		      c->out);
		return 0;
	default:
		return 0;
	}
}
