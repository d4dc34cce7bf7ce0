/* SPDX-License-Identifier: Apache-2.0 */
/* folded.h: call chains as single texts, merged by name. */
#ifndef ST_FORMATS_FOLDED_H
#define ST_FORMATS_FOLDED_H

#include <stdbool.h>
#include <stdint.h>

struct render_context;

/*
 * Each chain that weighs something, sorted by its text.  lines: with those of the go statements,
 * which move when the source is edited.  A result other than 0 ends it and is handed on.
 */
typedef int folded_fn(void *arg, const char *chain, uint64_t weight);
int folded_each(const struct render_context *c, bool lines, folded_fn *fn, void *arg);

#endif
