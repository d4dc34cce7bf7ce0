/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pprof.c: growths as a profile that `go tool pprof` and the servers for profiles take: a gzipped
 * protocol buffer, github.com/google/pprof/proto/profile.proto.
 *
 * A sample is a call chain and a step (2K -> 4K), so that steps can be told apart by their label;
 * its values add up to what the summary says: growths of those that are growths, bytes and time of
 * shrinks too, waste as weights of stacks have it.  Where there is no chain the coroutine's own
 * function stands for it, under a function in brackets that says why: a viewer drops samples that
 * are nowhere.
 *
 * Memory is that of the message and of its distinct places and strings, never of the events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/human.h"
#include "formats/aggregate.h"
#include "formats/label.h"
#include "formats/names.h"
#include "formats/pprof_tables.h"
#include "formats/protobuf.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/sites.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_TEXT = 2,
	LABEL_NUMBER = 3,
	LABEL_UNIT = 4,
};

struct profile {
	const struct render_context *c;
	struct protobuf out;
	struct pprof_tables *tables;
};

static uint64_t string(struct profile *p, const char *text)
{
	return pprof_string(p->tables, text);
}

/* Values are signed in the schema. */
static uint64_t value(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : v;
}

static void put_sample_types(struct profile *p)
{
	static const char *const units[WEIGHT_COUNT] = { "count", "bytes", "nanoseconds", "bytes" };

	for (enum weight w = 0; w < WEIGHT_COUNT; w++) {
		uint64_t type = string(p, weight_name(w)), unit = string(p, units[w]);
		size_t begun = protobuf_begin(&p->out, PROFILE_SAMPLE_TYPE);

		protobuf_number(&p->out, VALUE_TYPE_TYPE, type);
		protobuf_number(&p->out, VALUE_TYPE_UNIT, unit);
		protobuf_end(&p->out, begun);
	}
	protobuf_number(&p->out, PROFILE_DEFAULT_SAMPLE_TYPE, string(p, weight_name(p->c->weight)));
}

static void put_label(struct profile *p, const char *key, const char *text)
{
	uint64_t k = string(p, key), v = string(p, text);
	size_t begun = protobuf_begin(&p->out, SAMPLE_LABEL);

	protobuf_number(&p->out, LABEL_KEY, k);
	protobuf_number(&p->out, LABEL_TEXT, v);
	protobuf_end(&p->out, begun);
}

static void put_size_label(struct profile *p, const char *key, uint64_t size)
{
	uint64_t k = string(p, key), unit = string(p, "bytes");
	size_t begun = protobuf_begin(&p->out, SAMPLE_LABEL);

	protobuf_number(&p->out, LABEL_KEY, k);
	protobuf_number(&p->out, LABEL_NUMBER, value(size));
	protobuf_number(&p->out, LABEL_UNIT, unit);
	protobuf_end(&p->out, begun);
}

static int put_labels(struct profile *p, const struct stack_row *row)
{
	struct site creator;
	char step[96], *label;

	site_creator(p->c->names, row->pid, row->creator_pc, row->entry_pc, &creator);
	label = label_site(&creator, true);
	if (!label)
		return -ENOMEM;
	put_label(p, "creator", label);
	free(label);
	if (row->never_grew)
		return 0;
	snprintf(step, sizeof(step), "%s to %s", human_stack(row->from).s, human_stack(row->to).s);
	put_label(p, "step", step);
	put_size_label(p, "from", row->from);
	put_size_label(p, "to", row->to);
	return 0;
}

/* Innermost first, as the schema wants it.  Returns their number. */
static size_t locations(struct profile *p, const struct stack_row *row, uint64_t *ret)
{
	size_t n = 0;

	if (row->never_grew)
		ret[n++] = pprof_note(p->tables, "[never grew]");
	else if (!row->depth)
		ret[n++] = pprof_note(p->tables, "[no stack]");
	for (uint32_t i = 0; i < row->depth; i++) {
		uint64_t addr = names_call_site(row->pc[i]);
		size_t count;
		const struct name *v = names_get(p->c->names, row->pid, addr, &count);

		if (i == row->depth - 1 && !strcmp(v[count - 1].function, "runtime.goexit"))
			break;
		ret[n++] = pprof_location(p->tables, row->pid, addr);
	}
	if (row->depth && row->flags & (EV_STACK_TRUNCATED | EV_STACK_BROKEN))
		ret[n++] = pprof_note(p->tables, "[truncated]");
	if (!row->depth && row->entry_pc)
		ret[n++] = pprof_location(p->tables, row->pid, row->entry_pc);
	return n;
}

