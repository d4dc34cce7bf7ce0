/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svg.c: a flame graph as one SVG file: call chains from the go statements at the top down to the
 * functions that ran out of stack, as wide as what --weight chooses.
 *
 * The file needs nothing else.  In a browser it zooms and searches (formats/web/svg.js); as an
 * image it is the same picture without.  A frame narrower than a tenth of a pixel is not drawn, nor
 * what is above it, and a line says how much that is; so the file's size is bounded by the
 * picture's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/graph.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/web.h"

#define PICTURE_WIDTH 1200
#define LEFT	      10
#define GRAPH_WIDTH   (PICTURE_WIDTH - 2 * LEFT)
#define TOP	      62
#define BOTTOM	      44
#define FRAME_HEIGHT  17
#define CHAR_WIDTH    6.62 /* of the style sheet's font; as in svg.js */
#define NARROWEST     0.1

struct drawing {
	const struct render_context *c;
	enum weight weight;
	uint64_t all;
	unsigned depth;
	uint64_t hidden; /* frames too narrow */
	int error;
};

static struct human weight_text(uint64_t weight, enum weight w)
{
	switch (w) {
	case WEIGHT_NS:
		return human_time(weight, true);
	case WEIGHT_BYTES:
	case WEIGHT_WASTE:
		return human_size(weight);
	default:
		return human_count(weight);
	}
}

static const char *weight_title(enum weight w)
{
	static const char *const titles[WEIGHT_COUNT] = {
		"stack growths",
		"bytes copied by stack growths",
		"time of stack growths",
		"wasted stack bytes",
	};

	return titles[w];
}

static double width_of(const struct drawing *d, uint64_t weight)
{
	return (double)weight / (double)d->all * GRAPH_WIDTH;
}

/* Frames of one package have one colour. */
static unsigned colour(const char *function)
{
	const char *slash = strrchr(function, '/'), *dot = strchr(slash ? slash : function, '.');
	unsigned h = 5381;

	for (const char *p = function; *p && p != dot; p++)
		h = h * 33 + (unsigned char)*p;
	return h % 8;
}

static void put_class(FILE *out, const struct graph_node *n)
{
	const char *f = n->frame.site.function;

	if (n->frame.kind == CHAIN_CREATOR)
		fputs("f k0", out);
	else if (n->frame.kind == CHAIN_NOTE)
		fputs("f kn", out);
	else if (!strncmp(f, "runtime.", 8))
		fputs("f kr", out);
	else
		fprintf(out, "f c%u", colour(f));
}

/* As many characters as fit, none if they would say nothing. */
static void put_text(FILE *out, const char *label, double x, double y, double width)
{
	size_t room = width > 6 ? (size_t)((width - 6) / CHAR_WIDTH) : 0, count = 0;
	const char *end = label;

	if (room < 3)
		return;
	for (const char *p = label; *p; p++)
		count += ((unsigned char)*p & 0xc0) != 0x80;
	if (count <= room) {
		end = label + strlen(label);
	} else {
		for (size_t i = 0; i < room - 2; i++)
			do
				end++;
			while (((unsigned char)*end & 0xc0) == 0x80);
	}
	fprintf(out, "<text x=\"%.1f\" y=\"%.0f\">", x + 3, y + 12);
	fwrite(label, 1, (size_t)(end - label), out);
	fputs(count <= room ? "</text>" : "..</text>", out);
}

static void put_frame(struct drawing *d, const struct graph_node *n, double x, double width)
{
	FILE *out = d->c->out;
	char *label = chain_label(&n->frame), *safe = label ? escape_dup(label, ESCAPE_XML) : NULL;
	double y = TOP + n->depth * FRAME_HEIGHT;

	if (!safe) {
		d->error = -ENOMEM;
	} else {
		fputs("<g class=\"", out);
		put_class(out, n);
		fprintf(out, "\" tabindex=\"0\"><title>%s\n%s, ", safe,
			weight_text(n->weight[d->weight], d->weight).s);
		/* "<0.1 %" */
		escape_put(out, human_share((double)n->weight[d->weight], (double)d->all).s,
			   ESCAPE_XML);
		fputs("</title>", out);
		fprintf(out, "<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" rx=\"1\"/>",
			x, y, width, FRAME_HEIGHT - 1);
		/* Entities count as more than one character: cut only what has none. */
		put_text(out, strcmp(label, safe) && strlen(safe) * CHAR_WIDTH > width ? "" : safe,
			 x, y, width);
		fputs("</g>\n", out);
	}
	free(safe);
	free(label);
}

