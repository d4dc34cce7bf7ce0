/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_scan.h: what the parsers of lines are made of.
 *
 * Each function moves the scan on, and on failure leaves it behind what still fitted: that is how
 * far a torn line may have come.
 */
#ifndef ST_FORMATS_LINE_SCAN_H
#define ST_FORMATS_LINE_SCAN_H

#include <string.h>

#include "formats/line.h"

#define LINE_DIGITS 18 /* of a number that surely fits */

static inline bool line_is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* Exactly these characters. */
static inline bool line_literal(struct line_scan *s, const char *text, size_t len)
{
	if ((size_t)(s->end - s->p) >= len && !memcmp(s->p, text, len)) {
		s->p += len;
		return true;
	}
	while (s->p < s->end && *s->p == *text)
		s->p++, text++;
	return false;
}
#define LINE_LITERAL(s, text) line_literal(s, text, sizeof(text) - 1)

/* A new value, NULL if there is one of this field or no room. */
static inline struct line_value *line_add(struct line *l, enum line_field f)
{
	struct line_value *v = &l->value[l->count];

	if (l->count == LINE_VALUES || (f && l->at[f]))
		return NULL;
	l->count++;
	if (f)
		l->at[f] = (uint8_t)l->count;
	else
		l->unknown++;
	v->field = (uint8_t)f;
	v->name = NULL;
	v->n = 0;
	v->scale = 0;
	return v;
}

/* Digits, perhaps with a point and more of them, as the runtime prints numbers without a sign. */
static inline bool line_digits(struct line_scan *s, struct line_value *v)
{
	const char *p = s->p, *begin = p, *point = NULL;
	uint64_t n = 0;

	for (; p < s->end; p++) {
		if (line_is_digit(*p))
			n = n * 10 + (uint64_t)(*p - '0');
		else if (*p == '.' && !point && p > begin)
			point = p;
		else
			break;
	}
	s->p = p;
	if (p == begin || p - begin > LINE_DIGITS || point == p - 1)
		return false;
	v->text = begin;
	v->len = (uint32_t)(p - begin);
	v->n = (int64_t)n;
	v->scale = point ? (uint8_t)(p - point - 1) : 0;
	v->type = LINE_NUMBER;
	return true;
}

/* A number of a field. */
static inline bool line_number(struct line_scan *s, enum line_field f)
{
	struct line_value *v = line_add(s->l, f);

	return v && line_digits(s, v);
}

#endif
