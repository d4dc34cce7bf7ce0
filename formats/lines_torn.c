/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/lines_torn.h"

#include "formats/line_scan.h"

/* How many bytes before the place where a line stops to be one its piece may end: more only fit
 * when somebody writes what looks like the runtime's. */
#define WINDOW	      64
#define WINDOW_INSIDE 32
#define INSIDE_LEN    1024 /* a longer physical line is not searched for both pieces */
#define INSIDE_GAP    256

static const struct start {
	const char *text;
	uint8_t len;
} starts[] = {
#define START(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}
	START("gc "),
	START("SCHED "),
	START("  P"),
	START("  M"),
	START("  G"),
	START("scav "),
	START("scvg"),
	START("pacer: "),
	START("GC forced"),
	START("init "),
	START("forced scvg: "),
	START("scan: "),
	START("checkfinalizers: "),
};
#define STARTS (sizeof(starts) / sizeof(starts[0]))

static size_t digits(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && line_is_digit(*q))
		q++;
	return (size_t)(q - p);
}

/* "gc 12 @", "SCHED 12ms:", "  P0: status=", "  M0: p=". */
static bool is_strong(const char *p, const char *end)
{
	size_t room = (size_t)(end - p), n;

	if (room > 6 && !memcmp(p, "gc ", 3)) {
		n = digits(p + 3, end);
		return n && room >= 3 + n + 2 && !memcmp(p + 3 + n, " @", 2);
	}
	if (room > 10 && !memcmp(p, "SCHED ", 6)) {
		n = digits(p + 6, end);
		return n && room >= 6 + n + 3 && !memcmp(p + 6 + n, "ms:", 3);
	}
	if (room > 7 && !memcmp(p, "  ", 2) && (p[2] == 'P' || p[2] == 'M' || p[2] == 'G')) {
		n = digits(p + 3, end);
		p += 3 + n;
		room -= 3 + n;
		return n && ((room >= 9 && !memcmp(p, ": status=", 9)) ||
			     (room >= 4 && !memcmp(p, ": p=", 4)));
	}
	return false;
}

static bool is_start(const char *p, const char *end)
{
	for (size_t i = 0; i < STARTS; i++)
		if ((size_t)(end - p) >= starts[i].len && !memcmp(p, starts[i].text, starts[i].len))
			return true;
	return false;
}

bool torn_is_first_token(const char *text, size_t len)
{
	for (size_t i = 0; i < STARTS; i++)
		if (len == starts[i].len && !memcmp(text, starts[i].text, len))
			return true;
	return false;
}

bool torn_find_start(const char *text, size_t len, bool at_begin, size_t *from, bool *ret_strong)
{
	const char *end = text + len, *p = text + *from;

	if (at_begin && !*from && is_start(text, end)) {
		*ret_strong = is_strong(text, end);
		return true;
	}
	/* Each has a colon or an at sign soon behind; most text has neither of the beginnings. */
	for (; p < end; p++) {
		if (*p != 'g' && *p != 'S' && *p != ' ')
			continue;
		if (end - p > 3 && (p[1] == 'c' || p[1] == 'C' || p[1] == ' ') &&
		    is_strong(p, end)) {
			*from = (size_t)(p - text);
			*ret_strong = true;
			return true;
		}
	}
	return false;
}

bool torn_is_piece(const struct line *l)
{
	switch (l->kind) {
	case LINE_NONE:
		return false;
	case LINE_GC:
	case LINE_SCHED:
		return true;
	case LINE_P:
	case LINE_M:
	case LINE_G:
		return l->good >= 4;
	default: /* words that others begin a line with, too */
		return l->good >= 10;
	}
}

/* All of it fits the beginning of "gc N @" or "SCHED Nms:". */
static bool may_become_strong(const char *p, const char *end)
{
	static const struct {
		const char *before, *behind;
	} shape[] = { { "gc ", " @" }, { "SCHED ", "ms:" } };

	for (unsigned i = 0; i < 2; i++) {
		const char *q = p, *t = shape[i].before;

		while (q < end && *t && *q == *t)
			q++, t++;
		if (*t) {
			if (q == end)
				return true;
			continue;
		}
		q += digits(q, end);
		for (t = shape[i].behind; q < end && *t && *q == *t;)
			q++, t++;
		if (q == end)
			return true;
	}
	return false;
}

size_t torn_find_partial(const char *text, size_t len, bool at_begin)
{
	const char *end = text + len;
	size_t from = 0;
	bool strong;

	for (size_t i = 0; at_begin && i < STARTS; i++) {
		size_t n = len < starts[i].len ? len : starts[i].len;

		if (!memcmp(text, starts[i].text, n))
			return 0;
	}
	if (torn_find_start(text, len, false, &from, &strong))
		return from;
	for (size_t i = len > 32 ? len - 32 : 0; i < len; i++)
		if ((text[i] == 'g' || text[i] == 'S') && may_become_strong(text + i, end))
			return i;
	return len;
}

