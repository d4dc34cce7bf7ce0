/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumer of the shared-memory ring: against two honest producers in a small ring, and against
 * one that writes whatever it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/ring_reader.h"
#include "bpf/source.h"
#include "symbols/target.h"

#define SIZE 65536ull

struct fixture {
	struct ev_ring *ring;
	uint8_t *data;
	struct ring_reader reader;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ring = aligned_alloc(4096, EV_RING_HEADER + SIZE);
	memset(f->ring, 0, EV_RING_HEADER + SIZE);
	ring_format(f->ring, SIZE);
	f->data = (uint8_t *)f->ring + EV_RING_HEADER;
	ring_reader_init(&f->reader, f->ring, SIZE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->ring);
	free(f);
	return 0;
}

/* The producer's side of base/event.h. */
static struct ev_header *reserve(struct ev_ring *ring, uint16_t size)
{
	__u64 head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED), at, pad;
	uint8_t *data = (uint8_t *)ring + EV_RING_HEADER;

	do {
		at = head % ring->size;
		pad = at + size > ring->size ? ring->size - at : 0;
		if (head + pad + size - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >
		    ring->size) {
			__atomic_fetch_add(&ring->lost[EV_LOST_RING_FULL], 1, __ATOMIC_RELAXED);
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&ring->head, &head, head + pad + size, false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (pad) {
		struct ev_header *h = (struct ev_header *)(data + at);

		h->size = (uint16_t)pad;
		__atomic_store_n(&h->kind, EV_PAD, __ATOMIC_RELEASE);
		at = 0;
	}
	return (struct ev_header *)(data + at);
}

static void commit(struct ev_header *h, enum ev_kind kind)
{
	__atomic_store_n(&h->kind, (uint16_t)kind, __ATOMIC_RELEASE);
}

static struct ev_goexit *write_goexit(struct ev_ring *ring, uint64_t goid)
{
	struct ev_goexit *ev = (struct ev_goexit *)reserve(ring, sizeof(*ev));

	if (ev) {
		ev->h.size = sizeof(*ev);
		ev->goid = goid;
		commit(&ev->h, EV_GOEXIT);
	}
	return ev;
}

#define RECORDS 200000

struct producer {
	struct ev_ring *ring;
	uint32_t tid;
	bool patient; /* try again when the ring is full */
	pthread_t thread;
};

/* Stacks of changing depth, whose pcs tell depth and sequence. */
static void *produce(void *arg)
{
	struct producer *p = arg;

	for (uint32_t seq = 0; seq < RECORDS; seq++) {
		uint32_t depth = (seq * 7 + p->tid) % (EV_MAX_FRAMES + 1);
		uint16_t size = (uint16_t)(sizeof(struct ev_stack) + depth * 8);
		struct ev_stack *s = (struct ev_stack *)reserve(p->ring, size);

		if (!s && p->patient) {
			sched_yield();
			seq--;
			continue;
		}
		if (!s)
			continue;
		/* The room was cleared: anything else means the reader let go too early. */
		for (uint32_t i = 0; i < size; i++)
			if (((uint8_t *)s)[i])
				abort();
		s->h.size = size;
		s->h.tid = p->tid;
		s->h.time_ns = seq;
		s->stack_id = 1;
		s->depth = depth;
		for (uint32_t i = 0; i < depth; i++)
			s->pc[i] = (uint64_t)seq << 8 | i;
		commit(&s->h, EV_STACK);
	}
	return NULL;
}

struct seen {
	uint64_t records[3];
	int64_t last[3];
};

static void check(struct seen *seen, const struct ev_header *h)
{
	const struct ev_stack *s = (const struct ev_stack *)h;

	assert_int_equal(h->kind, EV_STACK);
	assert_in_range(h->tid, 1, 2);
	assert_true((int64_t)h->time_ns > seen->last[h->tid]);
	seen->last[h->tid] = (int64_t)h->time_ns;
	seen->records[h->tid]++;
	for (uint32_t i = 0; i < s->depth; i++)
		assert_int_equal(s->pc[i], h->time_ns << 8 | i);
}

static void two_producers(struct fixture *f, bool patient)
{
	struct producer p[2];
	struct seen seen = { .last = { -1, -1, -1 } };
	const struct ev_header *h;
	uint64_t lost;
	int idle = 0;

	for (int i = 0; i < 2; i++) {
		p[i] = (struct producer){ f->ring, (uint32_t)i + 1, patient, 0 };
		assert_int_equal(pthread_create(&p[i].thread, NULL, produce, &p[i]), 0);
	}
	/* The producers are known to be done when both threads can be joined. */
	while (idle < 2) {
		while (ring_reader_step(&f->reader, false, &h))
			if (h)
				check(&seen, h);
		if (pthread_tryjoin_np(p[idle].thread, NULL) == 0)
			idle++;
		else
			sched_yield();
	}
	while (ring_reader_step(&f->reader, true, &h))
		if (h)
			check(&seen, h);
	lost = f->ring->lost[EV_LOST_RING_FULL];
	assert_false(f->reader.broken);
	assert_int_equal(f->reader.dropped, 0);
	assert_int_equal(f->reader.tail, f->ring->head);
	if (patient) {
		assert_true(f->ring->head > 100 * SIZE); /* it went round and round */
		assert_int_equal(seen.records[1], RECORDS);
		assert_int_equal(seen.records[2], RECORDS);
	} else {
		assert_int_equal(seen.records[1] + seen.records[2] + lost, 2 * RECORDS);
	}
}

static void test_two_producers(void **state)
{
	two_producers(*state, true);
}

static void test_two_producers_that_lose(void **state)
{
	two_producers(*state, false);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	const struct ev_header *h;
	uint64_t n = 0, got = 0;

	while (write_goexit(f->ring, n))
		n++;
	assert_int_equal(n, SIZE / sizeof(struct ev_goexit));
	assert_int_equal(f->ring->lost[EV_LOST_RING_FULL], 1);
	while (ring_reader_step(&f->reader, false, &h))
		if (h)
			assert_int_equal(((const struct ev_goexit *)h)->goid, got++);
	assert_int_equal(got, n);
	assert_non_null(write_goexit(f->ring, n));
}

/* Nothing is handed out past a record that is still being written. */
static void test_unfinished(void **state)
{
	struct fixture *f = *state;
	struct ev_header *open = reserve(f->ring, sizeof(struct ev_goexit));
	const struct ev_header *h;

	write_goexit(f->ring, 2);
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 0);
	open->size = sizeof(struct ev_goexit);
	((struct ev_goexit *)open)->goid = 1;
	commit(open, EV_GOEXIT);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(ring_reader_step(&f->reader, false, &h), 1);
		assert_int_equal(((const struct ev_goexit *)h)->goid, i);
	}
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 0);
}

