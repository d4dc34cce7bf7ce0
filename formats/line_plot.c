/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_plot.c: columns drawn over time, in a terminal or as SVG.
 *
 * Rows are kept; when there are MOST of them, each two become one with the larger figure, so that
 * peaks stay and memory is bounded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/line_view.h"

#define MOST	    4096 /* rows kept; an even number */
#define NAME_WIDTH  16
#define NARROWEST   10
#define USUAL_WIDTH 60

struct plot {
	struct line_row *row;
	size_t count;
	unsigned merged;  /* rows in one that is kept */
	unsigned pending; /* rows in the last one */
};

static void take_larger(struct line_row *to, const struct line_row *more)
{
	for (unsigned i = 0; i < LINE_COLUMNS; i++)
		if (more->cell[i].known &&
		    (!to->cell[i].known || line_cell_less(&to->cell[i], &more->cell[i])))
			to->cell[i] = more->cell[i];
}

static int plot_row(void *state, const struct line_view *v, const struct line_row *row)
{
	struct plot *p = state;

	(void)v;
	if (!p->row) {
		p->row = calloc(MOST, sizeof(*p->row));
		p->merged = 1;
		if (!p->row)
			return -ENOMEM;
	}
	if (p->pending && p->pending < p->merged) {
		take_larger(&p->row[p->count - 1], row);
		p->pending++;
		return 0;
	}
	if (p->count == MOST) {
		for (size_t i = 0; i < MOST / 2; i++) {
			p->row[i] = p->row[2 * i];
			take_larger(&p->row[i], &p->row[2 * i + 1]);
		}
		p->count = MOST / 2;
		p->merged *= 2;
	}
	p->row[p->count++] = *row;
	p->pending = 1;
	return 0;
}

struct range {
	struct line_cell low, high, last;
};

static bool find_range(const struct plot *p, unsigned column, struct range *ret)
{
	*ret = (struct range){ .low = { .known = false } };
	for (size_t i = 0; i < p->count; i++) {
		const struct line_cell *c = &p->row[i].cell[column];

		if (!c->known)
			continue;
		if (!ret->low.known || line_cell_less(c, &ret->low))
			ret->low = *c;
		if (!ret->high.known || line_cell_less(&ret->high, c))
			ret->high = *c;
		ret->last = *c;
	}
	return ret->low.known;
}

/* What is drawn begins at 0, so that heights can be compared. */
static double height_of(const struct range *r, const struct line_cell *c)
{
	double high = line_cell_value(&r->high);

	return high > 0 ? line_cell_value(c) / high : 0;
}

/* --- in a terminal ------------------------------------------------------------------------- */

static void put_spark(const struct plot *p, const struct line_view *v, unsigned column,
		      const struct range *r, size_t width)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char ascii[] = "_.-:=+*#";
	size_t cells = p->count < width ? p->count : width;

	for (size_t i = 0; i < cells; i++) {
		struct line_cell most = { .known = false };
		unsigned level;

		for (size_t k = i * p->count / cells; k < (i + 1) * p->count / cells; k++) {
			const struct line_cell *c = &p->row[k].cell[column];

			if (c->known && (!most.known || line_cell_less(&most, c)))
				most = *c;
		}
		if (!most.known) {
			fputc(' ', v->out);
			continue;
		}
		level = (unsigned)(height_of(r, &most) * 7.999);
		if (v->utf8)
			fputs(blocks[level], v->out);
		else
			fputc(ascii[level], v->out);
	}
	fprintf(v->out, "%*s", (int)(width - cells), "");
}

static int plot_end(void *state, const struct line_view *v, const struct lines_counts *c)
{
	struct plot *p = state;
	size_t width = v->width > NAME_WIDTH + 40 ? v->width - NAME_WIDTH - 36 : USUAL_WIDTH;
	const struct line_column *clock = &v->report->columns[v->report->clock];
	struct range r;

	(void)c;
	if (v->width && width < NARROWEST)
		width = NARROWEST;
	if (p->count && find_range(p, v->report->clock, &r))
		fprintf(v->out, "%-*s  %s to %s\n", NAME_WIDTH, clock->name, line_figure(&r.low).s,
			line_figure(&r.high).s);
	for (unsigned i = 0; i < v->columns; i++) {
		const struct line_column *col = &v->report->columns[v->column[i]];

		if (v->column[i] == v->report->clock || !find_range(p, v->column[i], &r))
			continue;
		fprintf(v->out, "%-*s  ", NAME_WIDTH, col->name);
		put_spark(p, v, v->column[i], &r, width);
		fprintf(v->out, "  %s to %s, at last %s\n", line_figure(&r.low).s,
			line_figure(&r.high).s, line_figure(&r.last).s);
	}
	free(p->row);
	return 0;
}

const struct line_format line_format_plot = {
	.name = "plot",
	.summary = "each column drawn in one line of text, from 0 to its highest",
	.state_size = sizeof(struct plot),
	.row = plot_row,
	.end = plot_end,
};

