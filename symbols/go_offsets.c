/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/go_offsets.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "symbols/target_internal.h"

#define NO FIELD_UNKNOWN

/*
 * struct g on amd64, by minor version.  What moved: 1.21 brought parentGoid and put the tracer's
 * state together; 1.23 added syscallbp; 1.25 dropped gobuf.ret.
 */
static const struct {
	unsigned minor;
	struct go_offsets g;
} table[] = {
#define G(bp, status, parent, gopc)                          \
	{                                                    \
		.field = {                                   \
			[FIELD_STACK_LO] = 0,                \
			[FIELD_STACK_HI] = 8,                \
			[FIELD_SCHED_SP] = 56,               \
			[FIELD_SCHED_PC] = 64,               \
			[FIELD_SCHED_BP] = (bp),             \
			[FIELD_ID] = (status) + 8,           \
			[FIELD_PARENT_ID] = (parent),        \
			[FIELD_CREATOR_PC] = (gopc),         \
			[FIELD_ENTRY_PC] = (gopc) + 16,      \
			[FIELD_STATUS] = (status),           \
			[FIELD_WAIT_REASON] = (status) + 32, \
			[FIELD_USE_MAX] = NO,                \
			[FIELD_STACK_GUARD] = 16,            \
		}                                            \
	}
	{ 17, G(104, 144, NO, 296) },  { 18, G(104, 144, NO, 296) },  { 19, G(104, 144, NO, 296) },
	{ 20, G(104, 144, NO, 296) },  { 21, G(104, 144, 272, 280) }, { 22, G(104, 144, 272, 280) },
	{ 23, G(104, 152, 280, 288) }, { 24, G(104, 152, 280, 288) }, { 25, G(96, 144, 272, 280) },
	{ 26, G(96, 144, 280, 288) },
#undef G
};

#define TABLES (sizeof(table) / sizeof(table[0]))

void go_offsets_clear(struct go_offsets *o)
{
	unsigned i;

	for (i = 0; i < FIELD_COUNT; i++)
		o->field[i] = FIELD_UNKNOWN;
}

struct go_version go_version_parse(const char *text)
{
	struct go_version v = { 0 };
	const char *s = strstr(text, "go1.");
	unsigned digits;

	if (!s)
		return v;
	v.development = s != text;
	for (s += 4, digits = 0; isdigit((unsigned char)*s) && digits < 3; s++, digits++)
		v.minor = 10 * v.minor + (unsigned)(*s - '0');
	/* "go1.25-20250209-RC00" is on the way to 1.25; "go1.22.5-1" is a vendor's 1.22.5. */
	v.development |= *s == '-';
	return v;
}

const struct go_offsets *go_offsets_table(unsigned minor)
{
	size_t i;

	for (i = 0; i < TABLES; i++)
		if (table[i].minor == minor)
			return &table[i].g;
	return NULL;
}

unsigned go_offsets_newest(void)
{
	return table[TABLES - 1].minor;
}

/* The newest table that contradicts nothing in o; the newest at all if none does. */
static unsigned closest_table(const struct go_offsets *o)
{
	size_t i, f;

	for (i = TABLES; i-- > 0;) {
		for (f = 0; f < FIELD_COUNT; f++)
			if (o->field[f] != FIELD_UNKNOWN && o->field[f] != table[i].g.field[f])
				break;
		if (f == FIELD_COUNT)
			return table[i].minor;
	}
	return go_offsets_newest();
}

static void list_field(char *list, size_t size, enum target_field f)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n ? ", " : "", target_field_name(f));
}

static void list_contradiction(char *list, size_t size, enum target_field f, int32_t used,
			       int32_t other)
{
	size_t n;

	list_field(list, size, f);
	n = strlen(list);
	snprintf(list + n, size - n, " %d not %d", used, other);
}

struct merge_notes {
	char against_table[96], against_dwarf[96], assumed[128];
	bool inferred; /* some field has no better source */
	unsigned assumed_minor;
};

static void merge_field(const struct go_sources *src, const struct go_offsets *assumed,
			enum target_field f, struct target *t, struct merge_notes *notes)
{
	const int32_t dwarf = src->dwarf ? src->dwarf->field[f] : NO;
	const int32_t by_table = src->table ? src->table->field[f] : NO;
	const int32_t inferred = src->inferred ? src->inferred->field[f] : NO;
	int32_t value = NO;
	enum field_origin origin = ORIGIN_NONE;

	if (dwarf != NO) {
		value = dwarf;
		origin = ORIGIN_DWARF;
		if (inferred != NO && inferred != dwarf)
			list_contradiction(notes->against_dwarf, sizeof(notes->against_dwarf), f,
					   dwarf, inferred);
	} else if (src->table && (inferred == NO || inferred == by_table)) {
		value = by_table;
		origin = ORIGIN_TABLE;
	} else if (inferred != NO) {
		value = inferred;
		origin = ORIGIN_INFERRED;
		notes->inferred = true;
		if (src->table)
			list_contradiction(notes->against_table, sizeof(notes->against_table), f,
					   inferred, by_table);
	} else if (assumed && assumed->field[f] != NO) {
		value = assumed->field[f];
		origin = ORIGIN_ASSUMED;
		list_field(notes->assumed, sizeof(notes->assumed), f);
	}
	t->field[f] = value;
	t->origin[f] = value == NO ? ORIGIN_NONE : origin;
}

static void warn_version(const struct go_sources *src, const struct merge_notes *notes,
			 struct target *t)
{
	const char *then = notes->inferred ? "offsets were read from its instructions"
					   : "offsets could not be read from its instructions";

	if (!src->version.minor)
		target_warn(t, "the Go version is unknown: %s", then);
	else if (src->version.development)
		target_warn(t, "%s is a development version: %s", t->version, then);
	else
		target_warn(t, "%s is newer than go1.%u, the newest known: %s", t->version,
			    go_offsets_newest(), then);
}

void go_offsets_merge(const struct go_sources *src, struct target *t)
{
	const struct go_offsets *assumed = NULL;
	struct merge_notes notes = { .inferred = false };
	struct go_offsets nothing;
	unsigned f;

	t->version_known = src->table;
	go_offsets_clear(&nothing);
	if (!src->table && !src->dwarf) {
		notes.assumed_minor = closest_table(src->inferred ? src->inferred : &nothing);
		assumed = go_offsets_table(notes.assumed_minor);
	}
	for (f = 0; f < FIELD_COUNT; f++)
		merge_field(src, assumed, f, t, &notes);
	if (!src->table && !src->dwarf)
		warn_version(src, &notes, t);
	if (notes.against_table[0])
		target_warn(t, "not laid out as %s usually is (%s): trusting its instructions",
			    t->version, notes.against_table);
	if (notes.against_dwarf[0])
		target_warn(t, "its instructions disagree with its DWARF (%s): trusting DWARF",
			    notes.against_dwarf);
	if (notes.assumed[0])
		target_warn(t, "assumed as in go1.%u: %s", notes.assumed_minor, notes.assumed);
}
