/* SPDX-License-Identifier: Apache-2.0 */
/* run_context.h: gathers what a report should know about the run: machine, program, runtime,
 * probes. */
#ifndef ST_CLI_RUN_CONTEXT_H
#define ST_CLI_RUN_CONTEXT_H

struct image;
struct run_info;
struct source;
struct target;

/* Fills *ret, which run_info_release() empties, also after an error.  -ENOMEM. */
int run_context_describe(struct run_info *ret, const char *path, char *const *argv,
			 const struct image *img, const struct target *t, const struct source *s);

#endif
