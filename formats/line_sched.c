/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_sched.c: schedtrace and scheddetail lines.
 *
 *	SCHED 1005ms: gomaxprocs=4 idleprocs=0 ... runqueue=2 [ 1 1 0 0 ] schedticks=[ 92 90 91 85 ]
 *	  P0: status=1 schedtick=2289 ...
 *	  M0: p=0 curg=1 ... preemptoff= locks=0 ...
 *	  G2: status=4(force gc (idle)) m=-1 lockedm=-1
 *
 * All are pairs of name and value.  Two values are texts with spaces: why a thread is not to be
 * preempted ends before " locks=", and what a coroutine waits for at the last parenthesis before
 * " m=".
 */
#include "formats/line_scan.h"

#define LONGEST_NAME 24 /* for how far a torn name may reach */

/* In the order of the lines, so that each is found at the first look. */
static const uint8_t sched_pairs[] = {
	LINE_F_GOMAXPROCS,
	LINE_F_IDLEPROCS,
	LINE_F_THREADS,
	LINE_F_SPINNINGTHREADS,
	LINE_F_NEEDSPINNING,
	LINE_F_IDLETHREADS,
	LINE_F_RUNQUEUE,
	LINE_F_SCHEDTICKS,
	LINE_F_GCWAITING,
	LINE_F_NMIDLELOCKED,
	LINE_F_STOPWAIT,
	LINE_F_SYSMONWAIT,
	0,
};
static const uint8_t p_pairs[] = {
	LINE_F_STATUS,	 LINE_F_SCHEDTICK, LINE_F_SYSCALLTICK, LINE_F_M,
	LINE_F_RUNQSIZE, LINE_F_GFREECNT,  LINE_F_TIMERSLEN,   0,
};
static const uint8_t m_pairs[] = {
	LINE_F_P,	   LINE_F_CURG,	   LINE_F_MALLOCING, LINE_F_THROWING,
	LINE_F_PREEMPTOFF, LINE_F_LOCKS,   LINE_F_DYING,     LINE_F_HELPGC,
	LINE_F_SPINNING,   LINE_F_BLOCKED, LINE_F_LOCKEDG,   0,
};
static const uint8_t g_pairs[] = { LINE_F_STATUS, LINE_F_M, LINE_F_LOCKEDM, 0 };

static uint8_t lengths[LINE_FIELDS];

__attribute__((constructor)) static void measure_names(void)
{
	for (unsigned i = 1; i < LINE_FIELDS; i++)
		lengths[i] = (uint8_t)strlen(line_fields[i].name);
}

static enum line_field find_pair(const uint8_t *pairs, unsigned *hint, const char *name, size_t len)
{
	for (unsigned i = *hint; pairs[i]; i++) {
		if (lengths[pairs[i]] == len && !memcmp(line_fields[pairs[i]].name, name, len)) {
			*hint = i + 1;
			return pairs[i];
		}
	}
	for (unsigned i = 0; i < *hint; i++)
		if (lengths[pairs[i]] == len && !memcmp(line_fields[pairs[i]].name, name, len))
			return pairs[i];
	return LINE_UNKNOWN;
}

/* "[0 0]" or "[ 0 0 ]". */
static bool scan_list(struct line_scan *s, struct line_value *v)
{
	unsigned digits = 0;

	s->p++;
	v->type = LINE_LIST;
	v->text = s->p;
	for (; s->p < s->end && *s->p != ']'; s->p++) {
		digits = line_is_digit(*s->p) ? digits + 1 : 0;
		if ((!digits && *s->p != ' ') || digits > LINE_DIGITS)
			return false;
	}
	v->len = (uint32_t)(s->p - v->text);
	return LINE_LITERAL(s, "]");
}

/* A text that ends where the other one begins, or the line ends. */
static bool scan_until(struct line_scan *s, struct line_value *v, const char *what, size_t len)
{
	const char *end = memmem(s->p, (size_t)(s->end - s->p), what, len);

	v->type = LINE_TEXT;
	v->text = s->p;
	s->p = end ? end : s->end;
	v->len = (uint32_t)(s->p - v->text);
	return end;
}

static bool scan_word(struct line_scan *s, struct line_value *v)
{
	v->type = LINE_TEXT;
	v->text = s->p;
	while (s->p < s->end && *s->p != ' ')
		s->p++;
	v->len = (uint32_t)(s->p - v->text);
	return true;
}

/* A word that must be one of these. */
static bool scan_choice(struct line_scan *s, struct line_value *v, const char *word, size_t len,
			enum line_type type, int64_t n)
{
	v->text = s->p;
	if (!line_literal(s, word, len))
		return false;
	v->len = (uint32_t)len;
	v->type = (uint8_t)type;
	v->n = n;
	return true;
}

static bool scan_known(struct line_scan *s, struct line_value *v, enum line_type type)
{
	char first = s->p < s->end ? *s->p : '\0';

	switch (type) {
	case LINE_NUMBER:
		return line_digits(s, v) && !v->scale;
	case LINE_ID:
		if (first == 'n')
			return scan_choice(s, v, "nil", 3, LINE_ID, -1);
		if (first == '-')
			return scan_choice(s, v, "-1", 2, LINE_ID, -1);
		return line_digits(s, v) && !v->scale;
	case LINE_BOOL:
		if (first == 'f')
			return scan_choice(s, v, "false", 5, LINE_BOOL, 0);
		if (first == 't')
			return scan_choice(s, v, "true", 4, LINE_BOOL, 1);
		if (!line_digits(s, v) || v->scale || v->n > 1)
			return false;
		v->type = LINE_BOOL;
		return true;
	case LINE_LIST:
		return first == '[' && scan_list(s, v);
	default: /* preemptoff, the only one */
		return scan_until(s, v, " locks=", 7);
	}
}

