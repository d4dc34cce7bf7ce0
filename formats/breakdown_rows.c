/* SPDX-License-Identifier: Apache-2.0 */
/* breakdown_rows.c: where the rows of each criterion come from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "formats/aggregate.h"
#include "formats/breakdown.h"
#include "formats/chain.h"
#include "formats/label.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "formats/sites.h"
#include "formats/what_if.h"

#define TIME_SLICES 20 /* where nothing else is asked for */

/* "main.deep deep.go:5", not escaped. */
static int set_site(struct breakdown_row *r, enum column c, const struct site *s)
{
	const char *file = label_base_name(s->file);
	int n;

	if (*file && s->line)
		n = asprintf(&r->cell[c].text, "%s %s:%u", s->function, file, s->line);
	else
		n = asprintf(&r->cell[c].text, "%s", s->function);
	if (n < 0)
		r->cell[c].text = NULL;
	return n < 0 ? -ENOMEM : 0;
}

static void set_waste(struct breakdown_row *r, uint64_t measured, uint64_t allocated, uint64_t used)
{
	if (!measured)
		return;
	breakdown_set(r, COLUMN_ALLOCATED, allocated);
	breakdown_set(r, COLUMN_USED, used);
	breakdown_set(r, COLUMN_WASTE, allocated - used);
	if (allocated)
		breakdown_set(r, COLUMN_WASTED,
			      (uint64_t)((double)(allocated - used) * 1e6 / (double)allocated));
}

static void set_growth(struct breakdown_row *r, uint64_t growths, uint64_t shrinks, uint64_t bytes,
		       uint64_t ns)
{
	breakdown_set(r, COLUMN_GROWTHS, growths);
	breakdown_set(r, COLUMN_SHRINKS, shrinks);
	breakdown_set(r, COLUMN_COPIED, bytes);
	breakdown_set(r, COLUMN_TIME, ns);
}

/* --- growths, by any of their properties --------------------------------------------------- */

static int add_growth(struct breakdown_list *l, const struct growth_row *g, enum by by)
{
	struct breakdown_row *r = breakdown_add(l);
	bool grows = g->to > g->from;
	int ret = r ? 0 : -ENOMEM;

	if (!r)
		return ret;
	set_growth(r, grows ? g->count : 0, grows ? 0 : g->count, g->bytes_copied, g->ns);
	if (by != BY_LEAF) {
		breakdown_set(r, COLUMN_FROM, g->from);
		breakdown_set(r, COLUMN_TO, g->to);
	}
	if (by != BY_STEP)
		ret = set_site(r, COLUMN_LEAF, &g->leaf);
	if (!ret && by == BY_GROWTH)
		ret = set_site(r, COLUMN_CREATOR, &g->creator);
	if (!ret && by == BY_GROWTH)
		ret = set_site(r, COLUMN_ENTRY, &g->entry);
	return ret;
}

static int fill_growth(const struct render_context *c, enum by by, struct breakdown_list *l)
{
	struct growth_row *rows;
	size_t count;
	int r = aggregate_growth(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++)
		r = add_growth(l, &rows[i], by);
	free(rows);
	return r;
}

/* --- creators ------------------------------------------------------------------------------ */

static uint64_t most_common_size(const struct creator_row *w)
{
	unsigned most = 0;

	for (unsigned i = 1; i < 64; i++)
		if (w->final_size[i] > w->final_size[most])
			most = i;
	return UINT64_C(1) << most;
}

