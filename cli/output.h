/* SPDX-License-Identifier: Apache-2.0 */
/* output.h: where results go, and whether they really got there. */
#ifndef ST_CLI_OUTPUT_H
#define ST_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct err;
struct render_context;

struct output {
	FILE *file;
	const char *name; /* for messages */
	bool close;	  /* ours to close */
};

/* Opens path for the result; "-" is standard output, NULL is fallback (stdout or stderr). */
int output_open(const char *path, FILE *fallback, struct output *ret, struct err *e);

/* Flushes, and closes what output_open opened.  -errno if any byte did not arrive; e names the
 * file. */
int output_close(struct output *o, struct err *e);

/* Fills out, width, colour and utf8 of c from what o is connected to and from NO_COLOR. */
void output_describe(const struct output *o, struct render_context *c);

/* Flushes and closes standard output; prints an error and returns -errno if bytes were lost. */
int output_close_stdout(void);

#endif
