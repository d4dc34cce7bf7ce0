/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/coroutines.h"

#include <errno.h>
#include <string.h>

#include "base/event.h"
#include "symbols/target.h"

#define COUNT_MAX (1ull << 28) /* descriptors: more than that is no list */
#define CHUNK	  512	       /* addresses read at a time */
#define PART_MAX  4096	       /* of a descriptor */

/* Of Go: a request to be preempted, to fork, to move; they are compared with as any guard is. */
#define GO_PREEMPT    (-1314)
#define GO_FORK	      (-1234)
#define GO_FORCE_MOVE (-275)
#define GO_SCAN_BIT   0x1000
#define GO_STACK_MIN  2048
/* Room below the guard: 928 bytes, twice that in programs built with the race detector, and more in
 * those of 1.17 without optimisation. */
#define GO_GUARD_MAX (4 * 928)

/* The part of a descriptor that has the fields, read at once. */
struct part {
	uint64_t gp;
	int32_t first, end;
	uint8_t bytes[PART_MAX];
};

static int read_part(const struct target *t, const struct memory *m, uint64_t gp, struct part *ret)
{
	ret->gp = gp;
	ret->first = INT32_MAX;
	ret->end = 0;
	for (int f = 0; f < FIELD_COUNT; f++) {
		if (t->field[f] == FIELD_UNKNOWN)
			continue;
		if (t->field[f] < ret->first)
			ret->first = t->field[f];
		if (t->field[f] + 8 > ret->end)
			ret->end = t->field[f] + 8;
	}
	if (ret->end - ret->first > PART_MAX)
		return -E2BIG;
	return m->read(m->arg, gp + (uint64_t)ret->first, ret->bytes,
		       (size_t)(ret->end - ret->first));
}

static uint64_t field_of(const struct target *t, const struct part *p, enum target_field f,
			 size_t size)
{
	uint64_t value = 0;

	if (t->field[f] != FIELD_UNKNOWN)
		memcpy(&value, p->bytes + (t->field[f] - p->first), size);
	return value;
}

int coroutine_read(const struct target *t, const struct memory *m, uint64_t gp,
		   struct coroutine *ret)
{
	struct part p;
	int r = read_part(t, m, gp, &p);

	if (r)
		return r;
	*ret = (struct coroutine){
		.gp = gp,
		.id = field_of(t, &p, FIELD_ID, 8),
		.lo = field_of(t, &p, FIELD_STACK_LO, 8),
		.hi = field_of(t, &p, FIELD_STACK_HI, 8),
		.guard = field_of(t, &p, FIELD_STACK_GUARD, 8),
		.sp = field_of(t, &p, FIELD_SCHED_SP, 8),
		.pc = field_of(t, &p, FIELD_SCHED_PC, 8),
		.bp = field_of(t, &p, FIELD_SCHED_BP, 8),
		.creator_pc = field_of(t, &p, FIELD_CREATOR_PC, 8),
		.entry_pc = field_of(t, &p, FIELD_ENTRY_PC, 8),
		.status = (unsigned)field_of(t, &p, FIELD_STATUS, 4) & ~GO_SCAN_BIT,
		.reason = (unsigned)field_of(t, &p, FIELD_WAIT_REASON, 1),
		.use_max = field_of(t, &p, FIELD_USE_MAX, 8),
	};
	return 0;
}

/* Of a descriptor that cannot be read nothing is told: in a list that is sound there is none. */
static int one(const struct target *t, const struct memory *m, uint64_t gp, coroutine_fn *fn,
	       void *arg)
{
	struct coroutine c;

	if (coroutine_read(t, m, gp, &c))
		return -EIO;
	return c.status == COROUTINE_IDLE && !c.hi ? 0 : fn(arg, &c);
}

/* Twice the same, as the runtime may be about to replace it by a longer one. */
static int read_array(const struct memory *m, uint64_t at, uint64_t ret[2])
{
	uint64_t again[2];

	for (int i = 0; i < 16; i++) {
		if (m->read(m->arg, at, ret, 16) || m->read(m->arg, at, again, 16))
			return -EIO;
		if (!memcmp(ret, again, sizeof(again)))
			return ret[1] > COUNT_MAX || (ret[1] && !ret[0]) ? -EIO : 0;
	}
	return -EIO;
}

static int each_in_array(const struct target *t, const struct memory *m, coroutine_fn *fn,
			 void *arg)
{
	uint64_t array[2], gp[CHUNK];
	int r = read_array(m, t->list.vaddr + m->bias, array);

	for (uint64_t at = 0; at < array[1] && !r; at += CHUNK) {
		size_t n = array[1] - at < CHUNK ? (size_t)(array[1] - at) : CHUNK;

		if (m->read(m->arg, array[0] + 8 * at, gp, 8 * n))
			return -EIO;
		for (size_t i = 0; i < n && !r; i++)
			r = one(t, m, gp[i], fn, arg);
	}
	return r;
}

static int each_in_blocks(const struct target *t, const struct memory *m, coroutine_fn *fn,
			  void *arg)
{
	const struct target_list *l = &t->list;
	uint64_t block, used, left = COUNT_MAX;
	int r = 0;

	if (m->read(m->arg, l->vaddr + m->bias, &block, 8))
		return -EIO;
	while (block && !r) {
		if (m->read(m->arg, block + l->used, &used, 8) || used >= left)
			return -EIO;
		left -= used + 1; /* the list may be a ring */
		for (uint64_t i = 0; i < used && !r; i++)
			r = one(t, m, block + l->first + i * l->size, fn, arg);
		if (!r && m->read(m->arg, block + l->next, &block, 8))
			r = -EIO;
	}
	return r;
}

