/* SPDX-License-Identifier: Apache-2.0 */
/* format_lines.c: the lines of the runtime, byte for byte, for scripts that read Go's own format.
 */
#include "formats/event_valid.h"
#include "formats/render.h"

struct lines_state {
	bool open; /* the line goes on in the next record */
};

static int lines_event(void *state, const struct render_context *c, const struct ev_header *ev)
{
	const struct ev_line *l = (const struct ev_line *)ev;
	struct lines_state *s = state;

	if (ev->kind != EV_LINE || !event_valid(ev))
		return 0;
	fwrite(l->text, 1, l->length, c->out);
	s->open = l->flags & EV_LINE_CONTINUED;
	if (s->open)
		return 0;
	fputc('\n', c->out);
	if (!c->damage) /* live: in one piece, since the program may write to the same place */
		fflush(c->out);
	return 0;
}

static int lines_end(void *state, const struct render_context *c)
{
	if (((struct lines_state *)state)->open) /* the capture was cut */
		fputc('\n', c->out);
	return 0;
}

const struct format format_lines = {
	.name = "lines",
	.summary = "lines of gctrace and schedtrace, as the runtime wrote them",
	.result = true,
	.state_size = sizeof(struct lines_state),
	.event = lines_event,
	.end = lines_end,
};
