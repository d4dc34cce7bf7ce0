/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 20 /* the most that one character becomes */

/*
 * Length of the UTF-8 sequence at s, or 0 if it is not one.  Overlong forms, surrogates and what
 * lies beyond U+10FFFF are not.
 */
static unsigned utf8_decode(const unsigned char *s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : 4;
	uint32_t c;

	if (n == 1) {
		*ret = s[0];
		return 1;
	}
	if (n == 4 && s[0] >> 3 != 30)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if (s[i] >> 6 != 2) /* also stops at the terminating NUL */
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Characters that change how others look, or look like nothing. */
static bool is_deceptive(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	{ 0xad, 0xad },	      { 0x61c, 0x61c },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* NULL: stands for itself. */
static const char *entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* A character that JSON, or a <script> around it, would take for something else; 0: it stands for
 * itself.
 */
static unsigned put_json(char c, char *out)
{
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = c;
		return 2;
	}
	if (c != '<' && c != '>' && c != '&')
		return 0;
	memcpy(out, c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026", 6);
	return 6;
}

/* One character of *s into out, which has room for PIECE bytes; the length of it.  Moves *s on. */
static unsigned step(const char **s, enum escape_style style, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t c = 0;
	unsigned n = utf8_decode(p, &c);
	bool plain = n && !is_deceptive(c);

	if (plain && style == ESCAPE_ASCII)
		plain = c < 0x80;
	if (plain && style == ESCAPE_FIELD)
		plain = !strchr("\"',`\\", *p) || c >= 0x80;
	if (!n)
		n = 1;
	*s += n;
	if (plain && style == ESCAPE_XML && n == 1 && entity(*p)) {
		n = (unsigned)strlen(entity(*p));
		memcpy(out, entity(*p), n);
		return n;
	}
	if (plain && style == ESCAPE_JSON && n == 1 && put_json((char)*p, out))
		return put_json((char)*p, out);
	if (plain) {
		memcpy(out, p, n);
		if (style == ESCAPE_FRAME && (*p == ';' || *p == ' '))
			out[0] = *p == ';' ? ':' : '_';
		return n;
	}
	for (unsigned i = 0; i < n; i++) {
		if (style == ESCAPE_JSON)
			*out++ = '\\';
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[p[i] >> 4];
		*out++ = hex[p[i] & 15];
	}
	return (style == ESCAPE_JSON ? 5 : 4) * n;
}

/* How much of it stands for itself in every style: most names as a whole. */
static size_t harmless(const char *s)
{
	static const bool plain[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['_'] = true,
		['.'] = true,	      ['/'] = true,	    ['('] = true,	  [')'] = true,
		['*'] = true,	      [':'] = true,	    ['-'] = true,	  ['['] = true,
		[']'] = true,
	};
	size_t n = 0;

	while (plain[(unsigned char)s[n]])
		n++;
	return n;
}

char *escape_dup(const char *s, enum escape_style style)
{
	char piece[PIECE];
	size_t len = 0;
	const char *p;
	char *r, *end;

	if (!s[harmless(s)])
		return strdup(s);
	for (p = s; *p;)
		len += step(&p, style, piece);
	r = end = malloc(len + 1);
	if (!r)
		return NULL;
	for (p = s; *p;) {
		unsigned n = step(&p, style, piece);

		memcpy(end, piece, n);
		end += n;
	}
	*end = '\0';
	return r;
}

void escape_put(FILE *out, const char *s, enum escape_style style)
{
	char piece[PIECE];

	while (*s) {
		size_t n = harmless(s);

		if (n) {
			fwrite(s, 1, n, out);
			s += n;
		} else {
			n = step(&s, style, piece);
			fwrite(piece, 1, n, out);
		}
	}
}
