/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pclntab_find.c: where the function table is, and the module's description that points to it.
 *
 * A section names the table in most binaries.  External linking merges it into .data.rel.ro in a
 * PIE, and section headers may be gone altogether; then the loaded bytes are searched for its
 * first eight bytes, and what follows must be a sound table.
 */
#include "symbols/pclntab.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbols/elf_file.h"

/* magic in the low half (its lowest byte varies), then two zeros, quantum 1, pointer size 8 */
#define SIGNATURE      0x08010000ffffff00ull
#define SIGNATURE_MASK 0xffffffffffffff00ull

static int try_section(const struct elf_file *f, const char *name, struct pclntab *ret)
{
	const struct elf_section *s = elf_file_section(f, name);

	if (!s || !s->size || !elf_file_bytes(f, s->vaddr, s->size))
		return -ENOENT;
	return pclntab_open(f, f->data + s->offset, s->size, s->vaddr, ret);
}

/*
 * Each look-alike costs at most a walk over the file; a file full of them must not take forever.
 * Real ones have none: in 65 binaries the table was the only match.
 */
enum { TRIES_MAX = 32 };

static bool scan_segment(const struct elf_file *f, const struct elf_segment *s, unsigned *tries,
			 struct pclntab *ret)
{
	/* the table is aligned in memory, and pages keep that alignment in the file */
	uint64_t at = -s->vaddr & 7;
	const uint8_t *p = f->data + s->offset;

	for (; at + 8 <= s->file_size && *tries; at += 8) {
		uint64_t word;

		memcpy(&word, p + at, sizeof(word));
		if ((word & SIGNATURE_MASK) != SIGNATURE)
			continue;
		(*tries)--;
		if (!pclntab_open(f, p + at, s->file_size - at, s->vaddr + at, ret))
			return true;
	}
	return false;
}

int pclntab_find(const struct elf_file *f, struct pclntab *ret)
{
	unsigned tries = TRIES_MAX;

	if (!try_section(f, ".gopclntab", ret) || !try_section(f, ".data.rel.ro.gopclntab", ret))
		return 0;
	/* code last: it is the largest part and the least likely place */
	for (int code = 0; code < 2; code++)
		for (size_t i = 0; i < f->segments; i++)
			if (!(f->segment[i].flags & PF_X) == !code &&
			    scan_segment(f, &f->segment[i], &tries, ret))
				return 0;
	return -ENOENT;
}

/* ---- the module's description ---- */

/*
 * It starts with the table's address and the slice of names, whose address is known too.  Tables of
 * Go 1.15 and before are pointed to by a slice that also gives their length.
 */
static bool is_moduledata(const struct pclntab *t, const uint64_t word[2])
{
	if (word[0] != t->vaddr)
		return false;
	if (t->layout == PCLNTAB_GO12)
		return word[1] && word[1] <= t->size;
	return word[1] == t->vaddr + t->names;
}

static uint64_t scan_for_moduledata(const struct pclntab *t, uint64_t offset, uint64_t size,
				    uint64_t vaddr)
{
	const uint8_t *p = t->elf->data + offset;
	uint64_t word[2];

	for (uint64_t at = -vaddr & 7; at + sizeof(word) <= size; at += 8) {
		memcpy(word, p + at, sizeof(word));
		if (is_moduledata(t, word))
			return vaddr + at;
	}
	return 0;
}

/* The words may be zero in the file and have only relocations. */
static uint64_t relocated_moduledata(const struct pclntab *t)
{
	unsigned tries = TRIES_MAX;

	for (size_t i = 0; i < t->elf->relas && tries; i++) {
		uint64_t at, value, word[2];

		if (!elf_file_relative(t->elf, i, &at, &value) || value != t->vaddr)
			continue;
		tries--;
		if (!elf_file_words(t->elf, at, word, 2) && is_moduledata(t, word))
			return at;
	}
	return 0;
}

static uint64_t find_moduledata(const struct pclntab *t)
{
	const struct elf_section *s = elf_file_section(t->elf, ".go.module");
	uint64_t found = 0;

	if (s && elf_file_bytes(t->elf, s->vaddr, s->size))
		found = scan_for_moduledata(t, s->offset, s->size, s->vaddr);
	for (size_t i = 0; i < t->elf->segments && !found; i++) {
		const struct elf_segment *seg = &t->elf->segment[i];

		if (seg->flags & PF_W)
			found = scan_for_moduledata(t, seg->offset, seg->file_size, seg->vaddr);
	}
	return found ? found : relocated_moduledata(t);
}

uint64_t pclntab_moduledata(struct pclntab *t)
{
	if (!t->moduledata_tried) {
		t->moduledata_tried = true;
		t->moduledata = find_moduledata(t);
	}
	return t->moduledata;
}
