/* SPDX-License-Identifier: Apache-2.0 */
/* escape.h: a search of the memory of this process for addresses of one range. */
#ifndef ST_RUNTIME_ESCAPE_H
#define ST_RUNTIME_ESCAPE_H

#include <stdint.h>

/* at: where the word lies; from: the beginning of the map's line, its name behind it. */
typedef void escape_fn(uint64_t at, uint64_t value, const char *map, void *arg);

/* Calls fn for each aligned word in writable private memory that lies in lo to hi. */
void escape_search(uint64_t lo, uint64_t hi, escape_fn *fn, void *arg);

#endif
