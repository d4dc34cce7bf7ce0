/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * emit.bpf.h: records into the ring, and counters of what could not go there.
 *
 * Records are sent without wakeups, which would triple the cost of a busy probe; the consumer looks
 * by time.  Nothing is dropped without being counted.
 */
#ifndef ST_BPF_EMIT_BPF_H
#define ST_BPF_EMIT_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/core.h"

const volatile struct core_config config = {
	.span = 8, /* so that the object can be verified as it is */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20); /* set by the loader */
} ring SEC(".maps");

/* Load bias of each process whose image record is out. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} images SEC(".maps");

/* The processes that are traced, where the probes are in others too; see source_track(). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} tracked SEC(".maps");

struct core_counters counters[CORE_COUNTERS];

/* The process of the last hit: with one process, its image costs two comparisons. */
__u64 last_bias;
__u32 last_pid;

static __always_inline struct core_counters *my_counters(void)
{
	return &counters[bpf_get_smp_processor_id() & (CORE_COUNTERS - 1)];
}

static __always_inline void count_hit(enum ev_probe probe)
{
	__sync_fetch_and_add(&my_counters()->hits[probe], 1);
}

static __always_inline void count_lost(enum ev_lost_reason reason)
{
	__sync_fetch_and_add(&my_counters()->lost[reason], 1);
}

/*
 * One hit of a probe.  What a helper gives is asked for once: with the kernel's mitigations on, a
 * call costs some 10 ns whatever it does.
 */
struct hit {
	__u64 time_ns;
	__u64 id; /* current_id() */
	__u64 bias;
	__u64 gp;
};

/*
 * Process and thread id, as the loader sees them.  In a container it has its own; a process of yet
 * another namespace goes by the first one's.
 */
static __always_inline __u64 current_id(void)
{
	struct bpf_pidns_info ns = {};

	if (config.pidns_ino &&
	    !bpf_get_ns_current_pid_tgid(config.pidns_dev, config.pidns_ino, &ns, sizeof(ns)))
		return (__u64)ns.tgid << 32 | ns.pid;
	return bpf_get_current_pid_tgid();
}

/* To be asked first by every program on a probe. */
static __always_inline int of_another_process(void)
{
	__u32 pid;

	if (!config.only_tracked)
		return 0;
	pid = current_id() >> 32;
	return !bpf_map_lookup_elem(&tracked, &pid);
}

static __always_inline __u32 hit_pid(const struct hit *hit)
{
	return hit->id >> 32;
}

static __always_inline __u32 hit_tid(const struct hit *hit)
{
	return (__u32)hit->id;
}

static __always_inline void fill_header(struct ev_header *h, enum ev_kind kind, __u16 size,
					const struct hit *hit)
{
	h->kind = kind;
	h->size = size;
	h->cpu = bpf_get_smp_processor_id();
	h->time_ns = hit->time_ns;
	h->pid = hit_pid(hit);
	h->tid = hit_tid(hit);
}

static __always_inline int emit(void *record, __u32 size)
{
	if (!bpf_ringbuf_output(&ring, record, size, BPF_RB_NO_WAKEUP))
		return 0;
	count_lost(EV_LOST_RING_FULL);
	return -1;
}

/*
 * The image record of a process goes out before its first other record.  It is marked as sent only
 * after it was, so two threads may both send it, but none gets ahead of it.  Returns -1 if there is
 * no room: then there is none for what was to follow either, and that is what gets counted.
 */
static __noinline int announce_image(const struct hit *hit)
{
	struct ev_image ev = { .load_bias = hit->bias };
	__u64 bias = hit->bias, *known;
	__u32 pid = hit_pid(hit);

	known = bpf_map_lookup_elem(&images, &pid);
	if (!known || *known != bias) {
		fill_header(&ev.h, EV_IMAGE, sizeof(ev), hit);
		bpf_get_current_comm(ev.comm, sizeof(ev.comm));
		if (bpf_ringbuf_output(&ring, &ev, sizeof(ev), BPF_RB_NO_WAKEUP))
			return -1;
		/* A full table costs a record each time the process changes, nothing else. */
		bpf_map_update_elem(&images, &pid, &bias, BPF_ANY);
	}
	last_bias = bias;
	last_pid = pid;
	return 0;
}

static __always_inline int ensure_image(const struct hit *hit)
{
	if (hit_pid(hit) == last_pid && hit->bias == last_bias)
		return 0;
	return announce_image(hit);
}

#endif
