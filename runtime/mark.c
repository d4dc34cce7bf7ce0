/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark.c: finds what can be reached.
 *
 * The world is stopped.  Each worker has a buffer of objects that are marked and not yet read; what
 * it reads may be an address of an object, or of anything in it, or a number.  Full buffers go to a
 * list from which those take who have nothing; it is over when the list is empty and nobody works.
 *
 * Reading an object nearly always misses the caches, so it is asked for when it is taken from the
 * buffer and read eight objects later.
 *
 * Marking never fails for want of memory: an object that finds no room in a buffer is marked but
 * not read, and at the end all marked objects are read once more, until none was left over.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/gc.h"
#include "runtime/lock.h"

#define BUFFER_ROOM ((BUFFER_SIZE - 16) / 8)
#define PIECE	    (256u << 10) /* of buffers, mapped at a time */
#define SOON	    8
#define SPINS	    200
#define SHARE_AT    16 /* objects: who has as many gives half of them to who has none */

struct work_buffer {
	struct work_buffer *next;
	uint64_t used;
	uint64_t object[BUFFER_ROOM];
};
_Static_assert(sizeof(struct work_buffer) == BUFFER_SIZE, "packed");

static struct lock work_lock;
static struct work_buffer *full, *empty;
static uint32_t working;
static uint32_t idle; /* changed without the lock; a hint */
static bool over, lost;
static bool refused;	  /* memory for buffers; not asked for again in this collection */
static uint64_t lo, size; /* of all chunks */

static struct piece {
	struct piece *next;
	uint64_t pad[511];
} * pieces;

/* With the lock. */
static void more_buffers(void)
{
	struct piece *p = NULL;
	struct work_buffer *b;

	if (!refused)
		p = (struct piece *)map_pages(PIECE, PROT_READ | PROT_WRITE);
	refused = !p;
	if (!p)
		return;
	p->next = pieces;
	pieces = p;
	for (b = (struct work_buffer *)(p + 1); (uint64_t)b < (uint64_t)p + PIECE; b++) {
		b->next = empty;
		empty = b;
	}
}

static struct work_buffer *get_empty(void)
{
	struct work_buffer *b;

	lock(&work_lock);
	if (!empty)
		more_buffers();
	b = empty;
	if (b) {
		empty = b->next;
		b->used = 0;
	}
	unlock(&work_lock);
	return b;
}

static void give_full(struct work_buffer *b)
{
	lock(&work_lock);
	b->next = full;
	__atomic_store_n(&full, b, __ATOMIC_RELAXED);
	unlock(&work_lock);
}

static struct work_buffer *get_full(struct work_buffer *own)
{
	struct work_buffer *b;

	lock(&work_lock);
	b = full;
	if (b) {
		__atomic_store_n(&full, b->next, __ATOMIC_RELAXED);
		if (own) {
			own->next = empty;
			empty = own;
		}
	}
	unlock(&work_lock);
	return b;
}

/* Half of what the worker has, to those who have nothing. */
static void share(struct worker *w)
{
	struct work_buffer *b = w->buffer, *other = get_empty();

	if (!other)
		return;
	other->used = b->used / 2;
	b->used -= other->used;
	memcpy(other->object, b->object + b->used, other->used * 8);
	give_full(other);
}

static void push(struct worker *w, uint64_t object)
{
	struct work_buffer *b = w->buffer;

	if (unlikely(!b || b->used == BUFFER_ROOM)) {
		struct work_buffer *other = get_empty();

		if (!other) {
			__atomic_store_n(&lost, true, __ATOMIC_RELAXED);
			return;
		}
		if (b)
			give_full(b);
		w->buffer = b = other;
	}
	b->object[b->used++] = object;
}

/* The word is between the lowest and the highest chunk. */
static inline void mark_word(struct worker *w, uint64_t word)
{
	struct span *s = objects_at(word);
	uint64_t base, i, bit;
	struct group *g;

	if (!s)
		return;
	base = span_base(s);
	i = (word - base) * s->o.magic >> 40;
	if (i >= s->o.count)
		return;
	g = &s->o.group[i / GROUP];
	bit = 1ull << i % GROUP;
	if (!(g->alloc & bit) || __atomic_load_n(&g->mark, __ATOMIC_RELAXED) & bit)
		return;
	if (w->alone)
		g->mark |= bit;
	else if (__atomic_fetch_or(&g->mark, bit, __ATOMIC_RELAXED) & bit)
		return;
	if (s->o.scan != SCAN_NONE)
		push(w, base + i * s->o.size);
}

