/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stackcheck.c: escape analysis at run time.
 *
 * The rule of stacks that move: no address of a local may be kept outside of its stack.  Nothing in
 * C says whether a program keeps it, so each time that a stack moves, memory is searched for
 * addresses into where it was: globals, the heap, the stack of the thread, other coroutines'
 * stacks, and words of its own stack that are not aligned.  What is found is reported with
 * coroutine, object, and the growth; and the old stack has no memory from then on, so that who uses
 * the address anyway is stopped (fault.c), with what this file remembers of the stack.
 *
 * Addresses of stacks are not used twice (checked.c), and freed memory is overwritten (M_PERTURB),
 * so that there are few words that only look like it.  A find is still no proof of an error: the
 * word may never be used again, or lie in a block of the heap that is free.
 *
 * Each object is reported once.
 */
#include "runtime/stackcheck.h"

#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "runtime/escape.h"
#include "runtime/lock.h"
#include "runtime/mcache.h"
#include "runtime/proc.h"
#include "runtime/segment.h"
#include "runtime/symtab.h"

#define NAME	  160
#define REMEMBER  65536
#define SEEN	  4096
#define OVERWRITE 0xa5

struct move {
	struct stack old;
	uint64_t goid, pc; /* pc 0: the coroutine ended */
	uint64_t new_size;
	unsigned number;
};

static struct lock check_lock;
static struct move moves[REMEMBER];
static uint64_t moves_made, finds;
static uint64_t seen[SEEN];

static void remember(const struct g *gp, struct stack old, uint64_t new_size, uint64_t pc)
{
	moves[moves_made++ % REMEMBER] = (struct move){ old, gp->id, pc, new_size, gp->moves };
}

void stackcheck_fate(uint64_t address, char *ret, size_t size)
{
	uint64_t i, oldest = moves_made > REMEMBER ? moves_made - REMEMBER : 0;
	char name[NAME];

	snprintf(ret, size, "a stack that is gone");
	for (i = moves_made; i-- > oldest;) {
		const struct move *m = &moves[i % REMEMBER];

		if (address < m->old.lo || address >= m->old.hi)
			continue;
		if (!m->pc) {
			snprintf(ret, size, "the stack of coroutine %llu, which has ended",
				 (unsigned long long)m->goid);
			return;
		}
		symtab_name(m->pc, true, name, sizeof(name));
		snprintf(ret, size,
			 "the stack that coroutine %llu had before growth %u, from %llu to %llu "
			 "bytes in %s",
			 (unsigned long long)m->goid, m->number,
			 (unsigned long long)(m->old.hi - m->old.lo),
			 (unsigned long long)m->new_size, name);
		return;
	}
}

/* Of a coroutine that is stopped: with sp below all that is on its stack, and bp and pc of the
 * frame there. */
static struct gobuf where(const struct g *gp)
{
	const struct m *mp;
	const uint64_t *word;
	struct gobuf at = gp->sched;

	for (mp = sched.all_m; mp && mp->curg != gp; mp = mp->all_link)
		;
	if (!mp || gp->status != G_RUNNING || mp->call_sp == CALL_SWITCH)
		return at;
	if (mp->call_sp == CALL_GROWTH) {
		at.pc = *(const uint64_t *)at.sp;
		return at;
	}
	/* Two saved registers, see to_g0 in call_amd64.S. */
	word = (const uint64_t *)mp->call_sp;
	return (struct gobuf){ .sp = mp->call_sp, .bp = word[1], .pc = word[2] };
}

/* The function in whose frame an address of a stack lies. */
static void frame_name(const struct g *gp, uint64_t address, char *ret, size_t size)
{
	struct gobuf at = where(gp);

	while (at.bp && address >= at.bp + 16 && at.bp >= gp->stack.lo &&
	       at.bp <= gp->stack.hi - 16) {
		at.pc = ((const uint64_t *)at.bp)[1];
		at.bp = ((const uint64_t *)at.bp)[0];
	}
	symtab_name(at.pc, true, ret, size);
}

/* A growth, and what was found of it. */
struct check {
	struct g *gp;
	struct stack old;
	uint64_t used_lo; /* of old: below there are no locals */
	uint64_t pc;
};

static bool is_news(uint64_t at)
{
	uint64_t *slot = &seen[(at * 0x9e3779b97f4a7c15ull) >> 52];

	if (*slot == at)
		return false;
	*slot = at;
	return true;
}

static void report(const struct check *c, uint64_t at, uint64_t value, const char *object)
{
	uint64_t delta = c->gp->stack.hi - c->old.hi;
	char local[NAME], grew[NAME];

	if (!is_news(at))
		return;
	finds++;
	symtab_name(c->pc, true, grew, sizeof(grew));
	frame_name(c->gp, value + delta, local, sizeof(local));
	complain("stackcheck: coroutine %llu, growth %u, %llu to %llu bytes in %s: %s at %#llx "
		 "keeps "
		 "%#llx, the address of a local of %s",
		 (unsigned long long)c->gp->id, c->gp->moves,
		 (unsigned long long)(c->old.hi - c->old.lo),
		 (unsigned long long)(c->gp->stack.hi - c->gp->stack.lo), grew, object,
		 (unsigned long long)at, (unsigned long long)value, local);
}

struct image {
	uint64_t at, offset;
	const char *path;
};

