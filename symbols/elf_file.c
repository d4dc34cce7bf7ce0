/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_file.c: maps a program and checks what its headers claim.
 *
 * The file is mapped, not read: binaries of hundreds of megabytes are common in Go and few of their
 * pages are looked at.  The price is that a file which is cut short while it is mapped raises
 * SIGBUS; the kernel refuses writes to a program that runs, and linkers replace the file instead
 * of writing into it.
 */
#include "symbols/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

/* The kernel loads no program whose program headers are larger than this. */
#define PHDR_TABLE_MAX 65536u
#define PAGE_SIZE_MIN  4096u

static bool in_file(const struct elf_file *f, uint64_t offset, uint64_t len)
{
	return offset <= f->size && len <= f->size - offset;
}

static int damaged(const char *path, const char *what, struct err *e)
{
	err_set(e, ENOEXEC, "'%s' is a damaged ELF file: %s", path, what);
	err_hint(e, "build or download the program again");
	return -ENOEXEC;
}

/* ---- program headers ---- */

static int add_load(struct elf_file *f, const char *path, const Elf64_Phdr *p, struct err *e)
{
	if (!in_file(f, p->p_offset, p->p_filesz)) {
		err_set(e, ENOEXEC,
			"'%s' is truncated: a segment ends at byte %llu, the file has only %zu",
			path, (unsigned long long)p->p_offset + p->p_filesz, f->size);
		err_hint(e, "build or download the program again");
		return -ENOEXEC;
	}
	if (p->p_filesz > p->p_memsz)
		return damaged(path, "a segment is larger in the file than in memory", e);
	if (p->p_vaddr + p->p_memsz < p->p_vaddr)
		return damaged(path, "a segment goes beyond the end of the address space", e);
	if ((p->p_vaddr - p->p_offset) % PAGE_SIZE_MIN)
		return damaged(path, "a segment's address and offset do not agree", e);
	f->segment[f->segments++] = (struct elf_segment){
		.vaddr = p->p_vaddr,
		.offset = p->p_offset,
		.file_size = p->p_filesz,
		.mem_size = p->p_memsz,
		.flags = p->p_flags,
	};
	return 0;
}

static void add_other(struct elf_file *f, const Elf64_Phdr *p)
{
	if (!in_file(f, p->p_offset, p->p_filesz))
		return;
	f->other_type[f->others] = p->p_type;
	f->other[f->others++] = (struct elf_segment){
		.vaddr = p->p_vaddr,
		.offset = p->p_offset,
		.file_size = p->p_filesz,
		.mem_size = p->p_memsz,
		.flags = p->p_flags,
	};
}

static int read_segments(struct elf_file *f, const char *path, const Elf64_Ehdr *h, struct err *e)
{
	uint64_t bytes = (uint64_t)h->e_phnum * sizeof(Elf64_Phdr);

	if (!h->e_phnum)
		return damaged(path, "it has no program headers", e);
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return damaged(path, "its program headers have an unknown size", e);
	if (bytes > PHDR_TABLE_MAX)
		return damaged(path, "it has too many program headers", e);
	if (!in_file(f, h->e_phoff, bytes))
		return damaged(path, "its program headers are not inside the file", e);

	f->segment = calloc(h->e_phnum, sizeof(*f->segment));
	f->other = calloc(h->e_phnum, sizeof(*f->other));
	f->other_type = calloc(h->e_phnum, sizeof(*f->other_type));
	if (!f->segment || !f->other || !f->other_type)
		return err_sys(e, ENOMEM, "cannot read '%s'", path);
	for (unsigned i = 0; i < h->e_phnum; i++) {
		Elf64_Phdr p;
		int rc = 0;

		memcpy(&p, f->data + h->e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD)
			rc = add_load(f, path, &p, e);
		else if (p.p_type == PT_NOTE || p.p_type == PT_DYNAMIC || p.p_type == PT_INTERP)
			add_other(f, &p);
		if (rc)
			return rc;
	}
	if (!f->segments)
		return damaged(path, "nothing in it is to be loaded", e);
	return 0;
}

