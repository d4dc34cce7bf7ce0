/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/dwarf_headers.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"

static const char *const not_types[] = { ".debug_line",	  ".debug_frame",    ".debug_loc",
					 ".debug_ranges", ".debug_loclists", ".debug_rnglists" };

int dwarf_headers_keep(const struct elf_file *f, struct dwarf_headers *h)
{
	uint64_t size;
	Elf64_Ehdr e;

	*h = (struct dwarf_headers){ .at = NULL };
	memcpy(&e, f->data, sizeof(e));
	size = (uint64_t)e.e_shnum * sizeof(Elf64_Shdr);
	if (!size || e.e_shentsize != sizeof(Elf64_Shdr) || e.e_shoff > f->size ||
	    size > f->size - e.e_shoff)
		return 0;
	h->kept = malloc(size);
	if (!h->kept)
		return -ENOMEM;
	h->at = (uint8_t *)(uintptr_t)f->data + e.e_shoff; /* a private mapping, writable */
	h->size = size;
	memcpy(h->kept, h->at, size);
	return 0;
}

void dwarf_headers_hide(const struct elf_file *f, const struct dwarf_headers *h)
{
	for (size_t i = 0; i < sizeof(not_types) / sizeof(not_types[0]); i++) {
		const struct elf_section *s = elf_file_section(f, not_types[i]);

		for (size_t at = 0; s && at < h->size; at += sizeof(Elf64_Shdr)) {
			Elf64_Shdr header;

			memcpy(&header, h->at + at, sizeof(header));
			if (header.sh_offset != s->offset || header.sh_size != s->size)
				continue;
			header.sh_type = SHT_NOBITS; /* which libdw passes over */
			memcpy(h->at + at, &header, sizeof(header));
		}
	}
}

void dwarf_headers_restore(struct dwarf_headers *h)
{
	if (h->kept)
		memcpy(h->at, h->kept, h->size);
	free(h->kept);
	h->kept = NULL;
}
