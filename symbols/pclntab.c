/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pclntab.c: header, function table and names.
 *
 * Layouts, all little-endian with 8-byte words behind "magic, 0, 0, 1, 8":
 *   1.2         functions, then functab
 *   1.16        functions, files, then offsets of names, units, files, values, functab
 *   1.18, 1.20  functions, files, text, then the same offsets
 * functab holds (address, record) pairs and one last address; words up to 1.17, 32-bit offsets from
 * text since.  Records differ in their middle; pclntab_func evens that out.
 *
 * Lookup by name hashes each name once and keeps 8 bytes a function instead of copies: binaries
 * with 140,000 functions are in daily use, and few of their names are ever asked for.
 */
#include "symbols/pclntab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"
#include "symbols/image.h"

#define MAGIC_GO12  0xfffffffbu
#define MAGIC_GO116 0xfffffffau
#define MAGIC_GO118 0xfffffff0u
#define MAGIC_GO120 0xfffffff1u

/* Instantiated generic functions have names of several KiB; beyond this a name is damage. */
#define NAME_MAX_BYTES 65536u
/* Long enough to tell runtime functions apart; bounds the work for hostile names. */
#define HASHED_BYTES 64u
#define NO_FUNCTION  UINT32_MAX

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool fits(const struct pclntab *t, uint64_t at, uint64_t len)
{
	return at <= t->size && len <= t->size - at;
}

static bool wide(const struct pclntab *t)
{
	return t->layout < PCLNTAB_GO118;
}

static uint64_t entry_address(const struct pclntab *t, size_t i)
{
	if (wide(t))
		return get64(t->data + t->functab + i * 16);
	return t->text + get32(t->data + t->functab + i * 8);
}

static uint64_t entry_record(const struct pclntab *t, size_t i)
{
	if (wide(t))
		return t->records + get64(t->data + t->functab + i * 16 + 8);
	return t->records + (uint64_t)get32(t->data + t->functab + i * 8 + 4);
}

/* ---- opening ---- */

static enum pclntab_layout layout_of(const uint8_t *p)
{
	/* two zero bytes, x86's instruction quantum, pointer size */
	if (p[4] || p[5] || p[6] != 1 || p[7] != 8)
		return PCLNTAB_NONE;
	switch (get32(p)) {
	case MAGIC_GO12:
		return PCLNTAB_GO12;
	case MAGIC_GO116:
		return PCLNTAB_GO116;
	case MAGIC_GO118:
		return PCLNTAB_GO118;
	case MAGIC_GO120:
		return PCLNTAB_GO120;
	default:
		return PCLNTAB_NONE;
	}
}

/* The offsets of the parts, in the order of the header. */
static int read_offsets(struct pclntab *t, size_t header)
{
	size_t *part[] = { &t->names, &t->units, &t->files, &t->values, &t->functab };
	const size_t parts = sizeof(part) / sizeof(part[0]);

	if (!fits(t, header, parts * 8))
		return -EINVAL;
	for (size_t i = 0; i < parts; i++) {
		uint64_t v = get64(t->data + header + i * 8);

		if (v > t->size)
			return -EINVAL;
		*part[i] = v;
	}
	t->records = t->functab;
	return 0;
}

static int read_header(struct pclntab *t)
{
	uint64_t count;

	if (t->size < 24)
		return -EINVAL;
	t->layout = layout_of(t->data);
	count = get64(t->data + 8);
	if (t->layout == PCLNTAB_NONE || !count || count > t->size / 8)
		return -EINVAL;
	t->functions = (uint32_t)count;
	if (count != t->functions)
		return -EINVAL;
	if (t->layout == PCLNTAB_GO12) {
		/* names, files, values and records all count from the header */
		t->functab = 16;
		return 0;
	}
	if (t->layout == PCLNTAB_GO116)
		return read_offsets(t, 24);
	return read_offsets(t, 32);
}

/*
 * What function offsets count from.  The header says it up to Go 1.25, unless the linker left a
 * PIE's word to the dynamic linker; from 1.26 on the word is zero and only the module's
 * description tells.  The start of .text will not do: C startup code precedes Go's.
 */
