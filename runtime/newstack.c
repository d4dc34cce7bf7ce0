/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newstack.c: growth of a stack, by copying it to a larger one.
 *
 * Problem: the compiler's check found too little room.  The function that asked has not built its
 * frame yet (or, for alloca, wants more of it), its arguments are in registers and on the stack,
 * and its callers' locals are full of addresses of each other.
 *
 * The used part is copied so that distances from the top stay the same, and every aligned word of
 * it, and every saved register, that lies in the old stack is moved by the same delta.  That is
 * conservative: there is no table that says what a word is.  An integer that happens to look like
 * an address of this very stack is changed too.  Stacks lie where no small number points, and a
 * number that large is rarely by chance in these few kilobytes; Go avoids the question with tables
 * that C compilers do not make.  It is no chance where a short string is written over the low bytes
 * of an address that an earlier call left in the same place: of 64 KiB that it may point to then,
 * the stack is a good part.  So corun-cc has locals begin as zeros.  What it cannot reach is memory
 * of alloca, and a number of two bytes that the compiler puts aside by itself.
 *
 * Rejected: segmented stacks, as libgcc's own __morestack has them: a call that crosses a border in
 * a loop allocates and frees each time (the "hot split"), and unwinders must know.  Rejected: a
 * frame-pointer walk that adjusts only saved frame pointers: addresses of locals in callers would
 * stay behind.  Rejected: mremap of page-sized stacks: 2 KiB stacks are the point.
 *
 * Invariants:
 *	- runs on g0 with guard 0; the coroutine's status is G_COPYSTACK while words are in flight;
 *	- a stack's size is a power of two and its address a multiple of it, so that delta keeps
 *	  every alignment a frame can have asked for;
 *	- after a growth the frame that asked fits above the guard, since its check is not repeated.
 */
#include <errno.h>
#include <string.h>

#include "runtime/mcache.h"
#include "runtime/note.h"
#include "runtime/reserve.h"
#include "runtime/ring.h"
#include "runtime/sched.h"
#include "runtime/segment.h"
#include "runtime/stackcheck.h"
#include "runtime/wait.h"

#define INSN_RET 0xc3

static const uint8_t insn_chain[] = { 0x49, 0x89, 0xc2 };	  /* mov %rax,%r10 */
static const uint8_t insn_varargs[] = { 0x4c, 0x8d, 0x5d, 0x18 }; /* lea 24(%rbp),%r11 */