void mark_range(struct worker *w, uint64_t from, uint64_t to)
{
	const uint64_t *p = (const uint64_t *)((from + 7) & ~7ull),
		       *end = (const uint64_t *)(to & ~7ull);

	for (; p < end; p++)
		if (unlikely(*p - lo < size))
			mark_word(w, *p);
}

/* The same; most addresses on a stack are of the stack itself. */
void mark_stack(struct worker *w, uint64_t from, uint64_t to, struct stack s)
{
	const uint64_t *p = (const uint64_t *)from, *end = (const uint64_t *)to;
	uint64_t own = s.hi - s.lo;

	for (; p < end; p++)
		if (unlikely(*p - lo < size) && *p - s.lo >= own)
			mark_word(w, *p);
	w->stack_bytes += to - from;
}

static void scan_typed(struct worker *w, const struct span *s, uint64_t object)
{
	uint64_t at = (object - span_base(s)) / 8, n = s->o.size / 8, i;

	for (i = 0; i < n; i += 64) {
		unsigned shift = (at + i) % 64;
		const uint64_t *map = &s->o.pointers[(at + i) / 64];
		uint64_t bits = *map >> shift;

		if (shift && n - i > 64 - shift)
			bits |= map[1] << (64 - shift);
		if (n - i < 64)
			bits &= (1ull << (n - i)) - 1;
		for (; bits; bits &= bits - 1) {
			uint64_t word = ((uint64_t *)object)[i + (unsigned)__builtin_ctzll(bits)];

			if (word - lo < size)
				mark_word(w, word);
		}
	}
}

static bool type_has(const struct co_type *t, uint64_t word)
{
	return (word < 64 ? t->map : t->more ? t->more[word / 64 - 1] : 0) >> word % 64 & 1;
}

static void scan_typed_piece(struct worker *w, const struct span *s, uint64_t from, uint64_t to)
{
	const struct co_type *t = s->o.type;
	uint64_t words = t->size / 8, at = (from - span_base(s)) / 8 % words;

	for (; from < to; from += 8) {
		uint64_t word = *(uint64_t *)from;

		if (word - lo < size && type_has(t, at))
			mark_word(w, word);
		if (++at == words)
			at = 0;
	}
}

static void scan_piece(struct worker *w, const struct span *s, uint64_t from)
{
	uint64_t end = span_base(s) + s->o.size;

	if (end > from + SCAN_PIECE)
		end = from + SCAN_PIECE;
	if (s->o.scan == SCAN_TYPED)
		scan_typed_piece(w, s, from, end);
	else
		mark_range(w, from, end);
}

/* A large object is read in pieces, each of which is pushed by its own address. */
static void scan_large(struct worker *w, const struct span *s, uint64_t from)
{
	uint64_t base = span_base(s), end = base + s->o.size, at;

	if (from == base)
		for (at = base + SCAN_PIECE; at < end; at += SCAN_PIECE)
			push(w, at);
	scan_piece(w, s, from);
}

static void scan(struct worker *w, uint64_t object)
{
	const struct span *s = objects_at(object);

	if (s->o.group == &s->o.one)
		scan_large(w, s, object);
	else if (s->o.scan == SCAN_TYPED)
		scan_typed(w, s, object);
	else
		mark_range(w, object, object + s->o.size);
}

/* Reads all that the worker has. */
static void drain(struct worker *w)
{
	unsigned i;

	for (;;) {
		struct work_buffer *b = w->buffer;
		uint64_t object, now;

		if (!b || !b->used)
			break;
		object = b->object[--b->used];
		__builtin_prefetch((void *)object);
		now = w->soon[w->soon_at];
		w->soon[w->soon_at] = object;
		w->soon_at = (w->soon_at + 1) % SOON;
		if (now)
			scan(w, now);
		if (unlikely(b->used >= SHARE_AT && w->buffer == b &&
			     __atomic_load_n(&idle, __ATOMIC_RELAXED) &&
			     !__atomic_load_n(&full, __ATOMIC_RELAXED)))
			share(w);
	}
	for (i = 0; i < SOON; i++) {
		uint64_t now = w->soon[i];

		w->soon[i] = 0;
		if (now)
			scan(w, now);
	}
}

