/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checked.c: the allocator of CORUN_DEBUG=unmap and stackcheck.
 *
 * A stack that is free has no memory behind it: who touches it through an address that was kept
 * gets a SIGSEGV at once, which fault.c explains.  And its addresses are not used again until ARENA
 * bytes went by, so that whatever still points there was made by the coroutine that had it.
 *
 * One large range without access; a stack is a run of its pages.  The range is gone through from
 * begin to end and then once more, past what is in use.  Free runs lose memory and access; the
 * kernel joins them again, so the number of mappings stays that of the stacks that live.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/lock.h"
#include "runtime/mcache.h"

#define ARENA	  (64ull << 30)
#define ARENA_MIN (1ull << 20)
#define PAGE	  4096ull
#define WORD_BITS 64

static struct lock arena_lock;
static uint64_t arena, arena_size;
static uint64_t next;  /* page to look at first */
static uint64_t *busy; /* a bit for each page */

static uint64_t pages(void)
{
	return arena_size / PAGE;
}

/* As large as the limits of this process allow. */
static int make_arena(void)
{
	for (arena_size = ARENA; arena_size >= ARENA_MIN; arena_size /= 2) {
		arena = map_aligned(arena_size, PROT_NONE, 0);
		if (!arena)
			continue;
		busy = (uint64_t *)map_pages(pages() / 8, PROT_READ | PROT_WRITE);
		if (busy)
			return 0;
		unmap_aligned(arena, arena_size);
	}
	arena = 0;
	return -ENOMEM;
}

static bool is_busy(uint64_t page)
{
	return busy[page / WORD_BITS] >> (page % WORD_BITS) & 1;
}

static void mark(uint64_t first, uint64_t n, bool is)
{
	uint64_t i;

	for (i = first; i < first + n; i++) {
		uint64_t bit = 1ull << (i % WORD_BITS);

		if (is)
			busy[i / WORD_BITS] |= bit;
		else
			busy[i / WORD_BITS] &= ~bit;
	}
}

static bool is_free_run(uint64_t first, uint64_t n)
{
	uint64_t i;

	for (i = first; i < first + n; i++)
		if (is_busy(i))
			return false;
	return true;
}

/* An aligned run of n pages from where the last one ended; pages() if there is none. */
static uint64_t find(uint64_t n)
{
	uint64_t at = (next + n - 1) / n * n, tried;

	for (tried = 0; tried < pages(); tried += n, at += n) {
		if (at + n > pages())
			at = 0;
		if (at + n <= pages() && is_free_run(at, n))
			return at;
	}
	return pages();
}

/* A stack below a page lies at the upper end of one, so that the page below is close. */
int checked_alloc(size_t size, void **ret)
{
	uint64_t n = (size + PAGE - 1) / PAGE, at;
	char *p;
	int rc = -ENOMEM;

	lock(&arena_lock);
	if ((arena || !make_arena()) && n <= pages() && (at = find(n)) < pages()) {
		p = (char *)(arena + at * PAGE);
		if (!mprotect(p, n * PAGE, PROT_READ | PROT_WRITE)) {
			mark(at, n, true);
			next = at + n;
			*ret = p;
			rc = 0;
		}
	}
	unlock(&arena_lock);
	return rc;
}

void checked_free(void *lo, size_t size)
{
	uint64_t n = (size + PAGE - 1) / PAGE;

	lock(&arena_lock);
	madvise(lo, n * PAGE, MADV_DONTNEED);
	/* Too many mappings: it stays readable, and is found by its poison. */
	if (mprotect(lo, n * PAGE, PROT_NONE))
		memset(lo, 0xfc, size);
	mark(((uint64_t)lo - arena) / PAGE, n, false);
	unlock(&arena_lock);
}

bool checked_holds(uint64_t address)
{
	return arena && address - arena < arena_size;
}

void checked_reset(void)
{
	if (!arena)
		return;
	munmap(busy, pages() / 8);
	unmap_aligned(arena, arena_size);
	arena = 0;
	next = 0;
}
