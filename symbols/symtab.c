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
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"
#include "symbols/elf_symbols.h"
#include "symbols/image.h"

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

static bool is_code(const struct elf_file *f, uint64_t vaddr)
{
	const struct elf_segment *s = elf_file_segment(f, vaddr);

	return s && (s->flags & PF_X);
}

static size_t read_functions(const struct elf_file *f, struct elf_symbols *from, struct symbol *ret)
{
	struct elf_symbol s;
	size_t n = 0;

	while (elf_symbols_next(from, &s)) {
		if ((s.type != STT_FUNC && s.type != STT_GNU_IFUNC && s.type != STT_NOTYPE) ||
		    !is_code(f, s.vaddr))
			continue;
		ret[n++] = (struct symbol){
			.fn = { .name = s.name, .vaddr = s.vaddr, .size = s.size },
			.global = s.global,
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

struct symtab *symtab_open(const struct elf_file *f)
{
	struct symtab *t = calloc(1, sizeof(*t));
	struct elf_symbols from;
	struct symbol *symbol;

	if (!t || elf_symbols_open(f, &from)) {
		free(t);
		return NULL;
	}
	symbol = calloc(from.count + 1, sizeof(*symbol));
	if (!symbol || build(t, f, symbol, read_functions(f, &from, symbol))) {
		symtab_free(t);
		t = NULL;
	}
	elf_symbols_close(&from);
	free(symbol);
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