bool torn_is_rest(const char *text, size_t len)
{
	return memmem(text, len, " MB goal, ", 10) || memmem(text, len, " runqueue=", 10);
}

/* --- fitting ------------------------------------------------------------------------------- */

/* The last byte that a line of this kind can have. */
static bool may_end(enum line_kind k, const char *text, size_t len)
{
	char c;

	while (len && text[len - 1] == '\r')
		len--;
	if (!len)
		return false;
	c = text[len - 1];
	switch (k) {
	case LINE_GC:
		return c == 'P' || c == ')';
	case LINE_SCHED:
		return c == ']' || c == 'e' || line_is_digit(c);
	default:
		return true;
	}
}

static bool is_number(char c)
{
	return line_is_digit(c) || c == '.';
}

/* Between these two the runtime may have paused. */
static bool is_break(char before, char behind)
{
	return is_number(before) != is_number(behind);
}

/*
 * "2026/11/25 " or "2026-11-25": what most programs begin a line of a log with.  Behind a number
 * its digits could as well be the number's.
 */
static bool is_date(const char *p, const char *end)
{
	static const char form[] = "0000/00/00";

	if (end - p < 10)
		return false;
	for (unsigned i = 0; i < 10; i++)
		if (form[i] == '0' ? !line_is_digit(p[i]) : p[i] != '/' && p[i] != '-')
			return false;
	return true;
}

enum pass { PASS_DATE, PASS_BREAK, PASS_ANYWHERE, PASSES };

/* Whether a piece may end at cut and the rest begin with next, in this pass. */
static bool may_cut(const char *first, size_t len, size_t cut, char next, enum pass pass)
{
	bool breaks = is_break(first[cut - 1], next);

	if (pass == PASS_ANYWHERE)
		return !breaks;
	return breaks && is_date(first + cut, first + len) == (pass == PASS_DATE);
}

static bool whole(struct torn *t, size_t len, enum line_kind k)
{
	return line_parse(t->room, len, t->line) && t->line->kind == k && !t->line->unknown;
}

static enum line_kind kind_of(struct torn *t, const char *text, size_t len)
{
	line_parse(text, len, t->line);
	return t->line->kind;
}

bool torn_join(struct torn *t, const char *first, size_t first_len, size_t good, const char *rest,
	       size_t rest_len)
{
	size_t high = good < first_len ? good : first_len, low = high > WINDOW ? high - WINDOW : 3;
	enum line_kind kind;

	if (high < 3 || high + rest_len > sizeof(t->room))
		return false;
	kind = kind_of(t, first, first_len);
	if (!kind || (rest_len && !may_end(kind, rest, rest_len)))
		return false;
	memcpy(t->room, first, high);
	for (enum pass pass = 0; pass < PASSES; pass++) {
		for (size_t cut = high; cut >= low; cut--) {
			if (!may_cut(first, first_len, cut, rest_len ? *rest : '\n', pass))
				continue;
			memcpy(t->room, first, cut);
			memcpy(t->room + cut, rest, rest_len);
			if (whole(t, cut + rest_len, kind)) {
				t->cut = cut;
				return true;
			}
		}
	}
	return false;
}

static bool cut_out_from(struct torn *t, const char *first, size_t len, size_t cut, enum pass pass,
			 enum line_kind kind)
{
	/* One byte at the end fits too easily. */
	size_t last = cut + INSIDE_GAP < len - 1 ? cut + INSIDE_GAP : len - 1;

	memcpy(t->room, first, cut);
	for (size_t resume = cut + 1; resume < last; resume++) {
		if (!may_cut(first, len, cut, first[resume], pass))
			continue;
		memcpy(t->room + cut, first + resume, len - resume);
		if (whole(t, cut + len - resume, kind)) {
			t->cut = cut;
			t->resume = resume;
			return true;
		}
	}
	return false;
}

bool torn_cut_out(struct torn *t, const char *first, size_t len, size_t good)
{
	size_t high = good < len ? good : len, low;
	enum line_kind kind = kind_of(t, first, len);

	low = high > WINDOW_INSIDE ? high - WINDOW_INSIDE : 3;
	if (!kind || high < 3 || len > INSIDE_LEN || !may_end(kind, first, len))
		return false;
	for (enum pass pass = 0; pass < PASSES; pass++)
		for (size_t cut = high; cut >= low; cut--)
			if (cut_out_from(t, first, len, cut, pass, kind))
				return true;
	return false;
}
