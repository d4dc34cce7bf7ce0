/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lives.c: coroutines from birth to end.
 *
 * A coroutine is met at its birth, or later in any other event if it was alive before tracing began
 * or if records come out of order; whichever comes first makes the life, the others fill it in.
 * What it was is counted into the totals once, when it is forgotten: some time after its end, or
 * when all is over.  So memory holds the living and a fixed number of the dead.
 *
 * The last rule for identity: a second birth of one goid means that the process has executed
 * another program, whose runtime counts from 1 again.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate_internal.h"
#include "formats/what_if.h"

#define SHORT_LIFE_NS 1000000
#define SLAB_LIVES    256

struct life_slab {
	_Alignas(CACHE_LINE) struct life life[SLAB_LIVES];
	struct life_slab *next;
};

void lives_init(struct lives *l)
{
	l->dead_tail = &l->dead;
}

void lives_free(struct aggregate *a)
{
	struct life_slab *s, *next;

	table_release(&a->lives.map);
	for (s = a->lives.slabs; s; s = next) {
		next = s->next;
		free(s);
	}
}

static void put_unused(struct lives *l, struct life *life)
{
	life->origin = NULL;
	life->next = l->unused;
	l->unused = life;
}

static struct life *take_unused(struct lives *l)
{
	struct life *life;

	if (!l->unused) {
		struct life_slab *s = aligned_alloc(CACHE_LINE, sizeof(*s));

		if (!s)
			return NULL;
		s->next = l->slabs;
		l->slabs = s;
		for (unsigned i = SLAB_LIVES; i-- > 0;)
			put_unused(l, &s->life[i]);
	}
	life = l->unused;
	l->unused = life->next;
	return life;
}

/* --- what a life was ----------------------------------------------------------------------- */

static unsigned log2_floor(uint64_t n)
{
	return n ? 63 - (unsigned)__builtin_clzll(n) : 0;
}

static void count_lifetime(struct totals *t, struct origin *o, const struct life *life)
{
	uint64_t ns = life->end_ns > life->birth_ns ? life->end_ns - life->birth_ns : 0;

	t->lived++;
	o->lived++;
	t->lifetime[log2_floor(ns)]++;
	o->lifetime[log2_floor(ns)]++;
	sum_add(&t->life_ns, ns);
	sum_add(&o->life_ns, ns);
	if (ns > t->max_life_ns)
		t->max_life_ns = ns;
	if (ns > o->max_life_ns)
		o->max_life_ns = ns;
	if (ns < SHORT_LIFE_NS) {
		t->short_lived++;
		o->short_lived++;
	}
}

static void count(struct aggregate *a, struct life *life)
{
	struct totals *t = &a->totals;
	struct origin *o = life->origin;
	uint64_t used = life->used < life->peak_size ? life->used : life->peak_size;

	life->counted = true;
	if (!life->shown)
		return;
	o->coroutines++;
	o->grew += !!life->step;
	o->final_size[log2_floor(life->peak_size)]++;
	o->end_size[log2_floor(life->size)]++;
	o->need_size[log2_floor(what_if_need(used, life->peak_size))]++;
	t->end_size[log2_floor(life->size)]++;
	sum_add(&t->all_allocated_bytes, life->peak_size);
	if (life->used) {
		t->measured++;
		sum_add(&t->allocated_bytes, life->peak_size);
		sum_add(&t->used_bytes, used);
		o->measured++;
		sum_add(&o->allocated_bytes, life->peak_size);
		sum_add(&o->used_bytes, used);
		if (used > o->most_used)
			o->most_used = used;
		sum_add(life->step ? &life->step->waste : &o->idle_waste, life->peak_size - used);
	}
	if (life->born && life->ended)
		count_lifetime(t, o, life);
	if (a->kept.rank)
		coroutines_note(a, life);
}

/* What a coroutine adds to the stacks of the living, and to what they waste. */
static void add_stack(struct aggregate *a, const struct life *life)
{
	a->series.stack_bytes += life->size;
	if (life->used && life->used < life->size)
		a->series.wasted_bytes += life->size - life->used;
}

static void take_stack(struct aggregate *a, const struct life *life)
{
	a->series.stack_bytes -= life->size;
	if (life->used && life->used < life->size)
		a->series.wasted_bytes -= life->size - life->used;
}

static bool is_in_view(const struct life *life)
{
	return life->shown && !life->ended;
}

static void set_alive(struct aggregate *a, struct life *life)
{
	origin_born(life->origin);
	a->totals.alive = ++a->lives.alive;
	if (a->totals.alive > a->totals.peak_alive)
		a->totals.peak_alive = a->totals.alive;
	add_stack(a, life);
}