/* ---- the dynamic section ---- */

static bool has_other(const struct elf_file *f, uint32_t type)
{
	for (size_t i = 0; i < f->others; i++)
		if (f->other_type[i] == type)
			return true;
	return false;
}

struct dynamic {
	bool soname;
	bool pie;
	uint64_t rela, rela_size;
};

static void read_dynamic(const struct elf_file *f, struct dynamic *d)
{
	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < f->others; i++) {
		const struct elf_segment *s = &f->other[i];

		if (f->other_type[i] != PT_DYNAMIC)
			continue;
		for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= s->file_size;
		     at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn dyn;

			memcpy(&dyn, f->data + s->offset + at, sizeof(dyn));
			if (dyn.d_tag == DT_NULL)
				break;
			if (dyn.d_tag == DT_SONAME)
				d->soname = true;
			else if (dyn.d_tag == DT_FLAGS_1)
				d->pie = dyn.d_un.d_val & DF_1_PIE;
			else if (dyn.d_tag == DT_RELA)
				d->rela = dyn.d_un.d_ptr;
			else if (dyn.d_tag == DT_RELASZ)
				d->rela_size = dyn.d_un.d_val;
		}
	}
}

/* Behind the program headers UPX leaves a checksum and its name. */
static bool is_packed(const struct elf_file *f, const Elf64_Ehdr *h)
{
	const uint64_t at = h->e_phoff + (uint64_t)h->e_phnum * sizeof(Elf64_Phdr) + 4;

	return in_file(f, at, 4) && !memcmp(f->data + at, "UPX!", 4);
}

static int check_kind(struct elf_file *f, const char *path, const Elf64_Ehdr *h, struct err *e)
{
	struct dynamic d;
	const struct elf_segment *s;

	read_dynamic(f, &d);
	f->rela = elf_file_bytes(f, d.rela, d.rela_size);
	f->relas = f->rela ? d.rela_size / sizeof(Elf64_Rela) : 0;
	f->is_pie = h->e_type == ET_DYN;
	f->entry = h->e_entry;

	s = elf_file_segment(f, h->e_entry);
	if (f->is_pie && (!h->e_entry || (d.soname && !d.pie && !has_other(f, PT_INTERP)))) {
		err_set(e, ENOEXEC, "'%s' is a shared library, not a program", path);
		err_hint(e, "give the program that uses it");
		return -ENOEXEC;
	}
	if (f->symbols_only)
		return 0;
	if (!s || !(s->flags & PF_X))
		return damaged(path, "its entry point is not in its code", e);
	if (is_packed(f, h)) {
		err_set(e, ENOEXEC, "'%s' is packed with UPX: its functions are not in the file",
			path);
		err_hint(e, "trace an unpacked copy: upx -d -o COPY '%s'", path);
		return -ENOEXEC;
	}
	return 0;
}

/* ---- section headers ---- */

static const char *section_name(const struct elf_file *f, const Elf64_Shdr *strings, uint32_t at)
{
	return elf_file_string(f, strings->sh_offset, strings->sh_size, at);
}

