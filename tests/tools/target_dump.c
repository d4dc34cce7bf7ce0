/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_dump [--dwarf] [--table] [--inferred] PROGRAM: prints a target description, a line a fact.
 *
 * With an option: the offsets of g as one source alone has them, for tests that compare the
 * sources. Exit status: 0, 1 if the program cannot be described (the reason on stderr), 2 usage.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "symbols/go_dwarf.h"
#include "symbols/go_infer.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"
#include "symbols/target.h"

static const char *const probe_text[EV_PROBE_COUNT] = {
	"newstack", "copystack", "copystack_end", "newproc",   "goexit",  "gogo",
	"park",	    "ready",	 "stackalloc",	  "stackfree", "gcstart", "gcdone",
	"lock",	    "lock_end",	 "mutex",	  "newcoro"
};

static int fail(const struct err *e)
{
	fprintf(stderr, "target_dump: %s\n", e->text);
	if (e->hint[0])
		fprintf(stderr, "target_dump: hint: %s\n", e->hint);
	return 1;
}

static void print_probe(const struct target_probe *p, const char *name)
{
	printf("probe %s ", name);
	if (!p->present) {
		printf("missing: %s\n", p->missing);
		return;
	}
	printf("%s 0x%llx size %llu call 0x%llx g %s size_reg %s points %u%s\n", p->function,
	       (unsigned long long)p->vaddr, (unsigned long long)p->size,
	       (unsigned long long)p->call_target, target_reg_name(p->coroutine),
	       target_reg_name(p->new_size), p->points, p->fixed ? " fixed" : "");
}

static int dump(struct image *img)
{
	struct target t;
	struct err e;
	unsigned i;

	if (target_describe(img, &t, &e))
		return fail(&e);
	printf("runtime %s\nversion %s%s\n", t.runtime, t.version,
	       t.version_known ? "" : " (not known)");
	for (i = 0; i < FIELD_COUNT; i++)
		printf("field %s %d %s\n", target_field_name(i), t.field[i],
		       target_origin_name(t.origin[i]));
	for (i = 0; i < EV_PROBE_COUNT; i++)
		print_probe(&t.probe[i], probe_text[i]);
	for (i = 0; i < t.reasons; i++)
		if (t.reason[i][0])
			printf("reason %u %s\n", i, t.reason[i]);
	printf("list %d 0x%llx\nstack_limit 0x%llx\n", t.list.kind,
	       (unsigned long long)t.list.vaddr, (unsigned long long)t.stack_limit);
	printf("coroutine_entry 0x%llx\nown_ring %d\nwarning %s\n",
	       (unsigned long long)t.coroutine_entry, t.own_ring, t.warning);
	return 0;
}

static int dump_source(struct image *img, const char *source)
{
	struct go_version v = go_version_parse(image_go_version(img));
	const struct go_offsets *o = NULL;
	struct go_inference inf;
	struct go_offsets dwarf;
	unsigned i;

	if (!strcmp(source, "--dwarf") && !go_dwarf_offsets(img, &dwarf))
		o = &dwarf;
	else if (!strcmp(source, "--table"))
		o = go_offsets_table(v.minor);
	else if (!strcmp(source, "--inferred") && !go_infer(img, v.minor, &inf))
		o = &inf.offsets;
	if (!o) {
		fprintf(stderr, "target_dump: nothing from %s\n", source);
		return 1;
	}
	for (i = 0; i < FIELD_COUNT; i++)
		printf("field %s %d\n", target_field_name(i), o->field[i]);
	return 0;
}

int main(int argc, char **argv)
{
	struct image *img;
	struct err e;
	int rc;

	if (argc < 2 || argc > 3 || (argc == 3 && strncmp(argv[1], "--", 2))) {
		fprintf(stderr, "usage: target_dump [--dwarf|--table|--inferred] PROGRAM\n");
		return 2;
	}
	if (image_open(argv[argc - 1], &img, &e))
		return fail(&e);
	rc = argc == 3 ? dump_source(img, argv[1]) : dump(img);
	image_free(img);
	return rc;
}
