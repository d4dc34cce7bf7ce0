/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime as the producer of the shared-memory ring of base/event.h: its records against its
 * own counters; a ring that is full, of another size, or none at all.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/event.h"
#include "tests/corun/child.h"
#include "tests/corun/ring_make.h"

#define GROWERS 20
#define STAYERS 3

static struct co_chan *forever;

static __attribute__((noinline)) int deep(int n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] - (char)n : 0;
}

static void grower(void *arg)
{
	(void)arg;
	deep(40);
}

static void stayer(void *arg)
{
	(void)arg;
	co_chan_recv(forever, NULL);
}

static void start(void *arg)
{
	struct co_stats s;
	int i;

	(void)arg;
	co_chan_make(0, 0, &forever);
	for (i = 0; i < STAYERS; i++)
		co_go(stayer, NULL);
	for (i = 0; i < GROWERS; i++) {
		co_go(grower, NULL);
		co_yield();
	}
	/* Neither a child nor a program that it starts write into the ring. */
	CHECK_EQUAL(system("test -z \"$CORUN_TRACE_FD\""), 0);
	if (!fork()) {
		co_go(grower, NULL);
		co_yield();
		_exit(0);
	}
	wait(NULL);
	co_stats(&s);
	printf("%lu %lu %lu\n", (unsigned long)s.born, (unsigned long)s.growths,
	       (unsigned long)s.bytes_copied);
}

static void start_and_exit(void *arg)
{
	start(arg);
	exit(check_result());
}

static struct ev_ring *ring;
static uint64_t count[EV_KIND_COUNT], copied, stack_ids[64], stacks, uses[64];

static void read_copystack(const struct ev_copystack *ev)
{
	unsigned i;

	copied += ev->used;
	CHECK(ev->new_size == ev->old_size * 2 && ev->used < ev->old_size && ev->used > 0);
	CHECK(ev->creator_pc && ev->entry_pc && ev->duration_ns > 0 && ev->gp && !ev->flags);
	for (i = 0; i < stacks && stack_ids[i] != ev->stack_id; i++)
		;
	CHECK(ring->max_frames ? i < stacks : !ev->stack_id);
}

static void read_record(const struct ev_header *h)
{
	const struct ev_stack *st = (const void *)h;
	const struct ev_newproc *np = (const void *)h;
	const struct ev_goexit *ge = (const void *)h;
	const struct ev_stack_use *use = (const void *)h;

	CHECK(h->pid > 1 && h->tid == h->pid && h->time_ns);
	count[h->kind]++;
	switch (h->kind) {
	case EV_STACK:
		CHECK_EQUAL(h->size, sizeof(*st) + st->depth * 8);
		CHECK(st->depth >= 2 && st->depth <= ring->max_frames);
		CHECK_EQUAL(st->flags, ring->max_frames == 2 ? EV_STACK_TRUNCATED : 0);
		CHECK(st->stack_id && stacks < 64);
		stack_ids[stacks++ % 64] = st->stack_id;
		break;
	case EV_COPYSTACK:
		read_copystack((const void *)h);
		break;
	case EV_NEWPROC:
		CHECK(np->goid == count[EV_NEWPROC] && np->stack_size == 2048);
		CHECK_EQUAL(np->parent_goid, np->goid > 1);
		break;
	case EV_GOEXIT:
		CHECK(ge->stack_size >= 2048 && ge->used > 0 && ge->used < ge->stack_size);
		break;
	case EV_STACK_USE:
		CHECK(use->goid < 64 && use->used > 0);
		uses[use->goid % 64]++;
		break;
	case EV_IMAGE:
		CHECK_EQUAL(count[EV_IMAGE], 1);
		CHECK(!strcmp(((const struct ev_image *)h)->comm, "exe") ||
		      !strcmp(((const struct ev_image *)h)->comm, "ring"));
		break;
	default:
		CHECK(0);
	}
}

static unsigned distinct_stacks(void)
{
	unsigned i, k, n = 0;

	for (i = 0; i < stacks && i < 64; i++) {
		for (k = 0; k < i && stack_ids[k] != stack_ids[i]; k++)
			;
		n += k == i;
	}
	return n;
}

/* runtime/ring.c remembers one stack for each of so many remainders. */
#define KNOWN_STACKS 4096

static bool share_a_place(void)
{
	unsigned i, k;

	for (i = 0; i < stacks && i < 64; i++)
		for (k = 0; k < i; k++)
			if (stack_ids[k] != stack_ids[i] &&
			    stack_ids[k] % KNOWN_STACKS == stack_ids[i] % KNOWN_STACKS)
				return true;
	return false;
}

