/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pprof.c: a profile as `go tool pprof` and every server that takes its format read it: a gzipped
 * message of profile.proto (github.com/google/pprof).
 *
 * A sample is one (go statement, call stack, size step), with four values: growths, bytes copied,
 * nanoseconds of copying, wasted bytes.  The creator and the step are labels, so that
 * `-tagroot=creator` puts the go statements at the root and `-tagfocus` picks one.  Shrinks are
 * samples without a stack and without growths: with them the totals of bytes and time are those of
 * the report.
 *
 * Addresses are those of the call (the return address less one), names are in the profile, and its
 * one mapping says so: no reader needs the binary.  Coroutines that wasted without growing are
 * samples in a frame of their own, [never_grew].
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/escape.h"
#include "base/map.h"
#include "formats/label.h"
#include "formats/names.h"
#include "formats/protobuf.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/sites.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,
	SAMPLE_LOCATION_ID = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,
	LABEL_NUM_UNIT = 4,
	MAPPING_ID = 1,
	MAPPING_LIMIT = 3,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILENAMES = 8,
	MAPPING_HAS_LINE_NUMBERS = 9,
	MAPPING_HAS_INLINE_FRAMES = 10,
	LOCATION_ID = 1,
	LOCATION_MAPPING_ID = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION_ID = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILENAME = 4,
};

/* Something that has a number in the profile: a string, a function or a place. */
struct numbered {
	uint64_t number;
	UT_hash_handle hh;
	char key[];
};

struct pprof {
	const struct render_context *c;
	struct pb out, inner, inner2, ids, values;
	struct numbered *strings, *functions, *locations;
	bool failed;
};

/* The number of a key, from 1 on; *fresh if it was not there before.  0: no memory. */
static uint64_t number_of(struct numbered **table, const void *key, size_t size, bool *fresh)
{
	struct numbered *k;

	HASH_FIND(hh, *table, key, size, k);
	*fresh = !k;
	if (k)
		return k->number;
	k = malloc(sizeof(*k) + size);
	if (!k)
		return 0;
	memcpy(k->key, key, size);
	k->number = HASH_COUNT(*table) + 1;
	HASH_ADD(hh, *table, key, size, k);
	if (map_added(k))
		return k->number;
	free(k);
	return 0;
}

static void numbers_free(struct numbered **table)
{
	struct numbered *k, *next;

	HASH_ITER(hh, *table, k, next) {
		HASH_DEL(*table, k);
		free(k);
	}
}

/* Index in the string table, whose first string must be "". */
static uint64_t string_id(struct pprof *p, const char *s)
{
	char *safe = *s ? escape_dup(s, ESCAPE_TEXT) : NULL;
	uint64_t number = 0;
	bool fresh;

	if (!*s)
		return 0;
	if (safe)
		number = number_of(&p->strings, safe, strlen(safe), &fresh);
	if (!number)
		p->failed = true;
	else if (fresh)
		pb_string(&p->out, PROFILE_STRING_TABLE, safe);
	free(safe);
	return number;
}

static void put_value_type(struct pprof *p, unsigned field, const char *type, const char *unit)
{
	pb_varint(&p->inner, VALUE_TYPE_TYPE, string_id(p, type));
	pb_varint(&p->inner, VALUE_TYPE_UNIT, string_id(p, unit));
	pb_message(&p->out, field, &p->inner);
}

static uint64_t function_id(struct pprof *p, const struct name *v)
{
	const uint64_t key[2] = { string_id(p, v->function), string_id(p, v->file) };
	bool fresh;
	uint64_t id = number_of(&p->functions, key, sizeof(key), &fresh);

	if (!id)
		p->failed = true;
	if (!id || !fresh)
		return id;
	pb_varint(&p->inner, FUNCTION_ID, id);
	pb_varint(&p->inner, FUNCTION_NAME, key[0]);
	pb_varint(&p->inner, FUNCTION_SYSTEM_NAME, key[0]);
	pb_varint(&p->inner, FUNCTION_FILENAME, key[1]);
	pb_message(&p->out, PROFILE_FUNCTION, &p->inner);
	return id;
}

