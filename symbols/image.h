/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h: an executable file and what its bytes tell: functions, places, build info.
 *
 * Addresses are those of the file (link time); add the load bias for a running process.
 */
#ifndef ST_SYMBOLS_IMAGE_H
#define ST_SYMBOLS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Dwarf;
struct err;
struct image;

/*
 * Opens an x86-64 ELF executable.  The text of an error names the path and what is wrong with it,
 * the hint the remedy.  -ENOENT and whatever else open gives; -EACCES: not readable, not
 * executable, a directory, no regular file; -ENOEXEC: not ELF, a script, truncated, damaged, 32-bit
 * or of another machine or system, a shared library, packed with UPX.
 */
int image_open(const char *path, struct image **ret, struct err *e);
/* As image_open, also of what cannot be run: separate debug information, a copy without mode x. */
int image_open_symbols(const char *path, struct image **ret, struct err *e);
void image_free(struct image *img);

const char *image_path(const struct image *img);
/* Hex digits of the GNU build id, or Go's own build id, or "". */
const char *image_build_id(const struct image *img);
/* "go1.22.12", or "" if the program is not Go's or its version is not known. */
const char *image_go_version(const struct image *img);
bool image_is_go(const struct image *img); /* has Go's function table */
bool image_is_pie(const struct image *img);
uint64_t image_entry(const struct image *img); /* where the program begins */

struct function {
	const char *name; /* as the program's own tables spell it; owned by the image */
	uint64_t vaddr;
	uint64_t size;
};

/*
 * Finds a function by exact name; with several of one name (Go's ABI wrappers) the real one, which
 * is the largest.  0, or -ENOENT.
 */
int image_function(struct image *img, const char *name, struct function *ret);
int image_function_at(struct image *img, uint64_t vaddr, struct function *ret);

/* All functions in the order of their addresses; image_function_nth fails with -ENOENT for an index
 * out of range and for an entry that is damaged. */
size_t image_function_count(struct image *img);
int image_function_nth(struct image *img, size_t i, struct function *ret);

/*
 * One source place.  Strings are owned by the image.  The function is named as Go's own stack
 * traces do: "main.Map[...]" for each instance of a generic function.
 */
struct place {
	const char *function;
	const char *file; /* "" if not known */
	unsigned line;	  /* 0 if not known */
	bool inlined;	  /* this function was inlined into the next place */
};

/*
 * Places for an address, innermost first, inlined functions expanded where pclntab or DWARF tell.
 * Returns how many there are (at most max are stored), 0 if the address is in no known function.
 */
size_t image_places(struct image *img, uint64_t vaddr, struct place *ret, size_t max);

/*
 * What is at an address of the program's data: "runtime.sched.lock", or "runtime.sched+0x18" where
 * only the variable is known.  In stripped Go programs some locks of the runtime.  0 or -ENOENT.
 */
int image_variable(struct image *img, uint64_t vaddr, char *ret, size_t size);

/* File offset of an address; -ENOENT outside the file's segments. */
int image_offset(const struct image *img, uint64_t vaddr, uint64_t *ret);

/* Bytes at a link-time address, straight from the mapped file; NULL unless all of len are in one
 * segment's file part. */
const uint8_t *image_bytes(const struct image *img, uint64_t vaddr, size_t len);

/*
 * count words as they are in memory when the file is loaded at its link-time address.  Use it for
 * pointers: in a PIE the file may hold zero where the dynamic linker writes one.  0 or -ENOENT.
 */
int image_words(const struct image *img, uint64_t vaddr, uint64_t *ret, size_t count);

/* What is loaded: the file part of the i-th segment; false behind the last one. */
struct image_segment {
	const uint8_t *data;
	size_t len;
	uint64_t vaddr;
	bool writable;
	bool executable;
};
bool image_segment(const struct image *img, size_t i, struct image_segment *ret);

/* Content of a section, or NULL.  Sections are absent from some programs: never rely on one. */
const uint8_t *image_section(const struct image *img, const char *name, size_t *ret_len,
			     uint64_t *ret_vaddr);

/* Content of the first ELF note of that owner and type, or NULL. */
const uint8_t *image_note(const struct image *img, const char *owner, uint32_t type,
			  size_t *ret_len);

/* The i-th segment of ELF notes (PT_NOTE); false behind the last one. */
bool image_note_segment(const struct image *img, size_t i, struct image_segment *ret);

/* Go's runtime.firstmoduledata, or 0. */
uint64_t image_go_moduledata(struct image *img);

/*
 * The program's DWARF, of which at least the types are there, or NULL.  A Dwarf of libdw; owned by
 * the image, and gone with the next call of image_places or image_release_dwarf.
 */
struct Dwarf *image_dwarf(struct image *img);

/* Gives back its memory, which is much, until it is asked for again. */
void image_release_dwarf(struct image *img);

#endif
