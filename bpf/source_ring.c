/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source of a runtime that writes its own records, into a memfd that it inherits.
 *
 * The file's size is sealed: a program that truncated it would otherwise kill the tool by SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/ring_reader.h"
#include "bpf/source.h"
#include "bpf/source_ops.h"
#include "symbols/target.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define RING_MIN 65536ull
#define RING_MAX (1ull << 30)

/* As many records, then back to the caller, however fast the program writes. */
#define CONSUME_MAX 100000

#define CALIBRATION_ROUNDS 2000

struct source_ring {
	struct source s;
	struct ev_ring *ring;
	uint64_t size;
	uint64_t hit_ns, count_ns; /* of a record, and of a switch, which is only counted */
	uint64_t begin_ns;	   /* when the program was let go */
	bool switches;
	pid_t pid;
	char env[sizeof(EV_RING_ENV) + 16];
	struct ring_reader reader;
};

static struct source_ring *from(struct source *s)
{
	return (struct source_ring *)s;
}

static size_t map_size(const struct source_ring *r)
{
	return EV_RING_HEADER + r->size;
}

/*
 * Reads on, up to a number of steps; pads count too, so that a ring full of them ends.  0, or what
 * fn returned.
 */
static int drain(struct source_ring *r, bool final, source_event_fn *fn, void *arg,
		 int *ret_records)
{
	const struct ev_header *h;
	int result = 0;

	*ret_records = 0;
	for (int i = 0; i < CONSUME_MAX && !result; i++) {
		if (!ring_reader_step(&r->reader, final, &h))
			break;
		if (!h)
			continue;
		++*ret_records;
		result = fn(arg, h);
	}
	return result;
}

static int ring_consume(struct source *s, source_event_fn *fn, void *arg)
{
	int n, result = drain(from(s), false, fn, arg, &n);

	return result ? result : n;
}

static uint64_t hits_of(const struct source_ring *r, enum ev_probe probe)
{
	return __atomic_load_n(&r->ring->hits[probe], __ATOMIC_RELAXED);
}

/* The runtime counts every switch, so there is one window, as long as the run. */
static int report_switches(struct source_ring *r, source_event_fn *fn, void *arg)
{
	struct ev_switches ev = { 0 };

	if (!r->switches)
		return 0;
	source_fill_header(&ev.h, EV_SWITCHES, sizeof(ev), r->pid);
	ev.window_ns = ev.h.time_ns - r->begin_ns;
	ev.h.time_ns = r->begin_ns;
	ev.count = hits_of(r, EV_PROBE_GOGO);
	return fn(arg, &ev.h);
}

static int report_losses(struct source_ring *r, source_event_fn *fn, void *arg)
{
	struct ev_lost lost = { 0 };

	source_fill_header(&lost.h, EV_LOST, sizeof(lost), r->pid);
	for (int i = 0; i < EV_LOST_LIMIT; i++)
		lost.count[i] = __atomic_load_n(&r->ring->lost[i], __ATOMIC_RELAXED);
	lost.count[EV_LOST_UNREADABLE] += r->reader.dropped;
	return fn(arg, &lost.h);
}

/* A copy hits two probes and writes one record; a switch and newstack are only counted. */
static int report_hits(struct source_ring *r, source_event_fn *fn, void *arg)
{
	struct ev_hits ev = { 0 };

	source_fill_header(&ev.h, EV_HITS, sizeof(ev), r->pid);
	for (int i = 0; i < EV_PROBE_LIMIT; i++) {
		ev.hits[i] = hits_of(r, i);
		ev.cost_ns += ev.hits[i] * r->count_ns;
	}
	ev.cost_ns += r->hit_ns * (hits_of(r, EV_PROBE_COPYSTACK) + hits_of(r, EV_PROBE_NEWPROC) +
				   hits_of(r, EV_PROBE_GOEXIT));
	return fn(arg, &ev.h);
}

static int report_totals(struct source_ring *r, source_event_fn *fn, void *arg)
{
	int result = report_switches(r, fn, arg);

	if (!result)
		result = report_losses(r, fn, arg);
	return result ? result : report_hits(r, fn, arg);
}

/*
 * The program has ended, or goes on untraced: its ring stays, full before long.  A program that
 * still writes keeps this busy for one ring's worth at most.
 */
