/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions and configurations of kernels say little: distributions carry features back, containers
 * and security modules take them away.  So each is tried, in the order in which they depend on each
 * other, the last one being what a trace does: load the core, attach it, have it hit.
 */
#include "bpf/features.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "bpf/attach.h"
#include "bpf/calibrate.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/explain.h"
#include "bpf/load.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "symbols/target.h"

#define RING_SIZE (64u << 10)

static void note(struct features *f, enum feature which, int result)
{
	f->tried[which] = true;
	f->result[which] = result;
}

static int try_ring(struct err *e)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "probe_ring", 0, 0, RING_SIZE, NULL);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd != -EINVAL)
		return explain_bpf(e, -fd, "cannot make a BPF ring buffer");
	err_set(e, ENOSYS, "this kernel has no BPF ring buffer");
	err_hint(e, "it must be Linux 5.15 or newer");
	return -ENOSYS;
}

/* A target that is nowhere: the core needs some offsets, and no point. */
static void describe_nothing(struct target *t)
{
	*t = (struct target){ .kind = RUNTIME_NOTE };
	for (int i = 0; i < FIELD_COUNT; i++)
		t->field[i] = FIELD_UNKNOWN;
	t->field[FIELD_STACK_LO] = 0;
	t->field[FIELD_STACK_HI] = 8;
	t->field[FIELD_SCHED_SP] = 16;
}

/* One class after the other; what is attached goes away at once, as that is what takes the time. */
static int time_classes(struct core_bpf *core, bool multi, uint64_t ret[COST_CLASSES],
			struct err *e)
{
	struct attachment *probes[COST_CLASSES];
	struct calibration c;
	int class = COST_NOP, r = 0;

	for (; class < COST_CLASSES; class ++) {
		r = calibrate(core, multi, class, class, &c, &probes[class], e);
		if (r)
			break;
		ret[class] = c.hit_ns;
	}
	attach_free_all(probes, (size_t) class);
	return r;
}

static int try_probes(bool multi, uint64_t ret_hit_ns[COST_CLASSES], struct err *e)
{
	static const struct plan nowhere;
	const struct source_options opt = { .switches = SWITCHES_OFF, .ring_size = RING_SIZE };
	struct core_bpf *core;
	struct target t;
	int r;

	describe_nothing(&t);
	r = load_core(NULL, &t, &nowhere, &opt, multi, &core, e);
	if (r)
		return r;
	r = time_classes(core, multi, ret_hit_ns, e);
	core_bpf__destroy(core);
	return r;
}

void features_try(struct features *ret)
{
	struct features f = { .hit_ns = { 0 } };
	bool multi = false;

	note(&f, FEATURE_BPF, attach_probe_multi(&multi, &f.why[FEATURE_BPF]));
	if (!f.result[FEATURE_BPF]) {
		note(&f, FEATURE_MULTI, multi ? 0 : -ENOTSUP);
		note(&f, FEATURE_RING, try_ring(&f.why[FEATURE_RING]));
	}
	if (f.tried[FEATURE_RING] && !f.result[FEATURE_RING])
		note(&f, FEATURE_PROBES, try_probes(multi, f.hit_ns, &f.why[FEATURE_PROBES]));
	*ret = f;
}
