/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/looks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/source_ops.h"
#include "symbols/image.h"
#include "symbols/process_memory.h"
#include "symbols/target.h"

#define APART_MIN_NS 50000000ull
#define APART_MAX_NS 500000000ull
#define APART_TIMES  20 /* of what a look takes */

/* Looked at in one process at a time: nothing is read from the ring meanwhile. */
#define LOOK_MOST   50000
#define PARKED_MOST 10000 /* kept, the oldest: more are not shown either */

struct parked {
	uint64_t gp;
	struct coroutine c;
	uint64_t since_ns, stack_id;
	uint64_t look; /* that found it last */
	UT_hash_handle hh;
};

struct process {
	pid_t pid;
	struct process_memory memory;
	struct parked *parked;
	uint64_t looks, last_ns; /* the last one that succeeded */
	UT_hash_handle hh;
};

struct known_stack {
	uint64_t id;
	UT_hash_handle hh;
};

struct looks {
	const struct target *target;
	const char *path;
	uint64_t entry, blocked_ns, apart_ns, next_ns;
	struct process *processes;
	struct known_stack *stacks; /* that were handed over */
};

/* One look at one process. */
struct look {
	struct looks *l;
	struct process *p;
	const struct core_bpf *core;
	bool watching;
	uint64_t now_ns;
	size_t left;
	source_event_fn *fn;
	void *arg;
};

int looks_new(struct image *img, const struct target *target, const char *path,
	      const struct source_options *opt, struct looks **ret)
{
	struct looks *l;
	uint64_t apart = opt->blocked_ns / 2;

	*ret = NULL;
	if (!opt->blocked_ns || target->list.kind == LIST_UNKNOWN)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	if (apart < APART_MIN_NS)
		apart = APART_MIN_NS;
	*l = (struct looks){
		.target = target,
		.path = path,
		.entry = image_entry(img),
		.blocked_ns = opt->blocked_ns,
		.apart_ns = apart < APART_MAX_NS ? apart : APART_MAX_NS,
	};
	*ret = l;
	return 0;
}

static void forget_parked(struct process *p)
{
	struct parked *g, *next;

	HASH_ITER(hh, p->parked, g, next) {
		HASH_DEL(p->parked, g);
		free(g);
	}
}

static void forget(struct looks *l, struct process *p)
{
	forget_parked(p);
	process_memory_close(&p->memory);
	HASH_DEL(l->processes, p);
	free(p);
}

void looks_free(struct looks *l)
{
	struct known_stack *s, *next_s;
	struct process *p, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->processes, p, next)
		forget(l, p);
	HASH_ITER(hh, l->stacks, s, next_s) {
		HASH_DEL(l->stacks, s);
		free(s);
	}
	free(l);
}

static bool executes(pid_t pid, struct stat *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return !stat(path, ret);
}