static int ring_stop(struct source *s, source_event_fn *fn, void *arg)
{
	struct source_ring *r = from(s);
	uint64_t end = r->reader.tail + r->size, before;
	int n, result;

	do {
		before = r->reader.tail;
		result = drain(r, true, fn, arg, &n);
		if (result)
			return result;
	} while (r->reader.tail != before && r->reader.tail < end);
	return report_totals(r, fn, arg);
}

static int ring_attach(struct source *s, pid_t pid, struct err *e)
{
	(void)e;
	from(s)->pid = pid;
	from(s)->begin_ns = source_now_ns();
	return 0;
}

static void ring_describe(const struct source *s, struct source_info *ret)
{
	*ret = (struct source_info){
		.link = "shared memory",
		.hit_ns = ((const struct source_ring *)s)->hit_ns,
	};
}

static void ring_free(struct source *s)
{
	struct source_ring *r = from(s);

	if (r->ring)
		munmap(r->ring, map_size(r));
	if (s->child_fd >= 0)
		close(s->child_fd);
	free(r);
}

static const struct source_ops ops = {
	.name = "ring",
	.free = ring_free,
	.attach = ring_attach,
	.consume = ring_consume,
	.stop = ring_stop,
	.describe = ring_describe,
};

/* What a producer does at a probe: read the clock, reserve, write a record, publish it. */
static uint64_t measure_hit(void)
{
	static struct ev_copystack room[64];
	uint64_t begin = source_now_ns(), head = 0;
	struct ev_copystack ev = { 0 };

	for (unsigned i = 0; i < CALIBRATION_ROUNDS; i++) {
		struct ev_copystack *to = &room[i % 64];

		ev.h.time_ns = source_now_ns();
		__atomic_fetch_add(&head, sizeof(ev), __ATOMIC_SEQ_CST);
		memcpy(to, &ev, sizeof(ev));
		__atomic_store_n(&to->h.kind, (__u16)EV_COPYSTACK, __ATOMIC_RELEASE);
	}
	return (source_now_ns() - begin) / CALIBRATION_ROUNDS;
}

static uint64_t measure_count(void)
{
	static uint64_t n;
	uint64_t begin = source_now_ns();

	for (unsigned i = 0; i < CALIBRATION_ROUNDS; i++)
		__atomic_fetch_add(&n, 1, __ATOMIC_RELAXED);
	return (source_now_ns() - begin) / CALIBRATION_ROUNDS;
}

static int make_file(struct source_ring *r, struct err *e)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("stacktrace-ring", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("stacktrace-ring", flags);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a ring of shared memory");
	r->s.child_fd = fd;
	if (ftruncate(fd, (off_t)map_size(r)))
		return err_sys(e, errno, "cannot make a ring of %llu bytes",
			       (unsigned long long)r->size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return err_sys(e, errno, "cannot seal the ring of shared memory");
	r->ring = mmap(NULL, map_size(r), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->ring == MAP_FAILED) {
		r->ring = NULL;
		return err_sys(e, errno, "cannot map a ring of %llu bytes",
			       (unsigned long long)r->size);
	}
	snprintf(r->env, sizeof(r->env), "%s=%d", EV_RING_ENV, fd);
	r->s.child_env = r->env;
	return 0;
}

int source_ring_open(const struct target *t, const struct source_options *opt, struct source **ret,
		     struct err *e)
{
	struct source_ring *r;
	int rc;

	if (!t->own_ring)
		return err_set(e, ENOTSUP, "the runtime %s cannot write into a ring of its own",
			       t->runtime);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_sys(e, ENOMEM, "cannot make a ring of shared memory");
	r->s = (struct source){ .ops = &ops, .child_fd = -1, .poll_fd = -1 };
	for (r->size = RING_MIN; r->size < opt->ring_size && r->size < RING_MAX;)
		r->size *= 2;
	rc = make_file(r, e);
	if (rc) {
		ring_free(&r->s);
		return rc;
	}
	ring_format(r->ring, r->size);
	r->ring->max_frames = opt->max_frames;
	r->switches = opt->switches != SWITCHES_OFF;
	ring_reader_init(&r->reader, r->ring, r->size);
	r->hit_ns = measure_hit();
	r->count_ns = measure_count();
	*ret = &r->s;
	return 0;
}
