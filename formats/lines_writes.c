/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines_writes.c: lines where each write is known by itself, as from a pipe in packet mode.
 *
 * The runtime writes a line token by token.  One that begins a line opens it; of what follows, the
 * writes that go on with it are its own and the others are held until it ends, then looked at as
 * if they had come now.  A number is one write and nothing else is in it, so that the digits of
 * somebody else are not taken for the runtime's.
 *
 * What begins with no such token, as when all of a line is one write, is looked at as bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/line_scan.h"
#include "formats/lines_internal.h"

void lines_by_writes(struct lines *l)
{
	l->writes.known = true;
}

void lines_writes_free(struct lines_writes *w)
{
	free(w->bytes);
	free(w->piece);
}

static int keep(struct lines_writes *w, const char *bytes, size_t len, bool mine)
{
	if (w->used + len > w->room) {
		size_t room = 2 * (w->used + len);
		char *p = realloc(w->bytes, room);

		if (!p)
			return -ENOMEM;
		w->bytes = p;
		w->room = room;
	}
	if (w->pieces == w->piece_room) {
		size_t room = w->piece_room ? 2 * w->piece_room : 64;
		struct lines_piece *p = reallocarray(w->piece, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		w->piece = p;
		w->piece_room = room;
	}
	memcpy(w->bytes + w->used, bytes, len);
	w->used += len;
	w->piece[w->pieces++] = (struct lines_piece){ (uint32_t)len, mine };
	w->others += mine ? 0 : len;
	return 0;
}

/* A number, or no digit in front. */
static bool may_be_token(const char *bytes, size_t len)
{
	if (!line_is_digit(*bytes))
		return true;
	for (size_t i = 1; i < len; i++)
		if (!line_is_digit(bytes[i]) && bytes[i] != '.')
			return false;
	return true;
}

/*
 * What a coroutine waits for may be any text, so one of somebody else's would fit.  These are the
 * runtime's from 1.5 to 1.26; one of a later version is taken as it comes.
 */
static bool is_reason(const char *text, size_t len)
{
	static const char *const reasons[] = {
		"GC assist marking",
		"GC assist wait",
		"GC background sweeper",
		"GC mark termination",
		"GC scavenge wait",
		"GC sweep wait",
		"GC weak to strong wait",
		"GC worker (active)",
		"GC worker (idle)",
		"GC worker init",
		"IO wait",
		"chan receive",
		"chan receive (nil chan)",
		"chan receive (synctest)",
		"chan send",
		"chan send (nil chan)",
		"cleanup wait",
		"coroutine",
		"debug call",
		"dumping heap",
		"finalizer wait",
		"flushing proc caches",
		"force gc (idle)",
		"garbage collection",
		"garbage collection scan",
		"page trace flush",
		"panicwait",
		"preempted",
		"select",
		"select (no cases)",
		"semacquire",
		"sleep",
		"stopping the world",
		"sync.Cond.Wait",
		"sync.Mutex.Lock",
		"sync.RWMutex.Lock",
		"sync.RWMutex.RLock",
		"sync.WaitGroup.Wait",
		"synctest.Run",
		"synctest.Wait",
		"timer goroutine (idle)",
		"trace goroutine status",
		"trace proc status",
		"trace reader (blocked)",
		"update GOMAXPROCS (idle)",
		"wait for GC cycle",
		"wait until GC ends",
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strlen(reasons[i]) == len && !memcmp(reasons[i], text, len))
			return true;
	return false;
}

/* A second text where a reason stands: the one before it was somebody else's, or this one is. */
static void replace_reason(struct lines_writes *w, const char *bytes, size_t len)
{
	if (is_reason(w->line + w->reason, w->len - w->reason) || !is_reason(bytes, len))
		return;
	w->piece[w->reason_piece].mine = false;
	w->others += w->piece[w->reason_piece].len;
	w->len = w->reason;
}

enum next { NEXT_OTHERS, NEXT_GOES_ON, NEXT_ENDS };

/* Whether a write goes on with the open line, and then adds it. */
static enum next go_on(struct lines *l, const char *bytes, size_t len)
{
	struct lines_writes *w = &l->writes;
	bool newline = bytes[len - 1] == '\n';
	size_t all;
	bool whole;

	if (w->reason && *bytes != ')') {
		size_t before = w->len;

		replace_reason(w, bytes, len);
		if (w->len == before)
			return NEXT_OTHERS;
	}
	all = w->len + len - newline;
	if (all > sizeof(w->line) || memchr(bytes, '\n', len - newline) ||
	    !may_be_token(bytes, len) ||
	    (line_is_digit(*bytes) && line_is_digit(w->line[w->len - 1])))
		return NEXT_OTHERS;
	memcpy(w->line + w->len, bytes, len - newline);
	whole = line_parse(w->line, all, &l->joined);
	if (newline ? !whole : !whole && l->joined.good != all)
		return NEXT_OTHERS;
	w->reason = w->line[w->len - 1] == '(' && *bytes != ')' && l->joined.kind == LINE_G ? w->len
											    : 0;
	w->reason_piece = w->pieces;
	w->len = all;
	return newline ? NEXT_ENDS : NEXT_GOES_ON;
}

/* Everything held goes out as bytes: nothing will end the line. */
static int give_up(struct lines *l)
{
	struct lines_writes *w = &l->writes;
	size_t used = w->used;
	int r;

	w->open = false;
	w->used = w->pieces = w->others = 0;
	r = lines_feed_bytes(l, w->bytes, used);
	return r ? r : lines_flush_bytes(l, true);
}

/* The line, then what others wrote in between, which may open another one. */
static int end_line(struct lines *l)
{
	struct lines_writes done = l->writes;
	size_t at = 0;
	int r = lines_put_line(l, &l->joined, done.others);

	l->writes = (struct lines_writes){ .known = true };
	for (size_t i = 0; i < done.pieces && !r; at += done.piece[i++].len)
		if (!done.piece[i].mine)
			r = lines_feed_write(l, done.bytes + at, done.piece[i].len);
	if (l->writes.room) {
		lines_writes_free(&done);
		return r;
	}
	/* Nothing was held meanwhile: the room is used again. */
	l->writes.bytes = done.bytes;
	l->writes.room = done.room;
	l->writes.piece = done.piece;
	l->writes.piece_room = done.piece_room;
	return r;
}

int lines_feed_write(struct lines *l, const char *bytes, size_t len)
{
	struct lines_writes *w = &l->writes;
	enum next next;
	int r;

	if (!len)
		return 0;
	if (!w->open && !torn_is_first_token(bytes, len))
		return lines_feed_bytes(l, bytes, len);
	if (!w->open) {
		r = lines_flush_bytes(l, true); /* it was not the beginning of this one */
		if (!r)
			r = keep(w, bytes, len, true);
		if (r)
			return r;
		memcpy(w->line, bytes, len);
		w->len = len;
		w->reason = 0;
		w->open = true;
		return 0;
	}
	next = go_on(l, bytes, len);
	r = keep(w, bytes, len, next != NEXT_OTHERS);
	if (r)
		return r;
	if (next == NEXT_ENDS)
		return end_line(l);
	return w->others > LINES_HELD ? give_up(l) : 0;
}

int lines_flush_writes(struct lines *l, bool all)
{
	/* With more than the first token it will be a line. */
	return all || torn_is_first_token(l->writes.line, l->writes.len) ? give_up(l) : 0;
}
