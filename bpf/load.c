/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/load.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/attach.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/explain.h"
#include "bpf/hot.h"
#include "bpf/plan.h"
#include "bpf/source.h"
#include "symbols/image.h"
#include "symbols/target.h"

/* Root functions are short; where the size is not known this covers the call in them. */
#define ROOT_SIZE_UNKNOWN 16

/*
 * Before Linux 6.1 a hash that allocates as it fills makes the kernel warn of tracing programs that
 * do so; a preallocated one must be smaller.
 */
#define USE_PREALLOCATED 65536

/* Processes at a time. */
#define TRACKED_MAX 16384

static bool kernel_at_least(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned a, b;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

static const struct {
	enum target_field from;
	size_t to;
} fields[] = {
	{ FIELD_STACK_LO, offsetof(struct core_fields, stack_lo) },
	{ FIELD_STACK_HI, offsetof(struct core_fields, stack_hi) },
	{ FIELD_SCHED_SP, offsetof(struct core_fields, sched_sp) },
	{ FIELD_SCHED_PC, offsetof(struct core_fields, sched_pc) },
	{ FIELD_SCHED_BP, offsetof(struct core_fields, sched_bp) },
	{ FIELD_ID, offsetof(struct core_fields, id) },
	{ FIELD_PARENT_ID, offsetof(struct core_fields, parent_id) },
	{ FIELD_CREATOR_PC, offsetof(struct core_fields, creator_pc) },
	{ FIELD_ENTRY_PC, offsetof(struct core_fields, entry_pc) },
	{ FIELD_USE_MAX, offsetof(struct core_fields, use_max) },
	{ FIELD_WAIT_REASON, offsetof(struct core_fields, wait_reason) },
};

static void configure_fields(struct core_config *c, const struct target *t)
{
	int32_t first = INT32_MAX, last = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int32_t offset = t->field[fields[i].from];
		int32_t *to = (int32_t *)((char *)&c->field + fields[i].to);

		*to = offset < 0 ? CORE_NO_FIELD : offset;
		if (offset < 0)
			continue;
		first = offset < first ? offset : first;
		last = offset > last ? offset : last;
	}
	c->first = (uint32_t)first;
	c->span = (uint32_t)(last - first) + 8;
	if (c->span > CORE_DESCRIPTOR_MAX)
		c->span = 0;
}

/* PROC_PID_INIT_INO of the kernel, the same since 3.8. */
#define FIRST_PIDNS 0xeffffffcu

static void configure_pidns(struct core_config *c)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == FIRST_PIDNS)
		return;
	c->pidns_dev = st.st_dev;
	c->pidns_ino = st.st_ino;
}

static int configure(struct core_config *c, struct image *img, const struct target *t,
		     const struct plan *plan, const struct source_options *opt, struct err *e)
{
	static const enum target_field required[] = { FIELD_STACK_LO, FIELD_STACK_HI,
						      FIELD_SCHED_SP };
	struct function root;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (t->field[required[i]] < 0)
			return err_set(e, ENOTSUP,
				       "cannot trace '%s': where %s is in the "
				       "coroutine's descriptor is not known",
				       image_path(img), target_field_name(required[i]));
	configure_fields(c, t);
	configure_pidns(c);
	for (int i = 0; i < EV_PROBE_COUNT; i++) {
		c->coroutine[i] = plan->point[i].coroutine;
		if (plan->point[i].may_repeat)
			c->repeats |= (uint16_t)(1u << i);
	}
	c->new_size = plan->point[EV_PROBE_COPYSTACK].new_size;
	c->track_use = hot_wanted(opt, plan) ||
		       (opt->switches != SWITCHES_OFF && plan->point[EV_PROBE_GOGO].present);
	hot_configure(c, t, plan, opt);
	c->only_tracked = opt->only_tracked;
	c->max_frames = opt->max_frames;
	if (t->field[FIELD_SCHED_PC] < 0 || t->field[FIELD_SCHED_BP] < 0)
		c->max_frames = 0;
	if (t->coroutine_entry) {
		c->root = t->coroutine_entry;
		c->root_size = ROOT_SIZE_UNKNOWN;
		if (!image_function_at(img, t->coroutine_entry, &root) && root.size)
			c->root_size = root.vaddr + root.size - t->coroutine_entry;
	}
	return 0;
}

static uint32_t ring_entries(uint64_t bytes)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);

	while (size < bytes && size < 1u << 30)
		size *= 2;
	return (uint32_t)size;
}

static void size_maps(struct core_bpf *core, const struct source_options *opt, bool hot)
{
	bpf_map__set_max_entries(core->maps.ring, ring_entries(opt->ring_size));
	if (!hot) {
		bpf_map__set_max_entries(core->maps.threads, 1);
		bpf_map__set_max_entries(core->maps.runs, 1);
		bpf_map__set_max_entries(core->maps.waits, 1);
		bpf_map__set_max_entries(core->maps.wakes, 1);
		bpf_map__set_max_entries(core->maps.locks, 1);
	}
	if (opt->switches == SWITCHES_OFF && !hot) {
		bpf_map__set_max_entries(core->maps.use, 1);
	} else if (!kernel_at_least(6, 1)) {
		bpf_map__set_map_flags(core->maps.use, 0);
		bpf_map__set_max_entries(core->maps.use, USE_PREALLOCATED);
	}
	if (opt->only_tracked)
		bpf_map__set_max_entries(core->maps.tracked, TRACKED_MAX);
	if (!opt->max_frames)
		bpf_map__set_max_entries(core->maps.seen, 1);
}

int load_core(struct image *img, const struct target *t, const struct plan *plan,
	      const struct source_options *opt, bool multi, struct core_bpf **ret, struct err *e)
{
	struct explain_log *log = malloc(sizeof(*log));
	struct core_bpf *core = NULL;
	int r = -ENOMEM;

	if (!log)
		return err_sys(e, ENOMEM, "cannot load the probes");
	explain_capture(log);
	core = core_bpf__open();
	if (!core) {
		r = explain_bpf(e, errno, "cannot open the BPF programs");
		goto out;
	}
	r = configure((struct core_config *)&core->rodata->config, img, t, plan, opt, e);
	if (r)
		goto out;
	size_maps(core, opt, hot_wanted(opt, plan));
	if (multi) {
		bpf_program__set_expected_attach_type(core->progs.core_probe, ATTACH_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(core->progs.core_gogo, ATTACH_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(core->progs.core_hot, ATTACH_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(core->progs.core_calibrate,
						      ATTACH_UPROBE_MULTI);
	}
	r = core_bpf__load(core);
	if (r) {
		r = explain_bpf(e, -r, "cannot load the BPF programs");
		if (e && r != -EPERM)
			err_hint(e, "the kernel says: %s", explain_line(log));
	}
out:
	explain_release();
	free(log);
	if (r)
		core_bpf__destroy(core);
	else
		*ret = core;
	return r;
}