static void set_gone(struct aggregate *a, struct life *life)
{
	origin_gone(life->origin);
	a->totals.alive = --a->lives.alive;
	take_stack(a, life);
	if (a->verdict == FILTER_EARLY) { /* the most at once is asked for from later on */
		life->origin->peak_alive = life->origin->alive;
		a->totals.peak_alive = a->totals.alive;
	}
}

/* A coroutine is in the view from the first record on that is shown and has to do with it. */
static void show(struct aggregate *a, struct life *life)
{
	if (life->shown || a->verdict < FILTER_EARLY)
		return;
	life->shown = true;
	a->totals.coroutines++;
	if (!life->ended)
		set_alive(a, life);
}

/* It ended before the time of interest: never mind. */
static void unshow(struct aggregate *a, struct life *life)
{
	if (is_in_view(life))
		set_gone(a, life);
	if (life->shown)
		a->totals.coroutines--;
	life->shown = false;
}

/* Counts a life and takes it out of the map; its memory is still the caller's. */
static void forget(struct aggregate *a, struct life *life)
{
	table_remove(&a->lives.map, map_hash(&life->key, sizeof(life->key)), life);
	count(a, life);
}

/* --- finding ------------------------------------------------------------------------------- */

struct identity {
	uint32_t pid;
	uint64_t goid, gp, creator_pc, entry_pc;
};

static struct life_key key_of(const struct identity *id)
{
	return (struct life_key){ .id = id->goid ? id->goid : id->gp,
				  .pid = id->pid,
				  .by_gp = !id->goid };
}

static struct life *find(struct aggregate *a, const struct identity *id)
{
	const struct life_key key = key_of(id);

	return table_find(&a->lives.map, map_hash(&key, sizeof(key)), &key, sizeof(key));
}

static struct life *make(struct aggregate *a, const struct identity *id)
{
	struct life *life = take_unused(&a->lives);

	if (!life)
		return NULL;
	*life = (struct life){ .key = key_of(id) };
	life->origin = origin_get(a, id->pid, id->creator_pc, id->entry_pc);
	if (!life->origin ||
	    table_add(&a->lives.map, map_hash(&life->key, sizeof(life->key)), life)) {
		put_unused(&a->lives, life);
		return NULL;
	}
	show(a, life);
	return life;
}

/* What a later record knows better: where the coroutine comes from. */
static int set_origin(struct aggregate *a, struct life *life, const struct identity *id)
{
	struct origin *o = origin_get(a, id->pid, id->creator_pc, id->entry_pc);

	if (!o)
		return -ENOMEM;
	if (o != life->origin && is_in_view(life)) {
		origin_gone(life->origin);
		origin_born(o);
	}
	life->origin = o;
	return 0;
}

static bool origin_known(const struct origin_key *key)
{
	return key->creator_pc || key->entry_pc;
}

static struct life *find_or_make(struct aggregate *a, const struct identity *id)
{
	struct life *life = find(a, id);

	if (!life)
		return make(a, id);
	if ((id->creator_pc || id->entry_pc) && !origin_known(&life->origin->key) &&
	    set_origin(a, life, id))
		return NULL;
	show(a, life);
	return life;
}

/* What is known now of its stack; used 0: nothing. */
static void note(struct aggregate *a, struct life *life, uint64_t size, uint64_t used)
{
	if (is_in_view(life))
		take_stack(a, life);
	life->size = size;
	if (size > life->peak_size)
		life->peak_size = size;
	if (used > life->used)
		life->used = used;
	if (is_in_view(life))
		add_stack(a, life);
}

static void note_alive(struct aggregate *a, uint64_t time_ns)
{
	if (a->verdict == FILTER_SHOW)
		series_note(&a->series, time_ns, a->totals.alive);
}

/* --- events -------------------------------------------------------------------------------- */

/* The process runs another program: the former bearer of the number is gone without an end. */
static void replace(struct aggregate *a, struct life *life)
{
	if (is_in_view(life))
		set_gone(a, life);
	forget(a, life);
	if (!life->ended)
		put_unused(&a->lives, life); /* else the queue of the dead gives it back */
}

