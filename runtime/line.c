/* SPDX-License-Identifier: Apache-2.0 */
/* line.c: see line.h. */
#include "runtime/line.h"

#include <string.h>
#include <unistd.h>

void line_text(struct line *l, const char *s)
{
	size_t n = strlen(s);

	if (n > sizeof(l->text) - l->used)
		n = sizeof(l->text) - l->used;
	memcpy(l->text + l->used, s, n);
	l->used += n;
}

void line_decimal(struct line *l, uint64_t n, unsigned decimals)
{
	char digits[32];
	unsigned i = sizeof(digits) - 1, k = 0;

	digits[i] = '\0';
	do {
		if (k && k == decimals)
			digits[--i] = '.';
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
		k++;
	} while (n || k <= decimals);
	line_text(l, digits + i);
}

void line_number(struct line *l, uint64_t n)
{
	line_decimal(l, n, 0);
}

void line_write(struct line *l, int fd)
{
	const char *at = l->text;
	ssize_t n;

	while (l->used && (n = write(fd, at, l->used)) > 0) {
		at += n;
		l->used -= (size_t)n;
	}
	l->used = 0;
}
