/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/pprof_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/map.h"
#include "formats/aggregate.h"
#include "formats/names.h"
#include "formats/protobuf.h"
#include "formats/render.h"
#include "formats/run_info.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILENAMES = 8,
	MAPPING_HAS_LINES = 9,
	MAPPING_HAS_INLINED = 10,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

/* Every table is a map from a key to the number that it got, in the order of their coming. */
struct entry {
	UT_hash_handle hh;
	uint64_t number;
	uint64_t key[2];    /* function: name, file; location: process, address; mapping: process */
	uint64_t low, high; /* mapping: addresses */
	const char *note;   /* location: instead of an address */
	char text[];	    /* string */
};

struct pprof_tables {
	struct entry *strings, *functions, *locations, *mappings;
	bool failed;
};

int pprof_tables_new(struct pprof_tables **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void free_table(struct entry *table)
{
	struct entry *e, *next;

	HASH_ITER(hh, table, e, next) {
		HASH_DEL(table, e);
		free(e);
	}
}

void pprof_tables_free(struct pprof_tables *t)
{
	if (!t)
		return;
	free_table(t->strings);
	free_table(t->functions);
	free_table(t->locations);
	free_table(t->mappings);
	free(t);
}

uint64_t pprof_string(struct pprof_tables *t, const char *text)
{
	size_t len = strlen(text);
	struct entry *e;

	HASH_FIND(hh, t->strings, text, len, e);
	if (e)
		return e->number;
	e = calloc(1, sizeof(*e) + len + 1);
	if (e) {
		memcpy(e->text, text, len);
		e->number = HASH_COUNT(t->strings);
		HASH_ADD_KEYPTR(hh, t->strings, e->text, len, e);
	}
	if (e && map_added(e))
		return e->number;
	free(e);
	t->failed = true;
	return 0;
}

/* Finds or makes the entry; numbers begin with 1.  NULL: no memory. */
static struct entry *get(struct pprof_tables *t, struct entry **table, uint64_t a, uint64_t b)
{
	const uint64_t key[2] = { a, b };
	struct entry *e;

	HASH_FIND(hh, *table, key, sizeof(key), e);
	if (e)
		return e;
	e = calloc(1, sizeof(*e) + 1);
	if (e) {
		memcpy(e->key, key, sizeof(key));
		e->number = HASH_COUNT(*table) + 1;
		HASH_ADD(hh, *table, key, sizeof(e->key), e);
	}
	if (e && map_added(e))
		return e;
	free(e);
	t->failed = true;
	return NULL;
}

uint64_t pprof_location(struct pprof_tables *t, uint32_t pid, uint64_t addr)
{
	struct entry *e = get(t, &t->locations, pid, addr);
	struct entry *m = get(t, &t->mappings, pid, 0);

	if (m && (!m->high || addr < m->low))
		m->low = addr;
	if (m && addr >= m->high)
		m->high = addr == UINT64_MAX ? addr : addr + 1;
	return e ? e->number : 0;
}

/* No process has that number, and a text has one. */
uint64_t pprof_note(struct pprof_tables *t, const char *text)
{
	struct entry *e = get(t, &t->locations, UINT64_MAX, pprof_string(t, text));

	if (e)
		e->note = text;
	return e ? e->number : 0;
}

static void put_line(struct pprof_tables *t, struct protobuf *out, const struct name *v)
{
	struct entry *f = get(t, &t->functions, pprof_string(t, v->function),
			      pprof_string(t, v->file));
	size_t begun = protobuf_begin(out, LOCATION_LINE);

	protobuf_number(out, LINE_FUNCTION, f ? f->number : 0);
	if (v->line)
		protobuf_number(out, LINE_LINE, v->line);
	protobuf_end(out, begun);
}

static void put_location(struct pprof_tables *t, struct protobuf *out, struct names *n,
			 const struct entry *e)
{
	size_t begun = protobuf_begin(out, PROFILE_LOCATION);

	protobuf_number(out, LOCATION_ID, e->number);
	if (e->note) {
		const struct name v = { .function = e->note, .file = "" };

		put_line(t, out, &v);
	} else {
		size_t count;
		const struct name *v = names_get(n, (uint32_t)e->key[0], e->key[1], &count);
		const struct entry *m = get(t, &t->mappings, e->key[0], 0);

		protobuf_number(out, LOCATION_MAPPING, m ? m->number : 0);
		protobuf_number(out, LOCATION_ADDRESS, e->key[1]);
		for (size_t i = 0; i < count; i++)
			put_line(t, out, &v[i]);
	}
	protobuf_end(out, begun);
}

static void put_function(struct protobuf *out, const struct entry *e)
{
	size_t begun = protobuf_begin(out, PROFILE_FUNCTION);

	protobuf_number(out, FUNCTION_ID, e->number);
	protobuf_number(out, FUNCTION_NAME, e->key[0]);
	protobuf_number(out, FUNCTION_SYSTEM_NAME, e->key[0]);
	protobuf_number(out, FUNCTION_FILE, e->key[1]);
	protobuf_end(out, begun);
}

static const char *program_of(const struct process_row *row, size_t count, uint64_t pid,
			      const char *otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (row[i].pid == pid && strchr(row[i].name, '/'))
			return row[i].name;
	return otherwise;
}

/*
 * The limits are those of the addresses in the profile: where executables really were mapped is not
 * recorded, and viewers only want to know which addresses belong together.
 */
static void put_mapping(struct pprof_tables *t, struct protobuf *out, const struct entry *e,
			const char *program, const struct run_info *info)
{
	uint64_t file = pprof_string(t, program);
	uint64_t build_id = pprof_string(t, strcmp(program, info->target) ? "" : info->build_id);
	size_t begun = protobuf_begin(out, PROFILE_MAPPING);

	protobuf_number(out, MAPPING_ID, e->number);
	protobuf_number(out, MAPPING_START, e->low & ~UINT64_C(4095));
	protobuf_number(out, MAPPING_LIMIT, e->high);
	protobuf_number(out, MAPPING_FILE, file);
	protobuf_number(out, MAPPING_BUILD_ID, build_id);
	/* else pprof looks for the executable to find out by itself */
	protobuf_number(out, MAPPING_HAS_FUNCTIONS, 1);
	protobuf_number(out, MAPPING_HAS_FILENAMES, 1);
	protobuf_number(out, MAPPING_HAS_LINES, 1);
	protobuf_number(out, MAPPING_HAS_INLINED, 1);
	protobuf_end(out, begun);
}

int pprof_tables_put(struct pprof_tables *t, struct protobuf *out, const struct render_context *c)
{
	struct process_row *rows;
	struct entry *e, *next;
	size_t count;

	if (aggregate_processes(c->aggregate, &rows, &count))
		return -ENOMEM;
	HASH_ITER(hh, t->mappings, e, next)
		put_mapping(t, out, e, program_of(rows, count, e->key[0], c->info->target),
			    c->info);
	free(rows);
	HASH_ITER(hh, t->locations, e, next)
		put_location(t, out, c->names, e);
	HASH_ITER(hh, t->functions, e, next)
		put_function(out, e);
	HASH_ITER(hh, t->strings, e, next)
		protobuf_text(out, PROFILE_STRING, e->text);
	return t->failed ? -ENOMEM : 0;
}
