/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pclntab.h: Go's own function table, which the runtime needs and strip therefore leaves in place.
 *
 * Private to symbols/.  All four layouts (Go 1.2, 1.16, 1.18 and 1.20) are read; addresses are
 * link-time addresses.  The table may be hostile: opening it checks the header and that functions
 * ascend, every later read checks its own bounds, and no loop runs longer than the table is large.
 */
#ifndef ST_SYMBOLS_PCLNTAB_H
#define ST_SYMBOLS_PCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;
struct function;
struct place;
struct short_name;

enum pclntab_layout { PCLNTAB_NONE, PCLNTAB_GO12, PCLNTAB_GO116, PCLNTAB_GO118, PCLNTAB_GO120 };

struct pclntab {
	const struct elf_file *elf;
	enum pclntab_layout layout;
	uint64_t vaddr; /* of the header */
	const uint8_t *data;
	size_t size;   /* to the end of the section or segment: an upper bound */
	uint64_t text; /* what function offsets count from, 1.18 and later */
	uint64_t end;  /* first address behind the last function */
	uint32_t functions;
	/* offsets of the parts from data, each at most size */
	size_t names, units, files, values, functab;
	/* what offsets in functab count from */
	size_t records;

	/* functions by hash of their name, built at the first lookup: heads, then chains */
	uint32_t *by_name;
	uint32_t buckets;

	/* runtime.firstmoduledata and go:func.*, looked for at the first use */
	bool moduledata_tried, gofunc_tried;
	uint64_t moduledata, gofunc; /* 0: not found */

	uint32_t work;			/* what may still be read for the address in hand */
	struct short_name *short_names; /* of instantiated generic functions, by the whole name */
};

/* Finds the table in a file.  0, or -ENOENT where there is none that is sound. */
int pclntab_find(const struct elf_file *f, struct pclntab *ret);
void pclntab_release(struct pclntab *t);

/* Checks a table at data; vaddr is where it loads.  0 or -EINVAL.  For pclntab_find and tests. */
int pclntab_open(const struct elf_file *f, const uint8_t *data, size_t size, uint64_t vaddr,
		 struct pclntab *ret);

/* Link-time address of the module's description, or 0. */
uint64_t pclntab_moduledata(struct pclntab *t);

int pclntab_by_name(struct pclntab *t, const char *name, struct function *ret);
int pclntab_by_address(struct pclntab *t, uint64_t vaddr, struct function *ret);
int pclntab_by_index(struct pclntab *t, size_t i, struct function *ret);

/*
 * As image_places, with names as Go's own stack traces print them: "main.Map[...]" for any instance
 * of a generic function, and without the wrappers that the compiler makes, except innermost.
 */
size_t pclntab_places(struct pclntab *t, uint64_t vaddr, struct place *ret, size_t max);

/* ---- between the files of the reader ---- */

/* One function's record, in the shape of the newest layout. */
struct pclntab_func {
	uint64_t entry;
	uint64_t size;
	uint32_t name;
	uint32_t pcfile, pcln; /* offsets into values, 0: none */
	uint32_t unit;	       /* first of its files in units */
	uint32_t pcdatas, funcdatas;
	size_t pcdata, funcdata; /* where the arrays are, offsets from data */
};
int pclntab_func(const struct pclntab *t, size_t i, struct pclntab_func *ret);

/* Index of the function that holds the address; -ENOENT. */
int pclntab_search(const struct pclntab *t, uint64_t vaddr, size_t *ret);

/* The name at an offset of the name table, or NULL if it does not end there. */
const char *pclntab_name(const struct pclntab *t, uint32_t offset);

/* Frees what pclntab_places keeps. */
void pclntab_forget_names(struct pclntab *t);

#endif
