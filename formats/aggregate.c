/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/aggregate_internal.h"
#include "formats/diagnose.h"
#include "formats/event_valid.h"
#include "formats/waits.h"

int aggregate_new(struct aggregate **ret)
{
	struct aggregate *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	if (waits_new(&a->waits) || diagnose_new(&a->diagnose)) {
		waits_free(a->waits);
		free(a);
		return -ENOMEM;
	}
	lives_init(&a->lives);
	*ret = a;
	return 0;
}

void aggregate_free(struct aggregate *a)
{
	if (!a)
		return;
	lives_free(a);
	steps_free(a);
	origins_free(a);
	processes_free(a);
	alive_free(a);
	free(a->kept.row);
	waits_free(a->waits);
	diagnose_free(a->diagnose);
	free(a);
}

static int take_copystack(struct aggregate *a, const struct ev_copystack *ev)
{
	struct totals *t = &a->totals;
	bool growth = ev->new_size > ev->old_size;
	struct slice *slice;
	struct life *life;
	struct origin *o;
	struct step *step;
	int r = lives_copystack(a, ev, &life);

	if (r || a->verdict != FILTER_SHOW)
		return r;
	o = life->origin;
	r = steps_add(a, o, ev, &step);
	if (r)
		return r;
	if (growth && ev->new_size == life->peak_size)
		life->step = step;
	t->growths += growth;
	t->shrinks += !growth;
	t->incomplete += !!(ev->flags & EV_COPYSTACK_INCOMPLETE);
	sum_add(&t->bytes_copied, ev->used);
	sum_add(&t->copy_ns, ev->duration_ns);
	life->growths += growth;
	life->shrinks += !growth;
	sum_add(&life->bytes_copied, ev->used);
	sum_add(&life->ns, ev->duration_ns);
	o->growths += growth;
	o->shrinks += !growth;
	sum_add(&o->bytes_copied, ev->used);
	sum_add(&o->ns, ev->duration_ns);
	slice = series_at(&a->series, ev->h.time_ns);
	slice->growths += growth;
	slice->shrinks += !growth;
	sum_add(&slice->bytes_copied, ev->used);
	sum_add(&slice->ns, ev->duration_ns);
	return 0;
}

static void take_switches(struct aggregate *a, const struct ev_switches *ev)
{
	struct totals *t = &a->totals;

	sum_add(&series_at(&a->series, ev->h.time_ns)->switches, ev->count);
	sum_add(&t->switches, ev->count);
	sum_add(&t->switch_window_ns, ev->window_ns);
}

static void take_hits(struct totals *t, const struct ev_hits *ev)
{
	static const enum ev_probe hot[] = { EV_PROBE_GOGO, EV_PROBE_PARK, EV_PROBE_READY };

	t->probe_cost_ns = ev->cost_ns;
	memcpy(t->probe_hits, ev->hits, sizeof(t->probe_hits));
	t->switch_probe_ns = 0;
	for (size_t i = 0; i < sizeof(hot) / sizeof(hot[0]) && ev->h.size >= sizeof(*ev); i++)
		t->switch_probe_ns += ev->hits[hot[i]] * ev->each_ns[hot[i]];
}

static void take_exit(struct totals *t, const struct ev_exit *ev)
{
	t->exited = true;
	t->exit_ns = ev->h.time_ns;
	t->wait_status = ev->wait_status;
	t->wall_ns = ev->wall_ns;
	t->cpu_ns = ev->cpu_ns;
	t->max_rss = ev->max_rss;
}

static void take_time(struct totals *t, uint64_t time_ns)
{
	if (!t->events++)
		t->first_ns = t->last_ns = time_ns;
	if (time_ns < t->first_ns)
		t->first_ns = time_ns;
	if (time_ns > t->last_ns)
		t->last_ns = time_ns;
	if (!t->exited)
		t->wall_ns = t->last_ns - t->first_ns;
}

/* Records that tell who a coroutine is, and what its stack is like. */
static int take_life(struct aggregate *a, const struct ev_header *ev)
{
	switch (ev->kind) {
	case EV_NEWPROC:
		return lives_newproc(a, (const struct ev_newproc *)ev);
	case EV_GOEXIT:
		return lives_goexit(a, (const struct ev_goexit *)ev);
	case EV_COPYSTACK:
		return take_copystack(a, (const struct ev_copystack *)ev);
	case EV_STACK_USE:
		return lives_stack_use(a, (const struct ev_stack_use *)ev);
	default:
		return 0;
	}
}

int aggregate_event(struct aggregate *a, const struct ev_header *ev)
{
	return aggregate_take(a, ev, FILTER_SHOW);
}

