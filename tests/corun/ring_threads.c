/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of base/event.h with several threads that write into it, and one process that reads what
 * is there already: each record is whole, none is lost that is not counted, and what happened to
 * one coroutine stands there in its order, whichever thread it was on.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/event.h"
#include "tests/corun/child.h"
#include "tests/corun/ring_make.h"

#define STARTERS 8
#define EACH	 60
#define PROCS	 4	   /* GOMAXPROCS */
#define MOST	 (1 << 18) /* numbers of coroutines */
#define STACKS	 4096

static struct co_wg wg;
static unsigned arrived;

static __attribute__((noinline)) int deep(int n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] - (char)n : 0;
}

/* Grows, goes elsewhere perhaps, and grows more. */
static void grower(void *arg)
{
	int depth = (int)(intptr_t)arg, i;

	for (i = 1; i <= 3; i++) {
		deep(depth * i);
		co_yield();
	}
	co_wg_done(&wg);
}

static void starter(void *arg)
{
	int i;

	(void)arg;
	/* Two at least are on different threads. */
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&arrived, __ATOMIC_RELAXED) < 2)
		;
	co_wg_add(&wg, EACH);
	for (i = 0; i < EACH; i++) {
		co_go(grower, (void *)(intptr_t)(i % 20 + 1));
		if (i % 4 == 3)
			co_yield();
	}
	co_wg_done(&wg);
}

static void start(void *arg)
{
	struct co_stats s;
	int i;

	(void)arg;
	co_wg_add(&wg, STARTERS);
	for (i = 0; i < STARTERS; i++)
		co_go(starter, NULL);
	co_wg_wait(&wg);
	co_stats(&s);
	printf("%lu %lu %lu\n", (unsigned long)s.born, (unsigned long)s.growths,
	       (unsigned long)s.bytes_copied);
}

/* Ends while others are about to grow. */
static void endless(void *arg)
{
	for (;;) {
		co_wg_add(&wg, 1);
		co_go(grower, arg);
		co_yield();
	}
}

static void start_and_exit(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 8; i++)
		co_go(endless, (void *)20);
	co_sleep(20 * 1000 * 1000);
	exit(0);
}

/* What the reader knows of one coroutine. */
struct life {
	uint64_t time, size;
	bool born, ended, used;
};

/* In memory that the process which reads shares with the one that compares. */
static struct tally {
	uint64_t count[EV_KIND_COUNT], copied, threads, stacks, unfinished;
	uint32_t thread[64];
	uint64_t stack_id[STACKS];
	struct life life[MOST];
	uint32_t failures;
	bool ended; /* no producer is left */
} * seen;
static struct ev_ring *ring;
static bool whole; /* nothing is lost: each coroutine has its beginning */

static struct life *life_of(uint64_t goid, uint64_t time)
{
	struct life *l = &seen->life[goid % MOST];

	CHECK(goid && goid < MOST);
	CHECK(l->time <= time);
	CHECK(!l->ended);
	CHECK(l->born || !whole);
	l->time = time;
	return l;
}

static void read_newproc(const struct ev_newproc *ev)
{
	struct life *l = &seen->life[ev->goid % MOST];

	CHECK(ev->goid && ev->goid < MOST && !l->born && !l->time);
	CHECK(ev->stack_size == 2048 && ev->gp && ev->entry_pc && ev->creator_pc);
	*l = (struct life){ .time = ev->h.time_ns, .size = ev->stack_size, .born = true };
}

static void read_copystack(const struct ev_copystack *ev)
{
	struct life *l = life_of(ev->goid, ev->h.time_ns);
	uint64_t i;

	if (whole)
		CHECK_EQUAL(ev->old_size, l->size);
	CHECK(ev->new_size >= ev->old_size * 2 && ev->used > 0 && ev->used < ev->old_size);
	CHECK(ev->gp && ev->creator_pc && ev->entry_pc && !ev->flags);
	for (i = 0; i < seen->stacks && seen->stack_id[i] != ev->stack_id; i++)
		;
	/* Written before whoever refers to it. */
	CHECK(ring->max_frames ? i < seen->stacks : !ev->stack_id);
	l->size = ev->new_size;
	seen->copied += ev->used;
}