/* As the tool does: read, clear, move tail. */
static void consume(void)
{
	uint64_t at = ring->tail, pos;

	while (at < ring->head) {
		struct ev_header *h;
		uint16_t size;

		pos = at & (ring->size - 1);
		h = (struct ev_header *)((char *)ring + EV_RING_HEADER + pos);
		size = h->size;
		if (!h->kind || !size || size % 8 || pos + size > ring->size) {
			CHECK(0);
			return;
		}
		if (h->kind != EV_PAD)
			read_record(h);
		memset(h, 0, size);
		at += size;
	}
	ring->tail = at;
}

static int make_ring(uint64_t size, uint64_t head)
{
	int fd = ring_make(size, 64, &ring);

	ring->head = ring->tail = head;
	memset(count, 0, sizeof(count));
	memset(uses, 0, sizeof(uses));
	copied = stacks = 0;
	return fd;
}

static int run_with(const char *role, int fd, const char *name)
{
	char env[64];
	int status;

	snprintf(env, sizeof(env), EV_RING_ENV "=%d", fd);
	status = child_run(role, name ? name : env);
	return status;
}

/* head: where in the ring to begin, so that records come to lie across its end. */
static void test_counts(const char *role, uint64_t head)
{
	unsigned long born, growths, bytes;
	int fd = make_ring(65536, head), i;

	CHECK_EQUAL(run_with(role, fd, NULL), 0);
	close(fd);
	if (sscanf(child_said, "%lu %lu %lu", &born, &growths, &bytes) != 3) {
		fprintf(stderr, "the child said '%s'\n", child_said);
		check_failures++;
		return;
	}
	consume();
	CHECK_EQUAL(count[EV_IMAGE], 1);
	CHECK_EQUAL(count[EV_NEWPROC], born);
	CHECK_EQUAL(born, 1 + GROWERS + STAYERS);
	CHECK_EQUAL(count[EV_COPYSTACK], growths);
	CHECK(growths >= 3 * GROWERS);
	CHECK_EQUAL(copied, bytes);
	CHECK_EQUAL(count[EV_GOEXIT], GROWERS + !strcmp(role, "work"));
	CHECK_EQUAL(count[EV_STACK_USE], STAYERS + !strcmp(role, "exit"));
	for (i = 2; i < 2 + STAYERS; i++)
		CHECK_EQUAL(uses[i], 1);
	/* The same places again and again; sent once, unless two of them share a place in the
	 * table. */
	CHECK_EQUAL(distinct_stacks(), growths / GROWERS);
	CHECK(count[EV_STACK] == growths / GROWERS || share_a_place());
	CHECK_EQUAL(ring->hits[EV_PROBE_NEWPROC], born);
	CHECK_EQUAL(ring->hits[EV_PROBE_COPYSTACK], growths);
	CHECK_EQUAL(ring->hits[EV_PROBE_COPYSTACK_END], growths);
	CHECK_EQUAL(ring->hits[EV_PROBE_NEWSTACK], growths);
	CHECK_EQUAL(ring->hits[EV_PROBE_GOEXIT], count[EV_GOEXIT]);
	CHECK(ring->hits[EV_PROBE_GOGO] >= born);
	for (i = 0; i < EV_LOST_COUNT; i++)
		CHECK_EQUAL(ring->lost[i], 0);
}

/* What does not fit is counted, and what is there is whole. */
static void test_full(void)
{
	int fd = make_ring(4096, 4096 - 64);
	uint64_t all = 0, i;

	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	close(fd);
	consume();
	for (i = 0; i < EV_KIND_COUNT; i++)
		all += count[i];
	CHECK(all > 10 && ring->lost[EV_LOST_RING_FULL] > 50);
	CHECK(ring->hits[EV_PROBE_NEWPROC] == 1 + GROWERS + STAYERS);
}

static void test_frames(uint32_t max)
{
	int fd = make_ring(65536, 0);

	ring->max_frames = max;
	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	close(fd);
	consume();
	CHECK(count[EV_COPYSTACK] > 0 && !count[EV_STACK] == !max);
}

static void test_bad(void)
{
	int fd = open("/dev/null", O_RDWR);

	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	CHECK_SAID("not a ring of shared memory; running untraced");
	close(fd);
	fd = make_ring(4096, 0);
	ring->magic++;
	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	CHECK_SAID("not a ring, or one of another version");
	ring->magic--;
	ring->size = 1 << 20;
	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	CHECK_SAID("not a ring, or one of another version");
	close(fd);
	CHECK_EQUAL(run_with("work", fd, NULL), 0);
	CHECK_SAID("Bad file descriptor; running untraced");
	CHECK_EQUAL(run_with("work", fd, EV_RING_ENV "=x7"), 0);
	CHECK_SAID("corun: " EV_RING_ENV "='x7': not the number of a descriptor; running untraced");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		check_run(!strcmp(argv[1], "exit") ? start_and_exit : start);
		return check_result();
	}
	if (check_moving())
		return 0; /* moves are not events */
	test_counts("work", 0);
	test_counts("work", 65536 * 7 - 1000);
	test_counts("exit", 0);
	test_frames(0);
	test_frames(2);
	test_full();
	test_bad();
	return check_result();
}
