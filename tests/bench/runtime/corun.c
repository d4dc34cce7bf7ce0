/* SPDX-License-Identifier: Apache-2.0 */
/* corun WORK: the work of main.go, function by function, on corun. */
#include <corun.h>

#include "tests/bench/runtime/bench.h"

#define NOINLINE __attribute__((noinline, noclone))

static struct co_chan *done;
static uint64_t count;

/* What one of two cores works with; the works for one core use the first. */
static struct side {
	struct co_chan *there, *back;
	uint64_t ops, left;
} __attribute__((aligned(128))) sides[2];

static void wait_for(uint64_t n)
{
	while (n--)
		co_chan_recv(done, NULL);
}

/* --- yield: N coroutines take turns; the first looks at the clock -------------------------------
 */

#define YIELDS (1u << 20)

static void yielder(void *arg)
{
	uint64_t turns = YIELDS / count, i, begin;
	unsigned trial, trials = 9;
	char row[32];

	for (trial = 0; trial <= trials; trial++) {
		begin = arg ? now_ns() : 0;
		for (i = 0; i < turns; i++)
			co_yield();
		if (!arg || !trial)
			continue;
		snprintf(row, sizeof(row), "yield-%u", (unsigned)count);
		print_trial(row, (double)(now_ns() - begin) / (double)(turns * count));
	}
	co_chan_send(done, NULL);
}

static void yields(void *arg)
{
	uint64_t i;

	count = (uintptr_t)arg;
	for (i = 0; i < count; i++)
		co_go(yielder, i ? NULL : &count);
	wait_for(count);
}

/* --- from spawn to exit -------------------------------------------------------------------------
 */

#define SPAWN_BATCH 1000

static void nothing(void *arg)
{
	(void)arg;
}

static void spawn_one_work(uint64_t ops)
{
	while (ops--) {
		co_go(nothing, NULL);
		co_yield();
	}
}

static void spawn_one(void *arg)
{
	(void)arg;
	run_trials("spawn-one", 15, 1 << 16, spawn_one_work);
}

static void counted(void *arg)
{
	struct side *s = arg;
	long item = 0;

	if (!__atomic_sub_fetch(&s->left, 1, __ATOMIC_RELAXED))
		co_chan_send(s->there, &item);
}

/* The last of a batch says that all are done. */
static void spawn_counted(struct side *s, uint64_t n)
{
	uint64_t i;

	s->left = n;
	for (i = 0; i < n; i++)
		co_go(counted, s);
	co_chan_recv(s->there, NULL);
}

static void spawn_batch_work(uint64_t ops)
{
	for (; ops; ops -= SPAWN_BATCH)
		spawn_counted(&sides[0], SPAWN_BATCH);
}

static void spawn_batch(void *arg)
{
	(void)arg;
	run_trials("spawn-batch", 15, 64 * SPAWN_BATCH, spawn_batch_work);
}

/* --- channels and locks -------------------------------------------------------------------------
 */

#define BUFFER 100

static void echo(void *arg);

static void round_trips(uint64_t ops)
{
	long item = 1;

	while (ops--) {
		co_chan_send(sides[0].there, &item);
		co_chan_recv(sides[0].back, &item);
	}
}

static void chan_pair(void *arg)
{
	(void)arg;
	co_go(echo, &sides[0]);
	run_trials("chan-pair", 15, 1 << 16, round_trips);
}

static void produce(void *arg)
{
	struct side *s = arg;
	long item = 1;
	uint64_t n;

	for (n = s->ops; n; n--)
		co_chan_send(s->there, &item);
}

static void consume(uint64_t ops)
{
	long item;

	sides[0].ops = ops;
	co_go(produce, &sides[0]);
	while (ops--)
		co_chan_recv(sides[0].there, &item);
}

static void chan_buffered(void *arg)
{
	(void)arg;
	co_chan_make(sizeof(long), BUFFER, &sides[0].there);
	run_trials("chan-buffered", 15, 1 << 18, consume);
}

/* The answer may come over either of two channels. */
static void selecting(uint64_t ops)
{
	long item = 1;
	struct co_case cases[] = {
		{ .chan = sides[0].back, .op = CO_RECV, .item = &item },
		{ .chan = sides[1].back, .op = CO_RECV, .item = &item },
	};

	while (ops--) {
		co_chan_send(sides[0].there, &item);
		co_select(cases, 2);
	}
}

static void select_two(void *arg)
{
	(void)arg;
	co_go(echo, &sides[0]);
	run_trials("select-2", 15, 1 << 16, selecting);
}

static struct co_mutex mutex;

static void locking(uint64_t ops)
{
	while (ops--) {
		co_mutex_lock(&mutex);
		co_mutex_unlock(&mutex);
	}
}

static void mutex_alone(void *arg)
{
	(void)arg;
	run_trials("mutex", 15, 1 << 20, locking);
}

/* --- two cores: two spawners; two pairs with channels of their own ------------------------------
 */

#define SHORT_TRIALS 41

