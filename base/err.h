/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h: how a library function says what went wrong.
 *
 * Nothing below cli/ prints or exits.  A function that can fail in a way a user must understand
 * takes a struct err, fills it once, where the object's name is known, and returns a negative
 * errno.
 */
#ifndef ST_BASE_ERR_H
#define ST_BASE_ERR_H

struct err {
	char text[768]; /* "cannot open './prog': No such file or directory"; no prefix, no full
			   stop */
	char hint[768]; /* what to do about it, or empty */
};

/*
 * Sets the text, clears the hint, and returns -code.  e may be NULL.  code is a positive errno.
 * Control characters in the text are made visible.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(code) behind the text. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds the remedy to an error that was set.  e may be NULL. */
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
