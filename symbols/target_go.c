/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description of Go's runtime: fields of g from DWARF, the table and the instructions, probes
 * from the function table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "symbols/go_dwarf.h"
#include "symbols/go_growth.h"
#include "symbols/go_infer.h"
#include "symbols/go_offsets.h"
#include "symbols/go_probes.h"
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
	image_release_dwarf(img);
	go_offsets_merge(&src, t);
	go_place_probes(img, &inf, t);
	rc = go_growth_nops(img, t);
	if (rc)
		return err_sys(e, -rc, "cannot decode the instructions of '%s'", image_path(img));
	go_reasons(img, t);
	go_globals(img, t);
	if (!image_function(img, "runtime.goexit", &f))
		t->coroutine_entry = f.vaddr;
	return 0;
}
