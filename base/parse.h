/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h: strict readers of what users type.  The whole text must be the number; nothing is
 * guessed.
 */
#ifndef ST_BASE_PARSE_H
#define ST_BASE_PARSE_H

#include <stdint.h>

struct err;

/* A decimal number without sign in [min, max].  -EINVAL or -ERANGE; e says what was expected,
 * naming the option or variable `what`. */
int parse_u64(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	      struct err *e);

/* As parse_u64, bytes: may end in K, M or G (or KiB, MiB, GiB; all powers of 1024). */
int parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	       struct err *e);

/* A time: digits, perhaps with a fraction, and ns, us, ms, s, m or h; seconds if nothing follows.
 * *ret is in nanoseconds. */
int parse_time(const char *what, const char *text, uint64_t *ret, struct err *e);

/* Index of text in the NULL-terminated list of words; -EINVAL names the choices. */
int parse_choice(const char *what, const char *text, const char *const *words, unsigned *ret,
		 struct err *e);

#endif
