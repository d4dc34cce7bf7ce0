/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything at once, at random but the same each time: recursion with pointers between frames,
 * alloca, printing, channels, yields, on as many Ps as there are.  TORTURE=N is the number of
 * coroutines, TORTURE_ROUNDS=N how often each goes down, about 375 calls each time.
 */
#include <alloca.h>
#include <stdint.h>

#include "check.h"

#define CHANNELS 16
#define AT_ONCE	 500 /* workers that are alive */

/* What a coroutine has; it is on its stack, and moves along. */
struct own {
	unsigned seed;
	long calls, sent;
};

struct frame {
	struct frame *up;
	long depth;
	long *mine;
};

#define ADD(x, n) __atomic_fetch_add(&(x), (n), __ATOMIC_RELAXED)

static struct co_chan *channels[CHANNELS];
static struct co_wg receivers, workers;
static struct co_sem room;
static long calls, received, sent; /* atomic */
static unsigned long rounds = 5;

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

static __attribute__((noinline)) void send(struct own *own, long value)
{
	CHECK_EQUAL(co_chan_send(channels[value % CHANNELS], &value), 0);
	own->sent += value;
}

static __attribute__((noinline)) void descend(struct own *own, long depth, struct frame *up)
{
	struct frame f = { .up = up, .depth = depth };
	const struct frame *p;
	unsigned r = next(&own->seed);

	f.mine = &f.depth;
	own->calls++;
	if (r % 13 == 0)
		co_yield();
	if (r % 17 == 0)
		use_alloca(r);
	if (r % 19 == 0)
		use_printf(depth);
	if (r % 23 == 0)
		send(own, (long)r);
	if (depth < 200 && r % 8)
		descend(own, depth + 1, &f);
	if (depth < 40 && r % 5 == 0)
		descend(own, depth + 1, &f);
	CHECK(f.mine == &f.depth && f.depth == depth && f.up == up);
	for (p = &f; p->up; p = p->up)
		if (p->depth != p->up->depth + 1 || p->mine != &p->depth) {
			CHECK(0);
			break;
		}
}

static void worker(void *arg)
{
	struct own own = { .seed = (unsigned)(uintptr_t)arg };
	unsigned long i;

	for (i = 0; i < rounds; i++)
		descend(&own, 0, NULL);
	ADD(calls, own.calls);
	ADD(sent, own.sent);
	co_sem_post(&room);
	co_wg_done(&workers);
}

static void receiver(void *arg)
{
	long value;

	while (!co_chan_recv(arg, &value))
		ADD(received, value);
	co_wg_done(&receivers);
}

static unsigned long setting(const char *name, unsigned long usual)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : usual;
}

/* Each move gives one back. */
static unsigned long stacks_freed(const struct co_stats *s)
{
	unsigned long n = 0;
	unsigned i;

	for (i = 0; i < sizeof(s->stackfree) / sizeof(*s->stackfree); i++)
		n += s->stackfree[i];
	return n;
}

static void start(void *arg)
{
	unsigned long i, n = setting("TORTURE", 1000);
	struct co_stats stats;

	(void)arg;
	rounds = setting("TORTURE_ROUNDS", 5);
	room.count = AT_ONCE;
	co_wg_add(&workers, (int)n);
	co_wg_add(&receivers, CHANNELS);
	for (i = 0; i < CHANNELS; i++) {
		co_chan_make(sizeof(long), i % 4, &channels[i]);
		co_go(receiver, channels[i]);
	}
	for (i = 1; i <= n; i++) {
		CHECK_EQUAL(co_sem_wait(&room), 0);
		CHECK_EQUAL(co_go(worker, (void *)(uintptr_t)(i * 2654435761u)), 0);
	}
	CHECK_EQUAL(co_wg_wait(&workers), 0);
	for (i = 0; i < CHANNELS; i++)
		co_chan_close(channels[i]);
	CHECK_EQUAL(co_wg_wait(&receivers), 0);
	for (i = 0; i < CHANNELS; i++)
		CHECK_EQUAL(co_chan_free(channels[i]), 0);
	/* Who has said that it is done is still to end. */
	do {
		co_yield();
		co_stats(&stats);
	} while (stats.ended < n + CHANNELS);
	CHECK(received == sent && sent > 0);
	CHECK_EQUAL(stats.born, n + CHANNELS + 1);
	CHECK_EQUAL(stats.ended, n + CHANNELS);
	printf("%lu coroutines, %ld calls, %lu growths, %lu switches, %lu stacks given back\n",
	       (unsigned long)stats.born, calls, (unsigned long)stats.growths,
	       (unsigned long)stats.switches, stacks_freed(&stats));
}

int main(void)
{
	check_run(start);
	return check_result();
}
