/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dry_run.h"

#include <inttypes.h>

#include "bpf/plan.h"
#include "formats/run_info.h"
#include "symbols/insn_x86.h"
#include "symbols/target.h"

static void print_offsets(FILE *out, const struct target *t)
{
	fprintf(out, "  offsets in the coroutine's descriptor:\n");
	for (int f = 0; f < FIELD_COUNT; f++) {
		if (t->field[f] == FIELD_UNKNOWN)
			fprintf(out, "    %-12s   -\n", target_field_name(f));
		else
			fprintf(out, "    %-12s %3d  %s\n", target_field_name(f), t->field[f],
				target_origin_name(t->origin[f]));
	}
}

static bool is_lock(enum ev_probe p)
{
	return p == EV_PROBE_LOCK || p == EV_PROBE_MUTEX;
}

static void print_point(FILE *out, const struct plan_point *p)
{
	if (!p->present) {
		fprintf(out, "    %-13s missing: %s\n", probe_name(p->probe), p->missing);
		return;
	}
	fprintf(out, "    %-13s 0x%-8" PRIx64 " 0x%-8" PRIx64 " %-6s  %-24s in %s",
		probe_name(p->probe), p->vaddr, p->offset, cost_class_name(p->cost), p->insn,
		p->function);
	if (p->coroutine < 16)
		fprintf(out, ", coroutine in %s", target_reg_name(p->coroutine));
	if (p->new_size < 16)
		fprintf(out, ", %s in %s", is_lock(p->probe) ? "lock" : "size",
			target_reg_name(p->new_size));
	fputc('\n', out);
}

/* The other points for copies of stacks; which are used depends on the kernel. */
static void print_nops(FILE *out, const struct plan *p)
{
	fprintf(out, "  instead of copystack and copystack_end, where a hit costs less there:");
	if (!p->has_nops) {
		fprintf(out, "\n    missing: %s\n", p->no_nops);
		return;
	}
	fputc('\n', out);
	for (int i = 0; i < NOP_COUNT; i++)
		print_point(out, &p->nop[i]);
}

void dry_run_print(FILE *out, const char *path, const struct target *t, const struct plan *p,
		   const struct run_info *info)
{
	fprintf(out, "%s: %s %s\n", path, t->runtime,
		t->version[0] ? t->version : "(version unknown)");
	print_offsets(out, t);
	fprintf(out, "  names of wait reasons: %u\n", t->reasons);
	fprintf(out, "  probes: address, file offset, class, instruction, function, registers\n");
	for (int i = 0; i < EV_PROBE_COUNT; i++)
		print_point(out, &p->point[i]);
	if (t->kind == RUNTIME_GO)
		print_nops(out, p);
	if (info)
		fprintf(out,
			"  source: %s (%s), one hit %" PRIu64 " ns, %" PRIu64
			" ns between begin and end subtracted from durations\n",
			info->source, info->link, info->hit_ns, info->pair_ns);
}
