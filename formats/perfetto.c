/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perfetto.c: the tracks of timeline.h as Perfetto's own format: a stream of packets, each a
 * protocol buffer, perfetto.dev/docs/reference/trace-packet-proto.
 *
 * Times are those of CLOCK_MONOTONIC, given as the trace's own clock.  All packets are of one
 * sequence.  Names and texts of arguments are interned: a packet that needs a new one brings it
 * along.  Names of events are not, since most are of one coroutine and never come again.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/map.h"
#include "formats/protobuf.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/timeline.h"

/* Field numbers, and values of enums. */
enum {
	TRACE_PACKET = 1,
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED = 12,
	PACKET_FLAGS = 13,
	PACKET_TRACK_DESCRIPTOR = 60,
	FLAG_CLEARED = 1,
	FLAG_NEEDS_STATE = 2,
	SNAPSHOT_CLOCK = 1,
	CLOCK_ID = 1,
	CLOCK_TIMESTAMP = 2,
	CLOCK_IS_REALTIME = 1,
	CLOCK_IS_TRACE = 6, /* boot time, which packets have by default */
	EVENT_ANNOTATION = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK = 11,
	EVENT_NAME = 23,
	EVENT_COUNTER_VALUE = 30,
	EVENT_FLOW = 47,
	EVENT_FLOW_END = 48,
	TYPE_BEGIN = 1,
	TYPE_END = 2,
	TYPE_INSTANT = 3,
	TYPE_COUNTER = 4,
	ANNOTATION_NAME_IID = 1,
	ANNOTATION_UINT = 3,
	ANNOTATION_TEXT_IID = 17,
	INTERNED_ANNOTATION_NAMES = 3,
	INTERNED_ANNOTATION_TEXTS = 29,
	INTERNED_IID = 1,
	INTERNED_TEXT = 2,
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_IS_PROCESS = 3,
	TRACK_IS_THREAD = 4,
	TRACK_PARENT = 5,
	TRACK_IS_COUNTER = 8,
	TRACK_CHILD_ORDER = 11,
	TRACK_RANK = 12,
	ORDER_EXPLICIT = 3,
	PROCESS_PID = 1,
	PROCESS_NAME = 6,
	THREAD_PID = 1,
	THREAD_TID = 2,
	THREAD_NAME = 5,
	COUNTER_UNIT = 3,
	UNIT_COUNT = 2,
	UNIT_BYTES = 3,
};

struct interned {
	uint64_t number;
	bool sent;
	UT_hash_handle hh;
	char text[];
};

struct perfetto {
	struct timeline t;
	struct protobuf packet;
	struct interned *names, *texts;
	bool failed;
};

/* --- packets ------------------------------------------------------------------------------- */

/* What protobuf_end wants, for end_packet. */
static size_t begin_packet(struct perfetto *s, uint64_t flags)
{
	size_t begun = protobuf_begin(&s->packet, TRACE_PACKET);

	protobuf_number(&s->packet, PACKET_SEQUENCE, 1);
	protobuf_number(&s->packet, PACKET_FLAGS, flags);
	return begun;
}

static void end_packet(struct perfetto *s, size_t begun)
{
	protobuf_end(&s->packet, begun);
	if (s->packet.failed)
		s->failed = true;
	else
		fwrite(s->packet.bytes, 1, s->packet.size, s->t.c->out);
	s->packet.size = 0;
}

static struct interned *intern(struct perfetto *s, struct interned **table, const char *text)
{
	size_t len = strlen(text);
	struct interned *i;

	HASH_FIND(hh, *table, text, len, i);
	if (i)
		return i;
	i = malloc(sizeof(*i) + len + 1);
	if (i) {
		*i = (struct interned){ .number = HASH_COUNT(*table) + 1 };
		memcpy(i->text, text, len + 1);
		HASH_ADD(hh, *table, text, len, i);
		if (map_added(i))
			return i;
		free(i);
	}
	s->failed = true;
	return NULL;
}

static void send(struct perfetto *s, unsigned field, struct interned *i)
{
	size_t begun;

	if (!i || i->sent)
		return;
	i->sent = true;
	begun = protobuf_begin(&s->packet, field);
	protobuf_number(&s->packet, INTERNED_IID, i->number);
	protobuf_text(&s->packet, INTERNED_TEXT, i->text);
	protobuf_end(&s->packet, begun);
}

