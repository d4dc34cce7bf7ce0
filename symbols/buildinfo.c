/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buildinfo.c: the build info block, and what to do without it.
 *
 * Since 1.13 a block of 32 bytes marks the data of a Go program; it points to two strings (up to
 * 1.17) or precedes them (since), the first of which is the version.  Some release builds drop the
 * block.  The string variable runtime.buildVersion is still there then, but nameless: a pointer
 * in the data to a text "go1.", with a length behind it.  Only such a pair is believed, because
 * string constants lie packed without terminators and many texts mention a Go version; and only the
 * pair that runtime.schedinit looks at, or one without rival where that function is not known.
 */
#include "symbols/buildinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"
#include "symbols/image.h"

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

int buildinfo_block(const struct elf_file *f, char *ret, size_t size)
{
	const struct elf_section *s = elf_file_section(f, ".go.buildinfo");

	if (s && read_block(f, f->data + s->offset, s->size, s->vaddr, ret, size))
		return 0;
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *seg = &f->segment[i];
		const uint8_t *start = f->data + seg->offset, *end = start + seg->file_size;

		if (seg->flags & PF_X)
			continue;
		for (const uint8_t *p = start;
		     (p = memmem(p, (size_t)(end - p), MAGIC, MAGIC_SIZE)); p++)
			if (read_block(f, p, (size_t)(end - p), seg->vaddr + (uint64_t)(p - start),
				       ret, size))
				return 0;
	}
	return -ENOENT;
}

/* ---- runtime.buildVersion ---- */

/* Source paths may hold "go1." by the thousand where the toolchain's own path does. */
#define TEXTS_MAX 65536u

struct texts {
	uint64_t *vaddr; /* ascending */
	size_t count, room;
};

static bool add_text(struct texts *t, uint64_t vaddr)
{
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		uint64_t *p = reallocarray(t->vaddr, room, sizeof(*p));

		if (!p || room > TEXTS_MAX) {
			free(p ? p : t->vaddr);
			*t = (struct texts){ .vaddr = NULL };
			return false;
		}
		t->vaddr = p;
		t->room = room;
	}
	t->vaddr[t->count++] = vaddr;
	return true;
}

static int compare_address(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Every "go1.N" in what is not code. */
static void collect(const struct elf_file *f, struct texts *t)
{
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *seg = &f->segment[i];
		const uint8_t *start = f->data + seg->offset, *end = start + seg->file_size;

		if (seg->flags & PF_X)
			continue;
		for (const uint8_t *p = start; (p = memmem(p, (size_t)(end - p), "go1.", 4)); p++)
			if (end - p > 4 && p[4] >= '0' && p[4] <= '9' &&
			    !add_text(t, seg->vaddr + (uint64_t)(p - start)))
				return;
	}
	if (t->count)
		qsort(t->vaddr, t->count, sizeof(*t->vaddr), compare_address);
}

static bool is_text(const struct texts *t, uint64_t vaddr)
{
	return vaddr >= t->vaddr[0] && vaddr <= t->vaddr[t->count - 1] &&
	       bsearch(&vaddr, t->vaddr, t->count, sizeof(*t->vaddr), compare_address);
}

/*
 * Whether code refers to an address relative to its instruction pointer.  The displacement may be
 * followed by an operand of 0, 1 or 4 bytes.
 */
static bool refers_to(const struct elf_file *f, const struct function *code, uint64_t target)
{
	static const unsigned operand[] = { 0, 1, 4 };
	const uint8_t *p = elf_file_bytes(f, code->vaddr, code->size);

	for (uint64_t at = 0; p && at + 4 <= code->size; at++) {
		int32_t displacement;

		memcpy(&displacement, p + at, sizeof(displacement));
		for (size_t i = 0; i < 3; i++)
			if (code->vaddr + at + 4 + operand[i] + (uint64_t)displacement == target)
				return true;
	}
	return false;
}

struct search {
	const struct elf_file *f;
	const struct function *schedinit;
	struct texts texts;
	char *ret; /* VERSION_MAX + 1 bytes */
	bool found, ambiguous;
};

/* Looks at a string header at vaddr whose pointer is known; true when the search is over. */
static bool consider(struct search *s, uint64_t vaddr, uint64_t pointer)
{
	char text[VERSION_MAX + 1];
	const uint8_t *p;
	uint64_t len;

	p = is_text(&s->texts, pointer) ? elf_file_bytes(s->f, vaddr + 8, sizeof(len)) : NULL;
	if (!p)
		return false;
	memcpy(&len, p, sizeof(len));
	if (len <= 4 || len > VERSION_MAX ||
	    !take(elf_file_bytes(s->f, pointer, len), len, text, sizeof(text)))
		return false;
	if (s->schedinit) {
		/* it sets buildVersion if that is empty: it tests the length */
		s->found = refers_to(s->f, s->schedinit, vaddr + 8);
		if (s->found)
			memcpy(s->ret, text, sizeof(text));
		return s->found;
	}
	if (!s->found)
		memcpy(s->ret, text, sizeof(text));
	s->ambiguous |= strcmp(s->ret, text) != 0;
	s->found = true;
	return false;
}

static void search_headers(struct search *s)
{
	for (size_t i = 0; i < s->f->segments; i++) {
		const struct elf_segment *seg = &s->f->segment[i];
		const uint8_t *p = s->f->data + seg->offset;

		if (!(seg->flags & PF_W))
			continue;
		for (uint64_t at = -seg->vaddr & 7; at + 8 <= seg->file_size; at += 8) {
			uint64_t word;

			memcpy(&word, p + at, sizeof(word));
			if (consider(s, seg->vaddr + at, word))
				return;
		}
	}
	/* headers that the dynamic linker fills */
	for (size_t i = 0; i < s->f->relas; i++) {
		uint64_t at, value;

		if (elf_file_relative(s->f, i, &at, &value) && consider(s, at, value))
			return;
	}
}

int buildinfo_search(const struct elf_file *f, const struct function *schedinit, char *ret,
		     size_t size)
{
	char text[VERSION_MAX + 1];
	struct search s = { .f = f, .schedinit = schedinit, .ret = text };

	collect(f, &s.texts);
	if (s.texts.count)
		search_headers(&s);
	free(s.texts.vaddr);
	if (!s.found || s.ambiguous)
		return -ENOENT;
	snprintf(ret, size, "%.*s", (int)size - 1, text);
	return 0;
}
