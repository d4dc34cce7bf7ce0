/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_file.h: a mapped 64-bit x86-64 ELF program, by address and by section.
 *
 * Private to the readers in symbols/.  Every number in the file is distrusted: what is handed out
 * was checked against the size of the mapping, so a pointer with its length can be read freely.
 * Program headers must be sound, as the kernel demands it; section headers are an aid that stripped
 * or damaged files lack, so unsound ones are left out without an error.
 */
#ifndef ST_SYMBOLS_ELF_FILE_H
#define ST_SYMBOLS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A PT_LOAD. */
struct elf_segment {
	uint64_t vaddr;
	uint64_t offset;
	uint64_t file_size; /* bytes from the file; all inside it */
	uint64_t mem_size;
	uint32_t flags; /* PF_R, PF_W, PF_X */
};

struct elf_section {
	const char *name;
	uint64_t vaddr; /* 0 if not loaded */
	uint64_t offset;
	uint64_t size; /* bytes in the file, all inside it; 0 for SHT_NOBITS */
	uint64_t flags;
	uint32_t type;
};

struct elf_file {
	const uint8_t *data;
	size_t size;
	bool is_pie;
	uint64_t entry;
	bool symbols_only; /* need not be fit to run */
	struct elf_segment *segment;
	size_t segments;
	struct elf_section *section;
	size_t sections;
	/* PT_NOTE, PT_DYNAMIC and PT_INTERP as they are in the file; vaddr and file_size only */
	struct elf_segment *other;
	uint32_t *other_type;
	size_t others;
	/* DT_RELA */
	const uint8_t *rela;
	size_t relas;
};

/* Maps and checks; errors as image_open.  On failure f needs no closing. */
int elf_file_open(const char *path, struct elf_file *f, struct err *e);
/* As elf_file_open, also of what cannot be run: separate debug information, a copy without mode x.
 */
int elf_file_open_symbols(const char *path, struct elf_file *f, struct err *e);
void elf_file_close(struct elf_file *f);

/* Says what a file that is no x86-64 Linux program is instead; returns -ENOEXEC. */
int elf_file_diagnose(const char *path, const uint8_t *data, size_t size, struct err *e);

/* NULL unless all of len bytes are in the file part of one segment. */
const uint8_t *elf_file_bytes(const struct elf_file *f, uint64_t vaddr, size_t len);

/* Bytes from vaddr to the end of its segment's file part; NULL and 0 outside. */
const uint8_t *elf_file_tail(const struct elf_file *f, uint64_t vaddr, size_t *ret_len);

/* The segment whose file part holds the address, or NULL. */
const struct elf_segment *elf_file_segment(const struct elf_file *f, uint64_t vaddr);

/* Whether an address is of variables: of a segment that is written, also behind its file part. */
bool elf_file_is_data(const struct elf_file *f, uint64_t vaddr);
/* Of a segment that is executed, also if that is not in the file, as of separate debug information.
 */
bool elf_file_is_code(const struct elf_file *f, uint64_t vaddr);

/* The first section of that name, or NULL. */
const struct elf_section *elf_file_section(const struct elf_file *f, const char *name);

/* The string at at in a string table, or "" if it is not inside or the table does not end in NUL.
 */
const char *elf_file_string(const struct elf_file *f, uint64_t offset, uint64_t size, uint64_t at);

/*
 * Reads count words as they are once the file is loaded at its link-time address: lld leaves words
 * of a PIE that the dynamic linker fills (R_X86_64_RELATIVE) zero in the file.  0 or -ENOENT.
 */
int elf_file_words(const struct elf_file *f, uint64_t vaddr, uint64_t *ret, size_t count);

/* The i-th relocation, if it makes the word at *ret_vaddr an address of this file, *ret_value; else
 * false.  There are f->relas of them. */
bool elf_file_relative(const struct elf_file *f, size_t i, uint64_t *ret_vaddr,
		       uint64_t *ret_value);

/* Content of the first ELF note of that owner and type, or NULL. */
const uint8_t *elf_file_note(const struct elf_file *f, const char *owner, uint32_t type,
			     size_t *ret_len);

#endif
