/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symtab.h: functions of the ELF symbol tables, through libelf.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_SYMTAB_H
#define ST_SYMBOLS_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

struct elf_file;
struct function;
struct symtab;

/* Reads .symtab, or .dynsym where that was stripped.  NULL where there is neither.  Names are of
 * the mapped file, which must outlive the table. */
struct symtab *symtab_open(const struct elf_file *f);
void symtab_free(struct symtab *s);

/* In the order of addresses; one entry an address. */
size_t symtab_count(const struct symtab *s);
int symtab_nth(const struct symtab *s, size_t i, struct function *ret);

/* The largest of that name; -ENOENT. */
int symtab_by_name(const struct symtab *s, const char *name, struct function *ret);
int symtab_by_address(const struct symtab *s, uint64_t vaddr, struct function *ret);

#endif
