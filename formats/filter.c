/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c: see filter.h.
 *
 * What a record is about is found by a table of where its fields are, so that a new kind needs one
 * line here.  Names cost a look-up for each new address and stack and are remembered; memory grows
 * with these and with the living coroutines that matched.
 */
#include "formats/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "base/map.h"
#include "formats/aggregate.h"
#include "formats/event_valid.h"
#include "formats/names.h"
#include "formats/run_info.h"

enum about {
	ABOUT_OTHERS,  /* explains other records, or is a running total of everything: passes */
	ABOUT_TOTAL,   /* running total of one creator: its time means nothing */
	ABOUT_A_TIME,  /* something that happened, to a coroutine if goid is set */
	ABOUT_THE_RUN, /* sums of the whole run: fit no part of it */
};

static const struct shape {
	unsigned char about, gp, goid, creator, entry, stack; /* offsets, 0: has none */
} shapes[EV_KIND_COUNT] = {
#define AT(type, field) (unsigned char)offsetof(struct type, field)
	[EV_NEWPROC] = { ABOUT_A_TIME, AT(ev_newproc, gp), AT(ev_newproc, goid),
			 AT(ev_newproc, creator_pc), AT(ev_newproc, entry_pc), 0 },
	[EV_GOEXIT] = { ABOUT_A_TIME, AT(ev_goexit, gp), AT(ev_goexit, goid), 0, 0, 0 },
	[EV_COPYSTACK] = { ABOUT_A_TIME, AT(ev_copystack, gp), AT(ev_copystack, goid),
			   AT(ev_copystack, creator_pc), AT(ev_copystack, entry_pc),
			   AT(ev_copystack, stack_id) },
	[EV_STACK_USE] = { ABOUT_A_TIME, AT(ev_stack_use, gp), AT(ev_stack_use, goid), 0, 0, 0 },
	[EV_SWITCHES] = { ABOUT_A_TIME, 0, 0, 0, 0, 0 },
	[EV_EXIT] = { ABOUT_THE_RUN, 0, 0, 0, 0, 0 },
	[EV_LINE] = { ABOUT_A_TIME, 0, 0, 0, 0, 0 },
	[EV_GOGO] = { ABOUT_A_TIME, AT(ev_gogo, gp), AT(ev_gogo, goid), AT(ev_gogo, creator_pc), 0,
		      0 },
	[EV_PARK] = { ABOUT_A_TIME, AT(ev_park, gp), AT(ev_park, goid), AT(ev_park, creator_pc), 0,
		      0 },
	[EV_READY] = { ABOUT_A_TIME, AT(ev_ready, gp), AT(ev_ready, goid), AT(ev_ready, creator_pc),
		       0, 0 },
	[EV_RUNS] = { ABOUT_TOTAL, 0, 0, AT(ev_runs, creator_pc), AT(ev_runs, entry_pc), 0 },
	[EV_WAITS] = { ABOUT_TOTAL, 0, 0, AT(ev_waits, creator_pc), AT(ev_waits, entry_pc), 0 },
	[EV_WAKES] = { ABOUT_TOTAL, 0, 0, AT(ev_wakes, wakee_creator_pc),
		       AT(ev_wakes, wakee_entry_pc), 0 },
	[EV_BLOCKED] = { ABOUT_A_TIME, AT(ev_blocked, gp), AT(ev_blocked, goid),
			 AT(ev_blocked, creator_pc), AT(ev_blocked, entry_pc),
			 AT(ev_blocked, stack_id) },
	[EV_LOCK] = { ABOUT_TOTAL, 0, 0, AT(ev_lock, creator_pc), AT(ev_lock, entry_pc),
		      AT(ev_lock, stack_id) },
	[EV_GC] = { ABOUT_A_TIME, 0, 0, 0, 0, 0 },
#undef AT
};

/* What is known of an address or a stack: whether a name in it matches. */
struct answer {
	struct answer_key {
		uint64_t value; /* address or number of a stack */
		uint32_t pid;
		uint32_t is_stack;
	} key;
	bool matches;
	UT_hash_handle hh;
};

/* A living coroutine of which something was shown. */
struct shown {
	struct shown_key {
		uint64_t id; /* goid, or gp where that is 0 */
		uint64_t pid;
	} key;
	UT_hash_handle hh;
};

struct filter {
	const struct filter_spec *spec;
	const struct run_info *info;
	const struct aggregate *aggregate;
	struct names *names;
	struct answer *answers;
	struct shown *shown;
	bool started;
	uint64_t start_ns;
};

bool filter_is_empty(const struct filter_spec *s)
{
	return !s->by_time && !s->pids && !s->coroutines && !s->functions;
}

int filter_new(const struct filter_spec *s, const struct run_info *info, const struct aggregate *a,
	       struct names *n, struct filter **ret)
{
	struct filter *f = NULL;

	if (!filter_is_empty(s)) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return -ENOMEM;
		f->spec = s;
		f->info = info;
		f->aggregate = a;
		f->names = n;
	}
	*ret = f;
	return 0;
}

void filter_free(struct filter *f)
{
	struct answer *a, *next_answer;
	struct shown *s, *next_shown;

	if (!f)
		return;
	HASH_ITER(hh, f->answers, a, next_answer) {
		HASH_DEL(f->answers, a);
		free(a);
	}
	HASH_ITER(hh, f->shown, s, next_shown) {
		HASH_DEL(f->shown, s);
		free(s);
	}
	free(f);
}

static uint64_t field(const struct ev_header *ev, unsigned offset)
{
	uint64_t v = 0;

	if (offset)
		memcpy(&v, (const char *)ev + offset, sizeof(v));
	return v;
}

/* --- functions ----------------------------------------------------------------------------- */

