/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c: the summary: who grew which stack, what it cost, what was wasted.
 *
 * A head line; growths by (creator, leaf); stack memory by creator; then sentences: memory,
 * coroutines, shrinks, switches, advice, cost of the tracing, what was lost, what is damaged.  What
 * there is nothing to say of is left out, except losses: that nothing was lost is worth knowing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "formats/advice.h"
#include "formats/aggregate.h"
#include "formats/grid.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/section.h"
#include "formats/sites.h"
#include "formats/table.h"
#include "formats/table_by.h"

/* --- head line ----------------------------------------------------------------------------- */

static const char *version_of(const struct run_info *info)
{
	return *info->version ? info->version : "unknown version";
}

static uint64_t cpu_of(const struct totals *t)
{
	return t->cpu_ns ? t->cpu_ns : t->wall_ns;
}

int table_head(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	const struct run_info *info = c->info;
	enum escape_style style = c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII;
	bool named = !strncmp(info->version, info->runtime, strlen(info->runtime));

	fprintf(c->out, "%sstacktrace: ", c->colour ? TABLE_BOLD : "");
	escape_put(c->out, *info->command ? info->command : info->target, style);
	fputs(": ", c->out);
	if (!named)
		escape_put(c->out, info->runtime, style);
	fputs(named ? "" : " ", c->out);
	escape_put(c->out, version_of(info), style);
	fprintf(c->out, ", %s, %s coroutine%s, ", human_time(t->wall_ns, c->utf8).s,
		human_count(t->coroutines).s, table_plural(t->coroutines));
	if (t->growths)
		fprintf(c->out, "%s growth%s", human_count(t->growths).s, table_plural(t->growths));
	else
		fputs("no growths", c->out);
	if (t->bytes_copied)
		fprintf(c->out, " (%s copied in %s, %s of wall time)",
			human_size(t->bytes_copied).s, human_time(t->copy_ns, c->utf8).s,
			human_share((double)t->copy_ns, t->wall_ns ? (double)t->wall_ns : 1).s);
	fprintf(c->out, "%s\n", c->colour ? TABLE_NORMAL : "");
	return 0;
}

/* --- growths by creator and leaf ----------------------------------------------------------- */

struct growth_line {
	const struct growth_row *row; /* names */
	uint64_t count, bytes, ns, from, to;
};

static int compare_pairs(const void *x, const void *y)
{
	const struct growth_row *a = ((const struct growth_line *)x)->row;
	const struct growth_row *b = ((const struct growth_line *)y)->row;
	int r = site_compare(&a->creator, &b->creator);

	return r ? r : site_compare(&a->leaf, &b->leaf);
}

static int compare_lines(const void *x, const void *y)
{
	const struct growth_line *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return compare_pairs(a, b);
}

/* Rows of the steps of one (creator, leaf) become one line; shrinks are none.  Returns how many. */
static size_t merge_steps(const struct growth_row *rows, size_t count, struct growth_line *lines)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct growth_row *g = &rows[i];

		if (g->to > g->from)
			lines[n++] = (struct growth_line){ g,	  g->count, g->bytes_copied,
							   g->ns, g->from,  g->to };
	}
	qsort(lines, n, sizeof(*lines), compare_pairs);
	for (size_t i = 0; i < n; i++) {
		struct growth_line *to = &lines[kept - !!kept], *from = &lines[i];

		if (!kept || compare_pairs(to, from)) {
			lines[kept++] = *from;
			continue;
		}
		to->count += from->count;
		to->bytes += from->bytes;
		to->ns += from->ns;
		to->from = from->from < to->from ? from->from : to->from;
		to->to = from->to > to->to ? from->to : to->to;
	}
	qsort(lines, kept, sizeof(*lines), compare_lines);
	return kept;
}

