/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/line_run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "formats/capture.h"
#include "formats/event_valid.h"
#include "formats/render.h"
#include "formats/run_info.h"

#define CHUNK 65536

static int take_row(void *arg, const struct line_row *row)
{
	struct line_run *r = arg;

	return r->format->row ? r->format->row(r->state, &r->view, row) : 0;
}

static int take_text(void *arg, const char *text, size_t len)
{
	struct line_run *r = arg;

	if (r->pass.file)
		fwrite(text, 1, len, r->pass.file);
	else if (r->pass_on)
		r->pass_on(r->pass_arg, text, len);
	return 0;
}

static int take_line(void *arg, const struct line *l, bool torn)
{
	struct line_run *r = arg;
	int result = 0;

	if (!line_report_wants(r->view.report, l->kind)) {
		take_text(r, l->text, l->len);
		return take_text(r, "\n", 1);
	}
	if (r->format->line)
		result = r->format->line(r->state, &r->view, l, torn);
	return result ? result : line_rows_take(r->rows, l, r->time_ns);
}

static void usual_columns(struct line_view *v, bool timed)
{
	for (unsigned i = 0; i < v->report->count; i++)
		if (v->report->columns[i].usual || (timed && i == LINE_COLUMN_TIME))
			v->column[v->columns++] = (uint8_t)i;
}

static int open_outputs(struct line_run *r, const struct line_options *o, FILE *pass, struct err *e)
{
	struct render_context c = { 0 };
	int result = output_open(o->path, stdout, &r->out, e);

	if (!result && o->pass)
		result = output_open(o->pass, stdout, &r->pass, e);
	else
		r->pass = (struct output){ pass, "standard error", false };
	if (result)
		return result;
	output_describe(&r->out, &c);
	r->view.out = r->out.file;
	r->view.colour = c.colour;
	r->view.utf8 = c.utf8;
	r->view.width = c.width;
	return 0;
}

int line_run_open(const struct line_options *o, FILE *pass, const char *name, struct line_run *r,
		  struct err *e)
{
	const struct lines_sink sink = { take_line, take_text, r };
	int result = 0;

	*r = (struct line_run){ .format = o->format, .time_ns = UINT64_MAX };
	r->view.report = o->report;
	r->view.name = name;
	r->view.rows = o->every_ns || o->columns;
	if (o->columns)
		result = line_report_parse_columns(o->report, "--columns", o->columns,
						   r->view.column, &r->view.columns, e);
	if (!result)
		result = open_outputs(r, o, pass, e);
	if (result)
		return result;
	r->state = calloc(1, o->format->state_size + 1);
	if (!r->state || lines_new(&sink, &r->lines) ||
	    line_rows_new(o->report, o->every_ns, take_row, r, &r->rows))
		return err_sys(e, ENOMEM, "cannot start");
	return 0;
}

/* The columns depend on whether the times are known. */
static int begin(struct line_run *r)
{
	if (r->begun)
		return 0;
	r->begun = true;
	if (!r->view.columns)
		usual_columns(&r->view, r->time_ns != UINT64_MAX);
	return r->format->begin ? r->format->begin(r->state, &r->view) : 0;
}

/* What was read is out before more is waited for. */
int line_run_show(struct line_run *r)
{
	if (fflush(r->out.file) || ferror(r->out.file))
		r->failed = true;
	if (r->pass.file)
		fflush(r->pass.file);
	return r->failed ? -EPIPE : 0;
}

int line_run_feed(struct line_run *r, const char *bytes, size_t len)
{
	int result = begin(r);

	return result ? result : lines_feed(r->lines, bytes, len);
}

int line_run_flush(struct line_run *r, bool all)
{
	return lines_flush(r->lines, all);
}

int line_run_take(struct line_run *r, const char *text, size_t len, uint64_t time_ns, bool torn)
{
	static struct line line;
	int result;

	r->time_ns = time_ns;
	result = begin(r);
	if (result)
		return result;
	if (line_parse(text, len, &line)) {
		lines_count(r->lines, line.kind, torn);
		return take_line(r, &line, torn);
	}
	lines_count(r->lines, LINE_NONE, torn);
	return 0;
}

