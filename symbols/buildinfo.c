/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buildinfo.c: the build info block, and what to do without it.
 *
 * Since 1.13 a block of 32 bytes marks the data of a Go program; it points to two strings (up to
 * 1.17) or precedes them (since), the first of which is the version.  Some release builds drop the
 * block.  The string variable runtime.buildVersion is still there then, but nameless: a pointer
 * in the data to a text "go1.", with a length behind it.  Only such a pair is believed, because
 * string constants lie packed without terminators and many texts mention a Go version.
 */
#include "symbols/buildinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"

#define MAGIC	    "\xff Go buildinf:"
#define MAGIC_SIZE  14u
#define BLOCK_SIZE  32u
#define VERSION_MAX 256u

enum { FLAG_BIG_ENDIAN = 1, FLAG_INLINE = 2 };

static bool printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return len > 0;
}

static bool take(const uint8_t *p, uint64_t len, char *ret, size_t size)
{
	if (!p || len > VERSION_MAX || !printable(p, len))
		return false;
	if (len >= size)
		len = size - 1;
	memcpy(ret, p, len);
	ret[len] = '\0';
	return true;
}

/* ---- the block ---- */

static bool read_inline(const uint8_t *p, size_t left, char *ret, size_t size)
{
	uint64_t len = 0;
	size_t at = BLOCK_SIZE;

	for (unsigned shift = 0;; shift += 7) {
		if (at >= left || shift > 28)
			return false;
		len |= (uint64_t)(p[at] & 0x7f) << shift;
		if (!(p[at++] & 0x80))
			break;
	}
	return len <= left - at && take(p + at, len, ret, size);
}

/* Up to 1.17: the address of a string header. */
static bool read_pointer(const struct elf_file *f, uint64_t block, char *ret, size_t size)
{
	uint64_t header, string[2];

	if (elf_file_words(f, block + 16, &header, 1) || elf_file_words(f, header, string, 2))
		return false;
	return string[1] <= VERSION_MAX &&
	       take(elf_file_bytes(f, string[0], string[1]), string[1], ret, size);
}

static bool read_block(const struct elf_file *f, const uint8_t *p, size_t left, uint64_t vaddr,
		       char *ret, size_t size)
{
	if (left < BLOCK_SIZE || memcmp(p, MAGIC, MAGIC_SIZE))
		return false;
	if (p[15] & FLAG_INLINE)
		return read_inline(p, left, ret, size);
	return p[14] == 8 && !(p[15] & FLAG_BIG_ENDIAN) && read_pointer(f, vaddr, ret, size);
}

static bool find_block(const struct elf_file *f, char *ret, size_t size)
{
	const struct elf_section *s = elf_file_section(f, ".go.buildinfo");

	if (s && read_block(f, f->data + s->offset, s->size, s->vaddr, ret, size))
		return true;
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *seg = &f->segment[i];
		const uint8_t *start = f->data + seg->offset, *end = start + seg->file_size;

		if (seg->flags & PF_X)
			continue;
		for (const uint8_t *p = start;
		     (p = memmem(p, (size_t)(end - p), MAGIC, MAGIC_SIZE)); p++)
			if (read_block(f, p, (size_t)(end - p), seg->vaddr + (uint64_t)(p - start),
				       ret, size))
				return true;
	}
	return false;
}

/* ---- runtime.buildVersion ---- */

enum { CANDIDATES_MAX = 256 };

struct candidates {
	uint64_t vaddr[CANDIDATES_MAX];
	size_t count;
};

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Every "go1.N" in what is not code; ascending addresses. */
static void collect(const struct elf_file *f, struct candidates *c)
{
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *seg = &f->segment[i];
		const uint8_t *start = f->data + seg->offset, *end = start + seg->file_size;

		if (seg->flags & PF_X)
			continue;
		for (const uint8_t *p = start;
		     c->count < CANDIDATES_MAX && (p = memmem(p, (size_t)(end - p), "go1.", 4));
		     p++)
			if (end - p > 4 && digit(p[4]))
				c->vaddr[c->count++] = seg->vaddr + (uint64_t)(p - start);
	}
}

static bool is_candidate(const struct candidates *c, uint64_t vaddr)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->vaddr[i] == vaddr)
			return true;
	return false;
}

static bool string_at(const struct elf_file *f, const struct candidates *c, uint64_t vaddr,
		      char *ret, size_t size)
{
	uint64_t string[2];

	return !elf_file_words(f, vaddr, string, 2) && is_candidate(c, string[0]) &&
	       string[1] > 4 && string[1] <= VERSION_MAX &&
	       take(elf_file_bytes(f, string[0], string[1]), string[1], ret, size);
}

static bool find_string(const struct elf_file *f, char *ret, size_t size)
{
	struct candidates c = { .count = 0 };
	uint64_t low, high;

	collect(f, &c);
	if (!c.count)
		return false;
	low = high = c.vaddr[0];
	for (size_t i = 1; i < c.count; i++) {
		low = c.vaddr[i] < low ? c.vaddr[i] : low;
		high = c.vaddr[i] > high ? c.vaddr[i] : high;
	}
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *seg = &f->segment[i];
		const uint8_t *p = f->data + seg->offset;

		if (!(seg->flags & PF_W))
			continue;
		for (uint64_t at = -seg->vaddr & 7; at + 16 <= seg->file_size; at += 8) {
			uint64_t word;

			memcpy(&word, p + at, sizeof(word));
			if (word >= low && word <= high && is_candidate(&c, word) &&
			    string_at(f, &c, seg->vaddr + at, ret, size))
				return true;
		}
	}
	for (size_t i = 0; i < c.count; i++) {
		size_t cursor = 0;
		uint64_t at;

		while (!elf_file_relocated(f, c.vaddr[i], &cursor, &at))
			if (string_at(f, &c, at, ret, size))
				return true;
	}
	return false;
}

int buildinfo_version(const struct elf_file *f, char *ret, size_t size)
{
	return find_block(f, ret, size) || find_string(f, ret, size) ? 0 : -ENOENT;
}
