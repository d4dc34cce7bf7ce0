/* SPDX-License-Identifier: Apache-2.0 */
/*
 * go_dwarf.h: Go's g as the compiler describes it, where the binary was not stripped.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_GO_DWARF_H
#define ST_SYMBOLS_GO_DWARF_H

#include "symbols/go_offsets.h"

struct image;

/* 0, or -ENOENT where there is no DWARF or it does not tell. */
int go_dwarf_offsets(struct image *img, struct go_offsets *ret);

#endif