static int put_sample(void *arg, const struct stack_row *row)
{
	struct profile *p = arg;
	uint64_t values[WEIGHT_COUNT], *location = calloc(row->depth + 2, sizeof(*location));
	size_t count, begun;
	int r;

	if (!location)
		return -ENOMEM;
	count = locations(p, row, location);
	for (enum weight w = 0; w < WEIGHT_COUNT; w++)
		values[w] = value(stack_row_weight(row, w));
	if (row->to <= row->from)
		values[WEIGHT_GROWTHS] = 0;
	begun = protobuf_begin(&p->out, PROFILE_SAMPLE);
	protobuf_packed(&p->out, SAMPLE_LOCATION, location, count);
	protobuf_packed(&p->out, SAMPLE_VALUE, values, WEIGHT_COUNT);
	free(location);
	r = put_labels(p, row);
	protobuf_end(&p->out, begun);
	return p->out.failed ? -ENOMEM : r;
}

static void put_comment(struct profile *p, const char *text)
{
	protobuf_number(&p->out, PROFILE_COMMENT, string(p, text));
}

/* What is missing is no sample, and is said by `pprof -comments`. */
static void put_comments(struct profile *p)
{
	const struct totals *t = aggregate_totals(p->c->aggregate);
	const struct capture_damage *d = p->c->damage;
	char line[160];

	put_comment(p, p->c->info->command);
	for (unsigned i = 0; i < EV_LOST_LIMIT; i++) {
		if (!t->lost[i])
			continue;
		snprintf(line, sizeof(line), "lost events: %s: %" PRIu64, lost_reason_name(i),
			 t->lost[i]);
		put_comment(p, line);
	}
	if (!d || !capture_is_damaged(d))
		return;
	snprintf(line, sizeof(line), "the capture is damaged: %" PRIu64 " records missing%s",
		 d->missing_records, d->truncated ? ", and what was behind the last one" : "");
	put_comment(p, line);
}

static int write_gzip(FILE *out, const struct protobuf *p)
{
	unsigned char chunk[1 << 14];
	z_stream z = { .next_in = p->bytes };
	size_t left = p->size;
	int r;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	do {
		if (!z.avail_in) {
			z.avail_in = left < 1u << 30 ? (unsigned)left : 1u << 30;
			left -= z.avail_in;
		}
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		r = deflate(&z, left ? Z_NO_FLUSH : Z_FINISH);
		fwrite(chunk, 1, sizeof(chunk) - z.avail_out, out);
	} while (r != Z_STREAM_END);
	deflateEnd(&z);
	return 0;
}

static int pprof_end(void *state, const struct render_context *c)
{
	struct profile p = { .c = c };
	int r = pprof_tables_new(&p.tables);

	(void)state;
	if (!r) {
		string(&p, ""); /* the schema wants this to be the first */
		put_sample_types(&p);
		r = aggregate_each_step(c->aggregate, put_sample, &p);
	}
	if (!r) {
		put_comments(&p);
		protobuf_number(&p.out, PROFILE_TIME_NANOS, value(c->info->start_realtime_ns));
		protobuf_number(&p.out, PROFILE_DURATION_NANOS,
				value(aggregate_totals(c->aggregate)->wall_ns));
		r = pprof_tables_put(p.tables, &p.out, c);
	}
	if (!r)
		r = p.out.failed ? -ENOMEM : write_gzip(c->out, &p.out);
	pprof_tables_free(p.tables);
	protobuf_release(&p.out);
	return r;
}

const struct format format_pprof = {
	.name = "pprof",
	.summary = "a profile for 'go tool pprof'",
	.binary = true,
	.end = pprof_end,
};
