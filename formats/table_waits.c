/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_waits.c: switches, waits, wakes and locks in the text report.
 *
 * Coroutines of the runtime's own, which sleep all the time by design, are left out of the list of
 * the blocked ones, as Go leaves them out of its tracebacks; the document has them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate.h"
#include "formats/grid.h"
#include "formats/label.h"
#include "formats/names.h"
#include "formats/render.h"
#include "formats/sections_waits.h"
#include "formats/table.h"
#include "formats/waits.h"

static uint64_t mean(uint64_t sum, uint64_t n)
{
	return n ? sum / n : 0;
}

static char *time_cell(const struct render_context *c, uint64_t ns)
{
	return cell(human_time(ns, c->utf8));
}

/* A waker that is no coroutine: a timer, the network, another thread. */
static char *site_cell(const struct render_context *c, const struct site *s)
{
	return *s->function ? label_site(s, c->utf8) : strdup("(no coroutine)");
}

int table_switching(const struct render_context *c)
{
	const struct totals *all = aggregate_totals(c->aggregate);
	struct waits_totals t;

	waits_totals(aggregate_waits(c->aggregate), &t);
	if (t.windows < 2 || t.switch_error <= 0)
		return 0;
	return table_sentence(
		c, "sampled:", false,
		"switches were watched for %s of the time, in %s windows: %s %s in "
		"all, within %s",
		human_time_share(all->switch_window_ns, all->wall_ns).s, human_count(t.windows).s,
		totals_switch_share(all) >= SWITCH_SHARE_MUCH ? "at least" : "some",
		human_count(waits_estimate(&t, all->wall_ns)).s, human_share(t.switch_error, 1).s);
}

/* --- running ------------------------------------------------------------------------------- */

static int print_latency(const struct render_context *c)
{
	struct waits_totals t;
	uint64_t n = 0;

	waits_totals(aggregate_waits(c->aggregate), &t);
	for (unsigned i = 0; i < EV_SLOTS; i++)
		n += t.latency[i];
	if (!n)
		return 0;
	return table_sentence(c, "latency:", false,
			      "from ready to running %s on average, half under %s, 99 %% under %s",
			      human_time(mean(t.latency_ns, n), c->utf8).s,
			      human_time(slots_quantile(t.latency, 0.5), c->utf8).s,
			      human_time(slots_quantile(t.latency, 0.99), c->utf8).s);
}

int table_running(const struct render_context *c)
{
	static const char *const titles[] = { "SWITCHES", "RUNNING",	"EACH",
					      "LATENCY",  "99 % UNDER", "CREATED AT" };
	struct run_row *rows;
	struct grid *g = NULL;
	size_t count;
	int r = waits_runs(aggregate_waits(c->aggregate), c->names, &rows, &count);

	if (r || !count) {
		if (!r)
			free(rows);
		return r;
	}
	r = print_latency(c);
	if (!r)
		r = grid_new(titles, 6, 1, &g);
	if (r) {
		free(rows);
		return r;
	}
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		const struct run_row *w = &rows[i];
		uint64_t n = 0;

		for (unsigned k = 0; k < EV_SLOTS; k++)
			n += w->latency[k];

		char *const cells[] = {
			cell(human_count(w->switches)),
			time_cell(c, w->run_ns),
			time_cell(c, mean(w->run_ns, w->switches)),
			n ? time_cell(c, mean(w->latency_ns, n)) : strdup("-"),
			n ? time_cell(c, slots_quantile(w->latency, 0.99)) : strdup("-"),
			label_site(&w->creator, c->utf8),
		};

		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, count, r);
}

/* --- waiting ------------------------------------------------------------------------------- */

int table_waiting(const struct render_context *c)
{
	static const char *const titles[] = { "PARKS",	 "WAITED", "MEAN",
					      "LONGEST", "FOR",	   "CREATED AT" };
	struct wait_row *rows;
	struct grid *g = NULL;
	size_t count;
	int r = waits_rows(aggregate_waits(c->aggregate), c->names, &rows, &count);

	if (r || !count) {
		if (!r)
			free(rows);
		return r;
	}
	r = grid_new(titles, 6, 2, &g);
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		const struct wait_row *w = &rows[i];
		const struct site reason = { w->reason, "", 0 };
		char *const cells[] = {
			cell(human_count(w->parks)),
			time_cell(c, w->wait_ns),
			w->ended ? time_cell(c, mean(w->wait_ns, w->ended)) : strdup("-"),
			time_cell(c, w->max_ns),
			label_site(&reason, c->utf8),
			label_site(&w->creator, c->utf8),
		};

		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, count, r);
}

/* --- waking -------------------------------------------------------------------------------- */