/* It may be about to execute this program, or have executed another since. */
static bool executes_ours(const struct looks *l, pid_t pid)
{
	struct stat theirs, ours;

	return executes(pid, &theirs) && !stat(l->path, &ours) && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

int looks_follow(struct looks *l, pid_t pid, bool on)
{
	struct process *p;
	struct stat st;

	HASH_FIND(hh, l->processes, &pid, sizeof(pid), p);
	/* What was seen of one that has ended is still to be told. */
	if (p && (on || executes(pid, &st)))
		forget(l, p);
	if (!on)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->memory.fd = -1;
	HASH_ADD(hh, l->processes, pid, sizeof(p->pid), p);
	if (!map_added(p)) {
		free(p);
		return -ENOMEM;
	}
	return 0;
}

void looks_event(struct looks *l, const struct ev_header *ev)
{
	const pid_t pid = (pid_t)ev->pid;
	struct process *p;
	struct parked *g;
	uint64_t gp;

	if (ev->kind == EV_GOEXIT)
		gp = ((const struct ev_goexit *)ev)->gp;
	else if (ev->kind == EV_BLOCKED)
		gp = ((const struct ev_blocked *)ev)->gp;
	else
		return;
	HASH_FIND(hh, l->processes, &pid, sizeof(pid), p);
	if (!p)
		return;
	HASH_FIND(hh, p->parked, &gp, sizeof(gp), g);
	if (!g)
		return;
	HASH_DEL(p->parked, g);
	free(g);
}

bool looks_due(const struct looks *l, uint64_t now_ns)
{
	return now_ns >= l->next_ns;
}

/* --- what the probes know ------------------------------------------------------------------ */

static bool find_use(const struct core_bpf *core, pid_t pid, uint64_t gp, struct core_use *ret)
{
	const struct core_use_key key = { .gp = gp, .pid = (uint32_t)pid };

	return !bpf_map_lookup_elem(bpf_map__fd(core->maps.use), &key, ret);
}

/* When it was parked, if the probes saw that and have been there ever since; else 0. */
static uint64_t seen_park(const struct core_bpf *core, const struct core_use *u)
{
	return u->parked_ns >= core->bss->epoch_ns ? u->parked_ns : 0;
}

/* When the probes last saw it do anything. */
static uint64_t last_sign(const struct core_use *u)
{
	uint64_t ns = u->parked_ns > u->ready_ns ? u->parked_ns : u->ready_ns;

	return ns > u->run_since_ns ? ns : u->run_since_ns;
}

/* --- records ------------------------------------------------------------------------------- */

/* The process's image goes ahead of all that names addresses; no probe need have been hit yet. */
static int announce(const struct look *k)
{
	struct ev_image ev = { .load_bias = k->p->memory.memory.bias };
	int fd = bpf_map__fd(k->core->maps.images);
	const __u32 key = (__u32)k->p->pid;
	char path[64];
	__u64 known;
	FILE *f;
	int r;

	if (!bpf_map_lookup_elem(fd, &key, &known) && known == ev.load_bias)
		return 0;
	source_fill_header(&ev.h, EV_IMAGE, sizeof(ev), k->p->pid);
	snprintf(path, sizeof(path), "/proc/%d/comm", k->p->pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(ev.comm, sizeof(ev.comm), f))
			ev.comm[strcspn(ev.comm, "\n")] = '\0';
		fclose(f);
	}
	r = k->fn(k->arg, &ev.h);
	if (!r)
		bpf_map_update_elem(fd, &key, &ev.load_bias, BPF_ANY);
	return r;
}

static uint64_t id_of(const struct ev_stack *st, pid_t pid)
{
	uint64_t id = core_mix((uint32_t)pid, 0);

	for (uint32_t i = 0; i < st->depth; i++)
		id = core_mix(id, st->pc[i]);
	id = core_mix(id, st->flags);
	return id ? id : 1;
}

/* Whether it has yet to be handed over. */
static int is_new(struct looks *l, uint64_t id)
{
	struct known_stack *s;

	HASH_FIND(hh, l->stacks, &id, sizeof(id), s);
	if (s)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->id = id;
	HASH_ADD(hh, l->stacks, id, sizeof(s->id), s);
	if (!map_added(s)) {
		free(s);
		return -ENOMEM;
	}
	return 1;
}

static int take_stack(const struct look *k, struct parked *g)
{
	union {
		struct ev_stack st;
		uint8_t room[sizeof(struct ev_stack) + 8 * EV_MAX_FRAMES];
	} u;
	const volatile struct core_config *config = &k->core->rodata->config;
	struct ev_stack *st = &u.st;
	uint64_t pc[EV_MAX_FRAMES];
	int r = announce(k);

	if (r || !config->max_frames)
		return r;
	st->depth = coroutine_frames(&g->c, &k->p->memory.memory, config->root, config->root_size,
				     pc, config->max_frames, &st->flags);
	memcpy(st->pc, pc, st->depth * sizeof(*pc));
	g->stack_id = st->stack_id = id_of(st, k->p->pid);
	r = is_new(k->l, g->stack_id);
	if (r <= 0)
		return r;
	source_fill_header(&st->h, EV_STACK, sizeof(*st) + 8 * st->depth, k->p->pid);
	return k->fn(k->arg, &st->h);
}

/* --- a look -------------------------------------------------------------------------------- */

static bool same(const struct coroutine *a, const struct coroutine *b)
{
	return a->id == b->id && a->sp == b->sp && a->pc == b->pc && a->reason == b->reason;
}

/* Afterwards it is parked since now, or since when the probes saw it. */
static void set_parked(const struct look *k, const struct coroutine *c, struct parked *g)
{
	struct core_use u;
	uint64_t ns = 0;

	if (k->watching && find_use(k->core, k->p->pid, c->gp, &u))
		ns = seen_park(k->core, &u);
	g->c = *c;
	g->gp = c->gp;
	g->since_ns = ns ? ns : k->now_ns;
	g->stack_id = 0;
	g->look = k->p->looks;
}