static int read_text(struct pclntab *t)
{
	enum { WORD_TEXT = 22 };
	uint64_t md;

	if (wide(t))
		return 0;
	t->text = get64(t->data + 24);
	if (!t->text && t->elf && elf_file_words(t->elf, t->vaddr + 24, &t->text, 1))
		t->text = 0;
	if (t->text || !t->elf)
		return 0;
	md = pclntab_moduledata(t);
	if (!md || elf_file_words(t->elf, md + WORD_TEXT * 8, &t->text, 1))
		return -EINVAL;
	return 0;
}

static int check_functions(const struct pclntab *t)
{
	const uint64_t entry = wide(t) ? 16 : 8;
	uint64_t last;

	if (!fits(t, t->functab, t->functions * entry + entry / 2))
		return -EINVAL;
	last = entry_address(t, 0);
	for (size_t i = 1; i <= t->functions; i++) {
		uint64_t address = entry_address(t, i);

		if (address < last)
			return -EINVAL;
		last = address;
	}
	return 0;
}

int pclntab_open(const struct elf_file *f, const uint8_t *data, size_t size, uint64_t vaddr,
		 struct pclntab *ret)
{
	struct pclntab t = { .elf = f, .data = data, .size = size, .vaddr = vaddr };
	int rc = read_header(&t);

	if (!rc)
		rc = read_text(&t);
	if (!rc)
		rc = check_functions(&t);
	if (rc)
		return rc;
	t.end = entry_address(&t, t.functions);
	if (t.layout == PCLNTAB_GO12) {
		size_t at = t.functab + (size_t)t.functions * 16 + 8;

		if (fits(&t, at, 4) && get32(data + at) < size)
			t.files = get32(data + at);
	}
	*ret = t;
	return 0;
}

void pclntab_release(struct pclntab *t)
{
	pclntab_forget_names(t);
	free(t->by_name);
	memset(t, 0, sizeof(*t));
}

/* ---- records ---- */

static const struct record_shape {
	uint8_t entry; /* bytes of the entry address or offset */
	uint8_t size;
	bool unit;
} shapes[] = {
	[PCLNTAB_GO12] = { 8, 40, false },
	[PCLNTAB_GO116] = { 8, 44, true },
	[PCLNTAB_GO118] = { 4, 40, true },
	[PCLNTAB_GO120] = { 4, 44, true },
};

int pclntab_func(const struct pclntab *t, size_t i, struct pclntab_func *ret)
{
	const struct record_shape *shape = &shapes[t->layout];
	const uint64_t at = entry_record(t, i);
	const uint8_t *p;
	uint64_t funcdata;

	if (!fits(t, at, shape->size))
		return -EINVAL;
	p = t->data + at + shape->entry;
	ret->entry = entry_address(t, i);
	ret->size = entry_address(t, i + 1) - ret->entry;
	ret->name = get32(p);
	/* then arguments' size and deferreturn, or the frame's size, and the pcsp table */
	ret->pcfile = get32(p + 16);
	ret->pcln = get32(p + 20);
	ret->pcdatas = get32(p + 24);
	ret->unit = shape->unit ? get32(p + 28) : 0;
	ret->funcdatas = t->data[at + shape->size - 1];
	ret->pcdata = at + shape->size;
	funcdata = ret->pcdata + (uint64_t)ret->pcdatas * 4;
	if (wide(t)) /* whole addresses, aligned */
		funcdata = ((t->vaddr + funcdata + 7) & ~7ull) - t->vaddr;
	if (!fits(t, funcdata, ret->funcdatas * (wide(t) ? 8ull : 4ull)))
		ret->pcdatas = ret->funcdatas = 0;
	ret->funcdata = funcdata;
	return 0;
}

const char *pclntab_name(const struct pclntab *t, uint32_t offset)
{
	size_t left;
	const char *s;

	if (offset >= t->size - t->names)
		return NULL;
	s = (const char *)t->data + t->names + offset;
	left = t->size - t->names - offset;
	return memchr(s, '\0', left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES) ? s : NULL;
}