static char *steps_cell(const struct growth_line *l, bool utf8)
{
	char *r;

	if (asprintf(&r, "%s %s %s", human_stack(l->from).s, utf8 ? "→" : "->",
		     human_stack(l->to).s) < 0)
		return NULL;
	return r;
}

static int print_growth(const struct render_context *c, const struct growth_row *rows, size_t count)
{
	static const char *const titles[] = {
		"GROWTHS", "COPIED", "TIME", "STEPS", "CREATED AT", "GREW IN",
	};
	struct growth_line *lines = calloc(count + 1, sizeof(*lines));
	struct grid *g = NULL;
	size_t n;
	int r = lines ? grid_new(titles, 6, 2, &g) : -ENOMEM;

	if (r) {
		free(lines);
		return r;
	}
	n = merge_steps(rows, count, lines);
	for (size_t i = 0; i < table_top(c, n) && !r; i++) {
		const struct growth_line *l = &lines[i];
		char *const cells[] = {
			cell(human_count(l->count)),	       cell(human_size(l->bytes)),
			cell(human_time(l->ns, c->utf8)),      steps_cell(l, c->utf8),
			label_site(&l->row->creator, c->utf8), label_site(&l->row->leaf, c->utf8),
		};

		r = grid_add(g, cells);
	}
	free(lines);
	return table_grid(c, g, n, r);
}

/* --- stack memory by creator --------------------------------------------------------------- */

static int compare_waste(const void *x, const void *y)
{
	const struct creator_row *a = x, *b = y;
	uint64_t wa = a->allocated_bytes - a->used_bytes, wb = b->allocated_bytes - b->used_bytes;

	if (wa != wb)
		return wa < wb ? 1 : -1;
	if (a->coroutines != b->coroutines)
		return a->coroutines < b->coroutines ? 1 : -1;
	return site_compare(&a->creator, &b->creator);
}

/* The size that most of its coroutines came to, and "+" if some went beyond. */
static char *size_cell(const struct creator_row *row)
{
	unsigned most = 0, last = 0;
	char *r;

	for (unsigned i = 0; i < 64; i++) {
		if (row->final_size[i] > row->final_size[most])
			most = i;
		if (row->final_size[i])
			last = i;
	}
	if (asprintf(&r, "%s%s", human_stack(UINT64_C(1) << most).s, last > most ? "+" : "") < 0)
		return NULL;
	return r;
}

static char *measured_cell(const struct creator_row *row, struct human h)
{
	return row->measured ? cell(h) : strdup("-");
}

static char *waste_cell(const struct creator_row *row)
{
	if (!row->measured || !row->allocated_bytes)
		return strdup("-");
	return cell(human_share((double)(row->allocated_bytes - row->used_bytes),
				(double)row->allocated_bytes));
}

static int print_creators(const struct render_context *c)
{
	static const char *const titles[] = {
		"COROUTINES", "AT ONCE", "UNDER 1 MS", "STACK",
		"ALLOCATED",  "USED",	 "WASTED",     "CREATED AT",
	};
	struct creator_row *rows;
	struct grid *g;
	size_t count;
	int r = aggregate_creators(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	r = grid_new(titles, 8, 1, &g);
	if (r) {
		free(rows);
		return r;
	}
	if (count)
		qsort(rows, count, sizeof(*rows), compare_waste);
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		const struct creator_row *w = &rows[i];
		double all = w->coroutines ? (double)w->coroutines : 1;
		char *const cells[] = {
			cell(human_count(w->coroutines)),
			cell(human_count(w->peak_alive)),
			cell(human_share((double)w->short_lived, all)),
			size_cell(w),
			measured_cell(w, human_size(w->allocated_bytes)),
			measured_cell(w, human_size(w->used_bytes)),
			waste_cell(w),
			label_site(&w->creator, c->utf8),
		};

		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, count, r);
}

/* --- sentences ----------------------------------------------------------------------------- */

