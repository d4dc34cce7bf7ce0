/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dwarf_places.c: compile units by address, scopes by address, places.
 *
 * .debug_aranges is not relied on, because clang does not write it: the ranges of all compile units
 * are read once instead.  Within a unit the DIEs that cover an address are its function and the
 * calls that were inlined there.
 */
#include "symbols/dwarf_places.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "symbols/dwarf_headers.h"
#include "symbols/elf_file.h"
#include "symbols/image.h"

struct unit_range {
	uint64_t low, high;
	Dwarf_Off die;
};

/* A path that had to be put together; the key is the text itself. */
struct joined {
	UT_hash_handle hh;
	char path[];
};

struct dwarf_info {
	Elf *elf; /* the mapped file, or NULL when dwarf is of a separate file */
	struct dwarf_headers headers;
	Dwarf *dwarf;
	int fd; /* of the separate file */
	bool ranges_tried;
	struct unit_range *range;
	size_t ranges, ranges_room;
	struct joined *joined;
};

/* ---- opening ---- */

static bool open_own(struct dwarf_info *d, const struct elf_file *f, enum dwarf_use use)
{
	if (!elf_file_section(f, ".debug_info") && !elf_file_section(f, ".zdebug_info"))
		return false;
	if (dwarf_headers_keep(f, &d->headers))
		return false;
	if (use == DWARF_FOR_TYPES)
		dwarf_headers_hide(f, &d->headers);
	d->elf = elf_memory((char *)f->data, f->size);
	if (d->elf)
		d->dwarf = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	return d->dwarf;
}

static bool open_separate(struct dwarf_info *d, const char *build_id, const char *root)
{
	char path[512];

	if (strlen(build_id) < 3 || strspn(build_id, "0123456789abcdef") != strlen(build_id))
		return false;
	snprintf(path, sizeof(path), "%.200s/%.2s/%.200s.debug", root, build_id, build_id + 2);
	d->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (d->fd < 0)
		return false;
	d->dwarf = dwarf_begin(d->fd, DWARF_C_READ);
	return d->dwarf;
}

struct dwarf_info *dwarf_info_open(const struct elf_file *f, const char *build_id,
				   const char *debug_root, enum dwarf_use use)
{
	struct dwarf_info *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fd = -1;
	elf_version(EV_CURRENT);
	if (!open_own(d, f, use) && !open_separate(d, build_id, debug_root)) {
		dwarf_info_free(d);
		return NULL;
	}
	return d;
}

void dwarf_info_free(struct dwarf_info *d)
{
	struct joined *j, *next;

	if (!d)
		return;
	HASH_ITER(hh, d->joined, j, next) {
		HASH_DEL(d->joined, j);
		free(j);
	}
	if (d->dwarf)
		dwarf_end(d->dwarf);
	if (d->elf)
		elf_end(d->elf);
	dwarf_headers_restore(&d->headers);
	if (d->fd >= 0)
		close(d->fd);
	free(d->range);
	free(d);
}

struct Dwarf *dwarf_info_dwarf(struct dwarf_info *d)
{
	return d ? d->dwarf : NULL;
}

/* ---- compile units by address ---- */

static void add_range(struct dwarf_info *d, uint64_t low, uint64_t high, Dwarf_Off die)
{
	if (low >= high || !low) /* 0: code that the linker dropped */
		return;
	if (d->ranges == d->ranges_room) {
		size_t room = d->ranges_room ? d->ranges_room * 2 : 64;
		void *p = reallocarray(d->range, room, sizeof(*d->range));

		if (!p)
			return;
		d->range = p;
		d->ranges_room = room;
	}
	d->range[d->ranges++] = (struct unit_range){ low, high, die };
}