/* The offset of a function's name, without the rest of its record. */
static bool name_offset(const struct pclntab *t, size_t i, uint32_t *ret)
{
	const uint64_t at = entry_record(t, i) + shapes[t->layout].entry;

	if (!fits(t, at, 4))
		return false;
	*ret = get32(t->data + at);
	return *ret < t->size - t->names;
}

int pclntab_by_index(struct pclntab *t, size_t i, struct function *ret)
{
	struct pclntab_func fn;
	const char *name;

	if (i >= t->functions || pclntab_func(t, i, &fn))
		return -ENOENT;
	name = pclntab_name(t, fn.name);
	if (!name)
		return -ENOENT;
	*ret = (struct function){ .name = name, .vaddr = fn.entry, .size = fn.size };
	return 0;
}

int pclntab_search(const struct pclntab *t, uint64_t vaddr, size_t *ret)
{
	size_t lo = 0, hi = t->functions;

	if (!t->functions || vaddr < entry_address(t, 0) || vaddr >= t->end)
		return -ENOENT;
	/* invariant: entry(lo) <= vaddr < entry(hi) */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (entry_address(t, mid) <= vaddr)
			lo = mid;
		else
			hi = mid;
	}
	*ret = lo;
	return 0;
}

int pclntab_by_address(struct pclntab *t, uint64_t vaddr, struct function *ret)
{
	size_t i;

	if (pclntab_search(t, vaddr, &i))
		return -ENOENT;
	return pclntab_by_index(t, i, ret);
}

/* ---- by name ---- */

/*
 * Hash of a name, eight bytes a step: most of the time of a first lookup is spent here.  The low
 * zero byte of a word is its lowest set high bit in (w - 1s) & ~w & 80s.
 */
static uint32_t hash_name(const uint8_t *s, size_t room)
{
	const uint64_t ones = 0x0101010101010101ull, highs = ones << 7;
	uint64_t h = 0;

	for (size_t at = 0; at < HASHED_BYTES && at < room; at += 8) {
		uint64_t w = 0, zero;

		if (room - at >= 8)
			memcpy(&w, s + at, 8);
		else
			memcpy(&w, s + at, room - at);
		zero = (w - ones) & ~w & highs;
		if (zero)
			w &= (zero & -zero) - 1; /* keeps seven bits of the zero byte: all zero */
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
		if (zero)
			break;
	}
	return (uint32_t)h;
}

static int build_index(struct pclntab *t)
{
	uint32_t *chain, buckets = 1;

	while (buckets < t->functions)
		buckets *= 2;
	t->by_name = malloc(((size_t)buckets + t->functions) * sizeof(*t->by_name));
	if (!t->by_name)
		return -ENOMEM;
	t->buckets = buckets;
	memset(t->by_name, 0xff, buckets * sizeof(*t->by_name));
	chain = t->by_name + buckets;
	for (uint32_t i = 0; i < t->functions; i++) {
		uint32_t offset, *head;

		if (!name_offset(t, i, &offset))
			continue;
		head = t->by_name +
		       (hash_name(t->data + t->names + offset, t->size - t->names - offset) &
			(buckets - 1));
		chain[i] = *head;
		*head = i;
	}
	return 0;
}

static bool same_name(const struct pclntab *t, size_t i, const char *name, size_t size)
{
	uint32_t offset;

	return name_offset(t, i, &offset) && size <= t->size - t->names - offset &&
	       !memcmp(t->data + t->names + offset, name, size);
}

int pclntab_by_name(struct pclntab *t, const char *name, struct function *ret)
{
	const size_t size = strlen(name) + 1;
	struct function best = { .name = NULL };

	if (!t->by_name && build_index(t))
		return -ENOMEM;
	for (uint32_t i = t->by_name[hash_name((const uint8_t *)name, size) & (t->buckets - 1)];
	     i != NO_FUNCTION; i = t->by_name[t->buckets + i]) {
		struct function fn;

		if (same_name(t, i, name, size) && !pclntab_by_index(t, i, &fn) &&
		    (!best.name || fn.size > best.size))
			best = fn;
	}
	if (!best.name)
		return -ENOENT;
	*ret = best;
	return 0;
}