static void test_never_finished(void **state)
{
	struct fixture *f = *state;
	struct ev_header *open = reserve(f->ring, sizeof(struct ev_goexit));
	const struct ev_header *h;

	open->size = sizeof(struct ev_goexit); /* killed before the commit */
	write_goexit(f->ring, 2);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 1);
	assert_null(h);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 1);
	assert_int_equal(((const struct ev_goexit *)h)->goid, 2);
	assert_int_equal(f->reader.dropped, 1);

	reserve(f->ring, sizeof(struct ev_goexit)); /* killed before the size */
	write_goexit(f->ring, 3);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 1);
	assert_null(h);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 1);
	assert_int_equal(((const struct ev_goexit *)h)->goid, 3);
	assert_int_equal(f->reader.dropped, 2);
}

/* Several, of which one would lie across the end of the ring; and nothing behind them. */
static void test_never_begun(void **state)
{
	struct fixture *f = *state;
	const uint16_t size = sizeof(struct ev_goexit);
	const struct ev_header *h;

	for (uint64_t i = 0; i < SIZE / size - 1; i++) {
		write_goexit(f->ring, 1);
		assert_int_equal(ring_reader_step(&f->reader, false, &h), 1);
	}
	__atomic_fetch_add(&f->ring->head, SIZE % size + size,
			   __ATOMIC_RELAXED); /* not even its pad */
	reserve(f->ring, size);
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 0);
	while (ring_reader_step(&f->reader, true, &h))
		assert_null(h);
	assert_false(f->reader.broken);
	assert_int_equal(f->reader.tail, f->ring->head);
	write_goexit(f->ring, 2);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 1);
	assert_int_equal(((const struct ev_goexit *)h)->goid, 2);
	assert_in_range(f->reader.dropped, 1, 3);
}

