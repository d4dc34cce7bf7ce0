/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines_torn.h: where lines begin, and how pieces of one fit together.
 *
 * A piece is the beginning of a line up to some byte, and the rest of the line stands behind what
 * somebody else wrote: further on in the same physical line, or as one of the next ones.  Nothing
 * in the bytes says where the piece ends, so every place that the grammar allows is tried, those
 * first at which the runtime itself breaks a line up: between a number and what is no number.
 */
#ifndef ST_FORMATS_LINES_TORN_H
#define ST_FORMATS_LINES_TORN_H

#include "formats/line.h"

#define TORN_LONGEST 8192 /* a line in pieces that is longer is not put together */
#define TORN_LINES   16	  /* lines of others between two pieces, at most */

/*
 * Where a line of the runtime begins at or behind *from, which is moved there.  strong: it is one
 * beyond doubt, whatever follows.  at_begin: text is the begin of a physical line; some kinds are
 * only looked for there.  False: nowhere.
 */
bool torn_find_start(const char *text, size_t len, bool at_begin, size_t *from, bool *ret_strong);

/* Whether what line_parse() refused came far enough to be the first piece of a line. */
bool torn_is_piece(const struct line *l);

/* The write of a runtime that begins a line: "gc ", "SCHED ", "  P". */
bool torn_is_first_token(const char *text, size_t len);

/* Offset from which text, whose end has not come yet, may be the beginning of a line; len: none. */
size_t torn_find_partial(const char *text, size_t len, bool at_begin);

/* True if the text holds what only the rest of a line does. */
bool torn_is_rest(const char *text, size_t len);

struct torn {
	struct line *line; /* the result, in room */
	char room[TORN_LONGEST];
	size_t cut;    /* what of the first physical line is the piece */
	size_t resume; /* in one physical line: where the rest begins */
};

/*
 * Tries to fit a rest, another physical line, to the piece that first begins with; good is how far
 * that may reach (struct line).  An empty rest is that of a line whose newline came late.
 */
bool torn_join(struct torn *t, const char *first, size_t first_len, size_t good, const char *rest,
	       size_t rest_len);

/* The same where both are in one physical line. */
bool torn_cut_out(struct torn *t, const char *first, size_t len, size_t good);

#endif
