/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symtab.c: function symbols, sorted by address and by name.
 *
 * Hand-written assembly often has no size: such a function ends where the next one or its segment
 * does.  Where several symbols have one address (aliases), the sized, global, shortest one is kept
 * for lookups by address; all of them are found by name.
 */
#include "symbols/symtab.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"
#include "symbols/image.h"

/* Mangled names have hundreds of bytes; sorting longer ones of a hostile file would take forever.
 */
#define NAME_MAX_BYTES 4096u

struct symbol {
	struct function fn;
	bool global;
};

struct symtab {
	struct function *by_address; /* one an address */
	size_t count;
	struct function *by_name; /* all, larger before smaller of one name */
	size_t names;
};

/* ---- reading ---- */

static Elf_Scn *find_table(Elf *elf, uint32_t type, GElf_Shdr *ret)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));)
		if (gelf_getshdr(scn, ret) && ret->sh_type == type)
			return scn;
	return NULL;
}

static bool is_code(const struct elf_file *f, uint64_t vaddr)
{
	const struct elf_segment *s = elf_file_segment(f, vaddr);

	return s && (s->flags & PF_X);
}

/* NULL for a symbol without a usable name. */
static const char *symbol_name(const struct elf_file *f, const GElf_Shdr *strings, uint64_t at)
{
	const char *s = elf_file_string(f, strings->sh_offset, strings->sh_size, at);

	return *s && strnlen(s, NAME_MAX_BYTES) < NAME_MAX_BYTES ? s : NULL;
}

static size_t read_symbols(const struct elf_file *f, Elf *elf, Elf_Scn *scn, const GElf_Shdr *table,
			   struct symbol *ret)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Scn *strings = elf_getscn(elf, table->sh_link);
	GElf_Shdr shdr;
	size_t n = 0;

	if (!data || !strings || !gelf_getshdr(strings, &shdr) || shdr.sh_type != SHT_STRTAB)
		return 0;
	for (size_t i = 0; i < data->d_size / sizeof(Elf64_Sym); i++) {
		GElf_Sym sym;
		const char *name;
		int type;

		if (!gelf_getsym(data, (int)i, &sym))
			break;
		type = GELF_ST_TYPE(sym.st_info);
		if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
		    sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE ||
		    !is_code(f, sym.st_value))
			continue;
		name = symbol_name(f, &shdr, sym.st_name);
		if (!name)
			continue;
		ret[n++] = (struct symbol){
			.fn = { .name = name, .vaddr = sym.st_value, .size = sym.st_size },
			.global = GELF_ST_BIND(sym.st_info) != STB_LOCAL,
		};
	}
	return n;
}

/* ---- sorting ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By address; at one address the best name first. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	int c = compare_u64(x->fn.vaddr, y->fn.vaddr);

	if (!c)
		c = !x->fn.size - !y->fn.size;
	if (!c)
		c = y->global - x->global;
	if (!c)
		c = compare_u64(strlen(x->fn.name), strlen(y->fn.name));
	return c ? c : strcmp(x->fn.name, y->fn.name);
}

static int by_name(const void *a, const void *b)
{
	const struct function *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = -compare_u64(x->size, y->size);
	return c ? c : compare_u64(x->vaddr, y->vaddr);
}

/* Sizes of functions that have none: up to the next address or the segment's end. */
static void fill_sizes(const struct elf_file *f, struct symbol *s, size_t n)
{
	size_t next = 0;

	for (size_t i = 0; i < n; i++) {
		size_t left;

		if (s[i].fn.size)
			continue;
		if (next <= i)
			next = i + 1;
		while (next < n && s[next].fn.vaddr == s[i].fn.vaddr)
			next++;
		elf_file_tail(f, s[i].fn.vaddr, &left);
		if (next < n && s[next].fn.vaddr - s[i].fn.vaddr < left)
			left = s[next].fn.vaddr - s[i].fn.vaddr;
		s[i].fn.size = left;
	}
}

static int build(struct symtab *t, const struct elf_file *f, struct symbol *s, size_t n)
{
	t->by_address = calloc(n + 1, sizeof(*t->by_address));
	t->by_name = calloc(n + 1, sizeof(*t->by_name));
	if (!t->by_address || !t->by_name)
		return -ENOMEM;
	if (!n)
		return 0;
	qsort(s, n, sizeof(*s), by_address);
	fill_sizes(f, s, n);
	for (size_t i = 0; i < n; i++) {
		t->by_name[t->names++] = s[i].fn;
		if (!t->count || t->by_address[t->count - 1].vaddr != s[i].fn.vaddr)
			t->by_address[t->count++] = s[i].fn;
	}
	qsort(t->by_name, t->names, sizeof(*t->by_name), by_name);
	return 0;
}

static struct symtab *read_table(const struct elf_file *f, Elf *elf)
{
	GElf_Shdr table;
	Elf_Scn *scn = find_table(elf, SHT_SYMTAB, &table);
	struct symbol *symbol;
	struct symtab *t;
	size_t n;

	if (!scn)
		scn = find_table(elf, SHT_DYNSYM, &table);
	if (!scn || table.sh_size > f->size)
		return NULL;
	t = calloc(1, sizeof(*t));
	symbol = calloc(table.sh_size / sizeof(Elf64_Sym) + 1, sizeof(*symbol));
	if (!t || !symbol) {
		free(t);
		free(symbol);
		return NULL;
	}
	n = read_symbols(f, elf, scn, &table, symbol);
	if (build(t, f, symbol, n)) {
		symtab_free(t);
		t = NULL;
	}
	free(symbol);
	return t;
}

struct symtab *symtab_open(const struct elf_file *f)
{
	struct symtab *t;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)f->data, f->size);
	if (!elf)
		return NULL;
	t = read_table(f, elf);
	elf_end(elf);
	return t;
}

void symtab_free(struct symtab *s)
{
	if (!s)
		return;
	free(s->by_address);
	free(s->by_name);
	free(s);
}

/* ---- lookups ---- */

size_t symtab_count(const struct symtab *s)
{
	return s ? s->count : 0;
}

int symtab_nth(const struct symtab *s, size_t i, struct function *ret)
{
	if (i >= symtab_count(s))
		return -ENOENT;
	*ret = s->by_address[i];
	return 0;
}

int symtab_by_name(const struct symtab *s, const char *name, struct function *ret)
{
	size_t lo = 0, hi = s ? s->names : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->by_name[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!s || lo == s->names || strcmp(s->by_name[lo].name, name))
		return -ENOENT;
	*ret = s->by_name[lo];
	return 0;
}

int symtab_by_address(const struct symtab *s, uint64_t vaddr, struct function *ret)
{
	size_t lo = 0, hi = s ? s->count : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->by_address[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || vaddr - s->by_address[lo - 1].vaddr >= s->by_address[lo - 1].size)
		return -ENOENT;
	*ret = s->by_address[lo - 1];
	return 0;
}