static int add_parked(const struct look *k, const struct coroutine *c)
{
	struct parked *g;

	if (HASH_COUNT(k->p->parked) >= PARKED_MOST)
		return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	set_parked(k, c, g);
	HASH_ADD(hh, k->p->parked, gp, sizeof(g->gp), g);
	if (!map_added(g)) {
		free(g);
		return -ENOMEM;
	}
	return 0;
}

/* Positive: enough. */
static int take(void *arg, const struct coroutine *c)
{
	struct look *k = arg;
	struct parked *g;

	if (!k->left--)
		return 1;
	if (c->status != COROUTINE_WAITING)
		return 0;
	HASH_FIND(hh, k->p->parked, &c->gp, sizeof(c->gp), g);
	if (!g)
		return add_parked(k, c);
	if (!same(&g->c, c))
		set_parked(k, c, g);
	g->look = k->p->looks;
	return 0;
}

/* Of those that have been found, the stacks of the ones that are to be told of. */
static int settle(const struct look *k)
{
	struct parked *g, *next;
	int r = 0;

	HASH_ITER(hh, k->p->parked, g, next) {
		if (g->look != k->p->looks) {
			HASH_DEL(k->p->parked, g);
			free(g);
		} else if (!g->stack_id && k->now_ns - g->since_ns >= k->l->blocked_ns) {
			r = take_stack(k, g);
			if (r)
				return r;
		}
	}
	return 0;
}

static int look_at(struct look *k)
{
	struct process *p = k->p;
	int r;

	if (p->memory.fd < 0 &&
	    (!executes_ours(k->l, p->pid) || process_memory_open(p->pid, k->l->entry, &p->memory)))
		return 0;
	p->looks++;
	k->left = LOOK_MOST;
	r = coroutines_each(k->l->target, &p->memory.memory, take, k);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		/* It has ended, or is only about to begin: the next one tries again. */
		p->looks--;
		process_memory_close(&p->memory);
		return 0;
	}
	p->last_ns = k->now_ns;
	return settle(k);
}

int looks_take(struct looks *l, const struct core_bpf *core, bool watching, source_event_fn *fn,
	       void *arg)
{
	struct look k = { .l = l, .core = core, .watching = watching, .fn = fn, .arg = arg };
	struct process *p, *next;
	uint64_t begin_ns = source_now_ns(), took;
	int r = 0;

	HASH_ITER(hh, l->processes, p, next) {
		k.p = p;
		k.now_ns = source_now_ns();
		r = look_at(&k);
		if (r)
			break;
	}
	took = (source_now_ns() - begin_ns) * APART_TIMES;
	l->next_ns = begin_ns + (took > l->apart_ns ? took : l->apart_ns);
	return r;
}

/* --- the end ------------------------------------------------------------------------------- */

static int report_one(const struct look *k, const struct parked *g)
{
	struct ev_blocked ev = {
		.gp = g->gp,
		.goid = g->c.id,
		.creator_pc = g->c.creator_pc,
		.entry_pc = g->c.entry_pc,
		.since_ns = g->since_ns,
		.stack_id = g->stack_id,
		.reason = g->c.reason,
		.flags = EV_BLOCKED_STILL | EV_BLOCKED_SEEN,
		.reg_count = 3,
		.reg = { g->c.pc, g->c.sp, g->c.bp },
	};
	struct core_use u;

	if (find_use(k->core, k->p->pid, g->gp, &u)) {
		if (k->watching && seen_park(k->core, &u))
			return 0;
		if (last_sign(&u) > ev.since_ns)
			ev.since_ns = last_sign(&u);
	}
	if (k->p->last_ns < ev.since_ns || k->p->last_ns - ev.since_ns < k->l->blocked_ns)
		return 0;
	source_fill_header(&ev.h, EV_BLOCKED, sizeof(ev), k->p->pid);
	ev.h.time_ns = k->p->last_ns;
	return k->fn(k->arg, &ev.h);
}

int looks_report(struct looks *l, const struct core_bpf *core, bool watched, source_event_fn *fn,
		 void *arg)
{
	struct look k = { .l = l, .core = core, .watching = watched, .fn = fn, .arg = arg };
	struct process *p, *next_p;
	struct parked *g, *next;
	int r;

	HASH_ITER(hh, l->processes, p, next_p) {
		k.p = p;
		HASH_ITER(hh, p->parked, g, next) {
			r = report_one(&k, g);
			if (r)
				return r;
		}
	}
	return 0;
}
