// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * core.bpf.c: the probes, for every runtime.
 *
 * All probes but the switch are one program, told apart by the attach cookie: the kernel takes some
 * 45 ms to detach a link however many points it has, and a program per probe would need a link
 * each.  The switch has its own, because it comes and goes while the others stay; and so have the
 * probes that follow switches, parks and locks, of which hundreds of thousands a second are hit.
 *
 * Invariants: no return without either a record, a counter, or nothing to tell; a thread is in at
 * most one copy of a stack, which is what its tid stands for in the table of copies in progress.
 *
 * A copy begins and ends either inside copystack, or, where that is cheaper, in newstack for what
 * grows and in shrinkstack for what shrinks (struct core_nops).  newstack is also entered to
 * preempt: what began there and did not end is forgotten when the thread enters it again.
 *
 * Not used: a return probe for the end of a copy.  It would replace a return address on a stack
 * that may move, and costs twice as much.  Sleepable programs, which could read pages that are
 * swapped out: stacks and descriptors were written to an instant ago.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/core.h"
#include "bpf/emit.bpf.h"
#include "bpf/regs_x86.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/waits.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* CORE_ON is set last, when all probes are in place: an end is not seen before its begin. */
__u32 active; /* enum core_active */
__u64 active_ns;
/* From one trap to the next, which is in each duration; set after calibration. */
__u64 pair_ns;

/* Copies in progress.  Entries stay: a thread that grew a stack once will do it again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct core_pending);
} pending SEC(".maps");

struct core_calibration calibration;
struct core_nops nops;

static __always_inline int read_descriptor(struct room *r, __u64 gp)
{
	if (!config.span)
		return 0;
	return bpf_probe_read_user(r->descriptor, config.span, (void *)(gp + config.first));
}

/* A field of the descriptor; 0 if the target has none.  In wide descriptors *err may be set. */
static __always_inline __u64 field(struct room *r, __u64 gp, __s32 offset, int *err)
{
	__u64 value = 0;
	__u32 at = offset - config.first;

	if (offset < 0)
		return 0;
	if (!config.span) {
		if (bpf_probe_read_user(&value, sizeof(value), (void *)(gp + offset)))
			*err = -1;
		return value;
	}
	if (at > CORE_DESCRIPTOR_MAX - 8)
		return 0;
	return *(__u64 *)(r->descriptor + at);
}

/* The fields that a switch needs, read alone: fewer bytes than the whole descriptor. */
static __always_inline int read_use(__u64 gp, struct core_use *ret)
{
	__u64 stack[2] = {}, sp = 0;

	if (config.field.stack_hi == config.field.stack_lo + 8) {
		if (bpf_probe_read_user(stack, 16, (void *)(gp + config.field.stack_lo)))
			return -1;
	} else if (bpf_probe_read_user(&stack[0], 8, (void *)(gp + config.field.stack_lo)) ||
		   bpf_probe_read_user(&stack[1], 8, (void *)(gp + config.field.stack_hi))) {
		return -1;
	}
	if (bpf_probe_read_user(&sp, 8, (void *)(gp + config.field.sched_sp)))
		return -1;
	if (config.field.id >= 0 &&
	    bpf_probe_read_user(&ret->goid, 8, (void *)(gp + config.field.id)))
		return -1;
	ret->stack_size = stack[1] - stack[0];
	ret->used = sp >= stack[0] && sp <= stack[1] ? stack[1] - sp : 0;
	return 0;
}

static __always_inline struct core_pending *pending_of_thread(const struct hit *h)
{
	static const struct core_pending none;
	__u32 tid = hit_tid(h);
	struct core_pending *p = bpf_map_lookup_elem(&pending, &tid);

	if (p)
		return p;
	if (bpf_map_update_elem(&pending, &tid, &none, BPF_NOEXIST))
		return 0;
	return bpf_map_lookup_elem(&pending, &tid);
}