/* Moves the used part and all that points into it, sched included. */
static void move_to(struct g *gp, struct stack new)
{
	struct stack old = gp->stack;
	uint32_t status = GET(gp->status), moving = G_COPYSTACK;
	uint64_t used = old.hi - gp->sched.sp, delta = new.hi - old.hi;

	SET(gp->status, G_COPYSTACK);
	relocate((uint64_t *)(new.hi - used), (const uint64_t *)gp->sched.sp, used / 8, old, delta);
	gp->sched.sp += delta;
	if (gp->sched.bp - old.lo < old.hi - old.lo)
		gp->sched.bp += delta;
	set_stack(gp, new);
	if (status == G_WAITING)
		wait_relocate(gp, old, delta);
	/* One that waits may have been made ready meanwhile, by a thread without a P. */
	__atomic_compare_exchange_n(&gp->status, &moving, status, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	if (unlikely(settings.unmap))
		stackcheck_moved(gp, old, gp->sched.pc);
	stackfree(mcache_mine(), old);
}

static ONE_SITE void copystack_end(struct g *gp)
{
	ring_hit(EV_PROBE_COPYSTACK_END);
	PROBE(EV_PROBE_COPYSTACK_END, gp);
}

static ONE_SITE void copystack_probe(struct g *gp, uint64_t new_size)
{
	ring_hit(EV_PROBE_COPYSTACK);
	PROBE_SIZE(EV_PROBE_COPYSTACK, gp, new_size);
}

int copystack(struct g *gp, uint64_t new_size)
{
	uint64_t begin = ring_clock(), used = gp->stack.hi - gp->sched.sp;
	uint64_t old_size = gp->stack.hi - gp->stack.lo;
	struct stack_counts *count = &mcache_mine()->count;
	struct stack new;

	if (stackalloc(mcache_mine(), new_size, &new))
		return -ENOMEM;
	copystack_probe(gp, new_size);
	move_to(gp, new);
	if (new_size > old_size)
		COUNT(count->growths, 1);
	else
		COUNT(count->shrinks, 1);
	COUNT(count->bytes_copied, used);
	copystack_end(gp);
	ring_copystack(gp, old_size, used, begin);
	return 0;
}

/*
 * Policy mmap: the same stack, further down.  Tracers are told as of a copy; what they measure as
 * copied is what the coroutine uses.
 */
void growstack_in_place(struct g *gp, uint64_t needed_lo)
{
	uint64_t old_size = gp->stack.hi - gp->stack.lo, lo = stack_grown_lo(gp, needed_lo);
	uint64_t begin = ring_clock(), used = gp->stack.hi - gp->sched.sp;
	struct stack_counts *count = &mcache_mine()->count;
	struct stack s = gp->stack;

	copystack_probe(gp, gp->stack.hi - lo);
	if (reserve_grow(&s, lo))
		fatal_no_memory(gp, gp->stack.hi - lo);
	set_stack(gp, s);
	COUNT(count->growths, 1);
	COUNT(count->reserved, (int64_t)(s.hi - s.lo - old_size));
	copystack_end(gp);
	ring_copystack(gp, old_size, used, begin);
}

/* CORUN_DEBUG=move: a new place, the same size; no growth, and no tracer is told. */
static void movestack(struct g *gp)
{
	uint64_t size = gp->stack.hi - gp->stack.lo;
	struct stack new;

	if (stackalloc(mcache_mine(), size, &new))
		fatal_no_memory(gp, size);
	move_to(gp, new);
}

/*
 * What a tracer sees of a growth: sp at the return address into the caller of the function that
 * grows, pc in that function, bp of the caller.  A function that calls alloca has built its frame;
 * its return address is written once more where the call of ours left a word.
 */
static void describe_growth(struct g *gp, const struct regs *r, unsigned kind)
{
	const uint64_t *sp = (const uint64_t *)r->gp[RSP];
	uint64_t bp = r->gp[RBP];

	gp->sched.pc = sp[0];
	gp->sched.sp = r->gp[RSP] + 8;
	gp->sched.bp = bp;
	this_m.call_sp = CALL_GROWTH;
	if (kind != MORESTACK_ALLOCA)
		return;
	gp->sched.sp = r->gp[RSP];
	if (bp < r->gp[RSP] || bp > gp->stack.hi - 16 || bp % 8)
		fatal("a function at %#llx calls alloca without a frame pointer",
		      (unsigned long long)sp[0]);
	gp->sched.bp = ((const uint64_t *)bp)[0];
	*(uint64_t *)r->gp[RSP] = ((const uint64_t *)bp)[1];
}

/*
 * Room to leave for outgoing arguments below a block that alloca gets.  The lower end of the frame
 * holds them, so the whole frame is enough, but a frame that holds earlier blocks would double each
 * time.  What was enough at this place once is enough always: the least that was seen is kept.
 */
static uint64_t outgoing_room(uint64_t pc, uint64_t frame)
{
	static struct lock seen_lock;
	static struct {
		uint64_t pc, room;
	} seen[512];
	unsigned i = (unsigned)((pc * 0x9e3779b97f4a7c15ull) >> 55);

	frame = (frame + 15) & ~15ull;
	lock(&seen_lock);
	if (seen[i].pc != pc || seen[i].room > frame) {
		seen[i].pc = pc;
		seen[i].room = frame;
	}
	frame = seen[i].room;
	unlock(&seen_lock);
	return frame;
}

/* Where the function goes on, with r10 and r11 as it expects them there; see morestack_amd64.S. */
static uint64_t behind_check(struct regs *r, uint64_t pc, uint64_t sp)
{
	const uint8_t *code = (const uint8_t *)pc;
	unsigned i;

	if (*code != INSN_RET)
		fatal("the stack check before %p is not one of gcc -fsplit-stack", (void *)pc);
	code++;
	for (i = 0; i < 2; i++) {
		if (!memcmp(code, insn_chain, sizeof(insn_chain))) {
			r->gp[R10] = r->gp[RAX];
			code += sizeof(insn_chain);
		} else if (!memcmp(code, insn_varargs, sizeof(insn_varargs))) {
			r->gp[R11] = sp + 8;
			code += sizeof(insn_varargs);
		}
	}
	return (uint64_t)code;
}

static void adjust_registers(struct regs *r, struct stack old, uint64_t delta)
{
	uint64_t *word = r->vector[0], *end = &r->gp[16];
	uint64_t size = old.hi - old.lo;
	unsigned step = REGS_VECTOR_SIZE / 8, used = 2u << vector_level, i;

	/* Only as much of each vector as was saved. */
	for (; word < r->gp; word += step)
		for (i = 0; i < used; i++)
			if (word[i] - old.lo < size)
				word[i] += delta;
	for (; word < end; word++)
		if (*word - old.lo < size)
			*word += delta;
}

/* What the function asks for beyond the used part. */
static uint64_t bytes_needed(const struct regs *r, unsigned kind, uint64_t block)
{
	uint64_t size = r->gp[RDI];

	switch (kind) {
	case MORESTACK_ALLOCA:
		/* Rounding an impossible size up must not make it possible. */
		return size > settings.max_stack ? size : ((size + 15) & ~15ull) + block;
	case MORESTACK_NON_SPLIT:
		return r->gp[R10] + NON_SPLIT_ROOM;
	default:
		return r->gp[R10];
	}
}

/* The size with which need bytes fit below the used part and above the guard. */
static uint64_t fitting_size(const struct g *gp, uint64_t used, uint64_t need)
{
	uint64_t size = gp->stack.hi - gp->stack.lo;

	if (need > settings.max_stack)
		fatal_overflow((struct g *)gp, need);
	while (size < used + need + guard_room(gp))
		size *= 2;
	if (size > settings.max_stack)
		fatal_overflow((struct g *)gp, need);
	return size;
}

/* Afterwards need bytes fit below the used part, perhaps elsewhere. */
static void make_room(struct g *gp, uint64_t used, uint64_t need)
{
	uint64_t size;

	if (settings.policy == CO_FIXED)
		fatal_overflow(gp, need);
	if (settings.policy == CO_MMAP) {
		uint64_t room = gp->stack.hi - reserve_limit(&gp->stack);

		if (need > room || used + need + guard_room(gp) > room)
			fatal_overflow(gp, need);
		growstack_in_place(gp, gp->stack.hi - used - need - guard_room(gp));
		return;
	}
	size = fitting_size(gp, used, need);
	if (size > gp->stack.hi - gp->stack.lo) {
		if (copystack(gp, size))
			fatal_no_memory(gp, size);
	} else if (settings.move) {
		movestack(gp);
	}
}

/*
 * Policy segmented: nothing moves.  Tracers see newstack; a segment is no growth, since the
 * coroutine gives it back when the call returns.
 */
static void next_segment(struct regs *r, unsigned kind, uint64_t pc)
{
	uint64_t sp = r->gp[RSP], frame = r->gp[R10], args = r->gp[R11];

	if (kind == MORESTACK_ALLOCA) {
		r->gp[RAX] = segment_block(r->gp[RDI], r->gp[RBP]);
	} else {
		uint64_t room = kind == MORESTACK_NON_SPLIT ? NON_SPLIT_ROOM : 0;

		pc = behind_check(r, pc, sp + 8);
		sp = segment_enter(r, frame + room, args) - 8;
		r->gp[RSP] = sp;
	}
	*(uint64_t *)sp = pc;
	sanitize_moved(this_m.curg);
	tls_set_guard(this_m.curg->stackguard);
}

/* The check failed only because the guard was raised; see preempt.c. */
static bool is_room(const struct g *gp, uint64_t used, uint64_t need)
{
	uint64_t top = gp->stack.hi - used;

	return !settings.move && top >= gp->stackguard && need <= top - gp->stackguard;
}

/* Called by __morestack and its sisters, on g0, with what they saved. */
ONE_SITE void newstack(struct regs *r, unsigned kind);
ONE_SITE void newstack(struct regs *r, unsigned kind)
{
	struct g *gp = this_m.curg;
	struct stack old = gp->stack;
	uint64_t sp = r->gp[RSP], used, need, pc, block = 0;
	bool fits;

	if (sp <= old.lo || sp >= old.hi)
		fatal("stack check at %p fails on a foreign stack (%p is not in coroutine %llu's): "
		      "a signal handler that was not installed by sigaction or signal, or a "
		      "stack that was overrun",
		      *(void **)sp, (void *)sp, (unsigned long long)gp->id);
	pc = *(uint64_t *)sp;
	describe_growth(gp, r, kind);
	used = old.hi - gp->sched.sp;
	if (used > gp->use_max)
		gp->use_max = used;
	ring_hit(EV_PROBE_NEWSTACK);
	PROBE(EV_PROBE_NEWSTACK, gp);
	if (unlikely(__atomic_load_n(&this_m.p->stop, __ATOMIC_RELAXED)))
		world_pause();

	if (kind == MORESTACK_ALLOCA)
		block = outgoing_room(pc, r->gp[RBP] - (sp + 8));
	need = bytes_needed(r, kind, block);
	fits = is_room(gp, used, need);
	if (settings.policy == CO_SEGMENTED && !fits) {
		next_segment(r, kind, pc);
		return;
	}
	/* What is asked for will be used, too; how much of the room for others is not known. */
	if (kind != MORESTACK_NON_SPLIT && used + need > gp->use_max)
		gp->use_max = used + need;
	if (!fits)
		make_room(gp, used, need);
	adjust_registers(r, old, gp->stack.hi - old.hi);

	sp = gp->stack.hi - used;
	if (kind == MORESTACK_ALLOCA) {
		sp += 8 - need;
		r->gp[RAX] = sp + block;
	} else {
		pc = behind_check(r, pc, sp);
	}
	r->gp[RSP] = sp - 8;
	*(uint64_t *)(sp - 8) = pc;
	sanitize_moved(gp);
	tls_set_guard(gp->stackguard);
}