static void spawner(void *arg)
{
	struct side *s = arg;
	uint64_t n;

	for (n = s->ops; n; n -= 100)
		spawn_counted(s, 100);
	co_chan_send(done, NULL);
}

static void echo(void *arg)
{
	struct side *s = arg;
	long item;

	while (!co_chan_recv(s->there, &item))
		co_chan_send(s->back, &item);
}

static void pair(void *arg)
{
	struct side *s = arg;
	long item = 1;
	uint64_t n;

	for (n = s->ops; n; n--) {
		co_chan_send(s->there, &item);
		co_chan_recv(s->back, &item);
	}
	co_chan_send(done, NULL);
}

static void both(uint64_t ops, co_fn *fn)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		sides[i].ops = ops / 2;
		co_go(fn, &sides[i]);
	}
}

static void two_pairs_work(uint64_t ops)
{
	both(ops, pair);
	wait_for(2);
}

static void two_spawners_work(uint64_t ops)
{
	both(ops, spawner);
	wait_for(2);
}

static void two_pairs(void *arg)
{
	(void)arg;
	co_go(echo, &sides[0]);
	co_go(echo, &sides[1]);
	run_trials("pairs-2", SHORT_TRIALS, 20000, two_pairs_work);
}

static void two_spawners(void *arg)
{
	(void)arg;
	run_trials("spawners-2", SHORT_TRIALS, 20000, two_spawners_work);
}

/* --- memory of those that wait ------------------------------------------------------------------
 */

static void parker(void *arg)
{
	(void)arg;
	co_chan_recv(done, NULL);
}

static void parked(void *arg)
{
	uint64_t n = (uintptr_t)arg, i, before = resident_bytes(), begin = now_ns();
	char row[32];

	for (i = 0; i < n; i++)
		if (co_go(parker, NULL))
			abort();
	co_yield();
	begin = now_ns() - begin;
	snprintf(row, sizeof(row), "parked-%u", (unsigned)n);
	print_trial(row, (double)(resident_bytes() - before) / (double)n);
	snprintf(row, sizeof(row), "park-%u", (unsigned)n);
	print_trial(row, (double)begin / (double)n);
}

/* --- growth -------------------------------------------------------------------------------------
 */

/* 128 bytes of stack for each call. */
static NOINLINE uint64_t deep(uint64_t n)
{
	volatile char room[96];

	room[n & 63] = (char)n;
	if (n)
		return deep(n - 1) + (uint64_t)room[n & 31];
	return (uint64_t)room[0];
}

static struct {
	const char *name;
	uint64_t bytes;
	double first, again;
} step;

static void grower(void *arg)
{
	uint64_t n = step.bytes / 128, begin = now_ns(), middle;

	(void)arg;
	deep(OPAQUE(n));
	middle = now_ns();
	deep(OPAQUE(n));
	step.first = (double)(middle - begin);
	step.again = (double)(now_ns() - middle);
	co_chan_send(done, NULL);
}

static void grow(const char *name, uint64_t bytes, unsigned trials)
{
	char row[32];
	unsigned i;

	step.bytes = bytes;
	for (i = 0; i <= trials; i++) {
		co_go(grower, NULL);
		wait_for(1);
		if (!i)
			continue;
		snprintf(row, sizeof(row), "grow-%s", name);
		print_trial(row, step.first);
		snprintf(row, sizeof(row), "grown-%s", name);
		print_trial(row, step.again);
	}
}

static void growth(void *arg)
{
	(void)arg;
	grow("step", 1536, 500);
	grow("4k", 4 << 10, 500);
	grow("64k", 64 << 10, 200);
	grow("1m", 1 << 20, 40);
}

static const struct work {
	const char *name;
	co_fn *fn;
	uintptr_t arg;
} works[] = {
	{ "yield-2", yields, 2 },	   { "yield-1000", yields, 1000 },
	{ "spawn-one", spawn_one, 0 },	   { "spawn-batch", spawn_batch, 0 },
	{ "chan-pair", chan_pair, 0 },	   { "chan-buffered", chan_buffered, 0 },
	{ "select-2", select_two, 0 },	   { "mutex", mutex_alone, 0 },
	{ "pairs-2", two_pairs, 0 },	   { "spawners-2", two_spawners, 0 },
	{ "parked-100k", parked, 100000 }, { "parked-1m", parked, 1000000 },
	{ "growth", growth, 0 },
};

static const struct work *chosen;

static void start(void *arg)
{
	unsigned i;

	(void)arg;
	co_chan_make(0, 0, &done);
	for (i = 0; i < 2; i++) {
		co_chan_make(sizeof(long), 0, &sides[i].there);
		co_chan_make(sizeof(long), 0, &sides[i].back);
	}
	chosen->fn((void *)chosen->arg);
}

int main(int argc, char **argv)
{
	unsigned i;

	for (i = 0; argc > 1 && i < sizeof(works) / sizeof(*works); i++)
		if (!strcmp(works[i].name, argv[1])) {
			chosen = &works[i];
			return co_run(NULL, start, NULL) != 0;
		}
	fprintf(stderr, "corun: no such work\n");
	return 2;
}
