/* SPDX-License-Identifier: Apache-2.0 */
/*
 * go_offsets.h: where the fields of Go's g are, by what each source says, and whom to believe.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_GO_OFFSETS_H
#define ST_SYMBOLS_GO_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>

#include "symbols/target.h"

#define GO_OLDEST 17 /* Go 1.17, the first with the register calling convention */

struct go_offsets {
	int32_t field[FIELD_COUNT]; /* FIELD_UNKNOWN: no such field, or not told */
};

void go_offsets_clear(struct go_offsets *o);

struct go_version {
	unsigned minor;	  /* 22 for "go1.22.12"; 0: not known */
	bool development; /* between two releases: the table may not fit */
};

/* Reads "go1.22.12", "go1.26rc1", "devel go1.25-abc", "go1.22.5 X:boringcrypto", "" ... */
struct go_version go_version_parse(const char *text);

/* By Go's source and DWARF; NULL for a minor version not in the table. */
const struct go_offsets *go_offsets_table(unsigned minor);
unsigned go_offsets_newest(void);

/* What each source says; NULL where there is none. */
struct go_sources {
	struct go_version version;
	const struct go_offsets *dwarf;
	const struct go_offsets *table; /* of exactly this version */
	const struct go_offsets *inferred;
};

/*
 * Fills t's fields, origins and version_known, and adds to its warning whatever a user must know.
 * t->version is used in the text.  The rules, per field: DWARF; else the table, unless the
 * instructions contradict, which then win; else the instructions; else the newest table that
 * agrees with all that the instructions tell.
 */
void go_offsets_merge(const struct go_sources *src, struct target *t);

#endif
