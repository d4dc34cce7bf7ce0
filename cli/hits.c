/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hits.h"

#include <inttypes.h>

#include "base/human.h"
#include "bpf/plan.h"

static void print_one(FILE *out, const struct ev_hits *h, enum ev_probe p)
{
	fprintf(out, "    %-13s %12" PRIu64, probe_name(p), (uint64_t)h->hits[p]);
	if (h->each_ns[p])
		fprintf(out, " %7" PRIu64 " ns %10s\n", (uint64_t)h->each_ns[p],
			human_time(h->hits[p] * h->each_ns[p], false).s);
	else
		fprintf(out, " %10s %10s\n", "-", "-");
}

void hits_print(FILE *out, const struct ev_hits *h)
{
	uint64_t all = 0;

	fprintf(out, "  %-15s %12s %10s %10s\n", "probe", "hits", "each", "in all");
	for (int p = 0; p < EV_PROBE_COUNT; p++) {
		all += h->hits[p];
		if (h->hits[p])
			print_one(out, h, p);
	}
	fprintf(out, "    %-13s %12" PRIu64 " %10s %10s\n", "all", all, "",
		human_time(h->cost_ns, false).s);
}
