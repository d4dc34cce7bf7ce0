/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time between the clock readings in two adjacent probes is the way out of one trap and into
 * the next: pair_ns, which is in every duration and is subtracted.  The time the loop takes longer
 * with probes than without, by hit, is hit_ns.  Both as the median of many: the distributions have
 * tails of interrupts, and a minimum would leave the usual cost in.
 */
#include "bpf/calibrate.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "bpf/attach.h"
#include "bpf/calibrate_x86.h"
#include "bpf/core.h"
#include "bpf/core.skel.h"
#include "bpf/source_ops.h"

#define BATCHES 16
#define BATCH	100
#define WARM_UP 50

_Static_assert(BATCHES *BATCH <= CORE_CALIBRATION_MAX, "each pair is kept");

struct own_text {
	uintptr_t address;
	uint64_t offset;
	char path[4096];
};

/* Which file an address of this process is from; the executable has no name there. */
static int find_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct own_text *t = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || t->address - begin >= p->p_filesz)
			continue;
		t->offset = t->address - begin + p->p_offset;
		if (!realpath(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", t->path))
			t->path[0] = '\0';
		return 1;
	}
	return 0;
}

static int find_sites(const struct calibration_loop *loop, struct attach_site site[2],
		      struct own_text *text)
{
	const void *at[2] = { loop->begin, loop->end };

	for (int i = 0; i < 2; i++) {
		text->address = (uintptr_t)at[i];
		text->path[0] = '\0';
		if (!dl_iterate_phdr(find_object, text) || !text->path[0])
			return -ENOENT;
		site[i].offset = text->offset;
		site[i].cookie = i ? CORE_CALIBRATE_END : CORE_CALIBRATE_BEGIN;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t median(uint32_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static uint32_t time_loop(const struct calibration_loop *loop)
{
	uint32_t batch[BATCHES];

	loop->run(WARM_UP);
	for (int i = 0; i < BATCHES; i++) {
		uint64_t begin = source_now_ns();

		loop->run(BATCH);
		batch[i] = (uint32_t)(source_now_ns() - begin);
	}
	return median(batch, BATCHES);
}

int calibrate(struct core_bpf *core, bool multi, enum cost_class begin, enum cost_class end,
	      struct calibration *ret, struct attachment **ret_probes, struct err *e)
{
	const struct calibration_loop *loop = calibration_loop(begin, end);
	struct core_calibration *c = &core->bss->calibration;
	uint32_t with, without;
	struct attachment *a;
	struct attach_site site[2];
	struct own_text *text = malloc(sizeof(*text));
	int r = text ? find_sites(loop, site, text) : -ENOMEM;

	if (r) {
		free(text);
		return err_sys(e, -r, "cannot calibrate the probes on this program itself");
	}
	without = time_loop(loop);
	c->count = 0;
	r = attach_sites(core->progs.core_calibrate, multi, getpid(), text->path, site, 2, &a, e);
	free(text);
	if (r)
		return r;
	with = time_loop(loop);
	if (!c->count) {
		attach_free(a);
		return err_set(e, EIO, "cannot calibrate the probes: they are never hit");
	}
	ret->pair_ns = median(c->pair_ns, c->count);
	ret->hit_ns = with > without ? (with - without) / (2 * BATCH) : 0;
	*ret_probes = a;
	ret->typical_ns = (cost_class_ns(begin) + cost_class_ns(end)) / 2;
	return 0;
}
