/* SPDX-License-Identifier: Apache-2.0 */
/* godebug.h: which lines the runtime of a program that we run is to write. */
#ifndef ST_CLI_GODEBUG_H
#define ST_CLI_GODEBUG_H

#include <stdbool.h>

struct godebug {
	bool gctrace;
	unsigned schedtrace_ms; /* 0: none */
	bool scheddetail;
	bool tee; /* the lines stay in the program's standard error */
};

static inline bool godebug_wanted(const struct godebug *g)
{
	return g->gctrace || g->schedtrace_ms;
}

/*
 * "GODEBUG=...": what is in our own environment, and behind it what is wanted, which wins in the
 * runtime.  The caller's to free; NULL: no memory.
 */
char *godebug_env(const struct godebug *g);

#endif
