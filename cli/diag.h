/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h: messages to the user and exit statuses.
 *
 * Each message is one line in one write, so that it survives a standard error shared with the
 * traced program.
 */
#ifndef ST_CLI_DIAG_H
#define ST_CLI_DIAG_H

struct err;

/*
 * Commands that run a program pass its status on, so their own failures keep to the numbers that
 * env(1) and timeout(1) use.
 */
enum exit_status {
	EXIT_OK = 0,
	EXIT_OWN_FAILURE = 1,	   /* commands that run no program */
	EXIT_BAD_USAGE = 2,	   /* the same */
	EXIT_EVENTS_LOST = 3,	   /* --strict */
	EXIT_RULE_BROKEN = 3,	   /* diff --fail-if */
	EXIT_TRACER_FAILURE = 125, /* run, record: own failure and usage */
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127,
};

/* Prefix of all messages: "stacktrace run".  The string is kept by reference. */
void diag_set_prefix(const char *prefix);

void diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints an error, and its hint on a second line if it has one. */
void diag_err(const struct err *e);

#endif