static void read_end(uint64_t goid, uint64_t time, uint64_t size, uint64_t used)
{
	struct life *l = life_of(goid, time);

	if (whole)
		CHECK_EQUAL(size, l->size);
	CHECK(size >= 2048 && size <= 1 << 20 && !(size & (size - 1)) && used > 0 && used < size);
	l->ended = true;
}

static void read_use(const struct ev_stack_use *ev)
{
	CHECK(ev->goid && ev->gp);
	CHECK(ev->stack_size >= 2048 && ev->stack_size <= 1 << 20);
	CHECK(!(ev->stack_size & (ev->stack_size - 1)) && ev->used < ev->stack_size * 2);
}

static void read_stack(const struct ev_stack *ev)
{
	CHECK_EQUAL(ev->h.size, sizeof(*ev) + ev->depth * 8);
	CHECK(ev->depth >= 2 && ev->stack_id && !ev->flags);
	CHECK(seen->stacks < STACKS);
	seen->stack_id[seen->stacks++ % STACKS] = ev->stack_id;
}

static void read_record(const struct ev_header *h, uint16_t kind)
{
	const struct ev_goexit *end = (const void *)h;
	uint64_t i;

	CHECK(h->pid > 1 && h->tid > 1 && h->time_ns);
	for (i = 0; i < seen->threads && seen->thread[i] != h->tid; i++)
		;
	if (i == seen->threads && i < 64)
		seen->thread[seen->threads++] = h->tid;
	if (kind < EV_KIND_COUNT)
		seen->count[kind]++;
	if (kind == EV_NEWPROC)
		read_newproc((const void *)h);
	else if (kind == EV_COPYSTACK)
		read_copystack((const void *)h);
	else if (kind == EV_GOEXIT)
		read_end(end->goid, h->time_ns, end->stack_size, end->used);
	else if (kind == EV_STACK_USE)
		read_use((const void *)h);
	else if (kind == EV_STACK)
		read_stack((const void *)h);
	else
		CHECK_EQUAL(kind, EV_IMAGE);
}

/*
 * The room at this position, of whoever was killed within a record: as it says, or as far as
 * nothing was written.
 */
static uint64_t room_of(const struct ev_header *h, uint64_t most)
{
	uint64_t size = h->size;

	while (!h->size && size < most && !*(const uint64_t *)((const char *)h + size))
		size += 8;
	return size;
}

/*
 * As the tool does: read, clear, move tail; up to a record that is being written, or, when the
 * program has ended, past it.
 */
static void consume(void)
{
	bool final = __atomic_load_n(&seen->ended, __ATOMIC_ACQUIRE);
	uint64_t at = ring->tail, head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	while (at < head) {
		uint64_t pos = at & (ring->size - 1);
		struct ev_header *h = (struct ev_header *)((char *)ring + EV_RING_HEADER + pos);
		uint16_t kind = __atomic_load_n(&h->kind, __ATOMIC_ACQUIRE);
		uint64_t size = h->size;

		if (!kind && !final)
			break;
		if (!kind) {
			size = room_of(h,
				       ring->size - pos < head - at ? ring->size - pos : head - at);
			seen->unfinished++;
		}
		if (!size || size % 8 || pos + size > ring->size) {
			CHECK(0);
			break;
		}
		if (kind && kind != EV_PAD)
			read_record(h, kind);
		memset(h, 0, size);
		at += size;
		__atomic_store_n(&ring->tail, at, __ATOMIC_RELEASE);
	}
}

static int make_ring(uint64_t size, uint32_t max_frames)
{
	int fd = ring_make(size, max_frames, &ring);

	memset(seen, 0, sizeof(*seen));
	return fd;
}