/* Writes the place of an address with its functions, innermost first, when it is new. */
static uint64_t location_id(struct pprof *p, uint32_t pid, uint64_t address, const struct name *v,
			    size_t count)
{
	/* What has no address is told apart by its name. */
	const uint64_t key[3] = { pid, address, address ? 0 : string_id(p, v[0].function) };
	uint64_t functions[64];
	bool fresh;
	uint64_t id = number_of(&p->locations, key, sizeof(key), &fresh);
	size_t n = count < 64 ? count : 64;

	if (!id)
		p->failed = true;
	if (!id || !fresh)
		return id;
	for (size_t i = 0; i < n; i++)
		functions[i] = function_id(p, &v[i]);
	pb_varint(&p->inner, LOCATION_ID, id);
	pb_varint(&p->inner, LOCATION_MAPPING_ID, 1);
	pb_varint(&p->inner, LOCATION_ADDRESS, address);
	for (size_t i = 0; i < n; i++) {
		pb_varint(&p->inner2, LINE_FUNCTION_ID, functions[i]);
		pb_varint(&p->inner2, LINE_LINE, v[i].line);
		pb_message(&p->inner, LOCATION_LINE, &p->inner2);
	}
	pb_message(&p->out, PROFILE_LOCATION, &p->inner);
	return id;
}

static void put_frame(struct pprof *p, uint32_t pid, uint64_t pc)
{
	size_t count;
	const struct name *v = names_get(p->c->names, pid, names_call_site(pc), &count);

	pb_packed(&p->ids, location_id(p, pid, names_call_site(pc), v, count));
}

static void put_pseudo_frame(struct pprof *p, const char *text)
{
	const struct name v = { .function = text, .file = "" };

	pb_packed(&p->ids, location_id(p, 0, 0, &v, 1));
}

static void put_frames(struct pprof *p, const struct stack_row *row)
{
	for (uint32_t i = 0; i < row->depth; i++)
		put_frame(p, row->pid, row->pc[i]);
	if (row->never_grew)
		put_pseudo_frame(p, "[never_grew]");
	else if (!row->depth)
		put_pseudo_frame(p, row->to < row->from ? "[shrink]" : "[no_stack]");
	else if (row->flags & (EV_STACK_TRUNCATED | EV_STACK_BROKEN))
		put_pseudo_frame(p, "[truncated]");
}

static void put_label(struct pprof *p, struct pb *sample, const char *key, const char *text)
{
	pb_varint(&p->inner2, LABEL_KEY, string_id(p, key));
	pb_varint(&p->inner2, LABEL_STR, string_id(p, text));
	pb_message(sample, SAMPLE_LABEL, &p->inner2);
}

static void put_number(struct pprof *p, struct pb *sample, const char *key, uint64_t v,
		       const char *unit)
{
	pb_varint(&p->inner2, LABEL_KEY, string_id(p, key));
	pb_varint(&p->inner2, LABEL_NUM, v);
	if (unit)
		pb_varint(&p->inner2, LABEL_NUM_UNIT, string_id(p, unit));
	pb_message(sample, SAMPLE_LABEL, &p->inner2);
}

static void put_labels(struct pprof *p, struct pb *sample, const struct stack_row *row)
{
	struct site creator;
	char *label, step[64];

	site_creator(p->c->names, row->pid, row->creator_pc, row->entry_pc, &creator);
	label = label_site(&creator, true);
	if (label)
		put_label(p, sample, "creator", label);
	else
		p->failed = true;
	free(label);
	if (!row->never_grew) {
		snprintf(step, sizeof(step), "%" PRIu64 "->%" PRIu64, row->from, row->to);
		put_label(p, sample, "step", step);
		put_number(p, sample, "from", row->from, "bytes");
		put_number(p, sample, "to", row->to, "bytes");
	}
	put_number(p, sample, "pid", row->pid, NULL);
}

static int put_sample(void *arg, const struct stack_row *row)
{
	struct pprof *p = arg;
	struct pb *sample = &p->inner;

	/* What it refers to writes messages of its own, so that comes first. */
	put_frames(p, row);
	pb_packed(&p->values, row->to > row->from ? row->count : 0);
	pb_packed(&p->values, row->bytes_copied);
	pb_packed(&p->values, row->ns);
	pb_packed(&p->values, row->waste);
	pb_message(sample, SAMPLE_LOCATION_ID, &p->ids);
	pb_message(sample, SAMPLE_VALUE, &p->values);
	put_labels(p, sample, row);
	pb_message(&p->out, PROFILE_SAMPLE, sample);
	return p->failed ? -ENOMEM : 0;
}