/* Waits for others to share, or for the end; false: the end. */
static bool wait_for_work(void)
{
	unsigned spins = 0;
	bool end;

	lock(&work_lock);
	if (!--working && !full)
		__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	unlock(&work_lock);
	__atomic_add_fetch(&idle, 1, __ATOMIC_RELAXED);
	for (;;) {
		if (__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
			end = true;
			break;
		}
		if (__atomic_load_n(&full, __ATOMIC_RELAXED)) {
			lock(&work_lock);
			end = over;
			if (!end)
				working++;
			unlock(&work_lock);
			break;
		}
		if (++spins < SPINS)
			__builtin_ia32_pause();
		else
			sched_yield();
	}
	__atomic_sub_fetch(&idle, 1, __ATOMIC_RELAXED);
	return !end;
}

void mark_work(struct worker *w)
{
	bool more;

	lock(&work_lock);
	more = !over;
	if (more)
		working++;
	unlock(&work_lock);
	while (more) {
		struct work_buffer *b;

		do {
			drain(w);
		} while ((w->buffer && w->buffer->used) || roots_more(w));
		b = get_full(w->buffer);
		if (b)
			w->buffer = b;
		else
			more = wait_for_work();
	}
}

void mark_begin(void)
{
	struct worker *w;
	unsigned i;

	lo = chunks_lo;
	size = chunks_hi - chunks_lo;
	over = lost = refused = false;
	working = 0;
	for (i = 0; (w = team_worker(i)); i++) {
		w->stack_bytes = w->global_bytes = w->cpu_ns = w->stacks = 0;
		w->buffer = (struct work_buffer *)w->first_buffer;
		w->buffer->used = 0;
	}
}

bool mark_lost(void)
{
	bool was = lost;

	lost = false;
	over = false;
	return was;
}

static void read_marked(struct worker *w, struct span *s)
{
	uint64_t bits, at;
	unsigned i;

	if (s->o.group == &s->o.one) {
		for (at = 0; s->o.one.mark && at < s->o.size; at += SCAN_PIECE) {
			scan_piece(w, s, span_base(s) + at);
			drain(w);
		}
		return;
	}
	for (i = 0; i < span_groups(s); i++)
		for (bits = s->o.group[i].mark; bits; bits &= bits - 1) {
			scan(w, span_base(s) +
					(i * GROUP + (unsigned)__builtin_ctzll(bits)) * s->o.size);
			drain(w);
		}
}

void mark_again(struct worker *w)
{
	struct chunk *c;
	unsigned i;

	for (c = mheap_chunks(); c; c = c->next)
		for (i = 1; i < CHUNK_SLOTS; i++)
			if (c->span[i].kind == SPAN_OBJECTS && c->span[i].o.scan != SCAN_NONE)
				read_marked(w, &c->span[i]);
	for (c = mheap_huge(); c; c = c->next)
		if (c->span[1].o.scan != SCAN_NONE)
			read_marked(w, &c->span[1]);
}

void mark_shrink(struct worker *w, struct g *gp)
{
	struct work_buffer *b = w->shrink;

	if (!b || b->used == BUFFER_ROOM) {
		b = get_empty();
		if (!b)
			return;
		b->next = w->shrink;
		w->shrink = b;
	}
	b->object[b->used++] = (uint64_t)gp;
}

struct g *mark_next_shrink(struct worker *w)
{
	struct work_buffer *b = w->shrink;

	if (!b)
		return NULL;
	if (!b->used) {
		w->shrink = b->next;
		lock(&work_lock);
		b->next = empty;
		empty = b;
		unlock(&work_lock);
		return mark_next_shrink(w);
	}
	return (struct g *)b->object[--b->used];
}

void mark_end(void)
{
	struct worker *w;
	struct piece *p;
	unsigned i;

	for (i = 0; (w = team_worker(i)); i++)
		w->buffer = w->shrink = NULL;
	while ((p = pieces)) {
		pieces = p->next;
		munmap(p, PIECE);
	}
	full = empty = NULL;
}
