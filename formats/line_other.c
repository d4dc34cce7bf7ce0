/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_other.c: the rarer lines, by patterns.
 *
 * In a pattern '#' is a number, with a sign or an exponent if there is one, and '*' a text up to
 * the character that follows.  The fields are named in order; 0 carries a number without a name of
 * its own in the text alone.
 */
#include "formats/line_scan.h"

struct pattern {
	enum line_kind kind;
	const char *text;
	uint8_t field[8];
};

#define F(name) LINE_F_##name
static const struct pattern patterns[] = {
	{ LINE_SCAV, "scav # KiB work, # KiB total, #% util", { F(WORK), F(TOTAL), F(UTIL) } },
	{ LINE_SCAV,
	  "scav # KiB work, # KiB total, #% util (forced)",
	  { F(WORK), F(TOTAL), F(UTIL) } },
	{ LINE_SCAV,
	  "scav # # KiB work, # KiB total, #% util",
	  { F(CYCLE), F(WORK), F(TOTAL), F(UTIL) } },
	{ LINE_SCAV,
	  "scav # # KiB work, # KiB total, #% util (forced)",
	  { F(CYCLE), F(WORK), F(TOTAL), F(UTIL) } },
	{ LINE_SCAV,
	  "scav # KiB work (bg), # KiB work (eager), # KiB now, #% util",
	  { F(WORK), F(WORK_EAGER), F(TOTAL), F(UTIL) } },
	{ LINE_SCAV,
	  "scav # KiB work (bg), # KiB work (eager), # KiB now, #% util (forced)",
	  { F(WORK), F(WORK_EAGER), F(TOTAL), F(UTIL) } },
	{ LINE_SCVG, "scvg#: # MB released", { F(CYCLE), F(RELEASED) } },
	{ LINE_SCVG, "scvg: # MB released", { F(RELEASED) } },
	{ LINE_SCVG, "forced scvg: # MB released", { F(RELEASED) } },
	{ LINE_SCVG,
	  "scvg#: inuse: #, idle: #, sys: #, released: #, consumed: # (MB)",
	  { F(CYCLE), F(INUSE), F(IDLE), F(SYS), F(RELEASED), F(CONSUMED) } },
	{ LINE_SCVG,
	  "scvg: inuse: #, idle: #, sys: #, released: #, consumed: # (MB)",
	  { F(INUSE), F(IDLE), F(SYS), F(RELEASED), F(CONSUMED) } },
	{ LINE_SCVG,
	  "forced scvg: inuse: #, idle: #, sys: #, released: #, consumed: # (MB)",
	  { F(INUSE), F(IDLE), F(SYS), F(RELEASED), F(CONSUMED) } },
	{ LINE_PACER, "pacer: assist ratio=*", { F(DETAIL) } },
	{ LINE_PACER, "pacer: H_m_prev=*", { F(DETAIL) } },
	{ LINE_PACER, "pacer: sweep done at heap size *", { F(DETAIL) } },
	{ LINE_PACER, "pacer: #% CPU (# exp.) for *", { F(GC_CPU), F(EXPECTED), F(DETAIL) } },
	{ LINE_FORCED, "GC forced", { 0 } },
	{ LINE_INIT,
	  "init * @# ms, # ms clock, # bytes, # allocs",
	  { F(PACKAGE), F(AT_MS), F(CLOCK), F(BYTES), F(ALLOCS) } },
	{ LINE_SCAN, "scan: total *=# objs, *=# spans", { F(DETAIL), F(OBJECTS), 0, F(SPANS) } },
	{ LINE_SCAN,
	  "scan: class #B *=# objs, *=# spans",
	  { F(CLASS), F(DETAIL), F(OBJECTS), 0, F(SPANS) } },
	{ LINE_SCAN, "scan: class L *=# objs, *=# spans", { F(DETAIL), F(OBJECTS), 0, F(SPANS) } },
	{ LINE_QUEUE,
	  "checkfinalizers: queue: # finalizers + # cleanups",
	  { F(FINALIZERS), F(CLEANUPS) } },
};
#undef F

/* A number as print() of the runtime makes it of any type: 12, -1, +2.500000e-001, NaN. */
static bool scan_any_number(struct line_scan *s, struct line_value *v)
{
	const char *begin = s->p;

	if (line_digits(s, v) && (s->p == s->end || *s->p != 'e'))
		return true;
	s->p = begin;
	if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
		s->p++;
	if (s->end - s->p >= 3 && (!memcmp(s->p, "NaN", 3) || !memcmp(s->p, "Inf", 3))) {
		s->p += 3;
	} else {
		const char *digits = s->p;

		while (s->p < s->end && (line_is_digit(*s->p) || *s->p == '.'))
			s->p++;
		if (s->p == digits)
			return false;
		if (s->p < s->end && *s->p == 'e') {
			s->p++;
			if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
				s->p++;
			while (s->p < s->end && line_is_digit(*s->p))
				s->p++;
		}
	}
	v->type = LINE_TEXT;
	v->n = 0;
	v->scale = 0;
	v->text = begin;
	v->len = (uint32_t)(s->p - begin);
	return true;
}

/* A text that is not empty, up to the character, or the end of the line. */
static bool scan_text(struct line_scan *s, struct line_value *v, char until)
{
	const char *end = until ? memchr(s->p, until, (size_t)(s->end - s->p)) : s->end;

	if (!end || end == s->p)
		return false;
	v->type = LINE_TEXT;
	v->text = s->p;
	v->len = (uint32_t)(end - s->p);
	s->p = end;
	return true;
}

static bool scan_pattern(struct line_scan *s, const struct pattern *p)
{
	unsigned n = 0;

	for (const char *t = p->text; *t; t++) {
		struct line_value unnamed, *v = &unnamed;

		if (*t != '#' && *t != '*') {
			if (s->p == s->end || *s->p != *t)
				return false;
			s->p++;
			continue;
		}
		if (p->field[n])
			v = line_add(s->l, p->field[n]);
		n++;
		if (!v || !(*t == '#' ? scan_any_number(s, v) : scan_text(s, v, t[1])))
			return false;
	}
	return s->p == s->end;
}

bool line_parse_other(struct line_scan *s)
{
	const char *begin = s->p, *farthest = begin;
	enum line_kind kind = LINE_NONE;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		const struct pattern *p = &patterns[i];

		if (*p->text != *begin)
			continue;
		s->p = begin;
		s->l->count = 0;
		memset(s->l->at, 0, sizeof(s->l->at));
		s->l->kind = p->kind;
		if (scan_pattern(s, p))
			return true;
		if (s->p > farthest) {
			farthest = s->p;
			kind = p->kind;
		}
	}
	s->p = farthest;
	s->l->kind = kind;
	return false;
}