static void put_mapping(struct pprof *p)
{
	const struct run_info *info = p->c->info;

	pb_varint(&p->inner, MAPPING_ID, 1);
	pb_varint(&p->inner, MAPPING_LIMIT, UINT64_MAX);
	pb_varint(&p->inner, MAPPING_FILENAME, string_id(p, info->target));
	pb_varint(&p->inner, MAPPING_BUILD_ID, string_id(p, info->build_id));
	for (unsigned f = MAPPING_HAS_FUNCTIONS; f <= MAPPING_HAS_INLINE_FRAMES; f++)
		pb_varint(&p->inner, f, true);
	pb_message(&p->out, PROFILE_MAPPING, &p->inner);
}

static void put_comment(struct pprof *p, const char *name, const char *value)
{
	char *text = NULL;

	if (!*value)
		return;
	if (asprintf(&text, "%s: %s", name, value) < 0)
		p->failed = true;
	else
		pb_varint(&p->out, PROFILE_COMMENT, string_id(p, text));
	free(text);
}

static void put_lost(struct pprof *p, const struct totals *t)
{
	uint64_t lost = totals_lost(t) + (p->c->damage ? p->c->damage->missing_records : 0);
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, lost);
	put_comment(p, "lost events", lost ? text : "");
}

static void put_profile(struct pprof *p)
{
	const struct run_info *info = p->c->info;
	const struct totals *t = aggregate_totals(p->c->aggregate);

	pb_string(&p->out, PROFILE_STRING_TABLE, "");
	put_value_type(p, PROFILE_SAMPLE_TYPE, "growths", "count");
	put_value_type(p, PROFILE_SAMPLE_TYPE, "copied", "bytes");
	put_value_type(p, PROFILE_SAMPLE_TYPE, "time", "nanoseconds");
	put_value_type(p, PROFILE_SAMPLE_TYPE, "waste", "bytes");
	put_mapping(p);
	pb_varint(&p->out, PROFILE_TIME_NANOS, info->start_realtime_ns);
	pb_varint(&p->out, PROFILE_DURATION_NANOS, t->wall_ns);
	put_value_type(p, PROFILE_PERIOD_TYPE, "growths", "count");
	pb_varint(&p->out, PROFILE_PERIOD, 1);
	put_comment(p, "command", info->command);
	put_comment(p, "runtime", info->runtime);
	put_comment(p, "version", info->version);
	put_comment(p, "host", info->hostname);
	put_lost(p, t);
	pb_varint(&p->out, PROFILE_DEFAULT_SAMPLE_TYPE, string_id(p, "growths"));
	if (aggregate_each_step(p->c->aggregate, put_sample, p))
		p->failed = true;
}

/* 15: the largest window; 16 more: a gzip header and trailer. */
static int write_gzip(FILE *out, const struct pb *m)
{
	unsigned char chunk[16384];
	z_stream z = { .next_in = m->data, .avail_in = (uInt)m->size };
	int rc;

	if (m->size > UINT32_MAX ||
	    deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY))
		return -ENOMEM;
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		rc = deflate(&z, Z_FINISH);
		fwrite(chunk, 1, sizeof(chunk) - z.avail_out, out);
	} while (rc == Z_OK);
	deflateEnd(&z);
	return 0;
}

static int pprof_end(void *state, const struct render_context *c)
{
	struct pprof p = { .c = c };
	int rc = -ENOMEM;

	(void)state;
	put_profile(&p);
	if (!p.failed && !pb_bad(&p.out))
		rc = write_gzip(c->out, &p.out);
	pb_free(&p.out);
	pb_free(&p.inner);
	pb_free(&p.inner2);
	pb_free(&p.ids);
	pb_free(&p.values);
	numbers_free(&p.strings);
	numbers_free(&p.functions);
	numbers_free(&p.locations);
	return rc;
}

const struct format format_pprof = {
	.name = "pprof",
	.summary = "profile for 'go tool pprof' and for servers that take its format",
	.binary = true,
	.end = pprof_end,
};