static int add_creator(struct breakdown_list *l, const struct creator_row *w)
{
	struct breakdown_row *r = breakdown_add(l);
	int ret;

	if (!r)
		return -ENOMEM;
	breakdown_set(r, COLUMN_COROUTINES, w->coroutines);
	breakdown_set(r, COLUMN_BORN, w->born);
	breakdown_set(r, COLUMN_ENDED, w->ended);
	breakdown_set(r, COLUMN_ALIVE, w->alive);
	breakdown_set(r, COLUMN_AT_ONCE, w->peak_alive);
	breakdown_set(r, COLUMN_SHORT, w->short_lived);
	breakdown_set(r, COLUMN_GREW, w->grew);
	breakdown_set(r, COLUMN_STACK, most_common_size(w));
	if (w->lived) {
		breakdown_set(r, COLUMN_LIFETIME, w->life_ns / w->lived);
		breakdown_set(r, COLUMN_LONGEST, w->max_life_ns);
	}
	if (w->measured)
		breakdown_set(r, COLUMN_MOST_USED, w->most_used);
	set_growth(r, w->growths, w->shrinks, w->bytes_copied, w->ns);
	set_waste(r, w->measured, w->allocated_bytes, w->used_bytes);
	ret = set_site(r, COLUMN_CREATOR, &w->creator);
	return ret ? ret : set_site(r, COLUMN_ENTRY, &w->entry);
}

static int fill_creators(const struct render_context *c, struct breakdown_list *l)
{
	struct creator_row *rows;
	size_t count;
	int r = aggregate_creators(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++)
		r = add_creator(l, &rows[i]);
	free(rows);
	return r;
}

/* --- call chains --------------------------------------------------------------------------- */

struct filling {
	const struct render_context *c;
	struct breakdown_list *l;
};

struct joining {
	FILE *out;
	const char *last; /* recursion is told once: names differ where it matters */
	unsigned repeats;
};

static void put_repeats(struct joining *j)
{
	if (j->repeats)
		fprintf(j->out, " (x%u)", j->repeats + 1);
	j->repeats = 0;
}

static int join(void *arg, const struct chain_frame *f)
{
	struct joining *j = arg;

	if (j->last && f->kind == CHAIN_FUNCTION && !strcmp(j->last, f->site.function)) {
		j->repeats++;
		return 0;
	}
	put_repeats(j);
	if (j->last)
		fputs(" > ", j->out);
	fprintf(j->out, "%s%s", f->kind == CHAIN_CREATOR ? "go@" : "", f->site.function);
	if (f->kind == CHAIN_CREATOR && f->site.line)
		fprintf(j->out, ":%u", f->site.line);
	j->last = f->site.function;
	return 0;
}

static int add_stack(void *arg, const struct stack_row *row)
{
	struct filling *f = arg;
	struct joining j = { 0 };
	struct breakdown_row *r;
	size_t size;
	bool bad;

	r = breakdown_add(f->l);
	if (!r)
		return -ENOMEM;
	set_growth(r, row->count, 0, row->bytes_copied, row->ns);
	breakdown_set(r, COLUMN_WASTE, row->waste);
	j.out = open_memstream(&r->cell[COLUMN_CHAIN].text, &size);
	if (!j.out)
		return -ENOMEM;
	chain_each(f->c->names, row, join, &j);
	put_repeats(&j);
	bad = ferror(j.out);
	return fclose(j.out) || bad ? -ENOMEM : 0;
}

/* --- coroutines ---------------------------------------------------------------------------- */

static int add_coroutine(const struct render_context *c, struct breakdown_list *l,
			 const struct coroutine_row *w)
{
	struct breakdown_row *r = breakdown_add(l);
	struct site entry = site_entry(c->names, w->pid, w->entry_pc), creator;
	uint64_t start = c->info->start_monotonic_ns;
	int ret;

	if (!r)
		return -ENOMEM;
	breakdown_set(r, COLUMN_PID, ev_process_id(w->pid));
	if (w->goid)
		breakdown_set(r, COLUMN_ID, w->goid);
	if (w->born)
		breakdown_set(r, COLUMN_START, w->birth_ns > start ? w->birth_ns - start : 0);
	if (w->born && w->ended)
		breakdown_set(r, COLUMN_LIFETIME,
			      w->end_ns > w->birth_ns ? w->end_ns - w->birth_ns : 0);
	breakdown_set(r, COLUMN_ALIVE, !w->ended);
	breakdown_set(r, COLUMN_STACK, w->peak_size);
	set_growth(r, w->growths, w->shrinks, w->bytes_copied, w->ns);
	set_waste(r, w->used != 0, w->peak_size, w->used);
	site_creator(c->names, w->pid, w->creator_pc, w->entry_pc, &creator);
	ret = set_site(r, COLUMN_CREATOR, &creator);
	return ret ? ret : set_site(r, COLUMN_ENTRY, &entry);
}