static int print_memory(const struct render_context *c, const struct totals *t)
{
	int r;

	if (!t->coroutines)
		return 0;
	if (t->measured && t->allocated_bytes)
		r = table_sentence(
			c, "stacks:", false,
			"allocated %s, used %s, wasted %s (use seen of %s of %s coroutines)",
			human_size(t->allocated_bytes).s, human_size(t->used_bytes).s,
			human_share((double)(t->allocated_bytes - t->used_bytes),
				    (double)t->allocated_bytes)
				.s,
			human_count(t->measured).s, human_count(t->coroutines).s);
	else
		r = table_sentence(c, "stacks:", false, "allocated %s; the use of none was seen",
				   human_size(t->all_allocated_bytes).s);
	if (r)
		return r;
	return table_sentence(c, "coroutines:", false,
			      "at most %s at once, %s alive at the end; %s lived under 1 ms",
			      human_count(t->peak_alive).s, human_count(t->alive).s,
			      human_share((double)t->short_lived, (double)t->coroutines).s);
}

static int print_shrinks(const struct render_context *c, const struct totals *t,
			 const struct growth_row *rows, size_t count)
{
	uint64_t bytes = 0, ns = 0;

	if (!t->shrinks)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].to <= rows[i].from) {
			bytes += rows[i].bytes_copied;
			ns += rows[i].ns;
		}
	}
	return table_sentence(c, "shrinks:", false, "%s, %s copied in %s",
			      human_count(t->shrinks).s, human_size(bytes).s,
			      human_time(ns, c->utf8).s);
}

static int print_switches(const struct render_context *c, const struct totals *t)
{
	double share = totals_switch_share(t);
	bool much = share >= SWITCH_SHARE_MUCH;

	if (!t->switch_window_ns)
		return 0;
	return table_sentence(
		c, "switches:", false, "%s%s a second (watched for %s%s%s)",
		much ? "at least " : "",
		human_count((uint64_t)((double)t->switches * 1e9 / (double)t->switch_window_ns)).s,
		human_time(t->switch_window_ns, c->utf8).s,
		much ? ", of which the probes took " : "", much ? human_share(share, 1).s : "");
}

static int print_one_advice(const struct render_context *c, const struct advice *a, bool with_how)
{
	char *text = advice_text(a, c->utf8);
	char *how = with_how ? advice_how(a, c->info, c->utf8) : NULL;
	int r = text && (how || !with_how) ? 0 : -ENOMEM;

	if (!r)
		r = table_sentence(c, "advice:", false, "%s", text);
	if (!r && how)
		r = table_sentence(c, "how:", false, "%s", how);
	free(text);
	free(how);
	return r;
}

static int print_advice(const struct render_context *c)
{
	bool how_said[2] = { false, false };
	struct advice *a;
	size_t count;
	int r = advise(c->aggregate, c->names, c->info, &a, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++) {
		r = print_one_advice(c, &a[i], !how_said[a[i].kind]);
		how_said[a[i].kind] = true;
	}
	free(a);
	return r;
}

static int print_lost(const struct render_context *c, const struct totals *t, uint64_t lost)
{
	char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < EV_LOST_LIMIT && n < sizeof(text); i++) {
		if (t->lost[i])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", n ? ", " : "",
					      human_count(t->lost[i]).s, lost_reason_name(i));
	}
	return table_sentence(c, "lost:", true, "%s event%s: %s", human_count(lost).s,
			      table_plural(lost), text);
}

static int print_cost(const struct render_context *c, const struct totals *t)
{
	uint64_t hits = totals_probe_hits(t), lost = totals_lost(t);
	int r;

	if (!hits && !lost && c->damage && c->damage->truncated)
		return table_sentence(c, "cost:", false, "not in the capture, nor what was lost");
	r = table_sentence(c, "cost:", false, "%s probe hit%s, about %s (%s of %s)%s",
			   human_count(hits).s, table_plural(hits),
			   human_time(t->probe_cost_ns, c->utf8).s,
			   human_time_share(t->probe_cost_ns, cpu_of(t)).s,
			   t->cpu_ns ? "CPU" : "the time", lost ? "" : "; 0 events lost");

	return r || !lost ? r : print_lost(c, t, lost);
}