static __always_inline int fill_copystack(struct room *r, struct core_pending *p,
					  const struct hit *h, __u64 new_size)
{
	struct walk w = {};
	struct ev_copystack *ev = &p->ev;
	__u64 lo, stack_id = 0;
	int err = 0;

	lo = field(r, h->gp, config.field.stack_lo, &err);
	w.hi = field(r, h->gp, config.field.stack_hi, &err);
	w.sp = field(r, h->gp, config.field.sched_sp, &err);
	w.pc = field(r, h->gp, config.field.sched_pc, &err);
	w.bp = field(r, h->gp, config.field.sched_bp, &err);
	w.root = config.root + h->bias;
	w.root_size = config.root_size;
	w.pid = hit_pid(h);
	ev->gp = h->gp;
	ev->goid = field(r, h->gp, config.field.id, &err);
	ev->creator_pc = field(r, h->gp, config.field.creator_pc, &err);
	ev->entry_pc = field(r, h->gp, config.field.entry_pc, &err);
	ev->old_size = w.hi - lo;
	ev->new_size = new_size;
	ev->used = 0;
	ev->flags = 0;
	ev->duration_ns = 0;
	if (err)
		return err;
	if (w.sp >= lo && w.sp < w.hi) {
		ev->used = w.hi - w.sp;
		if ((!new_size || new_size > ev->old_size) && config.max_frames && w.sp <= w.hi - 8)
			stack_id = stack_intern(r, &w, h);
	}
	ev->stack_id = stack_id;
	fill_header(&ev->h, EV_COPYSTACK, sizeof(*ev), h);
	return 0;
}

/* new_size 0: it is seen at the end. */
static __always_inline void copystack_begin(const struct hit *h, __u64 new_size)
{
	struct core_pending *p = pending_of_thread(h);
	struct room *r;

	if (!p) {
		count_lost(EV_LOST_PENDING_TABLE);
		return;
	}
	if (p->state == CORE_COPYING) { /* its end never came */
		p->ev.flags |= EV_COPYSTACK_INCOMPLETE;
		emit(&p->ev, sizeof(p->ev));
	}
	p->state = CORE_DROPPED;
	r = room_take();
	if (!r) {
		count_lost(EV_LOST_PENDING_TABLE);
		return;
	}
	if (ensure_image(h)) {
		count_lost(EV_LOST_RING_FULL);
	} else if (read_descriptor(r, h->gp) || fill_copystack(r, p, h, new_size)) {
		count_lost(EV_LOST_UNREADABLE);
	} else {
		p->state = new_size ? CORE_COPYING : CORE_ENTERED;
	}
	room_give(r);
	p->begin_ns = bpf_ktime_get_ns();
}

/* The coroutine that newstack is to grow lies in its frame. */
static __always_inline void newstack_begin(struct pt_regs *ctx, struct hit *h)
{
	__u64 at = reg_sp(ctx) + nops.slot;

	if (bpf_probe_read_user(&h->gp, sizeof(h->gp), (void *)at))
		count_lost(EV_LOST_UNREADABLE);
	else
		copystack_begin(h, 0);
}

/*
 * What newstack has grown must be what it was entered with, and as deep: else this begin was that
 * of an earlier call, which preempted, and its own was not seen.
 */
static __always_inline int see_new_size(struct core_pending *p, __u64 gp)
{
	struct core_use now = {};

	if (p->ev.gp != gp || read_use(gp, &now) || now.used != p->ev.used)
		return -1;
	p->ev.new_size = now.stack_size;
	return now.stack_size > p->ev.old_size ? 0 : -1;
}

static __always_inline void copystack_end(const struct hit *h)
{
	__u32 tid = hit_tid(h);
	struct core_pending *p = bpf_map_lookup_elem(&pending, &tid);
	__u32 state = p ? p->state : CORE_IDLE;
	__u64 ns, between = state == CORE_ENTERED ? nops.pair_ns : pair_ns;

	/*
	 * Begun before the probes were there, or after they began to go: that is no loss.  A thread
	 * without an entry has begun no copy since.
	 */
	if (state == CORE_IDLE && active == CORE_ON &&
	    (p || h->time_ns - active_ns > CORE_COPY_MAX_NS))
		count_lost(EV_LOST_UNPAIRED);
	if (!p)
		return;
	p->state = CORE_IDLE;
	if (state == CORE_ENTERED && see_new_size(p, h->gp)) {
		if (active == CORE_ON)
			count_lost(EV_LOST_UNPAIRED);
		return;
	}
	if (state != CORE_COPYING && state != CORE_ENTERED)
		return;
	ns = h->time_ns - p->begin_ns;
	p->ev.duration_ns = ns > between ? ns - between : 0;
	__sync_fetch_and_add(&my_counters()->body_ns, p->begin_ns - p->ev.h.time_ns);
	emit(&p->ev, sizeof(p->ev));
}

