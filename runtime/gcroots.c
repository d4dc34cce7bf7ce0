/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcroots.c: where the collector begins.
 *
 *	globals		what is writable of the program and its libraries, but for what the runtime
 *			itself has there (mk/runtime.mk puts that into sections of its own)
 *	coroutines	descriptors, and stacks from the saved stack pointer up: whoever does not
 *			run has its registers there
 *	threads		of that which called co_run the part of its stack above; of all what calls
 *			have on g0 that are under way, and the argument of co_syscall
 *	root_alloc	channels, values of coroutines and the like
 *	co_root_add	what the program says
 *
 * Not looked at: memory of malloc, thread-local variables, stacks of other threads.
 */
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/chan.h"
#include "runtime/gc.h"
#include "runtime/lock.h"
#include "runtime/own.h"
#include "runtime/sched.h"
#include "runtime/segment.h"

#define RANGES	   8192
#define PIECE	   (256u << 10)
#define LIST_PIECE 64

struct range {
	uint64_t from, to;
};

struct root {
	struct root *next, *prev;
	uint64_t size;
	void *memory;
};

static struct lock roots_lock;
static struct range range[RANGES];
static unsigned ranges, next_range;
static struct root *roots, *next_root;
static struct g_block *next_block;
static bool channels_done;
static pthread_t run_thread;
static uint64_t run_frame, run_stack_end; /* of the thread that called co_run */

/* The sections of the runtime's own data; the linker defines these. */
extern char __start_corun_bss[], __stop_corun_bss[], __start_corun_data[], __stop_corun_data[];

static void add_range(uint64_t from, uint64_t to)
{
	static const struct {
		char *begin, *end;
	} own[] = {
		{ __start_corun_bss, __stop_corun_bss },
		{ __start_corun_data, __stop_corun_data },
	};
	unsigned i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		uint64_t begin = (uint64_t)own[i].begin, end = (uint64_t)own[i].end;

		if (begin >= from && end <= to && begin < end) {
			add_range(from, begin);
			from = end;
		}
	}
	if (from >= to)
		return;
	if (ranges == RANGES)
		fatal("more than %d segments with globals", RANGES);
	range[ranges++] = (struct range){ from, to };
}

static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	const ElfW(Phdr) *ph = info->dlpi_phdr;
	unsigned i;

	(void)size;
	(void)arg;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_W)
			add_range(info->dlpi_addr + ph[i].p_vaddr,
				  info->dlpi_addr + ph[i].p_vaddr + ph[i].p_memsz);
	return 0;
}

void roots_thread(uint64_t frame)
{
	run_thread = pthread_self();
	run_frame = frame;
	run_stack_end = 0;
}

/* The part of the stack of co_run's thread that is above co_run. */
static void add_thread(void)
{
	pthread_attr_t attr;
	void *lowest;
	size_t bytes;

	if (!run_stack_end && !pthread_getattr_np(run_thread, &attr)) {
		if (!pthread_attr_getstack(&attr, &lowest, &bytes))
			run_stack_end = (uint64_t)lowest + bytes;
		pthread_attr_destroy(&attr);
	}
	if (run_stack_end > run_frame)
		add_range(run_frame, run_stack_end);
}

/* What calls have on g0 that are under way, and the argument of one that blocks. */
static void add_m(const struct m *mp)
{
	const struct g *gp = mp->curg;

	if (mp->stop_sp)
		add_range(mp->stop_sp, mp->g0_sp);
	/* In a call on g0: sched may be of an earlier park. */
	if (gp && gp->status == G_RUNNING && mp->call_sp >= gp->stack.lo &&
	    mp->call_sp < gp->sched.sp)
		add_range(mp->call_sp, gp->sched.sp);
	add_range((uint64_t)&mp->call_arg, (uint64_t)(&mp->call_arg + 1));
}

void roots_begin(void)
{
	const struct m *mp;

	ranges = next_range = 0;
	dl_iterate_phdr(add_object, NULL);
	add_thread();
	for (mp = sched.all_m; mp; mp = mp->all_link)
		add_m(mp);
	next_root = roots;
	next_block = g_blocks();
	channels_done = false;
}

