/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_run.h: bytes or records in, through the parser of the runtime's lines, into one format and
 * what is passed through: the body of `stacktrace gc` and `stacktrace sched`.
 */
#ifndef ST_CLI_LINE_RUN_H
#define ST_CLI_LINE_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/output.h"
#include "formats/line_view.h"
#include "formats/lines.h"

struct err;
struct ev_line;

struct line_options {
	const struct line_report *report;
	const struct line_format *format;
	const char *path;    /* of the result, NULL: standard output */
	const char *pass;    /* where everything else goes, NULL: as said below */
	const char *columns; /* NULL: the usual ones */
	uint64_t every_ns;
};

struct line_run {
	const struct line_format *format;
	struct line_view view;
	struct output out, pass; /* pass.file: NULL if nothing is passed on */
	struct lines *lines;
	struct line_rows *rows;
	void *state;
	/* Where everything else goes instead of pass.file; NULL: there. */
	void (*pass_on)(void *arg, const char *text, size_t len);
	void *pass_arg;
	uint64_t time_ns; /* of what is read, UINT64_MAX: not known */
	bool failed;	  /* the result cannot be written any more */
	bool begun, ended;
};

/* pass: where everything else goes if the options do not say; NULL: nowhere.  name: for titles. */
int line_run_open(const struct line_options *o, FILE *pass, const char *name, struct line_run *r,
		  struct err *e);

/* 0 or -errno.  The second is a whole line, without its newline, that was read at a time. */
int line_run_feed(struct line_run *r, const char *bytes, size_t len);
int line_run_take(struct line_run *r, const char *text, size_t len, uint64_t time_ns, bool torn);

int line_run_flush(struct line_run *r, bool all); /* as lines_flush() */
int line_run_show(struct line_run *r); /* writes what there is; -EPIPE if that is in vain */

/* Reads to the end.  What was read is shown before it waits for more. */
int line_run_read(struct line_run *r, int fd, const char *name, struct err *e);

/* The lines of a capture. */
int line_run_capture(struct line_run *r, const char *path, struct err *e);

/* Writes what comes behind the last line. */
int line_run_end(struct line_run *r);

/* Ends, if that was not done, and closes.  0 or -errno; -EPIPE is no error worth a word. */
int line_run_close(struct line_run *r, struct err *e);

/* Closes without showing anything: there was nothing to read. */
void line_run_drop(struct line_run *r);

#endif