static void put_frames(struct drawing *d, const struct graph_node *n, double x)
{
	double width = width_of(d, n->weight[d->weight]);

	if (width < NARROWEST) {
		d->hidden += n->weight[d->weight] != 0;
		return;
	}
	put_frame(d, n, x, width);
	for (const struct graph_node *k = n->child; k && !d->error; k = k->next) {
		put_frames(d, k, x);
		x += width_of(d, k->weight[d->weight]);
	}
}

/* How deep the graph is drawn. */
static void measure(struct drawing *d, const struct graph_node *n)
{
	if (width_of(d, n->weight[d->weight]) < NARROWEST)
		return;
	if (n->depth > d->depth)
		d->depth = n->depth;
	for (const struct graph_node *k = n->child; k; k = k->next)
		measure(d, k);
}

static void put_head(const struct drawing *d, double height)
{
	FILE *out = d->c->out;

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"100%%\""
		" height=\"%.0f\" preserveAspectRatio=\"xMidYMin\" data-width=\"%d\" "
		"data-left=\"%d\">\n<title>",
		PICTURE_WIDTH, height, height, GRAPH_WIDTH, LEFT);
	escape_put(out, d->c->info->command, ESCAPE_XML);
	fprintf(out, ": %s</title>\n<style>\n%s</style>\n", weight_title(d->weight), web_svg_css);
	fprintf(out, "<text class=\"head\" x=\"%d\" y=\"24\">", LEFT);
	escape_put(out, d->c->info->command, ESCAPE_XML);
	fprintf(out, ": %s %s</text>\n", weight_text(d->all, d->weight).s, weight_title(d->weight));
	fprintf(out, "<text class=\"note\" x=\"%d\" y=\"44\">", LEFT);
	escape_put(out, d->c->info->version, ESCAPE_XML);
	fputs("; from the go statement at the top down to the function that ran out of "
	      "stack</text>\n",
	      out);
	fprintf(out,
		"<text id=\"reset\" class=\"button\" x=\"%d\" y=\"44\" style=\"display:none\">"
		"reset zoom</text>\n"
		"<text id=\"search\" class=\"button\" x=\"%d\" y=\"24\" text-anchor=\"end\""
		" style=\"display:none\">search</text>\n"
		"<text id=\"matched\" class=\"note\" x=\"%d\" y=\"44\" text-anchor=\"end\"> "
		"</text>\n",
		PICTURE_WIDTH - 300, PICTURE_WIDTH - LEFT, PICTURE_WIDTH - LEFT);
}

static void put_foot(const struct drawing *d, double height)
{
	FILE *out = d->c->out;
	const struct totals *t = aggregate_totals(d->c->aggregate);
	uint64_t lost = totals_lost(t) + (d->c->damage ? d->c->damage->missing_records : 0);

	fprintf(out, "<text id=\"details\" x=\"%d\" y=\"%.0f\"> </text>\n", LEFT, height - 26);
	fprintf(out, "<text class=\"note\" x=\"%d\" y=\"%.0f\">", LEFT, height - 9);
	if (d->hidden)
		fprintf(out, "%s frame%s too narrow to be drawn, with all on top of them. ",
			human_count(d->hidden).s, d->hidden == 1 ? "" : "s");
	if (lost)
		fprintf(out, "%s events were lost.", human_count(lost).s);
	/* "]]>" would end the section; the script has none. */
	fprintf(out, "</text>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", web_svg_js);
}

static int svg_end(void *state, const struct render_context *c)
{
	struct drawing d = { .c = c, .weight = c->weight };
	struct graph *g;
	double height;
	int r = graph_new(c->aggregate, c->names, &g);

	(void)state;
	if (r)
		return r;
	d.all = graph_root(g)->weight[d.weight];
	if (d.all)
		measure(&d, graph_root(g));
	height = TOP + (d.depth + 1) * FRAME_HEIGHT + BOTTOM;
	put_head(&d, height);
	if (d.all)
		put_frames(&d, graph_root(g), LEFT);
	else
		fprintf(c->out,
			"<g class=\"f kn\"><title>nothing\n0</title>"
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
			"<text x=\"%d\" y=\"%d\">no %s</text></g>\n",
			LEFT, TOP, GRAPH_WIDTH, FRAME_HEIGHT - 1, LEFT + 3, TOP + 12,
			weight_title(d.weight));
	put_foot(&d, height);
	graph_free(g);
	return d.error;
}

const struct format format_svg = {
	.name = "svg",
	.summary = "flame graph that stands alone, zooms and searches in a browser",
	.end = svg_end,
};