void roots_end(void)
{
	/* Some are of stacks, and are not to be taken for addresses that somebody keeps. */
	memset(range, 0, ranges * sizeof(*range));
}

static void mark_pieces(uint64_t lo, uint64_t hi, void *arg)
{
	mark_range(arg, lo, hi);
	((struct worker *)arg)->stack_bytes += hi - lo;
}

static void mark_items(const void *items, size_t size, void *arg)
{
	mark_range(arg, (uint64_t)items, (uint64_t)items + size);
	((struct worker *)arg)->global_bytes += size;
}

static void mark_g(struct g *gp, void *arg)
{
	struct worker *w = arg;
	size_t values;
	void **value = own_values(gp, &values);

	if (unlikely(gp->status == G_COPYSTACK))
		fatal("the collector met coroutine %llu while its stack was moved",
		      (unsigned long long)gp->id);
	mark_range(w, (uint64_t)gp, (uint64_t)(gp + 1));
	mark_stack(w, gp->sched.sp, gp->stack.hi, gp->stack);
	w->stacks++;
	if (unlikely(values))
		mark_range(w, (uint64_t)value, (uint64_t)(value + values));
	if (unlikely(gp->segment || gp->blocks))
		segments_each(gp, mark_pieces, w);
	if (unlikely(stack_is_large(gp)))
		mark_shrink(w, gp);
}

/* A piece of a range; false: there is none left. */
static bool take_piece(struct range *ret)
{
	struct range *r = &range[next_range];

	if (next_range == ranges)
		return false;
	*ret = *r;
	if (ret->to - ret->from > PIECE)
		ret->to = ret->from + PIECE;
	r->from = ret->to;
	if (r->from == r->to)
		next_range++;
	return true;
}

static void mark_roots(struct worker *w, struct root *r, const struct root *end)
{
	for (; r != end; r = r->next) {
		mark_range(w, (uint64_t)r->memory, (uint64_t)r->memory + r->size);
		w->global_bytes += r->size;
	}
}

bool roots_more(struct worker *w)
{
	struct root *from, *to;
	struct g_block *b;
	bool got, chans;
	struct range r;
	unsigned i;

	lock(&roots_lock);
	got = take_piece(&r);
	b = next_block;
	if (!got && b)
		next_block = g_blocks_next(b);
	from = to = next_root;
	for (i = 0; !got && !b && to && i < LIST_PIECE; i++)
		to = to->next;
	next_root = to;
	chans = !got && !b && !from && !channels_done;
	channels_done |= chans;
	unlock(&roots_lock);
	if (got) {
		mark_range(w, r.from, r.to);
		w->global_bytes += r.to - r.from;
	} else if (b) {
		for_each_g_in(b, mark_g, w);
	} else if (chans) {
		chan_each(mark_items, w);
	} else {
		mark_roots(w, from, to);
		return from;
	}
	return true;
}

static void link_root(struct root *r)
{
	lock(&roots_lock);
	r->prev = NULL;
	r->next = roots;
	if (roots)
		roots->prev = r;
	roots = r;
	unlock(&roots_lock);
}

/* With the lock. */
static void unlink_root(struct root *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		roots = r->next;
	if (r->next)
		r->next->prev = r->prev;
}

/* co_root_add, on g0. */
int root_add(void *lo, size_t size);
int root_add(void *lo, size_t size)
{
	struct root *r;

	if (!lo || !size || size > PTRDIFF_MAX)
		return -EINVAL;
	if (unlikely(settings.fail_at) && debug_fail())
		return -ENOMEM;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->size = size;
	r->memory = lo;
	link_root(r);
	return 0;
}

/* co_root_remove, on g0. */
int root_remove(void *lo);
int root_remove(void *lo)
{
	struct root *r;

	lock(&roots_lock);
	for (r = roots; r && r->memory != lo; r = r->next)
		;
	if (r)
		unlink_root(r);
	unlock(&roots_lock);
	free(r);
	return r ? 0 : -ENOENT;
}
