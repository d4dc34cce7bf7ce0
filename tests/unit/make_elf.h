/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_elf.h: small ELF programs made byte by byte, for the tests of symbols/.
 *
 * A made file has up to eight segments, which lie in the file as they do in memory, at a base that
 * the test chooses.  It is written to a memory file whose path image_open takes.
 */
#ifndef ST_TESTS_UNIT_MAKE_ELF_H
#define ST_TESTS_UNIT_MAKE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MADE_MAX = 16384, MADE_SEGMENTS = 8, MADE_HEADERS = 64 + MADE_SEGMENTS * 56 };

struct made {
	uint8_t d[MADE_MAX];
	size_t n;
	uint64_t base;
	unsigned segments;
	int fd;
	char path[64];
};

static inline Elf64_Ehdr *made_header(struct made *m)
{
	return (Elf64_Ehdr *)m->d;
}

static inline Elf64_Phdr *made_segment(struct made *m, unsigned i)
{
	return (Elf64_Phdr *)(m->d + sizeof(Elf64_Ehdr)) + i;
}

static inline uint64_t made_vaddr(const struct made *m)
{
	return m->base + m->n;
}

static inline void put(struct made *m, const void *p, size_t len)
{
	if (m->n + len > MADE_MAX)
		abort();
	memcpy(m->d + m->n, p, len);
	m->n += len;
}

static inline void put_u8(struct made *m, uint8_t v)
{
	put(m, &v, sizeof(v));
}

static inline void put_u32(struct made *m, uint32_t v)
{
	put(m, &v, sizeof(v));
}

static inline void put_u64(struct made *m, uint64_t v)
{
	put(m, &v, sizeof(v));
}

static inline void put_text(struct made *m, const char *s)
{
	put(m, s, strlen(s) + 1);
}

static inline void put_zeros(struct made *m, size_t len)
{
	while (len--)
		put_u8(m, 0);
}

static inline void put_align(struct made *m, size_t to)
{
	while (m->n % to)
		put_u8(m, 0);
}

/* An x86-64 program without segments; type is ET_EXEC or ET_DYN. */
static inline void made_begin(struct made *m, uint16_t type)
{
	memset(m, 0, sizeof(*m));
	m->fd = -1;
	m->base = type == ET_EXEC ? 0x400000 : 0;
	m->n = MADE_HEADERS;
	*made_header(m) = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
}

/* A segment of what was put since offset from. */
static inline Elf64_Phdr *made_add(struct made *m, uint32_t type, uint32_t flags, size_t from)
{
	Elf64_Phdr *p = made_segment(m, m->segments++);

	*p = (Elf64_Phdr){
		.p_type = type,
		.p_flags = flags,
		.p_offset = from,
		.p_vaddr = m->base + from,
		.p_filesz = m->n - from,
		.p_memsz = m->n - from,
		.p_align = 4096,
	};
	made_header(m)->e_phnum = (uint16_t)m->segments;
	return p;
}

/* Code of len bytes, at whose start the program enters. */
static inline void made_code(struct made *m, size_t len)
{
	size_t from = m->n;

	made_header(m)->e_entry = made_vaddr(m);
	while (len--)
		put_u8(m, 0x90);
	made_add(m, PT_LOAD, PF_R | PF_X, from);
}

/* Code of 256 bytes: all that image_open asks for. */
static inline void sound(struct made *m, uint16_t type)
{
	made_begin(m, type);
	made_code(m, 256);
}

/* A dynamic section, loaded too. */
static inline void put_dynamic(struct made *m, const Elf64_Dyn *dyn, size_t count)
{
	size_t from;

	put_align(m, 8);
	from = m->n;
	put(m, dyn, count * sizeof(*dyn));
	made_add(m, PT_LOAD, PF_R | PF_W, from);
	made_add(m, PT_DYNAMIC, PF_R, from);
}

/* One named section beside the table of names. */
static inline void made_section(struct made *m, const char *name, size_t offset, size_t size)
{
	Elf64_Shdr s[3] = {
		[1] = { .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_flags = SHF_ALLOC,
			.sh_addr = m->base + offset,
			.sh_offset = offset,
			.sh_size = size },
		[2] = { .sh_type = SHT_STRTAB },
	};

	s[2].sh_offset = m->n;
	put_u8(m, 0);
	put_text(m, name);
	s[2].sh_size = m->n - s[2].sh_offset;
	put_align(m, 8);
	made_header(m)->e_shoff = m->n;
	made_header(m)->e_shnum = 3;
	made_header(m)->e_shstrndx = 2;
	made_header(m)->e_shentsize = sizeof(s[0]);
	put(m, s, sizeof(s));
}

/* The first size bytes as a file that may be executed; the path is in m->path. */
static inline const char *made_write(struct made *m, size_t size)
{
	if (m->fd < 0)
		m->fd = memfd_create("made", MFD_CLOEXEC);
	if (m->fd < 0 || fchmod(m->fd, 0755) || ftruncate(m->fd, 0) ||
	    pwrite(m->fd, m->d, size, 0) != (ssize_t)size)
		abort();
	snprintf(m->path, sizeof(m->path), "/proc/self/fd/%d", m->fd);
	return m->path;
}

static inline void made_end(struct made *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

#endif