static __always_inline int fill_newproc(struct room *r, const struct hit *h, struct ev_newproc *ev)
{
	int err = 0;

	ev->gp = h->gp;
	ev->goid = field(r, h->gp, config.field.id, &err);
	ev->parent_goid = field(r, h->gp, config.field.parent_id, &err);
	ev->creator_pc = field(r, h->gp, config.field.creator_pc, &err);
	ev->entry_pc = field(r, h->gp, config.field.entry_pc, &err);
	ev->stack_size = field(r, h->gp, config.field.stack_hi, &err);
	ev->stack_size -= field(r, h->gp, config.field.stack_lo, &err);
	fill_header(&ev->h, EV_NEWPROC, sizeof(*ev), h);
	return err;
}

static __always_inline int fill_goexit(struct room *r, const struct hit *h, struct ev_goexit *ev)
{
	struct core_use_key key = { .gp = h->gp };
	struct core_use *u;
	int err = 0;

	ev->gp = h->gp;
	ev->goid = field(r, h->gp, config.field.id, &err);
	ev->stack_size = field(r, h->gp, config.field.stack_hi, &err);
	ev->stack_size -= field(r, h->gp, config.field.stack_lo, &err);
	ev->used = field(r, h->gp, config.field.use_max, &err);
	fill_header(&ev->h, EV_GOEXIT, sizeof(*ev), h);
	if (!config.track_use)
		return err;
	key.pid = ev->h.pid;
	u = bpf_map_lookup_elem(&use, &key);
	if (u) {
		if (u->goid == ev->goid && !ev->used)
			ev->used = u->used;
		if (config.runs)
			hot_goexit(h, u);
		bpf_map_delete_elem(&use, &key);
	}
	return err;
}

static __always_inline void coroutine_begin_or_end(const struct hit *h, enum ev_probe probe)
{
	struct ev_newproc born = {};
	struct ev_goexit gone = {};
	struct room *r = room_take();
	int err;

	if (!r) {
		count_lost(EV_LOST_PENDING_TABLE);
		return;
	}
	err = read_descriptor(r, h->gp);
	if (!err)
		err = probe == EV_PROBE_NEWPROC ? fill_newproc(r, h, &born)
						: fill_goexit(r, h, &gone);
	room_give(r);
	if (err)
		count_lost(EV_LOST_UNREADABLE);
	else if (ensure_image(h))
		count_lost(EV_LOST_RING_FULL);
	else if (probe == EV_PROBE_NEWPROC)
		emit(&born, sizeof(born));
	else
		emit(&gone, sizeof(gone));
}

static __always_inline void collection(const struct hit *h, enum ev_probe probe)
{
	struct ev_gc ev = { .what = probe == EV_PROBE_GCSTART ? EV_GC_START : EV_GC_DONE };

	if (ensure_image(h)) {
		count_lost(EV_LOST_RING_FULL);
		return;
	}
	fill_header(&ev.h, EV_GC, sizeof(ev), h);
	emit(&ev, sizeof(ev));
}

