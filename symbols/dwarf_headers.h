/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dwarf_headers.h: the section headers that libdw is shown.
 *
 * libdw unpacks every section of debug information that it knows, wanted or not, and libelf writes
 * in place into the header of each that was packed.  So the headers are kept, to be put back when
 * the DWARF is closed, and those of sections that are not wanted are hidden from it: of a Go
 * program of 147 MB, of 104 MB unpacked, the types are 3.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_DWARF_HEADERS_H
#define ST_SYMBOLS_DWARF_HEADERS_H

#include <stddef.h>
#include <stdint.h>

struct elf_file;

struct dwarf_headers {
	uint8_t *at, *kept; /* in the mapped file; a copy.  NULL: there are none */
	size_t size;
};

/* 0, or -ENOMEM: the DWARF must not be opened. */
int dwarf_headers_keep(const struct elf_file *f, struct dwarf_headers *h);

/* Hides what says where code comes from and values are, and leaves types. */
void dwarf_headers_hide(const struct elf_file *f, const struct dwarf_headers *h);

/* Puts them back, and frees the copy. */
void dwarf_headers_restore(struct dwarf_headers *h);

#endif