int table_damage(const struct render_context *c)
{
	const struct capture_damage *d = c->damage;
	int r = 0;

	if (!d)
		return 0;
	if (d->bad_blocks || d->bad_records || d->missing_records)
		r = table_sentence(c, "damaged:", true,
				   "%s block%s unreadable, %s record%s missing, %s bad",
				   human_count(d->bad_blocks).s, table_plural(d->bad_blocks),
				   human_count(d->missing_records).s,
				   table_plural(d->missing_records), human_count(d->bad_records).s);
	if (!r && d->truncated)
		r = table_sentence(c, "damaged:", true,
				   "the recording was cut off: what came behind is missing%s",
				   d->skipped_bytes ? ", and so is an incomplete block" : "");
	if (!r && d->skipped_bytes && !d->truncated && !d->bad_blocks)
		r = table_sentence(c, "damaged:", true, "%s bytes behind the end are no part of it",
				   human_count(d->skipped_bytes).s);
	if (!r && d->unknown_blocks)
		r = table_sentence(
			c, "note:", false,
			"%s block%s of a later version skipped: a newer stacktrace shows more",
			human_count(d->unknown_blocks).s, table_plural(d->unknown_blocks));
	return r;
}

/* Live, the warnings have been shown when they arose. */
static int print_warnings(const struct render_context *c)
{
	char *text, *line, *rest = NULL;
	int r = 0;

	if (!c->damage || !*c->info->warnings)
		return 0;
	text = strdup(c->info->warnings);
	if (!text)
		return -ENOMEM;
	for (line = strtok_r(text, "\n", &rest); line && !r; line = strtok_r(NULL, "\n", &rest)) {
		char *safe = escape_dup(line, c->utf8 ? ESCAPE_TEXT : ESCAPE_ASCII);

		r = safe ? table_sentence(c, "warning:", true, "%s", safe) : -ENOMEM;
		free(safe);
	}
	free(text);
	return r;
}

int table_missing(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	uint64_t lost = totals_lost(t);
	int r = 0;

	if (lost || (c->damage && capture_is_damaged(c->damage)))
		fputc('\n', c->out);
	if (lost)
		r = print_lost(c, t, lost);
	return r ? r : table_damage(c);
}

static int table_begin(void *state, const struct render_context *c)
{
	(void)state;
	breakdown_prepare(c);
	return 0;
}

static int print_by(const struct render_context *c)
{
	int r = table_head(c);

	if (!r)
		r = table_by(c);
	return r ? r : table_missing(c);
}

static int print_summary(const struct render_context *c)
{
	const struct totals *t = aggregate_totals(c->aggregate);
	struct growth_row *rows;
	size_t count;
	int r = aggregate_growth(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	r = table_head(c);
	if (!r && t->growths)
		r = print_growth(c, rows, count);
	if (!r)
		r = print_creators(c);
	fputc('\n', c->out);
	if (!r)
		r = print_memory(c, t);
	if (!r)
		r = print_shrinks(c, t, rows, count);
	free(rows);
	if (!r)
		r = print_switches(c, t);
	if (!r)
		r = sections_table(c);
	if (!r)
		r = print_advice(c);
	if (!r)
		r = print_cost(c, t);
	if (!r)
		r = table_damage(c);
	return r ? r : print_warnings(c);
}

static int table_end(void *state, const struct render_context *c)
{
	(void)state;
	return c->breakdown.by ? print_by(c) : print_summary(c);
}

const struct format format_table = {
	.name = "table",
	.summary = "who grew which stack, what it cost, what was wasted",
	.begin = table_begin,
	.end = table_end,
};
