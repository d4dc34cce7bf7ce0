/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_lines.c: the lines that the runtime of the launched program writes, taken out of its
 * standard error and told as records, on the clock of all others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/event.h"
#include "cli/session_internal.h"
#include "cli/tap.h"
#include "formats/lines.h"

#define LONGEST 60000 /* bytes of text in one record */
#define NS_A_MS UINT64_C(1000000)

struct session_lines {
	struct session *session;
	struct tap *tap;
	struct lines *lines;
	char *env;
	uint64_t read_ns; /* when what is fed was read */
	uint64_t held_ns; /* when the beginning of what is held back was, 0: nothing is */
	bool mute;	  /* the tracing has ended */
	char chunk[65536];
};

static int tell_piece(struct session_lines *l, const char *text, size_t len, unsigned flags,
		      uint64_t time_ns)
{
	size_t size = (sizeof(struct ev_line) + len + 7) & ~(size_t)7;
	struct ev_line *ev = calloc(1, size);
	int r;

	if (!ev)
		return -ENOMEM;
	ev->h = (struct ev_header){ .kind = EV_LINE, .size = (__u16)size, .time_ns = time_ns };
	ev->h.pid = ev->h.tid = (__u32)l->session->child.pid;
	ev->fd = 2;
	ev->flags = flags;
	ev->length = (__u32)len;
	memcpy(ev->text, text, len);
	r = session_tell(l->session, &ev->h);
	free(ev);
	return r;
}

static int take_line(void *arg, const struct line *line, bool torn)
{
	struct session_lines *l = arg;
	uint64_t time_ns = l->held_ns ? l->held_ns : l->read_ns;
	unsigned flags = torn ? EV_LINE_TORN : 0;
	size_t done = 0;
	int r = 0;

	l->held_ns = 0;
	if (l->mute)
		return 0;
	while (!r && line->len - done > LONGEST) {
		r = tell_piece(l, line->text + done, LONGEST, flags | EV_LINE_CONTINUED, time_ns);
		done += LONGEST;
	}
	return r ? r : tell_piece(l, line->text + done, line->len - done, flags, time_ns);
}

static int take_text(void *arg, const char *text, size_t len)
{
	struct session_lines *l = arg;

	if (!l->session->opt.lines.tee)
		tap_write(l->tap, text, len);
	return 0;
}

int session_lines_open(struct session *s, struct err *e)
{
	struct session_lines *l;
	struct lines_sink sink = { take_line, take_text, NULL };
	int r;

	if (!godebug_wanted(&s->opt.lines) || !s->opt.argv)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_sys(e, ENOMEM, "cannot start");
	s->lines = l;
	l->session = s;
	sink.arg = l;
	l->env = godebug_env(&s->opt.lines);
	if (!l->env || lines_new(&sink, &l->lines))
		return err_sys(e, ENOMEM, "cannot start");
	r = tap_open(&l->tap, e);
	if (!r && tap_by_writes(l->tap))
		lines_by_writes(l->lines);
	return r;
}

void session_lines_launch(struct session *s, struct launch_options *o)
{
	if (!s->lines)
		return;
	o->env[1] = s->lines->env;
	o->stderr_fd = tap_child_fd(s->lines->tap);
	if (s->user.change)
		tap_give_to(s->lines->tap, s->user.uid, s->user.gid);
}

void session_lines_launched(struct session *s)
{
	if (s->lines)
		tap_launched(s->lines->tap);
}

nfds_t session_lines_poll(const struct session *s, struct pollfd *fds)
{
	return s->lines ? tap_poll(s->lines->tap, fds) : 0;
}

void session_lines_resize(struct session *s)
{
	if (s->lines)
		tap_resize(s->lines->tap, s->reaped ? 0 : s->child.pid);
}

static int feed(struct session_lines *l, size_t n)
{
	int r;

	l->read_ns = session_now_ns();
	if (l->session->opt.lines.tee)
		tap_write(l->tap, l->chunk, n);
	r = lines_feed(l->lines, l->chunk, n);
	if (!lines_holds(l->lines))
		l->held_ns = 0;
	else if (!l->held_ns)
		l->held_ns = l->read_ns;
	return r;
}

/* Nothing has followed for a while. */
static int let_go(struct session_lines *l)
{
	uint64_t waited = session_now_ns() - l->held_ns;

	if (!l->held_ns || waited < LINES_WEAK_MS * NS_A_MS)
		return 0;
	return lines_flush(l->lines, waited >= LINES_STRONG_MS * NS_A_MS);
}

int session_lines_take(struct session *s)
{
	struct session_lines *l = s->lines;
	int r = 0, count = 0;

	if (!l)
		return 0;
	for (size_t n; !r && count < TAP_CHUNKS; count++) {
		n = tap_read(l->tap, l->chunk, sizeof(l->chunk));
		if (!n)
			break;
		r = feed(l, n);
	}
	if (!r)
		r = let_go(l);
	if (!lines_holds(l->lines))
		l->held_ns = 0;
	tap_push(l->tap);
	return r ? r : count;
}

int session_lines_end(struct session *s)
{
	struct session_lines *l = s->lines;
	int r = 0;

	if (!l)
		return 0;
	for (unsigned i = 0; !r && i < TAP_LAST_CHUNKS; i++) {
		size_t n = tap_read_last(l->tap, l->chunk, sizeof(l->chunk));

		if (!n)
			break;
		r = feed(l, n);
		tap_flush(l->tap);
	}
	if (!r)
		r = lines_flush(l->lines, true);
	tap_flush(l->tap); /* before what we have to say */
	l->mute = true;
	return r;
}

void session_lines_free(struct session *s)
{
	struct session_lines *l = s->lines;

	if (!l)
		return;
	tap_close(l->tap);
	lines_free(l->lines);
	free(l->env);
	free(l);
	s->lines = NULL;
}
