/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c: see lines.h.
 *
 * Bytes are looked at where the caller has them; only what must wait is copied.  A line that is
 * whole and begins where a physical line does, as nearly all are, costs one search for its end and
 * one parse.
 */
#include "formats/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/lines_internal.h"

#define DEEPEST 4 /* lines in pieces inside of others */

/* What is being looked at. */
struct span {
	const char *at, *end;
	bool final; /* nothing follows */
	unsigned depth;
};

int lines_new(const struct lines_sink *sink, struct lines **ret)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->sink = *sink;
	l->torn.line = &l->joined;
	*ret = l;
	return 0;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	free(l->held);
	lines_writes_free(&l->writes);
	free(l);
}

const struct lines_counts *lines_counts(const struct lines *l)
{
	return &l->counts;
}

void lines_count(struct lines *l, enum line_kind k, bool torn)
{
	if (!k) {
		l->counts.unparsed++;
		return;
	}
	l->counts.line[k]++;
	l->counts.torn += torn;
}

uint64_t lines_found(const struct lines_counts *c)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < LINE_KINDS; k++)
		n += c->line[k];
	return n;
}

bool lines_holds(const struct lines *l)
{
	return l->used || l->writes.open;
}

int lines_put_text(struct lines *l, const char *text, size_t len)
{
	if (!len)
		return 0;
	l->counts.text_bytes += len;
	l->mid = text[len - 1] != '\n';
	return l->sink.text ? l->sink.text(l->sink.arg, text, len) : 0;
}

int lines_put_line(struct lines *l, const struct line *line, bool torn)
{
	lines_count(l, line->kind, torn);
	l->mid = false;
	return l->sink.line ? l->sink.line(l->sink.arg, line, torn) : 0;
}

static int look_through(struct lines *l, struct span *s);

/* --- lines in pieces ----------------------------------------------------------------------- */

enum fit { FIT_NONE, FIT_WAIT, FIT_DONE };

/* What came between the pieces of a line, and where to go on. */
struct fitted {
	const char *between, *end, *next;
};

/* Both pieces in what lies before eol. */
static enum fit cut_out(struct lines *l, const struct span *s, const char *at, const char *eol,
			struct fitted *ret)
{
	if (!torn_cut_out(&l->torn, at, (size_t)(eol - at), l->line.good))
		return FIT_NONE;
	*ret = (struct fitted){ at + l->torn.cut, at + l->torn.resume,
				eol < s->end ? eol + 1 : eol };
	return FIT_DONE;
}

/*
 * The bytes from at to eol, the end of a physical line, begin as a line of the runtime does and are
 * none.  Looks for what completes it, which then is l->joined.
 */
static enum fit fit(struct lines *l, const struct span *s, const char *at, const char *eol,
		    struct fitted *ret)
{
	enum line_kind kind = l->line.kind;
	size_t len = (size_t)(eol - at), good = l->line.good;
	const char *next = eol + 1;

	for (unsigned i = 0; i < TORN_LINES && next < s->end && next - at < LINES_HELD; i++) {
		const char *end = memchr(next, '\n', (size_t)(s->end - next));

		if (!end && !s->final)
			return s->end - at < LINES_HELD ? FIT_WAIT : FIT_NONE;
		if (!end)
			end = s->end;
		if (line_parse(next, (size_t)(end - next), &l->joined)) {
			if (l->joined.kind == kind)
				break; /* it would have finished the other one first */
		} else if ((end > next || kind == LINE_G || kind == LINE_M) &&
			   torn_join(&l->torn, at, len, good, next, (size_t)(end - next))) {
			*ret = (struct fitted){ at + l->torn.cut, next,
						end < s->end ? end + 1 : end };
			return FIT_DONE;
		}
		next = end + 1;
	}
	if (next >= s->end && !s->final && next - at < LINES_HELD)
		return FIT_WAIT;
	return cut_out(l, s, at, eol, ret);
}

/* What was between the pieces may have lines of its own in it. */
static int put_fitted(struct lines *l, struct span *s, const struct fitted *f)
{
	struct span between = { f->between, f->end, true, s->depth + 1 };
	int r = lines_put_line(l, &l->joined, true);

	s->at = f->next;
	if (r)
		return r;
	if (s->depth >= DEEPEST)
		return lines_put_text(l, f->between, (size_t)(f->end - f->between));
	r = look_through(l, &between);
	l->mid = false;
	return r;
}

/* --- one physical line --------------------------------------------------------------------- */

/*
 * The physical line from s->at to eol is not just a line of the runtime.  Sets *wait if more is
 * needed, and leaves s->at at what must be held.
 */
