/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h: finds the runtime's lines in what a program writes to its standard error.
 *
 * The runtime writes a line token by token, each with a write(2) of its own, and so may anybody
 * else in between.  What comes out is, in order, whole lines of the runtime and everything else as
 * it was; a line in pieces is put together again, and whatever stood between its pieces comes
 * behind it.  The bytes of lines (with their newlines) and of text together are those that went in;
 * a line that is let go before its newline has come is handed on all the same.
 *
 * A piece that may become a line is held back: lines_flush() lets it go when nothing follows.  So
 * no more is ever held than LINES_HELD bytes and the line that was being read.
 */
#ifndef ST_FORMATS_LINES_H
#define ST_FORMATS_LINES_H

#include "formats/line.h"

#define LINES_HELD 65536

/* Nothing follows for so long: it is no line of the runtime; nor one whose rest will come. */
#define LINES_WEAK_MS	200
#define LINES_STRONG_MS 2000

struct lines;

/* A result other than 0 ends the feeding and is handed on.  What is pointed at is valid during the
 * call only. */
struct lines_sink {
	int (*line)(void *arg, const struct line *l, bool torn); /* torn: was in pieces */
	int (*text)(void *arg, const char *text, size_t len);
	void *arg;
};

struct lines_counts {
	uint64_t line[LINE_KINDS]; /* by kind; LINE_NONE is 0 */
	uint64_t torn;		   /* of them in pieces */
	uint64_t unparsed; /* pieces of lines that were not found together: left in the text */
	uint64_t text_bytes;
};

int lines_new(const struct lines_sink *sink, struct lines **ret); /* 0 or -ENOMEM */
void lines_free(struct lines *l);				  /* NULL-safe */

/*
 * From now on each feeding is what one write(2) wrote, as a pipe in packet mode tells.  Then pieces
 * are only cut where somebody's write began, and nothing of others' is taken for the runtime's.
 */
void lines_by_writes(struct lines *l);

/* 0, -ENOMEM, or what the sink returned. */
int lines_feed(struct lines *l, const char *bytes, size_t len);

/*
 * Nothing has come for LINES_WEAK_MS: lets go what surely is no line of the runtime, such as a
 * prompt; with all, after LINES_STRONG_MS or at the end, everything.
 */
int lines_flush(struct lines *l, bool all);

bool lines_holds(const struct lines *l); /* something is held back */

const struct lines_counts *lines_counts(const struct lines *l);
/* Counts a line that came from elsewhere, such as a capture; LINE_NONE: one that is none. */
void lines_count(struct lines *l, enum line_kind k, bool torn);
uint64_t lines_found(const struct lines_counts *c); /* lines of any kind */

#endif
