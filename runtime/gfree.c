/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gfree.c: descriptors of coroutines.
 *
 * They are cut from blocks that stay until co_run ends, so that every descriptor that ever was can
 * be found (reports list the living ones) and a tracer that reads a dead one reads a descriptor.
 */
#include <string.h>
#include <sys/mman.h>

#include "runtime/note.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

#define BLOCK_SIZE  (64u << 10)
#define BLOCK_COUNT ((BLOCK_SIZE - 64) / sizeof(struct g))

struct g_block {
	struct g_block *next;
	size_t used;
	struct g g[BLOCK_COUNT];
};
_Static_assert(sizeof(struct g_block) <= BLOCK_SIZE, "fits");

static struct g_block *blocks __attribute__((used));

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

struct g *gget(void)
{
	struct g *gp = this_m.p->gfree;
	struct g_block *b = blocks;

	if (unlikely(settings.fail_at) && debug_fail())
		return NULL;
	if (gp) {
		this_m.p->gfree = gp->schedlink;
		return gp;
	}
	if (!b || b->used == BLOCK_COUNT) {
		b = mmap(NULL, BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		if (b == MAP_FAILED)
			return NULL;
		b->next = blocks;
		blocks = b;
	}
	return &b->g[b->used++];
}

void gput(struct g *gp)
{
	gp->schedlink = this_m.p->gfree;
	this_m.p->gfree = gp;
}

struct g_block *g_blocks(void)
{
	return blocks;
}

struct g_block *g_blocks_next(const struct g_block *b)
{
	return b->next;
}

void for_each_g_in(struct g_block *b, void (*fn)(struct g *gp, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < b->used; i++)
		if (b->g[i].status != G_IDLE && b->g[i].status != G_DEAD)
			fn(&b->g[i], arg);
}

void for_each_g(void (*fn)(struct g *gp, void *arg), void *arg)
{
	struct g_block *b;

	for (b = blocks; b; b = b->next)
		for_each_g_in(b, fn, arg);
}

bool is_descriptor(uint64_t address)
{
	struct g_block *b;

	for (b = blocks; b; b = b->next)
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
		for (i = 0; i < b->used; i++)
			wait_free(&b->g[i]);
		munmap(b, BLOCK_SIZE);
	}
	this_m.p->gfree = NULL;
}