/* live: another process reads while the program runs. */
static void run_with(const char *role, int fd, bool live)
{
	char env[64];
	pid_t reader = -1;

	if (live && !(reader = fork())) {
		check_failures = 0;
		while (!__atomic_load_n(&seen->ended, __ATOMIC_ACQUIRE))
			consume();
		consume();
		seen->failures = (uint32_t)check_failures;
		_exit(0);
	}
	snprintf(env, sizeof(env), EV_RING_ENV "=%d", fd);
	CHECK_EQUAL(child_run(role, env), 0);
	close(fd);
	__atomic_store_n(&seen->ended, true, __ATOMIC_RELEASE);
	if (reader > 0)
		waitpid(reader, NULL, 0);
	else
		consume();
	CHECK_EQUAL(ring->tail, ring->head);
	check_failures += (int)seen->failures;
}

static uint64_t lost(void)
{
	uint64_t all = 0, i;

	for (i = 0; i < EV_LOST_COUNT; i++)
		all += ring->lost[i];
	CHECK_EQUAL(all, ring->lost[EV_LOST_RING_FULL]);
	return all;
}

/* size: of the ring; where it is small, some are lost, and those are counted. */
static void test_counts(uint64_t size, uint32_t max_frames, bool live)
{
	unsigned long born, growths, bytes;
	uint64_t records;
	int fd = make_ring(size, max_frames);

	whole = size >= 1 << 22;
	run_with("work", fd, live);
	if (sscanf(child_said, "%lu %lu %lu", &born, &growths, &bytes) != 3) {
		fprintf(stderr, "the child said '%s'\n", child_said);
		check_failures++;
		return;
	}
	CHECK_EQUAL(seen->unfinished, 0);
	CHECK_EQUAL(born, 1 + STARTERS + STARTERS * EACH);
	CHECK_EQUAL(ring->hits[EV_PROBE_NEWPROC], born);
	CHECK_EQUAL(ring->hits[EV_PROBE_GOEXIT], born);
	CHECK_EQUAL(ring->hits[EV_PROBE_COPYSTACK], growths);
	CHECK_EQUAL(ring->hits[EV_PROBE_COPYSTACK_END], growths);
	records = seen->count[EV_IMAGE] + seen->count[EV_NEWPROC] + seen->count[EV_COPYSTACK] +
		  seen->count[EV_GOEXIT];
	if (!whole) {
		CHECK_EQUAL(records + lost(), 1 + 2 * born + growths);
		CHECK(live || lost() > 100);
		return;
	}
	CHECK_EQUAL(lost(), 0);
	CHECK_EQUAL(records, 1 + 2 * born + growths);
	CHECK_EQUAL(seen->count[EV_GOEXIT], born);
	CHECK_EQUAL(seen->count[EV_COPYSTACK], growths);
	CHECK_EQUAL(seen->copied, bytes);
	CHECK(seen->threads >= 2);
}

/* Others grow, and are within a record, at this very moment. */
static void test_exit(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		int fd = make_ring(1 << 20, 0);

		whole = false;
		run_with("exit", fd, true);
		/* Behind a record that waits for its thread the ring may be full. */
		CHECK(seen->count[EV_STACK_USE] > 0 || lost());
		CHECK(seen->unfinished <= 2ul * PROCS); /* one may have a pad, too */
	}
}

int main(int argc, char **argv)
{
	setenv("GOMAXPROCS", "4", 1);
	if (argc > 1) {
		check_run(!strcmp(argv[1], "exit") ? start_and_exit : start);
		return check_result();
	}
	if (check_moving())
		return 0; /* moves are not events */
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	test_counts(1 << 22, 64, false);
	test_counts(1 << 22, 64, true);
	test_counts(8192, 0, false);
	test_counts(8192, 0, true);
	test_exit();
	return check_result();
}