static int by_low(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void read_ranges(struct dwarf_info *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, sub;
	uint8_t type;

	d->ranges_tried = true;
	while (!dwarf_get_units(d->dwarf, cu, &cu, NULL, &type, &die, &sub)) {
		Dwarf_Addr base, low, high;
		ptrdiff_t at = 0;

		/* a skeleton unit's ranges are its own, its functions lie in another file */
		if (type == DW_UT_skeleton && sub.addr)
			die = sub;
		while ((at = dwarf_ranges(&die, at, &base, &low, &high)) > 0)
			add_range(d, low, high, dwarf_dieoffset(&die));
	}
	if (d->ranges)
		qsort(d->range, d->ranges, sizeof(*d->range), by_low);
}

static bool find_unit(struct dwarf_info *d, uint64_t vaddr, Dwarf_Die *ret)
{
	size_t lo = 0, hi;

	if (!d->ranges_tried)
		read_ranges(d);
	hi = d->ranges;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->range[mid].low <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* ranges of different units do not overlap in sound DWARF */
	return lo && vaddr < d->range[lo - 1].high &&
	       dwarf_offdie(d->dwarf, d->range[lo - 1].die, ret);
}

/* ---- places ---- */

/* DWARF 4 leaves files of the unit's own directory without it. */
static const char *full_path(struct dwarf_info *d, Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute attr;
	const char *dir;
	struct joined *j;
	char *path;

	if (!file)
		return "";
	if (file[0] == '/' || file[0] == '<')
		return file;
	dir = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	if (!dir || asprintf(&path, "%s/%s", dir, file) < 0)
		return file;
	HASH_FIND_STR(d->joined, path, j);
	if (!j) {
		size_t size = strlen(path) + 1;

		j = malloc(sizeof(*j) + size);
		if (j) {
			memcpy(j->path, path, size);
			HASH_ADD_KEYPTR(hh, d->joined, j->path, size - 1, j);
		}
	}
	free(path);
	return j ? j->path : file;
}

static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));

	return name ? name : "?";
}

static unsigned call_line(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Word line;

	return dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &line) ? 0 : (unsigned)line;
}

static const char *call_file(Dwarf_Die *unit, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word number;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &number) ||
	    dwarf_getsrcfiles(unit, &files, NULL))
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

enum { SCOPES_MAX = 64 };

/*
 * Descends from a DIE into the one child that covers the address, again and again, and notes the
 * functions on the way, outermost first.  Not dwarf_getscopes: it looks for the definitions of
 * inlined functions too and fails where they are in another unit, as link-time optimisation leaves
 * them.
 */
static size_t find_functions(Dwarf_Die *unit, uint64_t vaddr, Dwarf_Die *ret)
{
	Dwarf_Die die;
	size_t n = 0;
	int rc = dwarf_child(unit, &die);

	while (!rc && n < SCOPES_MAX) {
		const int tag = dwarf_tag(&die);
		Dwarf_Die child;

		if (tag == DW_TAG_namespace) {
			n = find_functions(&die, vaddr, ret);
			if (n)
				return n;
		} else if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
			    tag == DW_TAG_lexical_block) &&
			   dwarf_haspc(&die, vaddr) > 0) {
			if (tag != DW_TAG_lexical_block)
				ret[n++] = die;
			rc = dwarf_child(&die, &child);
			die = child;
			continue;
		}
		rc = dwarf_siblingof(&die, &child);
		die = child;
	}
	return n;
}

bool dwarf_info_line(struct dwarf_info *d, uint64_t vaddr, const char **ret_file,
		     unsigned *ret_line)
{
	Dwarf_Line *line;
	Dwarf_Die unit;
	int number;

	if (!find_unit(d, vaddr, &unit))
		return false;
	line = dwarf_getsrc_die(&unit, vaddr);
	if (!line || dwarf_lineno(line, &number))
		return false;
	*ret_file = full_path(d, &unit, dwarf_linesrc(line, NULL, NULL));
	*ret_line = number > 0 ? (unsigned)number : 0;
	return true;
}

size_t dwarf_info_places(struct dwarf_info *d, uint64_t vaddr, struct place *ret, size_t max)
{
	Dwarf_Die unit, function[SCOPES_MAX];
	const char *file = "";
	unsigned line = 0;
	size_t n;

	if (!find_unit(d, vaddr, &unit))
		return 0;
	n = find_functions(&unit, vaddr, function);
	dwarf_info_line(d, vaddr, &file, &line);
	for (size_t i = 0; i < n; i++) {
		Dwarf_Die *die = &function[n - 1 - i];

		if (i < max)
			ret[i] = (struct place){
				.function = function_name(die),
				.file = file,
				.line = line,
				.inlined = i + 1 < n,
			};
		file = full_path(d, &unit, call_file(&unit, die));
		line = call_line(die);
	}
	return n;
}