/* One more of a later version: a list, a number, or else a word. */
static bool scan_unknown(struct line_scan *s, struct line_value *v)
{
	const char *begin = s->p;

	if (s->p < s->end && *s->p == '[')
		return scan_list(s, v);
	if (line_digits(s, v) && (s->p == s->end || *s->p == ' '))
		return true;
	s->p = begin;
	v->n = 0;
	v->scale = 0;
	return scan_word(s, v);
}

static bool is_name(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26 || c == '_' || line_is_digit(c);
}

/* Where the name of a pair ends, at '='; NULL: there is no pair. */
static const char *end_of_name(const struct line_scan *s)
{
	const char *p = s->p;

	while (p < s->end && is_name(*p))
		p++;
	return p > s->p && p < s->end && *p == '=' ? p : NULL;
}

/* One pair; the blank before it is taken. */
static bool scan_pair(struct line_scan *s, const uint8_t *pairs, unsigned *hint)
{
	const char *name = s->p, *end = end_of_name(s);
	struct line_value *v;
	enum line_field f;

	if (!end) {
		while (s->p < s->end && is_name(*s->p))
			s->p++;
		return false;
	}
	f = find_pair(pairs, hint, name, (size_t)(end - name));
	v = line_add(s->l, f);
	if (!v)
		return false;
	s->p = end + 1;
	if (f)
		return scan_known(s, v, line_fields[f].type) && (s->p == s->end || *s->p == ' ');
	v->name = name;
	v->name_len = (uint32_t)(end - name);
	return scan_unknown(s, v);
}

/* What else stands between pairs: the queues' list, and the reason of a coroutine. */
static bool scan_rest(struct line_scan *s, const uint8_t *pairs)
{
	const char *unknown = NULL;
	unsigned hint = 0;
	bool good = true;

	while (good && s->p < s->end) {
		good = LINE_LITERAL(s, " ");
		if (good && s->p < s->end && *s->p == '[') {
			struct line_value *v = line_add(s->l, LINE_F_RUNQUEUES);

			good = v && scan_list(s, v);
			continue;
		}
		if (good) {
			const char *begin = s->p;
			unsigned before = s->l->unknown;

			good = scan_pair(s, pairs, &hint);
			if (!unknown && s->l->unknown != before)
				unknown = begin;
		}
	}
	/* If it does not hold together, the first strange name may be where it was torn. */
	if (!good && unknown && s->p > unknown + LONGEST_NAME)
		s->p = unknown + LONGEST_NAME;
	return good;
}

bool line_parse_sched(struct line_scan *s)
{
	struct line *l = s->l;

	if (!LINE_LITERAL(s, "SCHED "))
		return false;
	l->kind = LINE_SCHED;
	if (!line_number(s, LINE_F_MS) || !LINE_LITERAL(s, "ms:") || !scan_rest(s, sched_pairs))
		return false;
	return l->at[LINE_F_GOMAXPROCS] && l->at[LINE_F_IDLEPROCS] && l->at[LINE_F_THREADS] &&
	       l->at[LINE_F_IDLETHREADS] && l->at[LINE_F_RUNQUEUE] &&
	       (l->at[LINE_F_RUNQUEUES] || l->at[LINE_F_SYSMONWAIT]);
}

/* "4(force gc (idle))": the first number, and the reason in parentheses. */
static bool scan_status(struct line_scan *s)
{
	struct line_value *v;
	const char *end;

	if (!LINE_LITERAL(s, " status=") || !line_number(s, LINE_F_STATUS) || !LINE_LITERAL(s, "("))
		return false;
	v = line_add(s->l, LINE_F_REASON);
	end = memmem(s->p, (size_t)(s->end - s->p), ") m=", 4);
	if (!v || !end) {
		s->p = s->end; /* any text may be a reason */
		return false;
	}
	v->type = LINE_TEXT;
	v->text = s->p;
	v->len = (uint32_t)(end - s->p);
	s->p = end + 1;
	return true;
}

bool line_parse_detail(struct line_scan *s)
{
	struct line *l = s->l;
	char letter;

	if (!LINE_LITERAL(s, "  ") || s->p == s->end)
		return false;
	letter = *s->p;
	l->kind = letter == 'P'	  ? LINE_P
		  : letter == 'M' ? LINE_M
		  : letter == 'G' ? LINE_G
				  : LINE_NONE;
	if (!l->kind)
		return false;
	s->p++;
	if (!line_number(s, LINE_F_ID) || !LINE_LITERAL(s, ":"))
		return false;
	if (l->kind == LINE_G)
		return scan_status(s) && scan_rest(s, g_pairs) && l->at[LINE_F_M] &&
		       l->at[LINE_F_LOCKEDM];
	if (l->kind == LINE_P)
		return scan_rest(s, p_pairs) && l->at[LINE_F_STATUS] && l->at[LINE_F_GFREECNT];
	return scan_rest(s, m_pairs) && l->at[LINE_F_P] && l->at[LINE_F_LOCKEDG];
}
