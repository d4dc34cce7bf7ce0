/* SPDX-License-Identifier: Apache-2.0 */
/* symtab.h: names for addresses of this program. */
#ifndef ST_RUNTIME_SYMTAB_H
#define ST_RUNTIME_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "function+0x1c", or the bare address where no name is known.  is_return: look behind a call. */
void symtab_name(uint64_t pc, bool is_return, char *ret, size_t size);

/* "object+0x8"; false if no name is known. */
bool symtab_object(uint64_t addr, char *ret, size_t size);

#endif