static int fill_coroutines(const struct render_context *c, struct breakdown_list *l)
{
	const struct coroutine_row *rows;
	size_t count;
	int r = aggregate_coroutines(c->aggregate, &rows, &count);

	for (size_t i = 0; !r && i < count; i++)
		r = add_coroutine(c, l, &rows[i]);
	return r;
}

/* --- processes ----------------------------------------------------------------------------- */

static void set_state(struct breakdown_row *r, const struct process_row *p)
{
	int status = (int)p->status;

	if (p->exited && p->status != UINT64_MAX)
		breakdown_set(r, COLUMN_STATE,
			      WIFSIGNALED(status) ? 128u + (unsigned)WTERMSIG(status)
						  : (unsigned)WEXITSTATUS(status));
}

static int fill_processes(const struct render_context *c, struct breakdown_list *l)
{
	uint64_t start = c->info->start_monotonic_ns;
	struct process_row *rows;
	size_t count;
	int ret = aggregate_processes(c->aggregate, &rows, &count);

	if (ret)
		return ret;
	for (size_t i = 0; i < count && !ret; i++) {
		const struct process_row *p = &rows[i];
		struct breakdown_row *r = breakdown_add(l);

		if (!r) {
			ret = -ENOMEM;
			break;
		}
		breakdown_set(r, COLUMN_PID, ev_process_id(p->pid));
		if (p->ppid)
			breakdown_set(r, COLUMN_PPID, p->ppid);
		if (p->start_ns)
			breakdown_set(r, COLUMN_START,
				      p->start_ns > start ? p->start_ns - start : 0);
		set_state(r, p);
		breakdown_set(r, COLUMN_COROUTINES, p->coroutines);
		breakdown_set(r, COLUMN_BORN, p->born);
		breakdown_set(r, COLUMN_ENDED, p->ended);
		breakdown_set(r, COLUMN_ALIVE, p->alive);
		set_growth(r, p->growths, p->shrinks, p->bytes_copied, p->ns);
		set_waste(r, p->measured, p->allocated_bytes, p->used_bytes);
		r->cell[COLUMN_NAME].text = strdup(p->name);
		ret = r->cell[COLUMN_NAME].text ? 0 : -ENOMEM;
	}
	free(rows);
	return ret;
}

/* --- time ---------------------------------------------------------------------------------- */

static int fill_time(const struct render_context *c, struct breakdown_list *l)
{
	uint64_t width, start = c->info->start_monotonic_ns;
	struct series_row *rows;
	size_t count;
	int ret = aggregate_series(c->aggregate, c->top ? c->top : TIME_SLICES, &rows, &count,
				   &width);

	for (size_t i = 0; !ret && i < count; i++) {
		const struct series_row *s = &rows[i];
		struct breakdown_row *r = breakdown_add(l);

		if (!r) {
			ret = -ENOMEM;
			break;
		}
		if (!start)
			start = s->start_ns;
		breakdown_set(r, COLUMN_START, s->start_ns > start ? s->start_ns - start : 0);
		breakdown_set(r, COLUMN_BORN, s->born);
		breakdown_set(r, COLUMN_ENDED, s->ended);
		breakdown_set(r, COLUMN_AT_ONCE, s->alive);
		set_growth(r, s->growths, s->shrinks, s->bytes_copied, s->ns);
		breakdown_set(r, COLUMN_ALLOCATED, s->stack_bytes);
		breakdown_set(r, COLUMN_WASTE, s->wasted_bytes);
		breakdown_set(r, COLUMN_SWITCHES, s->switches);
	}
	if (!ret)
		free(rows);
	return ret;
}