SEC("uprobe")
int core_probe(struct pt_regs *ctx)
{
	struct hit h = { .time_ns = bpf_ktime_get_ns() };
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 probe = cookie >> CORE_COOKIE_PROBE;

	if (probe >= EV_PROBE_COUNT || of_another_process())
		return 0;
	count_hit(probe);
	if (active != CORE_ON && (probe != EV_PROBE_COPYSTACK_END || !active))
		return 0;
	if (config.repeats & (1u << probe) && !(nops.begin && probe == EV_PROBE_COPYSTACK) &&
	    reg_branch_taken(ctx))
		return 0;
	h.id = current_id();
	h.bias = reg_ip(ctx) - (cookie & CORE_COOKIE_VADDR);
	switch (probe) {
	case EV_PROBE_COPYSTACK:
		if (nops.begin && (cookie & CORE_COOKIE_VADDR) == nops.begin) {
			newstack_begin(ctx, &h);
			break;
		}
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_COPYSTACK]);
		copystack_begin(&h, reg_read(ctx, config.new_size));
		break;
	case EV_PROBE_COPYSTACK_END:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_COPYSTACK]);
		copystack_end(&h);
		break;
	case EV_PROBE_NEWPROC:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_NEWPROC]);
		coroutine_begin_or_end(&h, EV_PROBE_NEWPROC);
		break;
	case EV_PROBE_NEWCORO:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_NEWCORO]);
		coroutine_begin_or_end(&h, EV_PROBE_NEWPROC);
		break;
	case EV_PROBE_GOEXIT:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_GOEXIT]);
		coroutine_begin_or_end(&h, EV_PROBE_GOEXIT);
		break;
	case EV_PROBE_GCSTART:
	case EV_PROBE_GCDONE:
		collection(&h, probe);
		break;
	}
	return 0;
}

static __always_inline void note_use(__u64 gp)
{
	struct core_use_key key = { .gp = gp, .pid = current_id() >> 32 };
	struct core_use now = {}, *u;

	if (read_use(gp, &now)) {
		count_lost(EV_LOST_UNREADABLE);
		return;
	}
	u = bpf_map_lookup_elem(&use, &key);
	if (!u) {
		if (bpf_map_update_elem(&use, &key, &now, BPF_ANY))
			count_lost(EV_LOST_USE_TABLE);
		return;
	}
	if (u->goid != now.goid)
		u->used = 0;
	if (now.used > u->used)
		u->used = now.used;
	u->goid = now.goid;
	u->stack_size = now.stack_size;
}

SEC("uprobe")
int core_gogo(struct pt_regs *ctx)
{
	if (of_another_process())
		return 0;
	count_hit(EV_PROBE_GOGO);
	if (active != CORE_ON)
		return 0;
	if (config.repeats & (1u << EV_PROBE_GOGO) && reg_branch_taken(ctx))
		return 0;
	note_use(reg_read(ctx, config.coroutine[EV_PROBE_GOGO]));
	return 0;
}

/* The probes that may be hit all the time, and are taken away when that costs too much. */
SEC("uprobe")
int core_hot(struct pt_regs *ctx)
{
	struct hit h = { .time_ns = bpf_ktime_get_ns() };
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 probe = cookie >> CORE_COOKIE_PROBE;
	__u64 lock;

	if (probe >= EV_PROBE_COUNT || of_another_process())
		return 0;
	count_hit(probe);
	if (active != CORE_ON)
		return 0;
	if (config.repeats & (1u << probe) && reg_branch_taken(ctx))
		return 0;
	h.id = current_id();
	h.bias = reg_ip(ctx) - (cookie & CORE_COOKIE_VADDR);
	switch (probe) {
	case EV_PROBE_GOGO:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_GOGO]);
		hot_gogo(&h);
		break;
	case EV_PROBE_PARK:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_PARK]);
		hot_park(&h);
		break;
	case EV_PROBE_READY:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_READY]);
		hot_ready(&h);
		break;
	case EV_PROBE_MUTEX:
		h.gp = reg_read(ctx, config.coroutine[EV_PROBE_MUTEX]);
		lock = reg_read(ctx, config.mutex_reg);
		if (config.filter_mask && !(reg_read(ctx, config.filter_reg) & config.filter_mask))
			lock = 0;
		hot_mutex(&h, lock);
		break;
	case EV_PROBE_LOCK:
		hot_lock(&h, reg_read(ctx, config.lock_reg));
		break;
	case EV_PROBE_LOCK_END:
		hot_lock_end(&h);
		break;
	}
	return 0;
}

SEC("uprobe")
int core_calibrate(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 i = calibration.count;

	if (bpf_get_attach_cookie(ctx) == CORE_CALIBRATE_BEGIN) {
		calibration.begin_ns = bpf_ktime_get_ns();
		return 0;
	}
	if (i < CORE_CALIBRATION_MAX) {
		calibration.pair_ns[i] = now - calibration.begin_ns;
		calibration.count = i + 1;
	}
	return 0;
}