int table_waking(const struct render_context *c)
{
	static const char *const titles[] = { "WAKES", "WAKER CREATED AT", "WAKES THOSE OF" };
	struct wake_row *rows;
	struct grid *g = NULL;
	size_t count;
	int r = waits_wakes(aggregate_waits(c->aggregate), c->names, &rows, &count);

	if (r || !count) {
		if (!r)
			free(rows);
		return r;
	}
	r = grid_new(titles, 3, 2, &g);
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		char *const cells[] = {
			cell(human_count(rows[i].count)),
			site_cell(c, &rows[i].waker),
			site_cell(c, &rows[i].wakee),
		};

		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, count, r);
}

/* --- blocked ------------------------------------------------------------------------------- */

static bool is_systems(const struct blocked_row *w)
{
	return !strncmp(w->entry.function, "runtime.", 8) &&
	       strcmp(w->entry.function, "runtime.main") != 0;
}

/* The innermost function that is not of the runtime: what the program was doing. */
static char *where_cell(const struct render_context *c, uint32_t pid, uint64_t stack_id)
{
	struct site at = { "-", "", 0 };
	const uint64_t *pc;
	uint32_t depth, flags;

	if (aggregate_stack(c->aggregate, stack_id, &pc, &depth, &flags))
		return strdup("-");
	for (uint32_t i = 0; i < depth; i++) {
		size_t n;
		const struct name *v = names_get(c->names, pid, names_call_site(pc[i]), &n);

		for (size_t k = 0; k < n; k++) {
			at = (struct site){ v[k].function, v[k].file, v[k].line };
			if (strncmp(at.function, "runtime.", 8) &&
			    strncmp(at.function, "sync.", 5) &&
			    strncmp(at.function, "internal/", 9))
				return label_site(&at, c->utf8);
		}
	}
	return label_site(&at, c->utf8);
}

static char *goid_cell(const struct blocked_row *w)
{
	const char *how = w->seen ? " (seen)" : w->still ? "" : " (over)";
	char *r;

	if (asprintf(&r, "g%llu%s", (unsigned long long)w->goid, how) < 0)
		return NULL;
	return r;
}

int table_blocked(const struct render_context *c)
{
	static const char *const titles[] = { "BLOCKED", "FOR", "REASON", "IN", "CREATED AT" };
	struct blocked_row *rows;
	struct grid *g = NULL;
	size_t count, shown = 0, all = 0;
	int r = waits_blocked(aggregate_waits(c->aggregate), c->names, &rows, &count);

	if (r)
		return r;
	r = grid_new(titles, 5, 3, &g);
	for (size_t i = 0; i < count && !r; i++) {
		const struct blocked_row *w = &rows[i];
		const struct site reason = { w->reason, "", 0 };

		if (is_systems(w) || (all++, shown >= table_top(c, count)))
			continue;

		char *const cells[] = {
			goid_cell(w),
			time_cell(c, w->duration_ns),
			label_site(&reason, c->utf8),
			where_cell(c, w->pid, w->stack_id),
			label_site(&w->creator, c->utf8),
		};

		shown++;
		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, all, r);
}

/* --- locks --------------------------------------------------------------------------------- */

static char *lock_cell(const struct render_context *c, const struct lock_row *w)
{
	const struct site name = { w->name, "", 0 };
	char *r;

	if (w->name)
		return label_site(&name, c->utf8);
	if (asprintf(&r, "0x%llx", (unsigned long long)w->lock) < 0)
		return NULL;
	return r;
}

int table_locks(const struct render_context *c)
{
	static const char *const titles[] = { "LOCK", "WAITS", "A SECOND", "MEAN",	"LONGEST",
					      "HELD", "KIND",  "WAITS IN", "CREATED AT" };
	uint64_t wall = aggregate_totals(c->aggregate)->wall_ns;
	struct lock_row *rows;
	struct grid *g = NULL;
	size_t count;
	int r = waits_locks(aggregate_waits(c->aggregate), c->names, &rows, &count);

	if (r || !count) {
		if (!r)
			free(rows);
		return r;
	}
	r = grid_new(titles, 9, 3, &g);
	for (size_t i = 0; i < table_top(c, count) && !r; i++) {
		const struct lock_row *w = &rows[i];
		char *const cells[] = {
			lock_cell(c, w),
			cell(human_count(w->waits)),
			cell(human_count(
				(uint64_t)((double)w->waits * 1e9 / (double)(wall ? wall : 1)))),
			time_cell(c, mean(w->wait_ns, w->waits)),
			time_cell(c, w->max_wait_ns),
			w->holds ? time_cell(c, mean(w->hold_ns, w->holds)) : strdup("-"),
			strdup(lock_kind_name(w->kind)),
			where_cell(c, w->pid, w->stack_id),
			site_cell(c, &w->creator),
		};

		r = grid_add(g, cells);
	}
	free(rows);
	return table_grid(c, g, count, r);
}
