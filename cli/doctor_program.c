/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_program.c: whether an executable can be traced, and what a trace of it would lack. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/doctor.h"
#include "cli/launch.h"
#include "cli/proc.h"
#include "symbols/image.h"

static void add_error(struct doctor *d, const char *name, const struct err *e)
{
	findings_add(&d->findings, FINDING_PROGRAM, FINDING_BAD, name, "%s", e->text);
	if (e->hint[0])
		findings_remedy(&d->findings, "%s", e->hint);
}

static int open_file(struct doctor *d, struct err *e)
{
	char *path = NULL;
	int r = launch_find_program(d->file, &path, e);

	if (!r)
		r = image_open(path, &d->img, e);
	free(path);
	return r;
}

/* By the link in /proc, which leads to what runs, whatever is at its path by now. */
static int open_running(struct doctor *d, struct err *e)
{
	char path[64];
	int fd, r = proc_open_exe(d->pid, &fd, e);

	if (r)
		return r;
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/exe", d->pid);
	return image_open(path, &d->img, e);
}

/* --- what is missing ------------------------------------------------------------------------- */

/* What a trace does not show without the probe; NULL: nothing by itself. */
static const char *without(enum ev_probe p)
{
	static const char *const lost[EV_PROBE_COUNT] = {
		[EV_PROBE_NEWSTACK] = "calls of newstack",
		[EV_PROBE_NEWPROC] = "births",
		[EV_PROBE_GOEXIT] = "ends and lifetimes",
		[EV_PROBE_GOGO] = "switches, and the use of stacks that do not grow",
		[EV_PROBE_PARK] = "waits and blocked coroutines",
		[EV_PROBE_READY] = "wakes and latencies",
		[EV_PROBE_STACKALLOC] = "calls of stackalloc",
		[EV_PROBE_STACKFREE] = "calls of stackfree",
		[EV_PROBE_GCSTART] = "begins of collections",
		[EV_PROBE_GCDONE] = "ends of collections",
		[EV_PROBE_LOCK] = "waits for locks of the runtime",
		[EV_PROBE_MUTEX] = "which mutex is waited for",
		[EV_PROBE_NEWCORO] = "births of coroutines of iter.Pull",
	};

	return lost[p];
}

static bool is_missing(const struct doctor *d, int p, const char *reason)
{
	return !d->plan.point[p].present && without(p) && !strcmp(d->plan.point[p].missing, reason);
}

/* One line for all that are missing for the same reason; the first of them brings it. */
static void add_reason(struct doctor *d, int first)
{
	const char *reason = d->plan.point[first].missing;
	char list[768] = "";

	for (int p = 0; p < EV_PROBE_COUNT; p++) {
		size_t n = strlen(list);

		if (!is_missing(d, p, reason))
			continue;
		if (p < first)
			return;
		snprintf(list + n, sizeof(list) - n, "%s%s (%s)", n ? ", " : "", probe_name(p),
			 without(p));
	}
	findings_add(&d->findings, FINDING_PROGRAM, FINDING_NOTE, "not seen", "%s: %s", list,
		     reason);
}

static void add_missing(struct doctor *d)
{
	unsigned present = 0, slow = 0;

	for (int i = 0; i < EV_PROBE_COUNT; i++) {
		const struct plan_point *p = &d->plan.point[i];

		present += p->present;
		slow += p->present && p->cost == COST_STEP;
		if (!p->present && without(i))
			add_reason(d, i);
	}
	findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "probes", "%u of %d have a place",
		     present, EV_PROBE_COUNT);
	if (slow)
		findings_add(&d->findings, FINDING_PROGRAM, FINDING_NOTE, "cost",
			     "%u of them %s single-stepped, the slowest class", slow,
			     slow == 1 ? "is" : "are");
}

static void add_offsets(struct doctor *d)
{
	unsigned by[ORIGIN_ASSUMED + 1] = { 0 };
	char text[160] = "";

	for (int f = 0; f < FIELD_COUNT; f++)
		by[d->target.origin[f]]++;
	for (int o = ORIGIN_NOTE; o <= ORIGIN_ASSUMED; o++) {
		size_t n = strlen(text);

		if (by[o])
			snprintf(text + n, sizeof(text) - n, "%s%u %s", n ? ", " : "", by[o],
				 target_origin_name(o));
	}
	findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "offsets",
		     "of a coroutine's descriptor: %s", text);
}

static void add_target(struct doctor *d)
{
	const struct target *t = &d->target;
	struct err e;

	findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "runtime", "%s%s%s", t->runtime,
		     t->version[0] ? " " : "", t->version);
	if (t->warning[0])
		findings_add(&d->findings, FINDING_PROGRAM, FINDING_NOTE, "version", "%s",
			     t->warning);
	if (plan_survey(d->img, t, &d->plan, &e)) {
		add_error(d, "probes", &e);
		return;
	}
	d->described = true;
	add_offsets(d);
	if (plan_check(d->img, t, &d->plan, &e))
		add_error(d, "growth", &e);
	else
		findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "growth",
			     "begin and end of each copy of a stack have a place");
	add_missing(d);
	d->own_ring = t->own_ring && !d->pid;
	if (t->own_ring)
		findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "ring",
			     "it can write events itself: 'stacktrace run' needs no privilege");
}

void doctor_program(struct doctor *d)
{
	struct err e;
	int r;

	if (!d->file && !d->pid)
		return;
	r = d->pid ? open_running(d, &e) : open_file(d, &e);
	if (r) {
		add_error(d, "file", &e);
		return;
	}
	findings_add(&d->findings, FINDING_PROGRAM, FINDING_OK, "file", "%s", image_path(d->img));
	if (target_describe(d->img, &d->target, &e))
		add_error(d, "runtime", &e);
	else
		add_target(d);
}