/* The rules are about what is shown. */
static int take_diagnosed(struct aggregate *a, const struct ev_header *ev)
{
	int r = a->verdict == FILTER_SHOW ? diagnose_event(a->diagnose, ev) : 0;

	return r ? r : take_life(a, ev);
}

int aggregate_take(struct aggregate *a, const struct ev_header *ev, enum filter_verdict v)
{
	if (v == FILTER_DROP || ev->kind == EV_NONE || ev->kind == EV_PAD || !event_valid(ev))
		return 0;
	a->verdict = v;
	if (v < FILTER_FACT)
		return take_life(a, ev);
	if (v == FILTER_SHOW)
		take_time(&a->totals, ev->time_ns);
	switch (ev->kind) {
	case EV_STACK:
		return stacks_add(a, (const struct ev_stack *)ev);
	case EV_IMAGE:
		return processes_image(a, (const struct ev_image *)ev);
	case EV_PROCESS:
		return processes_event(a, (const struct ev_process *)ev);
	case EV_NEWPROC:
	case EV_STACK_USE:
		return take_life(a, ev);
	case EV_GOEXIT:
	case EV_COPYSTACK:
	case EV_LINE:
		return take_diagnosed(a, ev);
	case EV_SWITCHES:
		take_switches(a, (const struct ev_switches *)ev);
		return waits_event(a->waits, ev);
	case EV_LOST:
		memcpy(a->totals.lost, ((const struct ev_lost *)ev)->count, sizeof(a->totals.lost));
		return 0;
	case EV_HITS:
		take_hits(&a->totals, (const struct ev_hits *)ev);
		return 0;
	case EV_EXIT:
		take_exit(&a->totals, (const struct ev_exit *)ev);
		return 0;
	case EV_GOGO:
	case EV_PARK:
	case EV_READY:
	case EV_BLOCKED:
		lives_wait(a, ev);
		return waits_event(a->waits, ev);
	default:
		return waits_event(a->waits, ev);
	}
}

struct diagnose *aggregate_diagnose(struct aggregate *a)
{
	return a->diagnose;
}

struct waits *aggregate_waits(struct aggregate *a)
{
	return a->waits;
}

void aggregate_finish(struct aggregate *a)
{
	lives_finish(a);
}

const struct totals *aggregate_totals(const struct aggregate *a)
{
	return &a->totals;
}

uint64_t totals_lost(const struct totals *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EV_LOST_LIMIT; i++)
		sum_add(&sum, t->lost[i]);
	return sum;
}

double totals_switch_share(const struct totals *t)
{
	double share = t->switch_window_ns
			       ? (double)t->switch_probe_ns / (double)t->switch_window_ns
			       : 0;

	return share < 1 ? share : 1;
}

uint64_t totals_probe_hits(const struct totals *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EV_PROBE_LIMIT; i++)
		sum_add(&sum, t->probe_hits[i]);
	return sum;
}

const char *lost_reason_name(unsigned reason)
{
	static const char *const names[EV_LOST_COUNT] = {
		[EV_LOST_RING_FULL] = "ring full",
		[EV_LOST_STACK_TABLE] = "stack table full",
		[EV_LOST_PENDING_TABLE] = "pending table full",
		[EV_LOST_UNREADABLE] = "memory unreadable",
		[EV_LOST_UNPAIRED] = "begin not seen",
		[EV_LOST_USE_TABLE] = "use table full",
		[EV_LOST_WAIT_TABLE] = "wait table full",
	};

	return reason < EV_LOST_COUNT ? names[reason] : "unknown reason";
}

const char *probe_hits_name(unsigned probe)
{
	static const char *const names[EV_PROBE_COUNT] = {
		[EV_PROBE_NEWSTACK] = "newstack",
		[EV_PROBE_COPYSTACK] = "copystack",
		[EV_PROBE_COPYSTACK_END] = "copystack end",
		[EV_PROBE_NEWPROC] = "newproc",
		[EV_PROBE_GOEXIT] = "goexit",
		[EV_PROBE_GOGO] = "gogo",
		[EV_PROBE_PARK] = "park",
		[EV_PROBE_READY] = "ready",
		[EV_PROBE_STACKALLOC] = "stackalloc",
		[EV_PROBE_STACKFREE] = "stackfree",
		[EV_PROBE_GCSTART] = "gcstart",
		[EV_PROBE_GCDONE] = "gcdone",
		[EV_PROBE_LOCK] = "lock",
		[EV_PROBE_LOCK_END] = "lock end",
		[EV_PROBE_MUTEX] = "mutex",
		[EV_PROBE_NEWCORO] = "newcoro",
	};

	return probe < EV_PROBE_COUNT ? names[probe] : "unknown probe";
}
