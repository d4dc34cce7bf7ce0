/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gfree.c: descriptors of coroutines.
 *
 * They are cut from blocks that stay until co_run ends, so that every descriptor that ever was can
 * be found (reports list the living ones) and a tracer that reads a dead one reads a descriptor.
 *
 * Each P cuts from a block of its own and has a list of free ones, last in first out, so a spawn
 * touches nothing that another P uses.  Where coroutines begin on one P and end on another, HALF of
 * a list that became too long goes to a common one, and is taken from there by who has none.
 */
#include <string.h>
#include <sys/mman.h>

#include "runtime/note.h"
#include "runtime/sched.h"
#include "runtime/wait.h"

#define BLOCK_SIZE  (64u << 10)
#define BLOCK_COUNT ((BLOCK_SIZE - 64) / sizeof(struct g))
#define HALF	    32u

struct g_block {
	struct g_block *next;
	size_t used;
	struct g g[BLOCK_COUNT];
};
_Static_assert(sizeof(struct g_block) <= BLOCK_SIZE, "fits");

static struct lock free_lock; /* of these two */
static struct g_block *blocks __attribute__((used));
static struct gqueue common;

/* Where a tracer finds all descriptors, see stacktrace-note(5); no code. */
static void __attribute__((used, noinline)) note_list(void)
{
	__asm__ volatile("	.pushsection .note.stacktrace, \"a\", @note\n"
			 "	.balign	4\n"
			 "	.long	11, 24, %c[type]\n"
			 "	.asciz	\"stacktrace\"\n"
			 "	.balign	4\n"
			 "	.long	%c[next], %c[used], %c[first], %c[size]\n"
			 "	.quad	blocks - .\n"
			 "	.popsection\n"
			 :
			 : [type] "i"(CORUN_NOTE_LIST), [next] "i"(offsetof(struct g_block, next)),
			   [used] "i"(offsetof(struct g_block, used)),
			   [first] "i"(offsetof(struct g_block, g)), [size] "i"(sizeof(struct g)));
}

static bool new_block(struct p *p)
{
	struct g_block *b = mmap(NULL, BLOCK_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return false;
	lock(&free_lock);
	b->next = blocks;
	__atomic_store_n(&blocks, b, __ATOMIC_RELEASE);
	unlock(&free_lock);
	p->block = b;
	return true;
}

static void give(struct p *p, uint32_t n)
{
	struct gqueue list = { 0 };
	struct g *gp;

	for (; n && (gp = p->gfree); n--) {
		p->gfree = gp->schedlink;
		COUNT(p->gfree_count, -1);
		gqueue_push(&list, gp);
	}
	lock(&free_lock);
	while ((gp = gqueue_pop(&list)))
		gqueue_push(&common, gp);
	unlock(&free_lock);
}

static void take(struct p *p)
{
	struct g *gp;

	lock(&free_lock);
	while (p->gfree_count < HALF && (gp = gqueue_pop(&common))) {
		gp->schedlink = p->gfree;
		p->gfree = gp;
		COUNT(p->gfree_count, 1);
	}
	unlock(&free_lock);
}

void gfree_give(struct p *p)
{
	give(p, p->gfree_count);
}

struct g *gget(void)
{
	struct p *p = this_m.p;
	struct g *gp;

	if (unlikely(settings.fail_at) && debug_fail())
		return NULL;
	if (unlikely(!p->gfree) && __atomic_load_n(&common.size, __ATOMIC_RELAXED))
		take(p);
	gp = p->gfree;
	if (gp) {
		p->gfree = gp->schedlink;
		COUNT(p->gfree_count, -1);
		return gp;
	}
	if ((!p->block || p->block->used == BLOCK_COUNT) && !new_block(p))
		return NULL;
	gp = &p->block->g[p->block->used];
	__atomic_store_n(&p->block->used, p->block->used + 1, __ATOMIC_RELEASE);
	return gp;
}

void gput(struct g *gp)
{
	struct p *p = this_m.p;

	gp->schedlink = p->gfree;
	p->gfree = gp;
	COUNT(p->gfree_count, 1);
	if (unlikely(p->gfree_count > 2 * HALF))
		give(p, HALF);
}

struct g_block *g_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_ACQUIRE);
}

struct g_block *g_blocks_next(const struct g_block *b)
{
	return b->next;
}

void for_each_g_in(struct g_block *b, void (*fn)(struct g *gp, void *arg), void *arg)
{
	size_t used = __atomic_load_n(&b->used, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < used; i++) {
		uint32_t status = GET(b->g[i].status);

		if (status != G_IDLE && status != G_DEAD)
			fn(&b->g[i], arg);
	}
}

void for_each_g(void (*fn)(struct g *gp, void *arg), void *arg)
{
	struct g_block *b;

	for (b = g_blocks(); b; b = b->next)
		for_each_g_in(b, fn, arg);
}

bool is_descriptor(uint64_t address)
{
	struct g_block *b;

	for (b = __atomic_load_n(&blocks, __ATOMIC_ACQUIRE); b; b = b->next)
		if (address - (uint64_t)b < BLOCK_SIZE)
			return true;
	return false;
}

void gfree_all(void)
{
	struct g_block *b;
	size_t i;

	while ((b = blocks)) {
		blocks = b->next;
		for (i = 0; i < b->used; i++) {
			wait_free(&b->g[i]);
			sanitize_free(&b->g[i]);
		}
		munmap(b, BLOCK_SIZE);
	}
	common = (struct gqueue){ 0 };
}