static int take_line(struct lines *l, struct span *s, const char *eol, bool *wait)
{
	const char *begin = s->at, *next = eol < s->end ? eol + 1 : eol;
	size_t len = (size_t)(eol - begin), from = 0;
	bool at_begin = !l->mid, strong = false, counted = false;
	struct fitted fitted = { 0 };
	int r;

	for (; torn_find_start(begin, len, at_begin, &from, &strong); from++) {
		const char *at = begin + from;
		enum fit how = FIT_DONE;
		bool whole = line_parse(at, len - from, &l->line);

		if (!whole)
			how = torn_is_piece(&l->line) ? fit(l, s, at, eol, &fitted) : FIT_NONE;
		if (how == FIT_NONE) {
			l->counts.unparsed += strong;
			counted |= strong;
			continue;
		}
		r = lines_put_text(l, begin, from);
		s->at = how == FIT_WAIT ? at : next;
		*wait = how == FIT_WAIT;
		if (r || *wait)
			return r;
		return whole ? lines_put_line(l, &l->line, false) : put_fitted(l, s, &fitted);
	}
	if (!counted && torn_is_rest(begin, len))
		l->counts.unparsed++;
	s->at = next;
	return lines_put_text(l, begin, (size_t)(next - begin));
}

/* The beginning of a physical line whose end has not come. */
static int take_partial(struct lines *l, struct span *s)
{
	size_t len = (size_t)(s->end - s->at), from = torn_find_partial(s->at, len, !l->mid);
	int r;

	if (len - from >= LINES_HELD) {
		l->counts.unparsed++;
		from = len;
	}
	r = lines_put_text(l, s->at, from);
	s->at += from;
	return r;
}

/* Moves s->at up to what must be held. */
static int look_through(struct lines *l, struct span *s)
{
	bool wait = false;
	int r = 0;

	while (!r && !wait && s->at < s->end) {
		const char *eol = memchr(s->at, '\n', (size_t)(s->end - s->at));

		if (!eol && !s->final)
			return take_partial(l, s);
		if (!eol)
			eol = s->end;
		if (!l->mid && line_parse(s->at, (size_t)(eol - s->at), &l->line)) {
			s->at = eol < s->end ? eol + 1 : eol;
			r = lines_put_line(l, &l->line, false);
		} else {
			r = take_line(l, s, eol, &wait);
		}
	}
	l->waiting = wait;
	return r;
}

/* --- feeding ------------------------------------------------------------------------------- */

static int hold(struct lines *l, const char *bytes, size_t len)
{
	if (!len)
		return 0;
	if (l->used + len > l->room) {
		size_t room = 2 * (l->used + len);
		char *p = realloc(l->held, room);

		if (!p)
			return -ENOMEM;
		l->held = p;
		l->room = room;
	}
	memcpy(l->held + l->used, bytes, len);
	l->used += len;
	return 0;
}

/* Looks through what is held, and keeps what is left of it. */
static int go_on(struct lines *l, bool final)
{
	struct span s = { l->held, l->held + l->used, final, 0 };
	int r = look_through(l, &s);

	l->used = (size_t)(s.end - s.at);
	memmove(l->held, s.at, l->used);
	return r;
}

int lines_feed_bytes(struct lines *l, const char *bytes, size_t len)
{
	struct span s = { bytes, bytes + len, false, 0 };
	int r;

	if (!len)
		return 0;
	if (l->used) {
		/* Up to the end of the line that is held: the rest need not be copied. */
		const char *eol = memchr(bytes, '\n', len);
		size_t n = !eol || l->waiting ? len : (size_t)(eol + 1 - bytes);

		r = hold(l, bytes, n);
		if (!r && (eol || l->used > LINES_HELD || !l->waiting))
			r = go_on(l, false);
		if (r || n == len)
			return r;
		return lines_feed_bytes(l, bytes + n, len - n);
	}
	r = look_through(l, &s);
	return r ? r : hold(l, s.at, (size_t)(s.end - s.at));
}

int lines_flush_bytes(struct lines *l, bool all)
{
	size_t from = 0;
	bool strong = false;

	if (!l->used ||
	    (!all && torn_find_start(l->held, l->used, !l->mid, &from, &strong) && strong))
		return 0;
	return go_on(l, true);
}

int lines_feed(struct lines *l, const char *bytes, size_t len)
{
	return l->writes.known ? lines_feed_write(l, bytes, len) : lines_feed_bytes(l, bytes, len);
}

int lines_flush(struct lines *l, bool all)
{
	int r = l->writes.open ? lines_flush_writes(l, all) : 0;

	return r ? r : lines_flush_bytes(l, all);
}
