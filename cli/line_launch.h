/* SPDX-License-Identifier: Apache-2.0 */
/* line_launch.h: a program run for the lines of its runtime alone, without probes. */
#ifndef ST_CLI_LINE_LAUNCH_H
#define ST_CLI_LINE_LAUNCH_H

struct godebug;
struct line_options;

/* Returns the exit status: the program's, or our own. */
int line_launch(const struct line_options *o, const struct godebug *g, char **argv);

#endif
