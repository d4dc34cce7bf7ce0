/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/closing.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/source_ops.h"

#define BATCH 4096

/* Where one kind of entry goes. */
struct sink {
	source_event_fn *fn;
	void *arg;
};

/* Reads a hash in batches: a million entries one by one would take seconds. */
int closing_each(const struct bpf_map *map, closing_fn *each, void *ctx)
{
	size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	uint32_t room = BATCH < bpf_map__max_entries(map) ? BATCH : bpf_map__max_entries(map), n;
	char *keys = malloc(room * key_size), *values = malloc(room * value_size);
	uint32_t at, *in = NULL;
	int r = keys && values ? 0 : -ENOMEM, got = 0;

	while (!r && !got) {
		n = room;
		got = bpf_map_lookup_batch(bpf_map__fd(map), in, &at, keys, values, &n, NULL);
		in = &at;
		if (got && got != -ENOENT) /* -ENOENT: these are the last */
			r = got;
		for (uint32_t i = 0; i < n && !r; i++)
			r = each(keys + i * key_size, values + i * value_size, ctx);
	}
	free(keys);
	free(values);
	return r;
}

static int one_pending(const void *key, const void *value, void *ctx)
{
	const struct sink *to = ctx;
	const struct core_pending *p = value;
	struct ev_copystack ev = p->ev;

	(void)key;
	if (p->state != CORE_COPYING)
		return 0;
	ev.flags |= EV_COPYSTACK_INCOMPLETE;
	ev.duration_ns = 0;
	return to->fn(to->arg, &ev.h);
}

int closing_pending(struct core_bpf *core, source_event_fn *fn, void *arg)
{
	struct sink to = { fn, arg };

	return closing_each(core->maps.pending, one_pending, &to);
}

static int one_use(const void *key, const void *value, void *ctx)
{
	const struct sink *to = ctx;
	const struct core_use_key *k = key;
	const struct core_use *u = value;
	struct ev_stack_use ev = {
		.gp = k->gp,
		.goid = u->goid,
		.stack_size = u->stack_size,
		.used = u->used,
	};

	source_fill_header(&ev.h, EV_STACK_USE, sizeof(ev), (pid_t)k->pid);
	return to->fn(to->arg, &ev.h);
}

int closing_use(struct core_bpf *core, source_event_fn *fn, void *arg)
{
	struct sink to = { fn, arg };

	return closing_each(core->maps.use, one_use, &to);
}

static size_t counter_groups(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 && cpus < CORE_COUNTERS ? (size_t)cpus : CORE_COUNTERS;
}

static uint64_t load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void closing_counters(const struct core_bpf *core, struct core_counters *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t cpu = 0; cpu < counter_groups(); cpu++) {
		const struct core_counters *c = &core->bss->counters[cpu];

		for (size_t i = 0; i < EV_PROBE_LIMIT; i++)
			ret->hits[i] += load(&c->hits[i]);
		for (size_t i = 0; i < EV_LOST_LIMIT; i++)
			ret->lost[i] += load(&c->lost[i]);
		ret->body_ns += load(&c->body_ns);
	}
}

uint64_t closing_hits(const struct core_bpf *core, enum ev_probe probe)
{
	uint64_t n = 0;

	for (size_t cpu = 0; cpu < counter_groups(); cpu++)
		n += load(&core->bss->counters[cpu].hits[probe]);
	return n;
}
