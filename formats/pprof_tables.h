/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pprof_tables.h: the strings, functions, places and executables that a profile's samples name by
 * number.  Each is there once; all are written behind the samples.
 */
#ifndef ST_FORMATS_PPROF_TABLES_H
#define ST_FORMATS_PPROF_TABLES_H

#include <stdint.h>

struct pprof_tables;
struct protobuf;
struct render_context;

int pprof_tables_new(struct pprof_tables **ret);
void pprof_tables_free(struct pprof_tables *t); /* NULL-safe */

/* Numbers; the first string gets 0, as the schema wants the empty one to.  Out of memory they are
 * 0, and pprof_tables_put fails. */
uint64_t pprof_string(struct pprof_tables *t, const char *text);
uint64_t pprof_location(struct pprof_tables *t, uint32_t pid, uint64_t addr);
uint64_t pprof_note(struct pprof_tables *t, const char *text); /* "[no stack]", no place */

/* 0 or -ENOMEM. */
int pprof_tables_put(struct pprof_tables *t, struct protobuf *out, const struct render_context *c);

#endif