/* --- at the end ---------------------------------------------------------------------------- */

static int add_alive(struct breakdown_list *l, const struct alive_row *w)
{
	struct breakdown_row *r = breakdown_add(l);
	int ret;

	if (!r)
		return -ENOMEM;
	breakdown_set(r, COLUMN_ALIVE, w->count);
	if (w->oldest_ns)
		breakdown_set(r, COLUMN_LONGEST, w->oldest_ns);
	set_waste(r, w->measured, w->measured_bytes, w->used_bytes);
	breakdown_set(r, COLUMN_ALLOCATED, w->stack_bytes);
	ret = set_site(r, COLUMN_CREATOR, &w->creator);
	if (!ret)
		ret = set_site(r, COLUMN_ENTRY, &w->entry);
	if (!ret && *w->reason) {
		r->cell[COLUMN_REASON].text = strdup(w->reason);
		ret = r->cell[COLUMN_REASON].text ? 0 : -ENOMEM;
	}
	return ret;
}

static int fill_alive(const struct render_context *c, struct breakdown_list *l)
{
	struct alive_row *rows;
	size_t count;
	int r = aggregate_alive(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++)
		r = add_alive(l, &rows[i]);
	free(rows);
	return r;
}

/* --- what if ------------------------------------------------------------------------------- */

static int add_what_if(struct breakdown_list *l, const struct creator_row *c,
		       const struct what_if *w)
{
	struct breakdown_row *r = breakdown_add(l);
	int ret;

	if (!r)
		return -ENOMEM;
	breakdown_set(r, COLUMN_FIRST, w->start);
	breakdown_set(r, COLUMN_NOW, (uint64_t)w->is_now);
	breakdown_set(r, COLUMN_COROUTINES, c->coroutines);
	breakdown_set(r, COLUMN_COPIES, w->copies);
	breakdown_set(r, COLUMN_MOVED, w->copied);
	if (c->measured == c->coroutines)
		set_waste(r, c->measured, w->stack_bytes,
			  c->used_bytes < w->stack_bytes ? c->used_bytes : w->stack_bytes);
	breakdown_set(r, COLUMN_ALLOCATED, w->stack_bytes);
	ret = set_site(r, COLUMN_CREATOR, &c->creator);
	return ret ? ret : set_site(r, COLUMN_ENTRY, &c->entry);
}

static int fill_what_if(const struct render_context *c, struct breakdown_list *l)
{
	struct creator_row *rows;
	struct what_if w[64];
	size_t count;
	int r = aggregate_creators(c->aggregate, c->names, &rows, &count);

	if (r)
		return r;
	for (size_t i = 0; i < count && !r; i++) {
		size_t sizes = what_if(&rows[i], w);

		for (size_t k = 0; k < sizes && !r; k++)
			r = add_what_if(l, &rows[i], &w[k]);
	}
	free(rows);
	return r;
}

int breakdown_fill(const struct render_context *c, enum by by, struct breakdown_list *l)
{
	struct filling f = { c, l };

	switch (by) {
	case BY_CREATOR:
		return fill_creators(c, l);
	case BY_STACK:
		return aggregate_each_stack(c->aggregate, add_stack, &f);
	case BY_COROUTINE:
		return fill_coroutines(c, l);
	case BY_PROCESS:
		return fill_processes(c, l);
	case BY_TIME:
		return fill_time(c, l);
	case BY_ALIVE:
		return fill_alive(c, l);
	case BY_START:
		return fill_what_if(c, l);
	default:
		return fill_growth(c, by, l);
	}
}
