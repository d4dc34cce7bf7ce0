/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/elf_symbols.h"

#include <errno.h>
#include <string.h>

#include "symbols/elf_file.h"

/* Mangled names have hundreds of bytes; sorting longer ones of a hostile file would take forever.
 */
#define NAME_MAX_BYTES 4096u

static Elf_Scn *find_table(Elf *elf, uint32_t type, GElf_Shdr *ret)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));)
		if (gelf_getshdr(scn, ret) && ret->sh_type == type)
			return scn;
	return NULL;
}

static int read_table(struct elf_symbols *s)
{
	GElf_Shdr table, strings;
	Elf_Scn *scn = find_table(s->elf, SHT_SYMTAB, &table), *names;

	s->stripped = !scn;
	if (!scn)
		scn = find_table(s->elf, SHT_DYNSYM, &table);
	if (!scn || table.sh_size > s->file->size)
		return -ENOENT;
	s->data = elf_getdata(scn, NULL);
	names = elf_getscn(s->elf, table.sh_link);
	if (!s->data || !names || !gelf_getshdr(names, &strings) || strings.sh_type != SHT_STRTAB)
		return -ENOENT;
	s->strings = strings.sh_offset;
	s->strings_size = strings.sh_size;
	s->count = s->data->d_size / sizeof(Elf64_Sym);
	return 0;
}

int elf_symbols_open(const struct elf_file *f, struct elf_symbols *ret)
{
	struct elf_symbols s = { .file = f };
	int r;

	elf_version(EV_CURRENT);
	s.elf = elf_memory((char *)f->data, f->size);
	if (!s.elf)
		return -ENOENT;
	r = read_table(&s);
	if (r) {
		elf_end(s.elf);
		return r;
	}
	*ret = s;
	return 0;
}

void elf_symbols_close(struct elf_symbols *s)
{
	elf_end(s->elf);
}

bool elf_symbols_next(struct elf_symbols *s, struct elf_symbol *ret)
{
	GElf_Sym sym;

	while (s->next < s->count && gelf_getsym(s->data, (int)s->next, &sym)) {
		const char *name = elf_file_string(s->file, s->strings, s->strings_size,
						   sym.st_name);

		s->next++;
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE || !*name ||
		    strnlen(name, NAME_MAX_BYTES) == NAME_MAX_BYTES)
			continue;
		*ret = (struct elf_symbol){
			.name = name,
			.vaddr = sym.st_value,
			.size = sym.st_size,
			.type = GELF_ST_TYPE(sym.st_info),
			.global = GELF_ST_BIND(sym.st_info) != STB_LOCAL,
		};
		return true;
	}
	return false;
}
