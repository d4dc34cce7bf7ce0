/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines_internal.h: the parser of lines, in two parts.
 *
 *	lines.c         lines in bytes, of which nobody knows who wrote which
 *	lines_writes.c  the same where it is known where a write began
 */
#ifndef ST_FORMATS_LINES_INTERNAL_H
#define ST_FORMATS_LINES_INTERNAL_H

#include "formats/lines.h"
#include "formats/lines_torn.h"

/* One write: of the line that is being put together, or of somebody else. */
struct lines_piece {
	uint32_t len;
	bool mine;
};

struct lines_writes {
	bool known; /* each feeding is one write */
	bool open;  /* a line has begun, and its pieces are held */
	char *bytes;
	size_t used, room;
	struct lines_piece *piece;
	size_t pieces, piece_room;
	size_t others;		 /* bytes of somebody else */
	char line[TORN_LONGEST]; /* what the line has come to */
	size_t len;
	size_t reason, reason_piece; /* where what a coroutine waits for begins, and its piece */
};

struct lines {
	struct lines_sink sink;
	struct lines_counts counts;
	bool mid;     /* the beginning of this physical line has been handed on as text */
	bool waiting; /* what is held needs another whole line to go on */
	char *held;
	size_t used, room;
	struct line line, joined;
	struct torn torn;
	struct lines_writes writes;
};

int lines_put_text(struct lines *l, const char *text, size_t len);
int lines_put_line(struct lines *l, const struct line *line, bool torn);
int lines_feed_bytes(struct lines *l, const char *bytes, size_t len);
int lines_flush_bytes(struct lines *l, bool all);

int lines_feed_write(struct lines *l, const char *bytes, size_t len);
int lines_flush_writes(struct lines *l, bool all);
void lines_writes_free(struct lines_writes *w);

#endif