static int wait_for(struct line_run *r, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (!lines_holds(r->lines))
		return 0;
	if (poll(&p, 1, LINES_WEAK_MS))
		return 0;
	if (lines_flush(r->lines, false))
		return -ENOMEM;
	line_run_show(r);
	if (lines_holds(r->lines) && !poll(&p, 1, LINES_STRONG_MS - LINES_WEAK_MS)) {
		if (lines_flush(r->lines, true))
			return -ENOMEM;
		line_run_show(r);
	}
	return 0;
}

int line_run_read(struct line_run *r, int fd, const char *name, struct err *e)
{
	static char chunk[CHUNK];
	ssize_t n = 0;
	int result = begin(r);

	if (!result)
		result = line_run_show(r);
	while (!result) {
		result = wait_for(r, fd);
		if (!result)
			n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "cannot read '%s'", name);
		if (!n || result)
			break;
		result = line_run_feed(r, chunk, (size_t)n);
		if (!result)
			result = line_run_show(r);
	}
	if (!result)
		result = lines_flush(r->lines, true);
	if (result && result != -EPIPE)
		err_sys(e, -result, "cannot read '%s'", name);
	return result;
}

/* --- captures ------------------------------------------------------------------------------ */

struct from_capture {
	struct line_run *run;
	uint64_t start_ns;
	char *text; /* of a line in several records */
	size_t len;
};

static int take_record(void *arg, const struct ev_header *ev)
{
	const struct ev_line *p = (const struct ev_line *)ev;
	struct from_capture *f = arg;
	uint64_t time_ns = ev->time_ns > f->start_ns ? ev->time_ns - f->start_ns : 0;
	bool torn;
	char *grown;
	int r;

	if (ev->kind != EV_LINE || !event_valid(ev))
		return 0;
	torn = p->flags & EV_LINE_TORN;
	if (!f->len && !(p->flags & EV_LINE_CONTINUED))
		return line_run_take(f->run, p->text, p->length, time_ns, torn);
	grown = realloc(f->text, f->len + p->length + 1);
	if (!grown)
		return -ENOMEM;
	f->text = grown;
	memcpy(f->text + f->len, p->text, p->length);
	f->len += p->length;
	if (p->flags & EV_LINE_CONTINUED)
		return 0;
	r = line_run_take(f->run, f->text, f->len, time_ns, torn);
	f->len = 0;
	return r;
}

int line_run_capture(struct line_run *r, const char *path, struct err *e)
{
	struct capture_damage damage;
	struct capture_reader *reader;
	struct from_capture f = { .run = r };
	int result = capture_open(path, &reader, e);

	if (result)
		return result;
	e->text[0] = '\0';
	f.start_ns = capture_info(reader)->start_monotonic_ns;
	r->view.name = capture_info(reader)->command;
	result = capture_read(reader, NULL, take_record, &f, &damage, e);
	if (!result)
		result = begin(r);
	if (result && !e->text[0])
		err_sys(e, -result, "cannot read '%s'", path);
	free(f.text);
	if (!result)
		result = line_run_end(r);
	capture_reader_free(reader);
	return result;
}

int line_run_end(struct line_run *r)
{
	int result = line_rows_end(r->rows), w;

	w = begin(r);
	if (r->format->end && !w)
		w = r->format->end(r->state, &r->view, lines_counts(r->lines));
	r->ended = true;
	return result ? result : w;
}

int line_run_close(struct line_run *r, struct err *e)
{
	int result = 0, w;

	if (r->rows && !r->ended)
		result = line_run_end(r);
	if (result)
		err_sys(e, -result, "cannot finish the output");
	if (r->pass.file && output_close(&r->pass, result ? NULL : e) && !result)
		result = r->pass.close ? -EIO : 0;
	w = r->out.file ? output_close(&r->out, result ? NULL : e) : 0;
	line_rows_free(r->rows);
	lines_free(r->lines);
	free(r->state);
	return result ? result : w;
}

void line_run_drop(struct line_run *r)
{
	r->ended = true;
	line_run_close(r, NULL);
}
