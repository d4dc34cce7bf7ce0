/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buildinfo.h: which Go built a program.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_BUILDINFO_H
#define ST_SYMBOLS_BUILDINFO_H

#include <stddef.h>

struct elf_file;
struct function;

/*
 * Both write the version as the toolchain spells it, such as "go1.22.12" or a vendor's
 * "go1.25-20250209-RC00 cl/724970549 +e39e965e0e X:fieldtrack", cut to size.  0, or -ENOENT.
 */

/* From the build info block. */
int buildinfo_block(const struct elf_file *f, char *ret, size_t size);

/* From the variable runtime.buildVersion, for programs without the block.  schedinit is the
 * function runtime.schedinit, or NULL if not known. */
int buildinfo_search(const struct elf_file *f, const struct function *schedinit, char *ret,
		     size_t size);

#endif
