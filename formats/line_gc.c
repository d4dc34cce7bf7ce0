/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_gc.c: gctrace lines.
 *
 *	gc N @S.SSSs U%: <clock> ms clock, <cpu> ms cpu, A->B->C MB, G MB goal, ..., P P (forced)
 *
 * Behind the colon stand items: numbers with '+', '/' or '->' between, a space, and what they are.
 * The table says which fields the numbers of an item are; an item that is not in it, or has another
 * count of numbers, is carried along by what it says it is.
 */
#include "formats/line_scan.h"

#define MOST_NUMBERS 8

struct item {
	const char *name;
	uint8_t len, count, field[MOST_NUMBERS];
};
#define ITEM(text, n, ...)                                                                  \
	{                                                                                   \
		.name = text, .len = sizeof(text) - 1, .count = n, .field = { __VA_ARGS__ } \
	}

static const struct item items[] = {
	ITEM("ms clock", 3, LINE_F_CLOCK_SWEEP_TERM, LINE_F_CLOCK_MARK, LINE_F_CLOCK_MARK_TERM),
	ITEM("ms cpu", 5, LINE_F_CPU_SWEEP_TERM, LINE_F_CPU_ASSIST, LINE_F_CPU_BACKGROUND,
	     LINE_F_CPU_IDLE, LINE_F_CPU_MARK_TERM),
	ITEM("MB", 3, LINE_F_HEAP_START, LINE_F_HEAP_END, LINE_F_HEAP_LIVE),
	ITEM("MB goal", 1, LINE_F_GOAL),
	ITEM("MB stacks", 1, LINE_F_STACKS),
	ITEM("MB globals", 1, LINE_F_GLOBALS),
	ITEM("P", 1, LINE_F_PROCS),
	/* 1.5 */
	ITEM("ms clock", 5, LINE_F_CLOCK_SWEEP_TERM, LINE_F_CLOCK_SCAN, LINE_F_CLOCK_INSTALL_WB,
	     LINE_F_CLOCK_MARK, LINE_F_CLOCK_MARK_TERM),
	ITEM("ms cpu", 7, LINE_F_CPU_SWEEP_TERM, LINE_F_CPU_SCAN, LINE_F_CPU_INSTALL_WB,
	     LINE_F_CPU_ASSIST, LINE_F_CPU_BACKGROUND, LINE_F_CPU_IDLE, LINE_F_CPU_MARK_TERM),
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

/* "0.049+0.46+0.018": the numbers, as values without a field yet; 0: something else. */
static unsigned scan_numbers(struct line_scan *s, struct line_value *v)
{
	for (unsigned n = 0; n < MOST_NUMBERS; n++) {
		if (!line_digits(s, &v[n]))
			return 0;
		if (s->p == s->end)
			return 0;
		if (*s->p == '+' || *s->p == '/')
			s->p++;
		else if (*s->p == '-' && s->end - s->p > 1 && s->p[1] == '>')
			s->p += 2;
		else
			return n + 1;
	}
	return 0;
}

static const struct item *find_item(const char *name, size_t len, unsigned count,
				    const struct item *hint)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		const struct item *it = hint + i < items + ITEMS ? hint + i : hint + i - ITEMS;

		if (it->len == len && it->count == count && !memcmp(it->name, name, len))
			return it;
	}
	return NULL;
}

static bool add_item(struct line *l, const struct item *it, struct line_value *v)
{
	for (unsigned i = 0; i < it->count; i++) {
		struct line_value *to = line_add(l, it->field[i]);

		if (!to)
			return false;
		v[i].field = it->field[i];
		v[i].name = NULL;
		*to = v[i];
	}
	return true;
}

/* A later version's: all of its numbers as one text, or as a number if there is but one. */
static bool add_unknown(struct line *l, const char *begin, const char *name, const char *end,
			const struct line_value *v, unsigned count)
{
	struct line_value *to = line_add(l, LINE_UNKNOWN);

	if (!to)
		return false;
	if (count == 1)
		*to = *v;
	to->field = LINE_UNKNOWN;
	to->text = begin;
	to->len = (uint32_t)(name - 1 - begin);
	to->type = count == 1 ? LINE_NUMBER : LINE_TEXT;
	to->name = name;
	to->name_len = (uint32_t)(end - name);
	return true;
}

/* Up to the comma, the parenthesis or the end. */
static const char *end_of_name(const struct line_scan *s)
{
	const char *p = s->p;

	while (p < s->end && *p != ',' && !(*p == ' ' && p + 1 < s->end && p[1] == '('))
		p++;
	return p;
}

static bool scan_item(struct line_scan *s, const struct item **hint)
{
	struct line_value v[MOST_NUMBERS];
	const char *begin = s->p, *name, *end;
	unsigned count = scan_numbers(s, v);
	const struct item *it;

	if (!count || !LINE_LITERAL(s, " "))
		return false;
	name = s->p;
	end = end_of_name(s);
	it = find_item(name, (size_t)(end - name), count, *hint);
	if (it) {
		s->p = end;
		*hint = it + 1 < items + ITEMS ? it + 1 : items;
		return add_item(s->l, it, v);
	}
	/* Units are letters: what else stands there is of somebody else. */
	for (; s->p < end; s->p++)
		if (!((*s->p | 0x20) >= 'a' && (*s->p | 0x20) <= 'z') && *s->p != ' ' &&
		    *s->p != '_')
			return false;
	return end > name && add_unknown(s->l, begin, name, end, v, count);
}

/* " (forced)", or what else stands in parentheses. */
static bool scan_note(struct line_scan *s, bool last)
{
	const char *close;
	struct line_value *v;

	if (!LINE_LITERAL(s, " ("))
		return false;
	close = memchr(s->p, ')', (size_t)(s->end - s->p));
	if (!close)
		return false;
	if (last && close - s->p == 6 && !memcmp(s->p, "forced", 6)) {
		v = line_add(s->l, LINE_F_FORCED);
		if (v)
			v->n = 1;
	} else {
		v = line_add(s->l, LINE_F_NOTE);
	}
	if (!v)
		return false;
	v->text = s->p;
	v->len = (uint32_t)(close - s->p);
	v->type = v->field == LINE_F_FORCED ? LINE_BOOL : LINE_TEXT;
	s->p = close + 1;
	return true;
}

bool line_parse_gc(struct line_scan *s)
{
	const struct item *hint = items;
	struct line *l = s->l;

	if (!LINE_LITERAL(s, "gc "))
		return false;
	l->kind = LINE_GC;
	if (!line_number(s, LINE_F_GC) || !LINE_LITERAL(s, " @") || !line_number(s, LINE_F_AT) ||
	    !LINE_LITERAL(s, "s ") || !line_number(s, LINE_F_GC_CPU) || !LINE_LITERAL(s, "%"))
		return false;
	if (s->p < s->end && *s->p == ' ' && !scan_note(s, false))
		return false;
	if (!LINE_LITERAL(s, ": "))
		return false;
	for (;;) {
		if (!scan_item(s, &hint))
			return false;
		if (s->p == s->end || *s->p != ',')
			break;
		if (!LINE_LITERAL(s, ", "))
			return false;
	}
	while (s->p < s->end)
		if (!scan_note(s, true))
			return false;
	return l->at[LINE_F_CLOCK_MARK] && l->at[LINE_F_CPU_IDLE] && l->at[LINE_F_HEAP_LIVE] &&
	       l->at[LINE_F_GOAL] && l->at[LINE_F_PROCS];
}
