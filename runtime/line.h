/* SPDX-License-Identifier: Apache-2.0 */
/* line.h: lines that are put together without memory and written at once. */
#ifndef ST_RUNTIME_LINE_H
#define ST_RUNTIME_LINE_H

#include <stddef.h>
#include <stdint.h>

struct line {
	size_t used;
	char text[4096]; /* what does not fit is left out */
};

void line_text(struct line *l, const char *s);
void line_number(struct line *l, uint64_t n);
/* n / 10^decimals */
void line_decimal(struct line *l, uint64_t n, unsigned decimals);
/* What there is, and empties it. */
void line_write(struct line *l, int fd);

#endif