static int find_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct image *i = arg;
	int k;

	(void)size;
	for (k = 0; k < info->dlpi_phnum; k++) {
		uint64_t lo = info->dlpi_addr + info->dlpi_phdr[k].p_vaddr;

		if (info->dlpi_phdr[k].p_type == PT_LOAD &&
		    i->at - lo < info->dlpi_phdr[k].p_memsz) {
			i->path = info->dlpi_name;
			i->offset = i->at - info->dlpi_addr;
			return 1;
		}
	}
	return 0;
}

static void name_object(uint64_t at, const char *map, char *ret, size_t size)
{
	const char *path = strchr(map, '/');
	struct image image = { .at = at };
	char name[NAME];

	if (symtab_object(at, name, sizeof(name)))
		snprintf(ret, size, "the global %s", name);
	else if (dl_iterate_phdr(find_image, &image))
		snprintf(ret, size, "data of %s+%#llx", *image.path ? image.path : "the program",
			 (unsigned long long)image.offset);
	else if (strstr(map, "[heap]"))
		snprintf(ret, size, "the heap");
	else if (strstr(map, "[stack]"))
		snprintf(ret, size, "the stack of the thread");
	else
		snprintf(ret, size, "%s", path ? path : "memory (of the heap, or of a thread)");
}

/* What is below the calls of the thread of co_run, whose stack also has frames of the program. */
#define BELOW_CALLS (1ull << 20)

/* A thread's own words, and what lies on g0: of calls that are under way, or long over. */
static bool is_of_thread(const struct m *mp, uint64_t at)
{
	return at - (uint64_t)mp < sizeof(*mp) || at - mp->alternate < mp->alternate_size ||
	       (at >= mp->g0_sp - BELOW_CALLS && at < mp->g0_sp);
}

/* The runtime's own: what it keeps there it adjusts, or never uses again. */
static bool is_own(uint64_t at)
{
	const struct m *mp;

	if (at - (uint64_t)moves < sizeof(moves) || at - (uint64_t)seen < sizeof(seen) ||
	    is_descriptor(at))
		return true;
	for (mp = sched.all_m; mp; mp = mp->all_link)
		if (is_of_thread(mp, at))
			return true;
	return false;
}

static void found(uint64_t at, uint64_t value, const char *map, void *arg)
{
	char object[2 * NAME];

	if (is_own(at))
		return;
	name_object(at, map, object, sizeof(object));
	report(arg, at, value, object);
}

static void search_other(struct g *gp, void *arg)
{
	const struct check *c = arg;
	uint64_t *word;
	uint64_t used = c->old.hi - c->used_lo;
	char object[2 * NAME], frame[NAME];

	if (gp == c->gp || gp->status == G_COPYSTACK || !gp->stack.hi)
		return;
	for (word = (uint64_t *)where(gp).sp; word < (uint64_t *)gp->stack.hi; word++) {
		if (*word - c->used_lo >= used)
			continue;
		frame_name(gp, (uint64_t)word, frame, sizeof(frame));
		snprintf(object, sizeof(object), "the stack of coroutine %llu, in %s,",
			 (unsigned long long)gp->id, frame);
		report(c, (uint64_t)word, *word, object);
	}
}

/* Words between words of its own stack: packed structures. */
static void search_own(const struct check *c)
{
	const char *at = (const char *)c->gp->sched.sp, *end = (const char *)c->gp->stack.hi - 8;
	char object[2 * NAME], frame[NAME];
	uint64_t word;

	for (; at <= end; at++) {
		memcpy(&word, at, sizeof(word));
		if ((uint64_t)at % 8 == 0 || word - c->used_lo >= c->old.hi - c->used_lo)
			continue;
		frame_name(c->gp, (uint64_t)at, frame, sizeof(frame));
		snprintf(object, sizeof(object), "its own stack, in %s, not aligned,", frame);
		report(c, (uint64_t)at, word, object);
	}
}

void stackcheck_moved(struct g *gp, struct stack old, uint64_t pc)
{
	uint64_t used = gp->stack.hi - gp->sched.sp;
	struct check c = { gp, old, old.hi - used, pc };
	/* The collector moves stacks of others, and has stopped the world. */
	bool stop = settings.stackcheck && gp == this_m.curg;

	if (stop)
		stop_the_world("stackcheck");
	lock(&check_lock);
	gp->moves++;
	remember(gp, old, gp->stack.hi - gp->stack.lo, pc);
	if (settings.stackcheck) {
		escape_search(c.used_lo, old.hi, found, &c);
		for_each_g(search_other, &c);
		search_own(&c);
	}
	unlock(&check_lock);
	if (stop)
		start_the_world();
}

void stackcheck_ended(const struct g *gp)
{
	lock(&check_lock);
	remember(gp, gp->stack, 0, 0);
	unlock(&check_lock);
}

void stackcheck_begin(void)
{
	finds = 0;
	moves_made = 0;
	memset(seen, 0, sizeof(seen));
	if (settings.stackcheck)
		mallopt(M_PERTURB, OVERWRITE);
}

void stackcheck_end(void)
{
	if (!settings.stackcheck)
		return;
	mallopt(M_PERTURB, 0);
	if (finds)
		complain("stackcheck: %llu places keep addresses of locals across a growth",
			 (unsigned long long)finds);
}