static bool name_matches(const struct filter_spec *s, const char *name)
{
	for (size_t i = 0; i < s->functions; i++)
		if (!fnmatch(s->function[i], name, 0))
			return true;
	return false;
}

static struct answer *find_answer(struct filter *f, const struct answer_key *key)
{
	struct answer *a;

	HASH_FIND(hh, f->answers, key, sizeof(*key), a);
	return a;
}

/* Without memory an answer is worked out again each time. */
static bool remember(struct filter *f, const struct answer_key *key, bool matches)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return matches;
	a->key = *key;
	a->matches = matches;
	HASH_ADD(hh, f->answers, key, sizeof(a->key), a);
	if (!map_added(a))
		free(a);
	return matches;
}

static bool address_matches(struct filter *f, uint32_t pid, uint64_t addr)
{
	const struct answer_key key = { addr, pid, false };
	const struct answer *known = find_answer(f, &key);
	const struct name *v;
	bool matches = false;
	size_t count;

	if (!addr)
		return false;
	if (known)
		return known->matches;
	v = names_get(f->names, pid, addr, &count);
	for (size_t i = 0; i < count && !matches; i++)
		matches = name_matches(f->spec, v[i].function);
	return remember(f, &key, matches);
}

static bool stack_matches(struct filter *f, uint32_t pid, uint64_t stack_id)
{
	const struct answer_key key = { stack_id, pid, true };
	const struct answer *known = find_answer(f, &key);
	uint32_t depth, flags;
	const uint64_t *pc;
	bool matches = false;

	if (known)
		return known->matches;
	if (!stack_id || aggregate_stack(f->aggregate, stack_id, &pc, &depth, &flags))
		return false; /* its record may still come */
	for (uint32_t i = 0; i < depth && !matches; i++)
		matches = address_matches(f, pid, names_call_site(pc[i]));
	return remember(f, &key, matches);
}

/* --- coroutines ---------------------------------------------------------------------------- */

static struct shown *find_shown(struct filter *f, const struct shown_key *key)
{
	struct shown *s;

	HASH_FIND(hh, f->shown, key, sizeof(*key), s);
	return s;
}

static void add_shown(struct filter *f, const struct shown_key *key)
{
	struct shown *s = find_shown(f, key) ? NULL : calloc(1, sizeof(*s));

	if (!s)
		return;
	s->key = *key;
	HASH_ADD(hh, f->shown, key, sizeof(s->key), s);
	if (!map_added(s))
		free(s);
}

static bool take_shown(struct filter *f, const struct shown_key *key, bool ends)
{
	struct shown *s = find_shown(f, key);

	if (!s)
		return false;
	if (ends) {
		HASH_DEL(f->shown, s);
		free(s);
	}
	return true;
}

/* Whether a record is of a coroutine, or a growth, in which a function matches. */
static bool function_matches(struct filter *f, const struct ev_header *ev, const struct shape *p)
{
	const struct shown_key key = { field(ev, p->goid) ?: field(ev, p->gp), ev->pid };
	bool matches = address_matches(f, ev->pid, names_call_site(field(ev, p->creator))) ||
		       address_matches(f, ev->pid, field(ev, p->entry)) ||
		       stack_matches(f, ev->pid, field(ev, p->stack));

	if (!p->goid)
		return matches || !p->creator; /* what is of no coroutine is not judged by it */
	if (matches)
		add_shown(f, &key);
	if (ev->kind == EV_COPYSTACK)
		return matches;
	return take_shown(f, &key, ev->kind == EV_GOEXIT) || matches;
}

/* --- the verdict --------------------------------------------------------------------------- */

static bool has_pid(const struct filter_spec *s, uint32_t pid)
{
	for (size_t i = 0; i < s->pids; i++)
		if (s->pid[i] == pid)
			return true;
	return !s->pids;
}

static bool has_coroutine(const struct filter_spec *s, uint64_t goid)
{
	for (size_t i = 0; i < s->coroutines; i++)
		if (s->coroutine[i] == goid)
			return true;
	return !s->coroutines;
}

static enum filter_verdict judge_time(struct filter *f, const struct ev_header *ev)
{
	uint64_t after;

	if (!f->started) {
		f->started = true;
		f->start_ns = f->info->start_monotonic_ns ?: ev->time_ns;
	}
	if (!f->spec->by_time)
		return FILTER_SHOW;
	after = ev->time_ns > f->start_ns ? ev->time_ns - f->start_ns : 0;
	if (after >= f->spec->until_ns)
		return FILTER_DROP;
	return after < f->spec->since_ns ? FILTER_EARLY : FILTER_SHOW;
}

enum filter_verdict filter_event(struct filter *f, const struct ev_header *ev)
{
	const struct shape *p;
	enum filter_verdict v;

	if (!f || ev->kind >= EV_KIND_COUNT || !event_valid(ev))
		return FILTER_SHOW;
	p = &shapes[ev->kind];
	if (p->about == ABOUT_OTHERS)
		return f->spec->by_time ? FILTER_FACT : FILTER_SHOW;
	if (!has_pid(f->spec, ev_process_id(ev->pid)))
		return FILTER_DROP;
	if (p->about == ABOUT_THE_RUN)
		return f->spec->by_time ? FILTER_DROP : FILTER_SHOW;
	v = p->about == ABOUT_A_TIME ? judge_time(f, ev) : FILTER_FACT;
	if (v == FILTER_DROP)
		return v;
	if (p->goid && !has_coroutine(f->spec, field(ev, p->goid)))
		return FILTER_DROP;
	if (f->spec->functions && !function_matches(f, ev, p))
		return p->goid ? FILTER_CONTEXT : FILTER_DROP;
	return v;
}