/* What the arguments of an event need and no packet has brought. */
static void put_interned(struct perfetto *s, const struct timeline_event *e)
{
	size_t begun = protobuf_begin(&s->packet, PACKET_INTERNED);

	for (size_t k = 0; k < e->args; k++) {
		send(s, INTERNED_ANNOTATION_NAMES, intern(s, &s->names, e->arg[k].name));
		if (e->arg[k].text)
			send(s, INTERNED_ANNOTATION_TEXTS, intern(s, &s->texts, e->arg[k].text));
	}
	protobuf_end(&s->packet, begun);
}

static void put_args(struct perfetto *s, const struct timeline_event *e)
{
	for (size_t k = 0; k < e->args; k++) {
		const struct interned *name = intern(s, &s->names, e->arg[k].name);
		const struct interned *text = e->arg[k].text ? intern(s, &s->texts, e->arg[k].text)
							     : NULL;
		size_t begun = protobuf_begin(&s->packet, EVENT_ANNOTATION);

		protobuf_number(&s->packet, ANNOTATION_NAME_IID, name ? name->number : 0);
		if (e->arg[k].text)
			protobuf_number(&s->packet, ANNOTATION_TEXT_IID, text ? text->number : 0);
		else
			protobuf_number(&s->packet, ANNOTATION_UINT, e->arg[k].number);
		protobuf_end(&s->packet, begun);
	}
}

static void put_event(struct perfetto *s, unsigned type, const struct timeline_event *e)
{
	size_t packet = begin_packet(s, FLAG_NEEDS_STATE), event;

	protobuf_number(&s->packet, PACKET_TIMESTAMP, e->ns);
	if (e->args)
		put_interned(s, e);
	event = protobuf_begin(&s->packet, PACKET_TRACK_EVENT);
	protobuf_number(&s->packet, EVENT_TYPE, type);
	protobuf_number(&s->packet, EVENT_TRACK, e->track->id);
	if (e->name)
		protobuf_text(&s->packet, EVENT_NAME, e->name);
	put_args(s, e);
	if (e->from)
		protobuf_fixed64(&s->packet, EVENT_FLOW, e->from);
	if (e->to)
		protobuf_fixed64(&s->packet, EVENT_FLOW_END, e->to);
	protobuf_end(&s->packet, event);
	end_packet(s, packet);
}

static void perfetto_begin(void *arg, const struct timeline_event *e)
{
	put_event(arg, TYPE_BEGIN, e);
}

static void perfetto_end(void *arg, const struct timeline_event *e)
{
	put_event(arg, TYPE_END, e);
}

static void perfetto_instant(void *arg, const struct timeline_event *e)
{
	put_event(arg, TYPE_INSTANT, e);
}

static void perfetto_counter(void *arg, const struct timeline_track *t, uint64_t ns, uint64_t v)
{
	struct perfetto *s = arg;
	size_t packet = begin_packet(s, FLAG_NEEDS_STATE), event;

	protobuf_number(&s->packet, PACKET_TIMESTAMP, ns);
	event = protobuf_begin(&s->packet, PACKET_TRACK_EVENT);
	protobuf_number(&s->packet, EVENT_TYPE, TYPE_COUNTER);
	protobuf_number(&s->packet, EVENT_TRACK, t->id);
	protobuf_number(&s->packet, EVENT_COUNTER_VALUE, v > INT64_MAX ? INT64_MAX : v);
	protobuf_end(&s->packet, event);
	end_packet(s, packet);
}

/* --- tracks -------------------------------------------------------------------------------- */

static void put_process(struct protobuf *p, const struct timeline_track *t)
{
	size_t begun = protobuf_begin(p, TRACK_IS_PROCESS);

	protobuf_number(p, PROCESS_PID, ev_process_id(t->pid));
	protobuf_text(p, PROCESS_NAME, t->name);
	protobuf_end(p, begun);
	protobuf_number(p, TRACK_CHILD_ORDER, ORDER_EXPLICIT);
}

