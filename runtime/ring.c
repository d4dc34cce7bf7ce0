/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.c: producer side of the shared-memory ring of base/event.h.
 *
 * The records are those that the BPF probes make, written at the same places, so that both sources
 * agree.  Several processes may write into one ring, hence the compare-and-swap; nothing here waits
 * or calls the system, and a record that finds no room is counted.
 *
 * The descriptor is taken over before main: it is closed and its name removed from the environment,
 * so that programs started by this one do not write into it under its name; a child that was forked
 * keeps the mapping and stops using it.
 *
 * Call stacks are interned by a table of ids already written.  Where two share a slot, a stack may
 * be written more than once: harmless, unlike a table that is full.
 */
#include "runtime/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KNOWN_STACKS 4096

struct ev_ring *ring;
static uint64_t known_stack[KNOWN_STACKS];
static uint32_t pid;
static _Thread_local uint32_t tid;

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

uint64_t ring_read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void ring_count_hit(enum ev_probe probe)
{
	__atomic_fetch_add(&ring->hits[probe], 1, __ATOMIC_RELAXED);
}

static void lose(enum ev_lost_reason reason)
{
	__atomic_fetch_add(&ring->lost[reason], 1, __ATOMIC_RELAXED);
}

/* Room for size bytes in one piece; NULL and counted if there is none. */
static void *reserve(uint16_t size)
{
	uint64_t mask = ring->size - 1, at, pad;
	__u64 head;
	char *data = (char *)ring + EV_RING_HEADER;

	head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	do {
		at = head & mask;
		pad = at + size > ring->size ? ring->size - at : 0;
		/* Acquire: what is beyond tail has been cleared. */
		if (head + pad + size - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >
		    ring->size) {
			lose(EV_LOST_RING_FULL);
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&ring->head, &head, head + pad + size, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (pad) {
		struct ev_header *h = (struct ev_header *)(data + at);

		/* There may be room for no more than these two members. */
		h->size = (uint16_t)pad;
		__atomic_store_n(&h->kind, EV_PAD, __ATOMIC_RELEASE);
		at = 0;
	}
	return data + at;
}

/* Copies a record whose header is filled but for kind, and publishes it. */
static bool publish(enum ev_kind kind, struct ev_header *record, uint16_t size, uint64_t time)
{
	struct ev_header *h;

	if (!tid)
		tid = (uint32_t)gettid(); /* once: a system call takes longer than all the rest */
	record->kind = EV_NONE;
	record->size = size;
	record->cpu = (uint32_t)sched_getcpu();
	record->time_ns = time;
	record->pid = pid;
	record->tid = tid;
	h = reserve(size);
	if (!h)
		return false;
	/* At once: a thread that is killed before leaves room of which nobody knows where it ends.
	 */
	__atomic_store_n(&h->size, size, __ATOMIC_RELAXED);
	memcpy(h, record, size);
	__atomic_store_n(&h->kind, (uint16_t)kind, __ATOMIC_RELEASE);
	return true;
}

static void write_image(void)
{
	struct ev_image ev = { 0 };
	const ElfW(Ehdr) *ehdr = (const ElfW(Ehdr) *)__ehdr_start;

	if (ehdr->e_type == ET_DYN)
		ev.load_bias = (uint64_t)__ehdr_start;
	prctl(PR_GET_NAME, ev.comm);
	publish(EV_IMAGE, &ev.h, sizeof(ev), ring_read_clock());
}

void ring_write_newproc(const struct g *gp)
{
	struct ev_newproc ev = {
		.gp = (uint64_t)gp,
		.goid = gp->id,
		.parent_goid = gp->parent_id,
		.creator_pc = gp->creator_pc,
		.entry_pc = (uint64_t)gp->entry,
		.stack_size = gp->stack.hi - gp->stack.lo,
	};

	publish(EV_NEWPROC, &ev.h, sizeof(ev), ring_read_clock());
}

void ring_write_goexit(const struct g *gp)
{
	struct ev_goexit ev = {
		.gp = (uint64_t)gp,
		.goid = gp->id,
		.stack_size = gp->stack.hi - gp->stack.lo,
		.used = gp->use_max,
	};

	publish(EV_GOEXIT, &ev.h, sizeof(ev), ring_read_clock());
}

/* Never 0; different for different processes. */
static uint64_t hash_stack(const uint64_t *pc, size_t n)
{
	uint64_t hash = 0x9e3779b97f4a7c15ull ^ pid;
	size_t i;

	for (i = 0; i < n; i++) {
		hash = (hash ^ pc[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash ? hash : 1;
}

/* Writes the stack of a growth unless it is known, and returns its id; 0 if it got lost. */
static uint64_t write_stack(const struct g *gp, uint64_t time)
{
	struct {
		struct ev_stack head;
		uint64_t pc[EV_MAX_FRAMES + 1];
	} ev = { 0 };
	size_t max = ring->max_frames < EV_MAX_FRAMES ? ring->max_frames : EV_MAX_FRAMES, n;
	uint64_t id, *known;
	enum unwind_end end;

	if (!max)
		return 0;
	n = unwind(gp, true, ev.pc, max + 1, &end);
	if (end == UNWIND_WHOLE || n > max) /* the root, or one too many */
		n--;
	id = hash_stack(ev.pc, n);
	known = &known_stack[id % KNOWN_STACKS];
	if (__atomic_load_n(known, __ATOMIC_RELAXED) == id)
		return id;
	ev.head.stack_id = id;
	ev.head.depth = (uint32_t)n;
	ev.head.flags = end == UNWIND_CUT      ? EV_STACK_TRUNCATED
			: end == UNWIND_BROKEN ? EV_STACK_BROKEN
					       : 0;
	if (!publish(EV_STACK, &ev.head.h, (uint16_t)(sizeof(ev.head) + n * sizeof(ev.pc[0])),
		     time))
		return 0;
	__atomic_store_n(known, id, __ATOMIC_RELAXED);
	return id;
}

void ring_write_copystack(const struct g *gp, uint64_t old_size, uint64_t used, uint64_t begin)
{
	uint64_t duration = ring_read_clock() - begin;
	struct ev_copystack ev = {
		.gp = (uint64_t)gp,
		.goid = gp->id,
		.creator_pc = gp->creator_pc,
		.entry_pc = (uint64_t)gp->entry,
		.old_size = old_size,
		.new_size = gp->stack.hi - gp->stack.lo,
		.used = used,
		.duration_ns = duration,
		/* Nobody asked for a smaller one. */
		.stack_id = gp->stack.hi - gp->stack.lo > old_size ? write_stack(gp, begin) : 0,
	};

	publish(EV_COPYSTACK, &ev.h, sizeof(ev), begin);
}

void ring_write_gc(enum ev_gc_what what, uint32_t cycle)
{
	struct ev_gc ev = { .what = what, .cycle = cycle };

	publish(EV_GC, &ev.h, sizeof(ev), ring_read_clock());
}

/*
 * Of a coroutine that may run, and move, on another thread: the program ended within one, and
 * nobody stops the others.  0: it has no stack any more.
 */
static uint64_t size_of_any(const struct g *gp)
{
	uint64_t lo, hi;

	do {
		lo = __atomic_load_n(&gp->stack.lo, __ATOMIC_ACQUIRE);
		hi = __atomic_load_n(&gp->stack.hi, __ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&gp->stack.lo, __ATOMIC_ACQUIRE) != lo ||
		 __atomic_load_n(&gp->stack.hi, __ATOMIC_ACQUIRE) != hi);
	return hi - lo;
}

static void write_use(struct g *gp, void *arg)
{
	struct ev_stack_use ev = {
		.gp = (uint64_t)gp,
		.goid = GET(gp->id),
		.stack_size = size_of_any(gp),
		.used = GET(gp->use_max),
	};

	if (!ev.stack_size)
		return;
	publish(EV_STACK_USE, &ev.h, sizeof(ev), *(uint64_t *)arg);
}

void ring_write_living(void)
{
	uint64_t now = ring_read_clock();

	for_each_g(write_use, &now);
}

static void in_forked_child(void)
{
	ring = NULL;
}

static bool is_ring(const struct ev_ring *r, uint64_t file_size)
{
	return r->magic == EV_RING_MAGIC && r->abi == EV_RING_ABI && r->size >= 4096 &&
	       !(r->size & (r->size - 1)) && r->size <= file_size - EV_RING_HEADER;
}

/* What is wrong with the descriptor, or NULL and it is mapped. */
static const char *take(int fd)
{
	struct stat st;
	struct ev_ring *r;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || st.st_size < EV_RING_HEADER + 4096)
		return "not a ring of shared memory";
	r = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r == MAP_FAILED)
		return strerror(errno);
	if (!is_ring(r, (uint64_t)st.st_size)) {
		munmap(r, (size_t)st.st_size);
		return "not a ring, or one of another version of stacktrace";
	}
	ring = r;
	return NULL;
}

static bool parse_fd(const char *s, int *ret)
{
	long n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (*s - '0');
		if (n > 1 << 30)
			return false;
	}
	*ret = (int)n;
	return true;
}

static __attribute__((constructor)) void ring_begin(void)
{
	const char *name = getenv(EV_RING_ENV), *trouble = "not the number of a descriptor";
	int fd;

	if (!name)
		return;
	if (parse_fd(name, &fd))
		trouble = take(fd);
	if (trouble) {
		complain("%s='%s': %s; running untraced", EV_RING_ENV, name, trouble);
	} else {
		close(fd);
		pid = (uint32_t)getpid();
		pthread_atfork(NULL, NULL, in_forked_child);
		write_image();
	}
	unsetenv(EV_RING_ENV);
}

static __attribute__((destructor)) void ring_end(void)
{
	ring_living();
}
