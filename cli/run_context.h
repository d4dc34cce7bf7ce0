/* SPDX-License-Identifier: Apache-2.0 */
/* run_context.h: gathers what a report should know about the run: machine, program, runtime,
 * probes. */
#ifndef ST_CLI_RUN_CONTEXT_H
#define ST_CLI_RUN_CONTEXT_H

struct program;
struct run_info;

/*
 * The run of a command, or of processes with argv NULL; p is the first program that was traced, or
 * NULL: none was.  Fills *ret, which run_info_release() empties, also after an error.  -ENOMEM.
 */
int run_context_describe(struct run_info *ret, char *const *argv, const struct program *p);

#endif