static void put_thread(struct protobuf *p, const struct timeline_track *t)
{
	size_t begun = protobuf_begin(p, TRACK_IS_THREAD);

	protobuf_number(p, THREAD_PID, ev_process_id(t->pid));
	protobuf_number(p, THREAD_TID, t->number & INT32_MAX);
	protobuf_text(p, THREAD_NAME, t->name);
	protobuf_end(p, begun);
}

static void put_counter(struct protobuf *p, const struct timeline_track *t)
{
	size_t begun = protobuf_begin(p, TRACK_IS_COUNTER);

	protobuf_number(p, COUNTER_UNIT, strcmp(t->units, "bytes") ? UNIT_COUNT : UNIT_BYTES);
	protobuf_end(p, begun);
}

static void perfetto_track(void *arg, const struct timeline_track *t)
{
	struct perfetto *s = arg;
	size_t packet = begin_packet(s, FLAG_NEEDS_STATE);
	size_t begun = protobuf_begin(&s->packet, PACKET_TRACK_DESCRIPTOR);

	protobuf_number(&s->packet, TRACK_UUID, t->id);
	if (t->parent)
		protobuf_number(&s->packet, TRACK_PARENT, t->parent);
	if (t->kind == TRACK_PROCESS)
		put_process(&s->packet, t);
	else if (t->kind == TRACK_THREAD)
		put_thread(&s->packet, t);
	else
		protobuf_text(&s->packet, TRACK_NAME, t->name);
	if (t->kind == TRACK_COUNTER)
		put_counter(&s->packet, t);
	else if (t->parent)
		protobuf_number(&s->packet, TRACK_RANK,
				100 * t->kind + (t->kind == TRACK_COROUTINES ? t->number : 0));
	protobuf_end(&s->packet, begun);
	end_packet(s, packet);
}

static const struct timeline_writer perfetto_writer = {
	.track = perfetto_track,
	.begin = perfetto_begin,
	.end = perfetto_end,
	.instant = perfetto_instant,
	.counter = perfetto_counter,
};

/* --- the format ---------------------------------------------------------------------------- */

static void put_clock(struct perfetto *s, uint64_t id, uint64_t ns)
{
	size_t begun = protobuf_begin(&s->packet, SNAPSHOT_CLOCK);

	protobuf_number(&s->packet, CLOCK_ID, id);
	protobuf_number(&s->packet, CLOCK_TIMESTAMP, ns);
	protobuf_end(&s->packet, begun);
}

/* The moment of the release on the trace's clock and on the wall's. */
static int perfetto_start(void *state, const struct render_context *c)
{
	struct perfetto *s = state;
	size_t packet, begun;

	s->t.w = &perfetto_writer;
	s->t.arg = s;
	s->t.c = c;
	packet = begin_packet(s, FLAG_CLEARED);
	begun = protobuf_begin(&s->packet, PACKET_CLOCK_SNAPSHOT);
	put_clock(s, CLOCK_IS_TRACE, c->info->start_monotonic_ns);
	put_clock(s, CLOCK_IS_REALTIME, c->info->start_realtime_ns);
	protobuf_end(&s->packet, begun);
	end_packet(s, packet);
	return s->failed ? -ENOMEM : 0;
}

static int perfetto_event(void *state, const struct render_context *c, const struct ev_header *ev)
{
	struct perfetto *s = state;
	int r = timeline_event(&s->t, c, ev);

	return s->failed ? -ENOMEM : r;
}

static int perfetto_finish(void *state, const struct render_context *c)
{
	struct perfetto *s = state;
	int r = timeline_end(&s->t, c);

	return s->failed ? -ENOMEM : r;
}

static void free_interned(struct interned **table)
{
	struct interned *i, *next;

	HASH_ITER(hh, *table, i, next) {
		HASH_DEL(*table, i);
		free(i);
	}
}

static void perfetto_release(void *state)
{
	struct perfetto *s = state;

	free_interned(&s->names);
	free_interned(&s->texts);
	protobuf_release(&s->packet);
	timeline_release(&s->t);
}

const struct format format_perfetto = {
	.name = "perfetto",
	.summary = "a timeline for Perfetto",
	.binary = true,
	.state_size = sizeof(struct perfetto),
	.begin = perfetto_start,
	.event = perfetto_event,
	.end = perfetto_finish,
	.release = perfetto_release,
};
