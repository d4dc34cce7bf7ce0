/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.c: a page that stands alone: what the summary says, a flame graph by each weight, a
 * timeline, and tables that sort and search.
 *
 * The page is formats/web/page.html with style sheet, script and data put into it, and a policy
 * that forbids it to load anything else.  The data are one JSON document in an element that is no
 * script; the only character that could end that element, "<", is written as an escape, and the
 * script puts texts into the page as texts and never as markup.
 */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "formats/breakdown.h"
#include "formats/html_data.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/web.h"

static int html_begin(void *state, const struct render_context *c)
{
	struct render_context own = *c;

	(void)state;
	own.breakdown = (struct breakdown_spec){ .by = BY_COROUTINE };
	own.top = HTML_ROWS;
	breakdown_prepare(&own);
	return 0;
}

static int html_event(void *state, const struct render_context *c, const struct ev_header *ev)
{
	struct html_collections *gc = state;
	const struct ev_gc *e = (const struct ev_gc *)ev;

	(void)c;
	if (ev->kind != EV_GC || ev->size < sizeof(*e))
		return 0;
	if (e->what == EV_GC_START) {
		if (gc->count++ < HTML_COLLECTIONS)
			gc->start_ns[gc->count - 1] = ev->time_ns;
	} else if (gc->count && gc->count <= HTML_COLLECTIONS) {
		gc->end_ns[gc->count - 1] = ev->time_ns;
	}
	return 0;
}

static int put_safe(const char *text, size_t size, void *arg)
{
	FILE *out = arg;

	while (size) {
		const char *less = memchr(text, '<', size);
		size_t plain = less ? (size_t)(less - text) : size;

		fwrite(text, 1, plain, out);
		if (less)
			fputs("\\u003c", out);
		text += plain + !!less;
		size -= plain + !!less;
	}
	return 0;
}

static int html_end(void *state, const struct render_context *c)
{
	json_t *data = html_data(c, state);
	FILE *out = c->out;
	int r;

	if (!data)
		return -ENOMEM;
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<title>",
	      out);
	escape_put(out, c->info->command, ESCAPE_XML);
	fprintf(out, " - stacktrace</title>\n<style>\n%s</style>\n</head>\n%s", web_page_css,
		web_page_html);
	fputs("<script type=\"application/json\" id=\"data\">\n", out);
	r = json_dump_callback(data, put_safe, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(data);
	fprintf(out, "\n</script>\n<script>\n\"use strict\";\n%s%s%s%s%s</script>\n</html>\n",
		web_text_js, web_flame_js, web_timeline_js, web_tables_js, web_page_js);
	return r ? -ENOMEM : 0;
}

const struct format format_html = {
	.name = "html",
	.summary = "a page with flame graph, timeline and tables, in one file",
	.state_size = sizeof(struct html_collections),
	.begin = html_begin,
	.event = html_event,
	.end = html_end,
};