/* head and the first record's size as given: the reader must give up, for good. */
static void expect_broken(uint64_t head, uint16_t kind, uint16_t size)
{
	struct fixture *f;
	const struct ev_header *h;
	struct ev_header *first;

	setup((void **)&f);
	first = (struct ev_header *)f->data;
	f->ring->head = head;
	first->size = size;
	first->kind = kind;
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 0);
	assert_true(f->reader.broken);
	assert_int_equal(f->reader.dropped, 1);
	f->ring->head = f->reader.tail;
	write_goexit(f->ring, 1);
	assert_int_equal(ring_reader_step(&f->reader, true, &h), 0);
	assert_int_equal(f->reader.dropped, 1);
	teardown((void **)&f);
}

static void test_broken(void **state)
{
	(void)state;
	expect_broken(SIZE + 8, EV_GOEXIT, 56);
	expect_broken((uint64_t)-8, EV_GOEXIT, 56);
	expect_broken(57, EV_GOEXIT, 56);
	expect_broken(56, EV_GOEXIT, 0);
	expect_broken(56, EV_GOEXIT, 4);
	expect_broken(56, EV_GOEXIT, 60);
	expect_broken(56, EV_GOEXIT, 64);
	expect_broken(56, EV_PAD, 0);
	expect_broken(56, EV_PAD, 65528);
}

static void test_record_across_the_end(void **state)
{
	struct fixture *f = *state;
	const struct ev_header *h;
	struct ev_header *last = (struct ev_header *)(f->data + SIZE - 24);

	f->reader.tail = SIZE - 24;
	f->ring->head = SIZE + 32;
	last->size = 56;
	last->kind = EV_GOEXIT;
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 0);
	assert_true(f->reader.broken);
}

/* Records whose size is fine as such, but not for what they say they are. */
static void test_nonsense_is_dropped(void **state)
{
	static const struct {
		uint16_t kind, size, dropped;
		uint32_t depth;
	} records[] = {
		{ EV_GOEXIT, 48, 1, 0 },
		{ EV_COPYSTACK, 24, 1, 0 },
		{ EV_IMAGE, 8, 1, 0 },
		{ EV_STACK, 48, 1, 2 },
		{ EV_STACK, 48, 1, ~0u },
		{ EV_LOST, 152, 1, 0 },
		{ EV_HITS, 160, 1, 0 },
		{ EV_EXIT, 56, 1, 0 },
		{ EV_KIND_COUNT, 24, 0, 0 },
		{ 0xffff, 4096, 0, 0 },
		{ EV_STACK, 40 + 8 * 129, 1, 129 },
	};
	struct fixture *f = *state;
	const struct ev_header *h;
	uint64_t dropped = 0;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct ev_stack *s = (struct ev_stack *)reserve(f->ring, records[i].size);

		s->h.size = records[i].size;
		if (records[i].size >= sizeof(*s)) {
			s->depth = records[i].depth;
			s->stack_id = 1;
		}
		commit(&s->h, records[i].kind);
		dropped += records[i].dropped;
		assert_int_equal(ring_reader_step(&f->reader, false, &h), 1);
		assert_null(h);
		assert_int_equal(f->reader.dropped, dropped);
	}
	write_goexit(f->ring, 7);
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 1);
	assert_non_null(h);
	assert_false(f->reader.broken);
}

static void test_comm_has_an_end(void **state)
{
	struct fixture *f = *state;
	struct ev_image *ev = (struct ev_image *)reserve(f->ring, sizeof(*ev));
	const struct ev_header *h;

	ev->h.size = sizeof(*ev);
	memset(ev->comm, 'x', sizeof(ev->comm));
	commit(&ev->h, EV_IMAGE);
	assert_int_equal(ring_reader_step(&f->reader, false, &h), 1);
	assert_int_equal(strlen(((const struct ev_image *)h)->comm), EV_COMM_LEN - 1);
}

