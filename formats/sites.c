/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/sites.h"

#include <string.h>

#include "formats/names.h"

static struct site to_site(const struct name *v)
{
	return (struct site){ .function = v->function, .file = v->file, .line = v->line };
}

struct site site_entry(struct names *n, uint32_t pid, uint64_t entry_pc)
{
	size_t count;
	const struct name *v = names_get(n, pid, entry_pc, &count);

	return to_site(&v[count - 1]);
}

/*
 * Assembly makes Go's first goroutine: its creator is runtime.rt0_go, or, where the call goes
 * through a wrapper for the other calling convention, that wrapper, which is named as what it
 * wraps.
 */
static bool is_startup(const char *function)
{
	return !strcmp(function, "runtime.rt0_go") || !strcmp(function, "runtime.rt0_go.abi0") ||
	       !strcmp(function, "runtime.newproc");
}

bool site_creator(struct names *n, uint32_t pid, uint64_t creator_pc, uint64_t entry_pc,
		  struct site *ret)
{
	if (creator_pc) {
		size_t count;
		const struct name *v = names_get(n, pid, names_call_site(creator_pc), &count);

		if (!entry_pc || !is_startup(v->function)) {
			*ret = to_site(v);
			return true;
		}
	}
	*ret = site_entry(n, pid, entry_pc);
	return false;
}

struct site site_leaf(struct names *n, uint32_t pid, const uint64_t *pc, uint32_t depth)
{
	uint64_t addr = depth ? names_call_site(pc[0]) : 0;
	size_t count;
	const struct name *v = names_get(n, pid, addr, &count);

	return to_site(&v[count - 1]);
}

int site_compare(const struct site *a, const struct site *b)
{
	int r = strcmp(a->function, b->function);

	if (!r)
		r = strcmp(a->file, b->file);
	return r ? r : (a->line > b->line) - (a->line < b->line);
}
