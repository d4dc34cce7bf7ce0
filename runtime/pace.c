/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.c: when to collect.
 *
 * As in Go: when the heap has grown by GOGC percent of what was alive after the last collection,
 * together with what else the collector had to read (stacks and globals), and not before 4 MiB
 * times GOGC/100.  With a memory limit also when all that the runtime has resident comes to the
 * limit.
 *
 * What Ps have in their caches counts as allocated, as in Go, and they tell when they take another
 * span, so the heap may be a little larger than the goal when a collection begins.
 *
 * A limit that is below what is alive would have the program collect without end.  Go's remedy is a
 * limit on the collector's share of the processor; here, too, a collection for the sake of the
 * limit waits until the program has run for as long as the last one took.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/gc.h"
#include "runtime/large.h"
#include "runtime/lock.h"
#include "runtime/mcache.h"
#include "runtime/ring.h"

#define HEAP_MIN (4ull << 20)
/* Free memory beyond what the heap may grow to is kept up to this part of it. */
#define KEEP_PART 10

static uint64_t live; /* bytes of objects not yet found dead */
static uint64_t goal;
static uint64_t marked, scanned; /* by the last collection */
static uint64_t last_end, last_pause;
static bool limited; /* atomic: the goal is what the limit leaves */

/* A collection reads these without the lock: who holds it has a P, so that nothing is collected. */
static struct lock set_lock;
static int64_t percent = 100; /* negative: off */
static uint64_t limit = UINT64_MAX;

static uint64_t grown(uint64_t base, uint64_t by)
{
	uint64_t add;

	if (__builtin_mul_overflow(by, (uint64_t)percent, &add) ||
	    __builtin_add_overflow(base, add / 100, &add))
		return UINT64_MAX;
	return add;
}

/* What the objects may come to so that all together stays within the limit. */
static uint64_t limit_goal(void)
{
	struct mheap_bytes b = mheap_bytes();
	uint64_t others = b.stacks + large_mapped() + meta_mapped();

	/* What objects leave unused of their spans. */
	if (b.objects > marked)
		others += b.objects - marked;

	return others < limit ? limit - others : 0;
}

static void set_goal(void)
{
	uint64_t g = UINT64_MAX, most;

	if (percent >= 0) {
		g = grown(marked, marked + scanned);
		if (g < HEAP_MIN * (uint64_t)percent / 100)
			g = HEAP_MIN * (uint64_t)percent / 100;
	}
	most = limit != UINT64_MAX ? limit_goal() : UINT64_MAX;
	SET(limited, most < g);
	if (most < g)
		g = most;
	__atomic_store_n(&goal, g > marked ? g : marked, __ATOMIC_RELAXED);
}

static bool due(uint64_t now_live)
{
	if (likely(now_live < __atomic_load_n(&goal, __ATOMIC_RELAXED)))
		return false;
	return !GET(limited) || ring_read_clock() - last_end >= last_pause;
}

bool pace_allocated(uint64_t bytes)
{
	return due(__atomic_add_fetch(&live, bytes, __ATOMIC_RELAXED));
}

bool pace_wants(uint64_t size)
{
	return due(__atomic_load_n(&live, __ATOMIC_RELAXED) + size);
}

void pace_collected(uint64_t left, uint64_t read, uint64_t pause)
{
	live = marked = left;
	scanned = read;
	last_pause = pause;
	last_end = ring_read_clock();
	set_goal();
}

uint64_t pace_live(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

uint64_t pace_goal(void)
{
	return __atomic_load_n(&goal, __ATOMIC_RELAXED);
}

uint64_t pace_keep(void)
{
	uint64_t used = mheap_bytes().objects, g = pace_goal();

	if (GET(limited))
		return 0;
	if (g == UINT64_MAX || g < used)
		return used / KEEP_PART;
	return g - used + g / KEEP_PART;
}

void pace_begin(void)
{
	live = marked = scanned = 0;
	last_end = last_pause = 0;
	set_goal();
}

/* co_set_gc_percent, on g0. */
int set_gc_percent(int to);
int set_gc_percent(int to)
{
	int was;

	lock(&set_lock);
	was = (int)percent;
	percent = to < 0 ? -1 : to;
	set_goal();
	unlock(&set_lock);
	return was;
}

/* co_set_memory_limit, on g0. */
int64_t set_memory_limit(int64_t bytes);
int64_t set_memory_limit(int64_t bytes)
{
	int64_t was;

	lock(&set_lock);
	was = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
	if (bytes >= 0) {
		limit = bytes == INT64_MAX ? UINT64_MAX : (uint64_t)bytes;
		set_goal();
	}
	unlock(&set_lock);
	return was;
}

/* Decimal digits and B, KiB, MiB, GiB, TiB or nothing, as Go has it. */
static bool parse_limit(const char *s, uint64_t *ret)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	uint64_t n = 0;
	unsigned i;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	for (i = 0; *s && i < 5 && strcmp(s, units[i]); i++)
		;
	if (i == 5 || (*s && n > (uint64_t)INT64_MAX >> 10 * i) || n > INT64_MAX)
		return false;
	*ret = *s ? n << 10 * i : n;
	return true;
}

void pace_read_environment(void)
{
	const char *s = getenv("GOGC");
	char *end;
	long n;

	percent = 100;
	limit = UINT64_MAX;
	if (s && *s && !strcmp(s, "off")) {
		percent = -1;
	} else if (s && *s) {
		n = strtol(s, &end, 10);
		if (*end || end == s || n > INT32_MAX || n < INT32_MIN)
			fatal("GOGC: '%s' is not a number of percent, nor 'off'", s);
		percent = n < 0 ? -1 : n;
	}
	s = getenv("GOMEMLIMIT");
	if (s && *s && strcmp(s, "off") && !parse_limit(s, &limit))
		fatal("GOMEMLIMIT: '%s' is not a size (as in 512MiB), nor 'off'", s);
}