/* Noise in the ring and in its head: each step ends, and stays inside. */
static void test_noise(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		struct fixture *f;
		const struct ev_header *h;
		uint64_t steps = 0;

		setup((void **)&f);
		for (uint64_t i = 0; i < SIZE; i += 8) {
			uint64_t word = (uint64_t)rand() << 32 ^ (uint64_t)rand();

			if (round % 2) /* likely kinds and sizes */
				word = (uint64_t)(rand() % 14) | (uint64_t)(rand() % 24 * 8) << 16;
			memcpy(f->data + i, &word, 8);
			if (round % 2 && rand() % 4)
				i += 16;
		}
		f->ring->head = (uint64_t)rand() % (SIZE / 8 + 8) * 8;
		while (ring_reader_step(&f->reader, rand() % 2, &h))
			steps++;
		assert_true(steps <= SIZE / 8);
		teardown((void **)&f);
	}
}

static int count_event(void *arg, const struct ev_header *h)
{
	((uint64_t *)arg)[h->kind]++;
	if (h->kind == EV_LOST)
		((uint64_t *)arg)[EV_KIND_COUNT] = ((const struct ev_lost *)h)->count[0];
	return 0;
}

static int refuse(void *arg, const struct ev_header *h)
{
	(void)h;
	++*(int *)arg;
	return 5;
}

/* What a traced program does: finds the ring by its environment, and writes. */
static void child(const char *env)
{
	int fd = atoi(strchr(env, '=') + 1);
	struct ev_ring *ring = mmap(NULL, EV_RING_HEADER + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				    fd, 0);

	if (strncmp(env, EV_RING_ENV "=", sizeof(EV_RING_ENV)) || ring == MAP_FAILED)
		_exit(1);
	if (ring->magic != EV_RING_MAGIC || ring->abi != EV_RING_ABI || ring->size != SIZE)
		_exit(2);
	if (!ftruncate(fd, 0) || !ftruncate(fd, 1 << 20)) /* would be our death, or confusion */
		_exit(3);
	for (uint64_t i = 0; i < 2000; i++)
		write_goexit(ring, i);
	ring->hits[EV_PROBE_GOEXIT] = 2000;
	_exit(0);
}

static void test_source(void **state)
{
	struct source_options opt = SOURCE_OPTIONS_DEFAULT;
	struct target t = { .own_ring = true, .runtime = "fake" };
	uint64_t kinds[EV_KIND_COUNT + 1] = { 0 };
	struct err e = { 0 };
	struct source_info info;
	struct source *s;
	int status, calls = 0;
	pid_t pid;

	(void)state;
	opt.ring_size = SIZE - 1; /* rounded up */
	assert_int_equal(source_ring_open(&t, &opt, &s, &e), 0);
	assert_string_equal(source_name(s), "ring");
	source_describe(s, &info);
	assert_string_equal(info.link, "shared memory");
	pid = fork();
	if (!pid)
		child(source_child_env(s));
	assert_int_equal(source_attach(s, pid, &e), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	assert_int_equal(source_consume(s, refuse, &calls), 5);
	assert_int_equal(calls, 1);
	assert_int_equal(source_consume(s, count_event, kinds), SIZE / 56 - 1);
	assert_int_equal(source_stop(s, count_event, kinds), 0);
	assert_int_equal(source_stop(s, count_event, kinds), 0);
	assert_int_equal(source_consume(s, count_event, kinds), 0);
	assert_int_equal(kinds[EV_LOST], 1);
	assert_int_equal(kinds[EV_HITS], 1);
	assert_int_equal(1 + kinds[EV_GOEXIT] + kinds[EV_KIND_COUNT], 2000);
	source_free(s);

	t.own_ring = false;
	assert_int_equal(source_ring_open(&t, &opt, &s, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "fake"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_producers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_producers_that_lose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_finished, setup, teardown),
		cmocka_unit_test(test_broken),
		cmocka_unit_test_setup_teardown(test_record_across_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comm_has_an_end, setup, teardown),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
