/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symtab.c: names for addresses, for the report of a program that is about to end.  Read from the
 * program's own file; without it, or stripped, addresses must do.
 */
#include "runtime/symtab.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static const char *image; /* the mapped file */
static size_t image_size;

static bool map_program(void)
{
	struct stat st;
	void *p;
	int fd;

	if (image)
		return true;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || (size_t)st.st_size < sizeof(ElfW(Ehdr))) {
		close(fd);
		return false;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	image = p;
	image_size = (size_t)st.st_size;
	return true;
}

static bool in_file(uint64_t offset, uint64_t size)
{
	return offset <= image_size && size <= image_size - offset;
}

static const ElfW(Shdr) * sections(size_t *count)
{
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)image;

	*count = 0;
	if (e->e_shentsize != sizeof(ElfW(Shdr)) ||
	    !in_file(e->e_shoff, (uint64_t)e->e_shnum * sizeof(ElfW(Shdr))))
		return NULL;
	*count = e->e_shnum;
	return (const ElfW(Shdr) *)(image + e->e_shoff);
}

/* The function or object in one symbol table that holds the address. */
static const ElfW(Sym) * find(const ElfW(Shdr) * table, unsigned type, uint64_t addr)
{
	const ElfW(Sym) *s = (const ElfW(Sym) *)(image + table->sh_offset);
	size_t n = table->sh_size / sizeof(*s), i;

	for (i = 0; i < n; i++)
		if (ELF64_ST_TYPE(s[i].st_info) == type && s[i].st_shndx != SHN_UNDEF &&
		    addr >= s[i].st_value && addr - s[i].st_value < s[i].st_size)
			return &s[i];
	return NULL;
}

/* The name of a function or object and the distance to its begin. */
static const char *lookup(uint64_t pc, unsigned type, uint64_t *ret_distance)
{
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)__ehdr_start;
	const ElfW(Shdr) * sh;
	const ElfW(Sym) * s;
	size_t n, i;

	if (e->e_type == ET_DYN)
		pc -= (uint64_t)__ehdr_start;
	if (!map_program() || !(sh = sections(&n)))
		return NULL;
	for (i = 0; i < n; i++) {
		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= n ||
		    !in_file(sh[i].sh_offset, sh[i].sh_size))
			continue;
		s = find(&sh[i], type, pc);
		if (!s || !in_file(sh[sh[i].sh_link].sh_offset, sh[sh[i].sh_link].sh_size) ||
		    s->st_name >= sh[sh[i].sh_link].sh_size)
			continue;
		*ret_distance = pc - s->st_value;
		return image + sh[sh[i].sh_link].sh_offset + s->st_name;
	}
	return NULL;
}

void symtab_name(uint64_t pc, bool is_return, char *ret, size_t size)
{
	uint64_t distance;
	const char *name = lookup(pc - is_return, STT_FUNC, &distance);

	if (!name)
		snprintf(ret, size, "%#llx", (unsigned long long)pc);
	else if (distance + is_return)
		snprintf(ret, size, "%.100s+%#llx", name, (unsigned long long)distance + is_return);
	else
		snprintf(ret, size, "%.100s", name);
}

bool symtab_object(uint64_t addr, char *ret, size_t size)
{
	uint64_t distance;
	const char *name = lookup(addr, STT_OBJECT, &distance);

	if (!name)
		return false;
	if (distance)
		snprintf(ret, size, "%.100s+%#llx", name, (unsigned long long)distance);
	else
		snprintf(ret, size, "%.100s", name);
	return true;
}
