/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strings.h: interned strings: each distinct text once, equal texts at equal addresses.
 */
#ifndef ST_BASE_STRINGS_H
#define ST_BASE_STRINGS_H

#include <stddef.h>

struct strings;

int strings_new(struct strings **ret);
void strings_free(struct strings *s); /* NULL-safe */

/*
 * The one copy of the len bytes at text, NUL-terminated; it lives as long as s.  The text must not
 * hold NUL.  NULL: no memory.
 */
const char *strings_intern(struct strings *s, const char *text, size_t len);

/* Number of distinct strings. */
size_t strings_count(const struct strings *s);

#endif
