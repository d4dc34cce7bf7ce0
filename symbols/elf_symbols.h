/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_symbols.h: the symbols of an ELF file, one after the other, through libelf.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_ELF_SYMBOLS_H
#define ST_SYMBOLS_ELF_SYMBOLS_H

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

struct elf_symbols {
	const struct elf_file *file;
	Elf *elf;
	Elf_Data *data;
	uint64_t strings, strings_size;
	size_t count, next;
	bool stripped; /* there is only .dynsym */
};

struct elf_symbol {
	const char *name; /* of the mapped file; not empty */
	uint64_t vaddr;
	uint64_t size;
	int type; /* STT_* */
	bool global;
};

/* Opens .symtab, or .dynsym where that was stripped; -ENOENT where neither can be read.  On failure
 * there is nothing to close. */
int elf_symbols_open(const struct elf_file *f, struct elf_symbols *ret);
void elf_symbols_close(struct elf_symbols *s);

/* The next one that is defined and has a usable name; false at the end.  At most s->count come. */
bool elf_symbols_next(struct elf_symbols *s, struct elf_symbol *ret);

#endif
