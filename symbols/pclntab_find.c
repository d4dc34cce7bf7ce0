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

static int scan_segment(const struct elf_file *f, const struct elf_segment *s, struct pclntab *ret)
{
	/* the table is aligned in memory, and pages keep that alignment in the file */
	uint64_t at = -s->vaddr & 7;
	const uint8_t *p = f->data + s->offset;

	for (; at + 8 <= s->file_size; at += 8) {
		uint64_t word;

		memcpy(&word, p + at, sizeof(word));
		if ((word & SIGNATURE_MASK) == SIGNATURE &&
		    !pclntab_open(f, p + at, s->file_size - at, s->vaddr + at, ret))
			return 0;
	}
	return -ENOENT;
}

int pclntab_find(const struct elf_file *f, struct pclntab *ret)
{
	if (!try_section(f, ".gopclntab", ret) || !try_section(f, ".data.rel.ro.gopclntab", ret))
		return 0;
	/* code last: it is the largest part and the least likely place */
	for (int code = 0; code < 2; code++)
		for (size_t i = 0; i < f->segments; i++)
			if (!(f->segment[i].flags & PF_X) == !code &&
			    !scan_segment(f, &f->segment[i], ret))
				return 0;
	return -ENOENT;
}

/* ---- the module's description ---- */

/*
 * It starts with the table's address and the slice of names, whose address is known too.  Tables of
 * Go 1.15 and before are pointed to by a slice that also gives their length.
 */
static bool is_moduledata(const struct pclntab *t, uint64_t vaddr)
{
	uint64_t w[2];

	if (elf_file_words(t->elf, vaddr, w, 2) || w[0] != t->vaddr)
		return false;
	if (t->layout == PCLNTAB_GO12)
		return w[1] && w[1] <= t->size;
	return w[1] == t->vaddr + t->names;
}

static uint64_t scan_for_pointer(const struct pclntab *t, const uint8_t *p, uint64_t size,
				 uint64_t vaddr)
{
	for (uint64_t at = -vaddr & 7; at + 16 <= size; at += 8) {
		uint64_t word;

		memcpy(&word, p + at, sizeof(word));
		if (word == t->vaddr && is_moduledata(t, vaddr + at))
			return vaddr + at;
	}
	return 0;
}

static uint64_t find_moduledata(const struct pclntab *t)
{
	const struct elf_section *s = elf_file_section(t->elf, ".go.module");
	uint64_t found = 0, at;
	size_t cursor = 0;

	if (s && elf_file_bytes(t->elf, s->vaddr, s->size))
		found = scan_for_pointer(t, t->elf->data + s->offset, s->size, s->vaddr);
	for (size_t i = 0; i < t->elf->segments && !found; i++) {
		const struct elf_segment *seg = &t->elf->segment[i];

		if (seg->flags & PF_W)
			found = scan_for_pointer(t, t->elf->data + seg->offset, seg->file_size,
						 seg->vaddr);
	}
	/* the word may be zero in the file and have only a relocation */
	while (!found && !elf_file_relocated(t->elf, t->vaddr, &cursor, &at))
		if (is_moduledata(t, at))
			found = at;
	return found;
}

uint64_t pclntab_moduledata(struct pclntab *t)
{
	if (!t->moduledata_tried) {
		t->moduledata_tried = true;
		t->moduledata = find_moduledata(t);
	}
	return t->moduledata;
}