static int read_sections(struct elf_file *f, const Elf64_Ehdr *h)
{
	Elf64_Shdr strings;

	if (h->e_shentsize != sizeof(Elf64_Shdr) || !h->e_shoff || h->e_shstrndx >= h->e_shnum ||
	    !in_file(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return 0;
	f->section = calloc(h->e_shnum, sizeof(*f->section));
	if (!f->section)
		return -ENOMEM;
	memcpy(&strings, f->data + h->e_shoff + h->e_shstrndx * sizeof(strings), sizeof(strings));
	for (unsigned i = 0; i < h->e_shnum; i++) {
		Elf64_Shdr s;

		memcpy(&s, f->data + h->e_shoff + i * sizeof(s), sizeof(s));
		if (s.sh_type == SHT_NULL)
			continue;
		if (s.sh_type == SHT_NOBITS)
			s.sh_size = 0;
		else if (!in_file(f, s.sh_offset, s.sh_size))
			continue;
		f->section[f->sections++] = (struct elf_section){
			.name = section_name(f, &strings, s.sh_name),
			.vaddr = s.sh_flags & SHF_ALLOC ? s.sh_addr : 0,
			.offset = s.sh_type == SHT_NOBITS ? 0 : s.sh_offset,
			.size = s.sh_size,
			.flags = s.sh_flags,
			.type = s.sh_type,
		};
	}
	return 0;
}

/* ---- open and close ---- */

static int check_file(const char *path, const struct stat *st, struct err *e)
{
	int rc;

	if (S_ISDIR(st->st_mode))
		rc = err_set(e, EACCES, "'%s' is a directory, not a program", path);
	else if (!S_ISREG(st->st_mode))
		rc = err_set(e, EACCES, "'%s' is not a regular file", path);
	else if (!st->st_size)
		rc = err_set(e, ENOEXEC, "'%s' is empty", path);
	else
		return 0;
	err_hint(e, "give the path of an x86-64 program");
	return rc;
}

static int map_file(const char *path, struct elf_file *f, mode_t *ret_mode, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	void *map;
	int rc;

	if (fd < 0) {
		rc = err_sys(e, errno, "cannot open '%s'", path);
		if (rc == -EACCES)
			err_hint(e, "stacktrace reads a program to find its functions: run it as "
				    "the file's owner or as root");
		else if (rc == -ENOENT)
			err_hint(e, "check the path; a program in this directory is ./NAME");
		return rc;
	}
	if (fstat(fd, &st))
		rc = err_sys(e, errno, "cannot examine '%s'", path);
	else
		rc = check_file(path, &st, e);
	if (!rc) {
		/* libelf writes section headers in place when it decompresses Go's DWARF. */
		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			rc = err_sys(e, errno, "cannot map '%s'", path);
		} else {
			f->data = map;
			f->size = (size_t)st.st_size;
			*ret_mode = st.st_mode;
		}
	}
	close(fd);
	return rc;
}

static int read_headers(struct elf_file *f, const char *path, struct err *e)
{
	Elf64_Ehdr h;
	int rc;

	rc = elf_file_diagnose(path, f->data, f->size, e);
	if (rc)
		return rc;
	memcpy(&h, f->data, sizeof(h));
	rc = read_segments(f, path, &h, e);
	if (!rc)
		rc = check_kind(f, path, &h, e);
	if (!rc && read_sections(f, &h))
		rc = err_sys(e, ENOMEM, "cannot read '%s'", path);
	return rc;
}

static int open_file(const char *path, bool symbols_only, struct elf_file *f, struct err *e)
{
	mode_t mode = 0;
	int rc;

	memset(f, 0, sizeof(*f));
	f->symbols_only = symbols_only;
	rc = map_file(path, f, &mode, e);
	if (!rc)
		rc = read_headers(f, path, e);
	/* Last: what a file is tells a user more than its mode. */
	if (!rc && !symbols_only && !(mode & 0111)) {
		rc = err_set(e, EACCES, "'%s' is not executable", path);
		err_hint(e, "chmod +x '%s'", path);
	}
	if (rc)
		elf_file_close(f);
	return rc;
}

int elf_file_open(const char *path, struct elf_file *f, struct err *e)
{
	return open_file(path, false, f, e);
}

int elf_file_open_symbols(const char *path, struct elf_file *f, struct err *e)
{
	return open_file(path, true, f, e);
}

void elf_file_close(struct elf_file *f)
{
	if (f->data)
		munmap((void *)f->data, f->size);
	free(f->segment);
	free(f->section);
	free(f->other);
	free(f->other_type);
	memset(f, 0, sizeof(*f));
}

/* ---- access ---- */

const struct elf_segment *elf_file_segment(const struct elf_file *f, uint64_t vaddr)
{
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *s = &f->segment[i];

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->file_size)
			return s;
	}
	return NULL;
}

static uint32_t flags_at(const struct elf_file *f, uint64_t vaddr)
{
	for (size_t i = 0; i < f->segments; i++) {
		const struct elf_segment *s = &f->segment[i];

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->mem_size)
			return s->flags;
	}
	return 0;
}

