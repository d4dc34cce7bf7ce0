/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h: what the addresses in events mean: (process, address) -> source places.
 *
 * Filled from a resolver while recording and from the capture file when reporting; everything that
 * renders asks here and never at the target binary.
 */
#ifndef ST_FORMATS_NAMES_H
#define ST_FORMATS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names;

struct name {
	const char *function;
	const char *file; /* "" if not known */
	uint32_t line;	  /* 0 if not known */
	bool inlined;	  /* into the next name */
};

/* Called once for each address not yet known; adds what it finds with names_add. */
typedef void names_resolve_fn(void *arg, struct names *n, uint32_t pid, uint64_t addr);

int names_new(struct names **ret);
void names_free(struct names *n);
void names_set_resolver(struct names *n, names_resolve_fn *fn, void *arg);

/* Copies the names of one address, innermost first.  Adding an address again changes nothing. */
int names_add(struct names *n, uint32_t pid, uint64_t addr, const struct name *v, size_t count);

/*
 * The names of an address, owned by n and valid as long as it.  Never empty: an unknown address has
 * one name whose function is "[unknown]" for address 0 and "0x..." otherwise.
 */
const struct name *names_get(struct names *n, uint32_t pid, uint64_t addr, size_t *ret_count);

/* As names_get, of an address of data: its name, which lives as long as n, or NULL if it is not
 * known. */
const char *names_variable(struct names *n, uint32_t pid, uint64_t addr);

/* Every address known, in no particular order; a result other than 0 ends it and is handed on. */
typedef int names_each_fn(void *arg, uint32_t pid, uint64_t addr, const struct name *v,
			  size_t count);
int names_each(struct names *n, names_each_fn *fn, void *arg);

/*
 * Address to look up for a pc in an event: a return address is one past its call, which may be the
 * next line or even the next function.
 */
static inline uint64_t names_call_site(uint64_t return_pc)
{
	return return_pc ? return_pc - 1 : 0;
}

#endif
