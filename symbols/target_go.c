/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description of Go's runtime: fields of g from DWARF, the table and the instructions, probes
 * from the function table.
 *
 * Growth is probed in copystack itself and not in its callers, as it has two (newstack, which
 * grows, and shrinkstack) and both are wanted.  Its end is where it frees the old stack, which it
 * does once, last.  A return probe would cost more, and its habit of replacing return addresses is
 * fatal on every stack that moves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "symbols/go_dwarf.h"
#include "symbols/go_infer.h"
#include "symbols/go_offsets.h"
#include "symbols/image.h"
#include "symbols/target.h"
#include "symbols/target_internal.h"

static int too_old(const struct image *img, const struct target *t, struct err *e)
{
	int rc;

	if (image_go_version(img)[0])
		rc = err_set(e, ENOTSUP,
			     "'%s' was built by %s, without the register calling convention",
			     image_path(img), t->version);
	else
		rc = err_set(e, ENOTSUP,
			     "'%s' was built by a Go without the register calling convention",
			     image_path(img));
	err_hint(e, "rebuild it with Go 1.%d or newer", GO_OLDEST);
	return rc;
}

static enum target_reg or_usual(enum target_reg inferred, enum target_reg usual)
{
	return inferred != REG_NONE ? inferred : usual;
}

/* Finds the function of a probe; says why not where it is missing. */
static bool place(struct image *img, struct target *t, enum ev_probe p, const char *name)
{
	struct target_probe *to = &t->probe[p];
	struct function f;

	if (image_function(img, name, &f)) {
		snprintf(to->missing, sizeof(to->missing),
			 "no function '%s' in the program (are its names obfuscated?)", name);
		return false;
	}
	to->present = true;
	to->function = f.name;
	to->vaddr = f.vaddr;
	to->size = f.size;
	to->points = 1;
	to->missing[0] = '\0';
	return true;
}

/*
 * As place, at the call of callee.  call is its address if the call was found; else point is
 * another place to the same end, or 0.
 */
static void place_call(struct image *img, struct target *t, enum ev_probe p, const char *name,
		       const char *callee, uint64_t call, uint64_t point)
{
	struct target_probe *to = &t->probe[p];

	if (!place(img, t, p, name))
		return;
	to->call_target = call;
	if (call)
		return;
	if (point) {
		to->fixed = true;
		to->vaddr = point;
		to->size = 0;
	} else {
		to->present = false;
		to->function = NULL;
		snprintf(to->missing, sizeof(to->missing), "'%s' does not call '%s'", name, callee);
	}
}

static void place_copystack(struct image *img, const struct go_inference *inf, struct target *t)
{
	struct target_probe *begin = &t->probe[EV_PROBE_COPYSTACK];

	place(img, t, EV_PROBE_COPYSTACK, "runtime.copystack");
	begin->coroutine = or_usual(inf->copystack_g, REG_AX);
	begin->new_size = or_usual(inf->copystack_size, REG_BX);
	if (begin->present && inf->growth_inlined) {
		begin->present = false;
		begin->function = NULL;
		snprintf(begin->missing, sizeof(begin->missing),
			 "'runtime.newstack' does not call 'runtime.copystack': inlined by "
			 "profile-guided optimisation");
	}
	place_call(img, t, EV_PROBE_COPYSTACK_END, "runtime.copystack", "runtime.stackfree",
		   inf->copystack_end_call, inf->copystack_end_point);
}

static void place_probes(struct image *img, const struct go_inference *inf, struct target *t)
{
	struct target_probe *p = t->probe;

	place(img, t, EV_PROBE_NEWSTACK, "runtime.newstack");
	place_copystack(img, inf, t);
	place_call(img, t, EV_PROBE_NEWPROC, "runtime.newproc.func1", "runtime.runqput",
		   inf->newproc_call, inf->newproc_point);
	p[EV_PROBE_NEWPROC].coroutine = or_usual(inf->newproc_g, REG_BX);
	place(img, t, EV_PROBE_GOEXIT, "runtime.goexit0");
	p[EV_PROBE_GOEXIT].coroutine = or_usual(inf->goexit0_g, REG_AX);
	place(img, t, EV_PROBE_GOGO, "runtime.gogo");
	p[EV_PROBE_GOGO].coroutine = or_usual(inf->gogo_g, REG_DX);
}

int target_from_go(struct image *img, struct target *t, struct err *e)
{
	struct go_offsets dwarf;
	struct go_inference inf;
	struct go_sources src;
	struct function f;
	int rc;

	if (!image_is_go(img))
		return -ENOENT;
	t->kind = RUNTIME_GO;
	snprintf(t->runtime, sizeof(t->runtime), "go");
	snprintf(t->version, sizeof(t->version), "%s",
		 image_go_version(img)[0] ? image_go_version(img) : "go (unknown version)");
	src = (struct go_sources){ .version = go_version_parse(image_go_version(img)) };
	if (src.version.minor && src.version.minor < GO_OLDEST)
		return too_old(img, t, e);
	rc = go_infer(img, src.version.minor, &inf);
	if (rc)
		return err_sys(e, -rc, "cannot decode the instructions of '%s'", image_path(img));
	/* The version may be unknown, or the convention switched off (GOEXPERIMENT). */
	if (inf.checks_stack && !inf.register_abi)
		return too_old(img, t, e);
	src.inferred = &inf.offsets;
	if (!src.version.development)
		src.table = go_offsets_table(src.version.minor);
	if (!go_dwarf_offsets(img, &dwarf))
		src.dwarf = &dwarf;
	go_offsets_merge(&src, t);
	place_probes(img, &inf, t);
	if (!image_function(img, "runtime.goexit", &f))
		t->coroutine_entry = f.vaddr;
	return 0;
}