/* --- SVG ----------------------------------------------------------------------------------- */

#define PICTURE 1000
#define LEFT	170
#define RIGHT	110
#define PANEL	70
#define DRAWN	50 /* of a panel */
#define HEAD	50
#define FOOT	30

static void put_head(const struct line_view *v, unsigned panels)
{
	fprintf(v->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"100%%\">\n"
		"<title>",
		PICTURE, HEAD + panels * PANEL + FOOT);
	escape_put(v->out, v->name, ESCAPE_XML);
	fprintf(v->out,
		": %s</title>\n<style>text { font: 12px sans-serif; fill: #333 }"
		" .line { fill: none; stroke: #2563ab; stroke-width: 1.2 }"
		" .axis { stroke: #bbb }"
		" @media (prefers-color-scheme: dark) { svg { background: #1b1b1b }"
		" text { fill: #ddd } .line { stroke: #7ab0f0 } .axis { stroke: #555 } }"
		"</style>\n<text x=\"10\" y=\"24\" style=\"font-size:15px\">",
		v->report->name);
	escape_put(v->out, v->name, ESCAPE_XML);
	fputs("</text>\n", v->out);
}

/* The points of one column, from the first row to the last; what is not known leaves a gap. */
static void put_points(const struct plot *p, const struct line_view *v, unsigned column,
		       const struct range *clock, const struct range *r, double top)
{
	double begin = line_cell_value(&clock->low), length = line_cell_value(&clock->high) - begin;
	bool gap = true;

	fputs("<path class=\"line\" d=\"", v->out);
	for (size_t i = 0; i < p->count; i++) {
		const struct line_cell *c = &p->row[i].cell[column];
		const struct line_cell *at = &p->row[i].cell[v->report->clock];

		if (!c->known || !at->known) {
			gap = true;
			continue;
		}
		fprintf(v->out, "%s%.1f %.1f", gap ? "M" : "L",
			LEFT + (length > 0 ? (line_cell_value(at) - begin) / length : 0) *
					(PICTURE - LEFT - RIGHT),
			top + DRAWN - height_of(r, c) * DRAWN);
		gap = false;
	}
	fputs("\"/>\n", v->out);
}

static void put_panel(const struct plot *p, const struct line_view *v, unsigned column,
		      const struct range *clock, const struct range *r, double top)
{
	const struct line_column *c = &v->report->columns[column];

	fprintf(v->out, "<g><title>%s: %s</title>\n", c->name, c->what);
	fprintf(v->out, "<line class=\"axis\" x1=\"%d\" y1=\"%.0f\" x2=\"%d\" y2=\"%.0f\"/>\n",
		LEFT, top + DRAWN, PICTURE - RIGHT, top + DRAWN);
	put_points(p, v, column, clock, r, top);
	fprintf(v->out, "<text x=\"10\" y=\"%.0f\">%s</text>\n", top + DRAWN - 4, c->title);
	fprintf(v->out, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
		top + 10, line_figure(&r->high).s);
	fprintf(v->out, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">0</text>\n", LEFT - 6,
		top + DRAWN + 4);
	fprintf(v->out, "<text x=\"%d\" y=\"%.0f\">%s at last</text>\n</g>\n", PICTURE - RIGHT + 6,
		top + DRAWN - 4, line_figure(&r->last).s);
}

static int svg_end(void *state, const struct line_view *v, const struct lines_counts *c)
{
	const struct line_column *time = &v->report->columns[v->report->clock];
	struct plot *p = state;
	struct range clock = { .low = { .known = false } }, r;
	bool any = find_range(p, v->report->clock, &clock);
	unsigned panels = 0, done = 0;

	(void)c;
	for (unsigned i = 0; i < v->columns; i++)
		panels += v->column[i] != v->report->clock && find_range(p, v->column[i], &r);
	put_head(v, panels);
	for (unsigned i = 0; i < v->columns; i++)
		if (v->column[i] != v->report->clock && find_range(p, v->column[i], &r))
			put_panel(p, v, v->column[i], &clock, &r, HEAD + PANEL * done++);
	if (any)
		fprintf(v->out,
			"<text x=\"%d\" y=\"%u\">%s %s</text><text x=\"%d\" y=\"%u\""
			" text-anchor=\"end\">%s</text>\n",
			LEFT, HEAD + panels * PANEL + 10, time->title, line_figure(&clock.low).s,
			PICTURE - RIGHT, HEAD + panels * PANEL + 10, line_figure(&clock.high).s);
	else
		fprintf(v->out, "<text x=\"10\" y=\"%d\">no lines</text>\n", HEAD);
	fputs("</svg>\n", v->out);
	free(p->row);
	return 0;
}

const struct line_format line_format_svg = {
	.name = "svg",
	.summary = "each column drawn as a curve, in one file that needs nothing else",
	.state_size = sizeof(struct plot),
	.row = plot_row,
	.end = svg_end,
};