int coroutines_each(const struct target *t, const struct memory *m, coroutine_fn *fn, void *arg)
{
	switch (t->list.kind) {
	case LIST_ARRAY:
		return each_in_array(t, m, fn, arg);
	case LIST_BLOCKS:
		return each_in_blocks(t, m, fn, arg);
	case LIST_UNKNOWN:
		break;
	}
	return -ENOTSUP;
}

/* As the probes do it, bpf/stack.bpf.h: the same stack is the same there. */
uint32_t coroutine_frames(const struct coroutine *c, const struct memory *m, uint64_t root,
			  uint64_t root_size, uint64_t *ret, uint32_t max, uint32_t *ret_flags)
{
	uint64_t pc = c->pc, bp = c->bp, below = c->sp, frame[2];
	uint32_t n = 0;

	*ret_flags = 0;
	while (pc - (root + m->bias) >= root_size) {
		if (n == max) {
			*ret_flags = EV_STACK_TRUNCATED;
			break;
		}
		ret[n++] = pc;
		if (bp < below || bp > c->hi - sizeof(frame) ||
		    m->read(m->arg, bp, frame, sizeof(frame))) {
			*ret_flags = bp ? EV_STACK_BROKEN : 0;
			break;
		}
		below = bp + sizeof(frame);
		bp = frame[0];
		pc = frame[1];
	}
	return n;
}

uint64_t coroutines_limit(const struct target *t, const struct memory *m)
{
	uint64_t limit;

	if (!t->stack_limit || m->read(m->arg, t->stack_limit + m->bias, &limit, 8))
		return 0;
	return limit;
}

bool coroutine_is_saved(const struct coroutine *c)
{
	return c->status != COROUTINE_RUNNING && c->status != COROUTINE_COPYSTACK;
}

static bool has_none(const struct coroutine *c)
{
	return c->status == COROUTINE_DEAD || c->status == COROUTINE_IDLE || (!c->lo && !c->hi);
}

uint64_t coroutine_used(const struct coroutine *c)
{
	if (has_none(c) || !coroutine_is_saved(c) || c->sp < c->lo || c->sp > c->hi)
		return 0;
	return c->hi - c->sp;
}

const char *coroutine_status_name(unsigned status)
{
	static const char *const name[] = {
		[COROUTINE_IDLE] = "idle",	     [COROUTINE_RUNNABLE] = "runnable",
		[COROUTINE_RUNNING] = "running",     [COROUTINE_SYSCALL] = "syscall",
		[COROUTINE_WAITING] = "waiting",     [COROUTINE_DEAD] = "dead",
		[COROUTINE_COPYSTACK] = "copystack", [COROUTINE_PREEMPTED] = "preempted",
		[COROUTINE_LEAKED] = "leaked",
	};

	return status < sizeof(name) / sizeof(name[0]) && name[status] ? name[status] : "unknown";
}

/* Go's stacks are cut from spans of pages, in powers of two. */
static bool bounds_of_go(const struct coroutine *c)
{
	uint64_t size = c->hi - c->lo;

	return size >= GO_STACK_MIN && !(size & (size - 1)) && !(c->lo % GO_STACK_MIN);
}

static bool request_of_go(uint64_t guard)
{
	return guard == (uint64_t)GO_PREEMPT || guard == (uint64_t)GO_FORK ||
	       guard == (uint64_t)GO_FORCE_MOVE;
}

static bool guard_is_sound(const struct target *t, const struct coroutine *c)
{
	if (t->field[FIELD_STACK_GUARD] == FIELD_UNKNOWN)
		return true;
	if (t->kind != RUNTIME_GO)
		return c->guard >= c->lo && c->guard <= c->hi;
	return request_of_go(c->guard) ||
	       (c->guard > c->lo && c->guard < c->hi && c->guard - c->lo <= GO_GUARD_MAX);
}

enum stack_health coroutine_judge(const struct target *t, const struct coroutine *c, uint64_t limit)
{
	if (has_none(c))
		return STACK_NONE;
	if (c->lo >= c->hi || c->lo % 8 || c->hi % 8 || (t->kind == RUNTIME_GO && !bounds_of_go(c)))
		return STACK_BAD_BOUNDS;
	if (!guard_is_sound(t, c))
		return STACK_BAD_GUARD;
	if (coroutine_is_saved(c) && t->field[FIELD_SCHED_SP] != FIELD_UNKNOWN &&
	    (c->sp < c->lo || c->sp > c->hi))
		return STACK_OVERFLOW;
	if (c->status == COROUTINE_COPYSTACK)
		return STACK_GROWS;
	if (limit && c->hi - c->lo > limit / 2)
		return STACK_AT_LIMIT;
	return STACK_HEALTHY;
}

const char *stack_health_name(enum stack_health h)
{
	static const char *const name[] = {
		[STACK_HEALTHY] = "healthy",   [STACK_NONE] = "none",
		[STACK_AT_LIMIT] = "at-limit", [STACK_GROWS] = "grows",
		[STACK_BAD_BOUNDS] = "bounds", [STACK_BAD_GUARD] = "guard",
		[STACK_OVERFLOW] = "overflow",
	};

	return (unsigned)h < sizeof(name) / sizeof(name[0]) ? name[h] : "unknown";
}
