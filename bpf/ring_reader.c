/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is copied out of the ring before it is checked, so that what was checked is what is
 * handed on.  Its size is read once, after its kind (acquire): it decides how far to go on, and is
 * bounded by the producers' head, which itself is at most one ring away.  Anything else means that
 * the position of the next record is not known: the ring is then broken, for good.
 *
 * What was read is cleared before the tail moves: a producer relies on finding no kind in the room
 * it gets.  So room that a producer got and was killed before it wrote a word is zeros, and ends
 * where the next record begins: this is common where a program ends on one thread while others
 * write, for the first word of a page faults.
 */
#include "bpf/ring_reader.h"

#include <string.h>

#define KIND_SIZE 8 /* kind, size and the four bytes behind them: what even a pad has */

static const uint16_t least_size[EV_KIND_COUNT] = {
	[EV_IMAGE] = sizeof(struct ev_image),	      [EV_STACK] = sizeof(struct ev_stack),
	[EV_NEWPROC] = sizeof(struct ev_newproc),     [EV_GOEXIT] = sizeof(struct ev_goexit),
	[EV_COPYSTACK] = sizeof(struct ev_copystack), [EV_STACK_USE] = sizeof(struct ev_stack_use),
	[EV_SWITCHES] = sizeof(struct ev_switches),   [EV_GC] = sizeof(struct ev_gc),
	/* the others are the tool's own to write */
};

void ring_format(struct ev_ring *ring, uint64_t size)
{
	ring->magic = EV_RING_MAGIC;
	ring->abi = EV_RING_ABI;
	ring->size = size;
}

void ring_reader_init(struct ring_reader *r, struct ev_ring *ring, uint64_t size)
{
	r->ring = ring;
	r->data = (uint8_t *)ring + EV_RING_HEADER;
	r->size = size;
	r->tail = 0;
	r->dropped = 0;
	r->broken = false;
}

/* The record in the private copy is what its kind says it is. */
static bool is_whole(struct ev_header *h)
{
	struct ev_stack *stack = (struct ev_stack *)h;
	struct ev_image *image = (struct ev_image *)h;

	if (h->kind >= EV_KIND_COUNT || !least_size[h->kind] || h->size < least_size[h->kind])
		return false;
	if (h->kind == EV_STACK)
		return stack->depth <= EV_MAX_FRAMES && stack->stack_id &&
		       h->size >= sizeof(*stack) + stack->depth * sizeof(stack->pc[0]);
	if (h->kind == EV_IMAGE)
		image->comm[EV_COMM_LEN - 1] = '\0';
	return true;
}

static int give_up(struct ring_reader *r)
{
	r->broken = true;
	r->dropped++;
	return 0;
}

static void release(struct ring_reader *r, uint64_t at, uint64_t size)
{
	memset(r->data + at, 0, size);
	r->tail += size;
	__atomic_store_n(&r->ring->tail, r->tail, __ATOMIC_RELEASE);
}

/* How much of the room at this position is zeros, up to size bytes. */
static uint64_t untouched(const struct ring_reader *r, uint64_t at, uint64_t size)
{
	const uint64_t *word = (const uint64_t *)(r->data + at);
	uint64_t n = 0;

	while (n < size && !__atomic_load_n(&word[n / 8], __ATOMIC_RELAXED))
		n += 8;
	return n;
}

int ring_reader_step(struct ring_reader *r, bool final, const struct ev_header **ret)
{
	struct ev_header *shared, *h = (struct ev_header *)r->record;
	uint64_t head, ready, left, at = r->tail & (r->size - 1);
	uint16_t kind, size;

	*ret = NULL;
	if (r->broken)
		return 0;
	head = __atomic_load_n(&r->ring->head, __ATOMIC_ACQUIRE);
	ready = head - r->tail;
	if (!ready)
		return 0;
	if (ready > r->size || ready % 8)
		return give_up(r);
	shared = (struct ev_header *)(r->data + at);
	kind = __atomic_load_n(&shared->kind, __ATOMIC_ACQUIRE);
	if (kind == EV_NONE && !final)
		return 0;
	size = __atomic_load_n(&shared->size, __ATOMIC_RELAXED);
	left = ready < r->size - at ? ready : r->size - at;
	if (kind == EV_NONE && !size) {
		r->dropped++;
		release(r, at, untouched(r, at, left));
		return 1;
	}
	if (size < KIND_SIZE || size % 8 || size > left)
		return give_up(r);
	if (kind != EV_PAD && kind != EV_NONE && size >= sizeof(*h)) {
		memcpy(r->record, shared, size);
		h->kind = kind;
		h->size = size;
		if (is_whole(h))
			*ret = h;
	}
	if (!*ret && kind != EV_PAD && kind < EV_KIND_COUNT)
		r->dropped++;
	release(r, at, size);
	return 1;
}