bool elf_file_is_data(const struct elf_file *f, uint64_t vaddr)
{
	return flags_at(f, vaddr) & PF_W;
}

bool elf_file_is_code(const struct elf_file *f, uint64_t vaddr)
{
	return flags_at(f, vaddr) & PF_X;
}

const uint8_t *elf_file_tail(const struct elf_file *f, uint64_t vaddr, size_t *ret_len)
{
	const struct elf_segment *s = elf_file_segment(f, vaddr);

	if (!s) {
		*ret_len = 0;
		return NULL;
	}
	*ret_len = s->file_size - (vaddr - s->vaddr);
	return f->data + s->offset + (vaddr - s->vaddr);
}

const uint8_t *elf_file_bytes(const struct elf_file *f, uint64_t vaddr, size_t len)
{
	size_t have;
	const uint8_t *p = elf_file_tail(f, vaddr, &have);

	return p && len <= have ? p : NULL;
}

const struct elf_section *elf_file_section(const struct elf_file *f, const char *name)
{
	for (size_t i = 0; i < f->sections; i++)
		if (!strcmp(f->section[i].name, name))
			return &f->section[i];
	return NULL;
}

bool elf_file_relative(const struct elf_file *f, size_t i, uint64_t *ret_vaddr, uint64_t *ret_value)
{
	Elf64_Rela r;

	memcpy(&r, f->rela + i * sizeof(r), sizeof(r));
	if (ELF64_R_TYPE(r.r_info) != R_X86_64_RELATIVE)
		return false;
	*ret_vaddr = r.r_offset;
	*ret_value = (uint64_t)r.r_addend;
	return true;
}

int elf_file_words(const struct elf_file *f, uint64_t vaddr, uint64_t *ret, size_t count)
{
	const uint8_t *p = elf_file_bytes(f, vaddr, count * sizeof(*ret));

	if (!p)
		return -ENOENT;
	memcpy(ret, p, count * sizeof(*ret));
	for (size_t i = 0; i < f->relas; i++) {
		uint64_t at, value;

		if (elf_file_relative(f, i, &at, &value) && at >= vaddr &&
		    (at - vaddr) / sizeof(*ret) < count && !((at - vaddr) % sizeof(*ret)))
			ret[(at - vaddr) / sizeof(*ret)] = value;
	}
	return 0;
}

const char *elf_file_string(const struct elf_file *f, uint64_t offset, uint64_t size, uint64_t at)
{
	if (!in_file(f, offset, size) || at >= size || f->data[offset + size - 1])
		return "";
	return (const char *)f->data + offset + at;
}

/* ---- notes ---- */

static const uint8_t *find_note(const uint8_t *p, uint64_t left, const char *owner, uint32_t type,
				size_t *ret_len)
{
	const size_t owner_size = strlen(owner) + 1;

	while (left >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc;

		memcpy(&n, p, sizeof(n));
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)n.n_descsz + 3) & ~3ull;
		p += sizeof(n);
		left -= sizeof(n);
		if (name > left || n.n_descsz > left - name)
			return NULL;
		/* Go counts the padding of its owner's name as part of it */
		if (n.n_type == type && n.n_namesz >= owner_size && name - owner_size < 4 &&
		    !memcmp(p, owner, owner_size)) {
			*ret_len = n.n_descsz;
			return p + name;
		}
		if (desc > left - name)
			return NULL;
		p += name + desc;
		left -= name + desc;
	}
	return NULL;
}

const uint8_t *elf_file_note(const struct elf_file *f, const char *owner, uint32_t type,
			     size_t *ret_len)
{
	const uint8_t *p = NULL;

	for (size_t i = 0; i < f->others && !p; i++)
		if (f->other_type[i] == PT_NOTE)
			p = find_note(f->data + f->other[i].offset, f->other[i].file_size, owner,
				      type, ret_len);
	for (size_t i = 0; i < f->sections && !p; i++)
		if (f->section[i].type == SHT_NOTE)
			p = find_note(f->data + f->section[i].offset, f->section[i].size, owner,
				      type, ret_len);
	return p;
}
