/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variables.c: the variable that an address is in.
 *
 * Only from a symbol that covers the address with its size: what lies between variables has no name
 * rather than that of its neighbour.
 */
#include "symbols/variables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_symbols.h"
#include "symbols/image.h"

/* At one address the first by name, so that it is the same one each time. */
static int by_address(const void *x, const void *y)
{
	const struct variable *a = x, *b = y;

	if (a->vaddr != b->vaddr)
		return a->vaddr < b->vaddr ? -1 : 1;
	return strcmp(b->name, a->name);
}

static void read_symbols(struct variables *v, struct elf_symbols *from)
{
	struct elf_symbol s;

	v->v = calloc(from->count + 1, sizeof(*v->v));
	while (v->v && elf_symbols_next(from, &s))
		if (s.type == STT_OBJECT && s.size)
			v->v[v->count++] = (struct variable){ .name = s.name,
							      .vaddr = s.vaddr,
							      .size = s.size };
}

struct variables *variables_open(const struct elf_file *f, struct image *img)
{
	struct variables *v = calloc(1, sizeof(*v));
	struct elf_symbols from;
	bool stripped = true;

	if (!v)
		return NULL;
	if (!elf_symbols_open(f, &from)) {
		stripped = from.stripped;
		if (!stripped || !image_is_go(img))
			read_symbols(v, &from);
		elf_symbols_close(&from);
	}
	if (stripped && image_is_go(img)) {
		v->v = calloc(GO_LOCKS_MAX, sizeof(*v->v));
		v->count = v->v ? go_locks(f, img, v->v) : 0;
	}
	if (v->count)
		qsort(v->v, v->count, sizeof(*v->v), by_address);
	return v;
}

void variables_free(struct variables *v)
{
	if (!v)
		return;
	free(v->v);
	free(v);
}

/* The last one that begins at or before the address, if it reaches it. */
static const struct variable *find(const struct variables *v, uint64_t vaddr)
{
	size_t lo = 0, hi = v ? v->count : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->v[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && vaddr - v->v[lo - 1].vaddr < v->v[lo - 1].size ? &v->v[lo - 1] : NULL;
}

int variables_name(const struct variables *v, struct Dwarf *dwarf, uint64_t vaddr, char *ret,
		   size_t size)
{
	const struct variable *at = find(v, vaddr);
	uint64_t offset;

	if (!at)
		return -ENOENT;
	offset = vaddr - at->vaddr;
	if (at->stride && offset % at->stride)
		return -ENOENT;
	if (at->stride) {
		snprintf(ret, size, "%s[%" PRIu64 "]%s", at->name, offset / at->stride, at->member);
		return 0;
	}
	if (dwarf && !variable_members(dwarf, at, offset, ret, size))
		return 0;
	if (offset)
		snprintf(ret, size, "%s+0x%" PRIx64, at->name, offset);
	else
		snprintf(ret, size, "%s", at->name);
	return 0;
}
