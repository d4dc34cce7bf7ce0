/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dwarf_places.h: source places of an address from DWARF, through libdw.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_DWARF_PLACES_H
#define ST_SYMBOLS_DWARF_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Dwarf;
struct dwarf_info;
struct elf_file;
struct place;

#define DWARF_DEBUG_ROOT "/usr/lib/debug/.build-id"

enum dwarf_use { DWARF_FOR_TYPES, DWARF_FOR_ALL };

/*
 * Opens the DWARF in the file, or else in the separate file that its build id (hex, may be empty)
 * names in debug_root (DWARF_DEBUG_ROOT on a system).  Nothing is fetched over a network.  NULL
 * where there is none.  The file must stay mapped, and have no other DWARF open.  For types alone,
 * the rest of the file's own need not be there.
 */
struct dwarf_info *dwarf_info_open(const struct elf_file *f, const char *build_id,
				   const char *debug_root, enum dwarf_use use);
void dwarf_info_free(struct dwarf_info *d);

struct Dwarf *dwarf_info_dwarf(struct dwarf_info *d);

/* As image_places; 0 where DWARF does not describe the address. */
size_t dwarf_info_places(struct dwarf_info *d, uint64_t vaddr, struct place *ret, size_t max);

/* The source line alone, which assembly has without having functions in DWARF. */
bool dwarf_info_line(struct dwarf_info *d, uint64_t vaddr, const char **ret_file,
		     unsigned *ret_line);

#endif
