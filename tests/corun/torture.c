/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything at once, at random but the same each time: recursion with pointers between frames,
 * alloca, printing, channels, yields.  TORTURE=N is the number of coroutines.
 */
#include <alloca.h>
#include <stdint.h>

#include "check.h"

#define CHANNELS 16

struct frame {
	struct frame *up;
	long depth;
	long *mine;
};

static struct co_chan *channels[CHANNELS];
static long alive, calls, received, sent;

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345;
	return *seed >> 16;
}

static __attribute__((noinline)) void use_alloca(unsigned r)
{
	size_t n = r % 3000 + 1;
	char *p = alloca(n);

	memset(p, (int)r, n);
	CHECK(p[0] == (char)r && p[n - 1] == (char)r);
}

static __attribute__((noinline)) void use_printf(long depth)
{
	char text[64];

	snprintf(text, sizeof(text), "%ld %g %d %d %d %d %d", depth, 1.5, 1, 2, 3, 4, 5);
	CHECK_EQUAL(atol(text), depth);
}

static __attribute__((noinline)) void send(long value)
{
	CHECK_EQUAL(co_chan_send(channels[value % CHANNELS], &value), 0);
	sent += value;
}

static __attribute__((noinline)) void descend(unsigned *seed, long depth, struct frame *up)
{
	struct frame f = { .up = up, .depth = depth };
	const struct frame *p;
	unsigned r = next(seed);

	f.mine = &f.depth;
	calls++;
	if (r % 13 == 0)
		co_yield();
	if (r % 17 == 0)
		use_alloca(r);
	if (r % 19 == 0)
		use_printf(depth);
	if (r % 23 == 0)
		send((long)r);
	if (depth < 200 && r % 8)
		descend(seed, depth + 1, &f);
	if (depth < 40 && r % 5 == 0)
		descend(seed, depth + 1, &f);
	CHECK(f.mine == &f.depth && f.depth == depth && f.up == up);
	for (p = &f; p->up; p = p->up)
		if (p->depth != p->up->depth + 1 || p->mine != &p->depth) {
			CHECK(0);
			break;
		}
}

static void worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int i;

	for (i = 0; i < 5; i++)
		descend(&seed, 0, NULL);
	alive--;
}

static void receiver(void *arg)
{
	long value;

	while (!co_chan_recv(arg, &value))
		received += value;
}

static void start(void *arg)
{
	const char *s = getenv("TORTURE");
	unsigned long i, n = s ? strtoul(s, NULL, 10) : 1000;
	struct co_stats stats;

	(void)arg;
	for (i = 0; i < CHANNELS; i++) {
		co_chan_make(sizeof(long), i % 4, &channels[i]);
		co_go(receiver, channels[i]);
	}
	for (i = 1; i <= n; i++) {
		CHECK_EQUAL(co_go(worker, (void *)(uintptr_t)(i * 2654435761u)), 0);
		alive++;
		while (i % 500 == 0 && alive > 100)
			co_yield();
	}
	while (alive)
		co_yield();
	for (i = 0; i < CHANNELS; i++)
		co_chan_close(channels[i]);
	co_yield();
	for (i = 0; i < CHANNELS; i++)
		CHECK_EQUAL(co_chan_free(channels[i]), 0);
	co_stats(&stats);
	CHECK(received == sent && sent > 0);
	CHECK_EQUAL(stats.born, n + CHANNELS + 1);
	CHECK_EQUAL(stats.ended, n + CHANNELS);
	printf("%lu coroutines, %ld calls, %lu growths, %lu switches\n", (unsigned long)stats.born,
	       calls, (unsigned long)stats.growths, (unsigned long)stats.switches);
}

int main(void)
{
	check_run(start);
	return check_result();
}
