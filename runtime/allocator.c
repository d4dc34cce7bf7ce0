/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator.c: where stacks come from, as an interface: a struct of functions, which the program
 * may change at any time (co_set_allocator, CORUN_ALLOCATOR).
 *
 * Each stack remembers its owner and returns there, so those of two allocators live side by side;
 * each P's cache follows when it is next empty or full.
 *
 *	page	2 KiB stacks packed into pages, free ones kept resident: fast, and smallest for many
 *		small stacks
 *	mmap	one mapping for each stack, without reserve; free ones go back to the system.
 *		Under a limit of memory nothing is held back, at two system calls and page faults
 *		a stack.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/large.h"
#include "runtime/lock.h"
#include "runtime/mcache.h"

#define PAGE 4096u

static unsigned order_of(size_t size)
{
	return (unsigned)__builtin_ctzll(size / STACK_MIN);
}

static bool is_size(size_t size)
{
	return size >= STACK_MIN && !(size & (size - 1)) && order_of(size) < STACK_ORDERS;
}

static int page_alloc(size_t size, void **ret)
{
	uint64_t lo;

	if (!is_size(size))
		return -EINVAL;
	if (order_of(size) >= PACKED_ORDERS) {
		if (large_alloc(order_of(size), &lo))
			return -ENOMEM;
	} else if (!mcentral_take(order_of(size), &lo, 1)) {
		return -ENOMEM;
	}
	*ret = (void *)lo;
	return 0;
}

static void page_free(void *lo, size_t size)
{
	uint64_t at = (uint64_t)lo;

	if (order_of(size) >= PACKED_ORDERS)
		large_free(order_of(size), at);
	else
		mcentral_give(order_of(size), &at, 1);
}

static int mmap_alloc(size_t size, void **ret)
{
	uint64_t lo;

	if (!is_size(size))
		return -EINVAL;
	/* What is left of the page serves as the readable tail. */
	if (size < PAGE)
		lo = map_pages(PAGE, PROT_READ | PROT_WRITE);
	else
		lo = map_aligned(size, PROT_READ | PROT_WRITE, 0);
	if (!lo)
		return -ENOMEM;
	*ret = (void *)lo;
	return 0;
}

static void mmap_free(void *lo, size_t size)
{
	if (size < PAGE)
		munmap(lo, PAGE);
	else
		unmap_aligned((uint64_t)lo, size);
}

const struct co_stack_allocator co_page_allocator = { "page", page_alloc, page_free };
const struct co_stack_allocator co_mmap_allocator = { "mmap", mmap_alloc, mmap_free };
static const struct co_stack_allocator checked = { "checked", checked_alloc, checked_free };

static struct lock table_lock;
static const struct co_stack_allocator *table[OWNERS] = {
	[OWNER_PAGE] = &co_page_allocator,
	[OWNER_MMAP] = &co_mmap_allocator,
	[OWNER_CHECKED] = &checked,
};
static unsigned chosen = OWNER_PAGE, present = OWNER_PAGE;

const struct co_stack_allocator *allocator_of(unsigned owner)
{
	return table[owner];
}

unsigned allocator_present(void)
{
	return __atomic_load_n(&present, __ATOMIC_RELAXED);
}

/* Its place in the table, where it stays: stacks of it may live until the end of co_run. */
static unsigned enter(const struct co_stack_allocator *a)
{
	unsigned i;

	for (i = OWNER_PAGE; i < OWNERS && table[i] != a; i++)
		if (!table[i] && i >= OWNER_USER) {
			table[i] = a;
			break;
		}
	return i;
}

/* co_set_allocator, on g0. */
int set_allocator(const struct co_stack_allocator *a);
int set_allocator(const struct co_stack_allocator *a)
{
	unsigned owner;

	if (!a)
		a = &co_page_allocator;
	if (!a->alloc || !a->free)
		return -EINVAL;
	lock(&table_lock);
	owner = enter(a);
	if (owner < OWNERS)
		chosen = owner;
	unlock(&table_lock);
	if (owner == OWNERS)
		return -ENOSPC;
	/* The environment wins. */
	if (!settings.allocator && !settings.unmap)
		__atomic_store_n(&present, owner, __ATOMIC_RELAXED);
	if (may_ready())
		mcache_follow(mcache_mine());
	return 0;
}

void allocator_init(void)
{
	present = chosen;
	if (settings.allocator)
		present = settings.allocator;
	if (settings.unmap)
		present = OWNER_CHECKED;
}
