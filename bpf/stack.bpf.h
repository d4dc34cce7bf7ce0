/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * stack.bpf.h: the call stack of a coroutine that ran out of stack, or sleeps.
 *
 * The probes run on the scheduler's stack, so the kernel's own walker sees that one.  The
 * coroutine's registers are in its descriptor: saved pc is in the prologue of the function that ran
 * out, the word at the saved sp is its return address, and the saved bp is still its caller's, from
 * where the frame pointers lead on.  A frame pointer must lie inside the stack and above the one
 * before.
 *
 * A parked coroutine's saved pc is a return address already, in a function with a frame: there the
 * word at the saved sp is nothing of interest.
 *
 * A read of the process's memory costs some 40 ns whether it is 8 bytes or 1,000, so the stack is
 * copied in pieces and walked in the copy.  The walk is hashed as it goes; only a stack that was
 * not seen before is sent.
 */
#ifndef ST_BPF_STACK_BPF_H
#define ST_BPF_STACK_BPF_H

#include "bpf/core.h"
#include "bpf/emit.bpf.h"

#define PIECE		 4096 /* bytes of stack copied at a time */
#define STACK_RECORD_MAX (sizeof(struct ev_stack) + 8 * EV_MAX_FRAMES)

/*
 * Working room of one running program.  Programs are not preempted by others on kernels without
 * preemption; on those with it a second one may start on the same CPU half way through the first,
 * hence several rooms per CPU, each taken by one program at a time.
 */
#define ROOMS 3
struct room {
	__u32 taken;
	__u32 piece_size;
	__u64 piece_at;
	__u64 frame; /* offset in the piece */
	__u8 descriptor[CORE_DESCRIPTOR_MAX];
	__u8 stack[STACK_RECORD_MAX]; /* struct ev_stack */
	__u8 piece[PIECE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROOMS);
	__type(key, __u32);
	__type(value, struct room);
} rooms SEC(".maps");

/* An id is here only after its stack was sent.  Evicted ones are sent again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} seen SEC(".maps");

static __always_inline struct room *room_try(__u32 index)
{
	struct room *r = bpf_map_lookup_elem(&rooms, &index);

	return r && !__sync_lock_test_and_set(&r->taken, 1) ? r : 0;
}

/* A room that is now ours, or NULL. */
static __always_inline struct room *room_take(void)
{
	struct room *r = room_try(0);

	if (!r)
		r = room_try(1);
	if (!r)
		r = room_try(2);
	return r;
}

static __always_inline void room_give(struct room *r)
{
	__sync_lock_test_and_set(&r->taken, 0);
}

struct walk {
	__u64 pc, sp, bp, hi;  /* saved context, and the end of the stack */
	__u64 root, root_size; /* range at run time of the function at the root */
	__u32 pid;
	__u32 parked; /* pc is behind a call in a function with a frame; else in a prologue */
};

/*
 * A value that is kept in memory between the steps of the walk.  To the verifier it is then any
 * value, so that it need not follow each way to have come by it apart from the others.
 */
#define FORGET(lvalue) (*(volatile typeof(lvalue) *)&(lvalue))

/* Copies a piece of the stack; or at least one frame, if the rest is not there. */
static __always_inline void piece_read(struct room *r, __u64 from, __u64 hi)
{
	__u64 n = hi - from;

	if (n > PIECE)
		n = PIECE;
	FORGET(r->piece_at) = from;
	FORGET(r->piece_size) = n;
	if (bpf_probe_read_user(r->piece, n, (void *)from))
		FORGET(r->piece_size) = bpf_probe_read_user(r->piece, 16, (void *)from) ? 0 : 16;
}

/* Where in the piece the frame at bp is, after reading it if need be; else beyond the piece. */
static __always_inline __u64 piece_find(struct room *r, __u64 bp, __u64 hi)
{
	__u64 off = bp - FORGET(r->piece_at);

	FORGET(r->frame) = off;
	if (off + 16 > FORGET(r->piece_size)) {
		piece_read(r, bp, hi);
		FORGET(r->frame) = FORGET(r->piece_size) < 16 ? PIECE : 0;
	}
	return FORGET(r->frame);
}

/*
 * Fills in pc[], depth, flags and the id.  The root function itself is left out.
 *
 * Not static: the verifier then looks at it alone, once, instead of at all that follows anew for
 * each depth at which it may end.
 */
__noinline int walk_stack(struct room *r, struct walk *w)
{
	__u64 below, pc, bp, off, hash;
	struct ev_stack *st;
	__u32 i, flags = 0;

	if (!r || !w)
		return -1;
	st = (struct ev_stack *)r->stack;
	below = w->sp;
	bp = w->bp;
	piece_read(r, w->sp, w->hi);
	if (FORGET(r->piece_size) < 8)
		flags = EV_STACK_BROKEN;
	st->pc[0] = w->pc;
	i = w->parked ? 0 : 1;
	hash = core_mix(w->pid, i ? w->pc : 0);
	pc = i ? *(__u64 *)r->piece : w->pc;
	for (; !flags; i++) {
		if (pc - w->root < w->root_size)
			break;
		if (i >= config.max_frames || i >= EV_MAX_FRAMES) {
			flags = EV_STACK_TRUNCATED;
			break;
		}
		st->pc[i] = pc;
		hash = core_mix(hash, pc);
		off = PIECE;
		if (bp >= below && bp <= w->hi - 16)
			off = piece_find(r, bp, w->hi);
		if (off > PIECE - 16) {
			flags = bp ? EV_STACK_BROKEN : 0;
			i++;
			break;
		}
		below = bp + 16;
		pc = *(__u64 *)(r->piece + off + 8);
		bp = *(__u64 *)(r->piece + off);
	}
	hash = core_mix(hash, flags);
	st->stack_id = hash ? hash : 1;
	st->depth = i;
	st->flags = flags;
	return 0;
}

/*
 * Walks, and sends the stack if it is new.  Returns its id; 0 if it could not be sent, which is
 * counted.
 */
static __always_inline __u64 stack_intern(struct room *r, struct walk *w, const struct hit *hit)
{
	struct ev_stack *st = (struct ev_stack *)r->stack;
	__u32 size, one = 1;
	__u64 id;

	if (walk_stack(r, w))
		return 0;
	id = st->stack_id;
	if (bpf_map_lookup_elem(&seen, &id))
		return id;
	size = sizeof(*st) + 8 * st->depth;
	if (size > sizeof(r->stack))
		size = sizeof(r->stack);
	fill_header(&st->h, EV_STACK, size, hit);
	if (bpf_ringbuf_output(&ring, st, size, BPF_RB_NO_WAKEUP)) {
		count_lost(EV_LOST_STACK_TABLE);
		return 0;
	}
	bpf_map_update_elem(&seen, &id, &one, BPF_ANY);
	return id;
}

#endif
