/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variables.h: what is at an address of a program's data.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_VARIABLES_H
#define ST_SYMBOLS_VARIABLES_H

#include <stddef.h>
#include <stdint.h>

struct Dwarf;
struct elf_file;
struct image;

struct variable {
	const char *name; /* of the mapped file, or constant */
	uint64_t vaddr;
	uint64_t size;	    /* of all of it */
	uint64_t stride;    /* of an array without DWARF; else 0 */
	const char *member; /* of each of its elements: ".item.mu" */
};

struct variables {
	struct variable *v; /* by address */
	size_t count;
};

/* Those of the symbol table; of a stripped Go program, locks of its runtime.  NULL: no memory. */
struct variables *variables_open(const struct elf_file *f, struct image *img);
void variables_free(struct variables *v); /* NULL-safe */

/*
 * "runtime.sched.lock" where DWARF tells the member, otherwise "runtime.sched+0x18".  A lock is
 * named as a whole, at whatever offset in it.  dwarf and v may be NULL.  0 or -ENOENT.
 */
int variables_name(const struct variables *v, struct Dwarf *dwarf, uint64_t vaddr, char *ret,
		   size_t size);

/* The variable's name with the members at an offset; -ENOENT where DWARF has none, and then ret has
 * some of them. */
int variable_members(struct Dwarf *dwarf, const struct variable *v, uint64_t offset, char *ret,
		     size_t size);

/* Locks of Go's runtime by the code that takes them.  Returns how many were found. */
#define GO_LOCKS_MAX 32
size_t go_locks(const struct elf_file *f, struct image *img, struct variable ret[GO_LOCKS_MAX]);

#endif
