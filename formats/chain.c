/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/label.h"
#include "formats/names.h"
#include "formats/sites.h"

static int note(chain_fn *fn, void *arg, const char *text)
{
	const struct chain_frame f = { CHAIN_NOTE, { .function = text, .file = "" } };

	return fn(arg, &f);
}

/* The physical function at a pc and those inlined into it, outermost first. */
static int each_at(struct names *n, uint32_t pid, uint64_t pc, bool root, chain_fn *fn, void *arg)
{
	size_t count;
	const struct name *v = names_get(n, pid, names_call_site(pc), &count);
	int r = 0;

	if (root && !strcmp(v[count - 1].function, "runtime.goexit"))
		return 0;
	while (count-- > 0 && !r) {
		const struct chain_frame f = {
			CHAIN_FUNCTION, { v[count].function, v[count].file, v[count].line }
		};

		r = fn(arg, &f);
	}
	return r;
}

int chain_each(struct names *n, const struct stack_row *row, chain_fn *fn, void *arg)
{
	struct chain_frame creator = { .kind = CHAIN_CREATOR };
	int r;

	site_creator(n, row->pid, row->creator_pc, row->entry_pc, &creator.site);
	r = fn(arg, &creator);
	if (!r && row->never_grew)
		return note(fn, arg, "[never grew]");
	if (!r && !row->depth)
		return note(fn, arg, "[no stack]");
	if (!r && row->flags & (EV_STACK_TRUNCATED | EV_STACK_BROKEN))
		r = note(fn, arg, "[truncated]");
	for (uint32_t i = row->depth; i-- > 0 && !r;)
		r = each_at(n, row->pid, row->pc[i], i == row->depth - 1, fn, arg);
	return r;
}

char *chain_label(const struct chain_frame *f)
{
	char *place, *label = NULL;

	if (f->kind != CHAIN_CREATOR)
		return escape_dup(f->site.function, ESCAPE_TEXT);
	place = label_site(&f->site, true);
	if (place && asprintf(&label, "go %s", place) < 0)
		label = NULL;
	free(place);
	return label;
}