int lives_newproc(struct aggregate *a, const struct ev_newproc *ev)
{
	const struct identity id = { ev->h.pid, ev->goid, ev->gp, ev->creator_pc, ev->entry_pc };
	struct life *life = find(a, &id);

	if (life && life->born) {
		replace(a, life);
		life = NULL;
	}
	if (!life)
		life = make(a, &id);
	else if (set_origin(a, life, &id))
		return -ENOMEM;
	if (!life)
		return -ENOMEM;
	show(a, life);
	life->born = true;
	life->birth_ns = ev->h.time_ns;
	/* a birth that comes late knows nothing of what the stack has become */
	note(a, life, life->size ? life->size : ev->stack_size, 0);
	if (a->verdict == FILTER_SHOW) {
		a->totals.born++;
		life->origin->born++;
		life->origin->first_size[log2_floor(ev->stack_size)]++;
		series_at(&a->series, ev->h.time_ns)->born++;
	}
	note_alive(a, ev->h.time_ns);
	return 0;
}

static void bury(struct aggregate *a, struct life *life)
{
	struct lives *l = &a->lives;

	life->next = NULL;
	*l->dead_tail = life;
	l->dead_tail = &life->next;
	l->dead_count++;
}

static void forget_eldest(struct aggregate *a)
{
	struct lives *l = &a->lives;
	struct life *life = l->dead;

	l->dead = life->next;
	if (!l->dead)
		l->dead_tail = &l->dead;
	l->dead_count--;
	if (!life->counted)
		forget(a, life);
	put_unused(l, life);
}

int lives_goexit(struct aggregate *a, const struct ev_goexit *ev)
{
	const struct identity id = { .pid = ev->h.pid, .goid = ev->goid, .gp = ev->gp };
	struct life *life = find_or_make(a, &id);

	if (!life)
		return -ENOMEM;
	note(a, life, ev->stack_size, ev->used);
	if (life->ended)
		return 0;
	if (a->verdict == FILTER_SHOW) {
		a->totals.ended++;
		life->origin->ended++;
		series_at(&a->series, ev->h.time_ns)->ended++;
	}
	if (a->verdict == FILTER_EARLY)
		unshow(a, life);
	else if (is_in_view(life))
		set_gone(a, life);
	note_alive(a, ev->h.time_ns);
	life->ended = true;
	life->end_ns = ev->h.time_ns;
	if (life->key.by_gp)
		forget(a, life); /* the next coroutine at this address is another one */
	bury(a, life);
	if (a->lives.dead_count > LIVES_GRACE)
		forget_eldest(a);
	return 0;
}

int lives_stack_use(struct aggregate *a, const struct ev_stack_use *ev)
{
	const struct identity id = { .pid = ev->h.pid, .goid = ev->goid, .gp = ev->gp };
	struct life *life = find_or_make(a, &id);

	if (!life)
		return -ENOMEM;
	note(a, life, ev->stack_size, ev->used);
	note_alive(a, ev->h.time_ns);
	return 0;
}

/* Parks and switches tell of coroutines that are known; who they are is told elsewhere. */
void lives_wait(struct aggregate *a, const struct ev_header *ev)
{
	const struct ev_park *park = (const struct ev_park *)ev; /* all of these begin alike */
	const struct ev_blocked *blocked = (const struct ev_blocked *)ev;
	const struct identity id = { .pid = ev->pid, .goid = park->goid, .gp = park->gp };
	struct life *life = find(a, &id);

	if (!life)
		return;
	life->waiting = ev->kind == EV_PARK || ev->kind == EV_BLOCKED;
	if (ev->kind == EV_PARK) {
		life->reason = park->reason;
		note(a, life, life->size, park->used);
	} else if (ev->kind == EV_BLOCKED) {
		life->reason = blocked->reason;
		life->waiting = blocked->flags & EV_BLOCKED_STILL;
	}
}

int lives_copystack(struct aggregate *a, const struct ev_copystack *ev, struct life **ret)
{
	const struct identity id = { ev->h.pid, ev->goid, ev->gp, ev->creator_pc, ev->entry_pc };
	struct life *life = find_or_make(a, &id);

	if (!life)
		return -ENOMEM;
	if (ev->old_size > life->peak_size)
		life->peak_size = ev->old_size;
	note(a, life, ev->new_size, ev->used);
	note_alive(a, ev->h.time_ns);
	*ret = life;
	return 0;
}

/* By where they are in memory: that depends on the events, and on nothing else. */
void lives_finish(struct aggregate *a)
{
	while (a->lives.dead)
		forget_eldest(a);
	for (struct life_slab *s = a->lives.slabs; s; s = s->next) {
		for (unsigned i = 0; i < SLAB_LIVES; i++) {
			struct life *life = &s->life[i];

			if (!life->origin)
				continue;
			if (is_in_view(life))
				alive_add(a, life);
			forget(a, life);
			put_unused(&a->lives, life);
		}
	}
}
