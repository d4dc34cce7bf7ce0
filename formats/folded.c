/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folded.c: growths by call chain, one line each, as flame graph tools read it:
 *
 *	go@main.main:7;main.main.func1;main.deep;main.deep 12
 *
 * The root frame is the go statement, so that a graph falls apart by creator at once; then the
 * chain from the coroutine's function to the one that ran out of stack, inlined functions as frames
 * of their own.  The number is of what --weight chooses.  runtime.goexit, which is under every
 * goroutine and tells nothing, is left out.  Frames in brackets are no functions: [truncated] where
 * the root end of a chain is missing, [no_stack] where none was taken, [never_grew] for what
 * coroutines waste that did not grow, and under [lost] what is known to be missing, so that the
 * numbers add up to all that happened.
 *
 * Chains are merged by name, because several addresses can read the same, and sorted, because the
 * same capture must give the same file.
 */
#include "formats/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/map.h"
#include "formats/aggregate.h"
#include "formats/names.h"
#include "formats/render.h"
#include "formats/sites.h"

struct chain {
	char *text;
	uint64_t count;
	UT_hash_handle hh;
};

struct folding {
	const struct render_context *c;
	bool lines;
	struct chain *chains;
};

/* Takes text over. */
static int add_chain(struct folding *f, char *text, uint64_t count)
{
	size_t len = strlen(text);
	struct chain *k;

	HASH_FIND(hh, f->chains, text, len, k);
	if (k) {
		free(text);
		k->count += count;
		return 0;
	}
	k = calloc(1, sizeof(*k));
	if (k) {
		k->text = text;
		k->count = count;
		HASH_ADD_KEYPTR(hh, f->chains, text, len, k);
	}
	if (!k || !map_added(k)) {
		free(k);
		free(text);
		return -ENOMEM;
	}
	return 0;
}

static void put_root(FILE *out, const struct folding *f, const struct stack_row *row)
{
	struct site creator;
	bool go = site_creator(f->c->names, row->pid, row->creator_pc, row->entry_pc, &creator);

	fputs("go@", out);
	escape_put(out, creator.function, ESCAPE_FRAME);
	if (go && creator.line && f->lines)
		fprintf(out, ":%" PRIu32, creator.line);
}

/* The physical function at a pc and those inlined into it, outermost first. */
static void put_frames(FILE *out, struct names *n, uint32_t pid, uint64_t pc, bool root)
{
	size_t count;
	const struct name *v = names_get(n, pid, names_call_site(pc), &count);

	if (root && !strcmp(v[count - 1].function, "runtime.goexit"))
		return;
	while (count-- > 0) {
		fputc(';', out);
		escape_put(out, v[count].function, ESCAPE_FRAME);
	}
}

static int fold(void *arg, const struct stack_row *row)
{
	struct folding *f = arg;
	char *text = NULL;
	size_t size;
	uint64_t weight = stack_row_weight(row, f->c->weight);
	FILE *out = weight ? open_memstream(&text, &size) : NULL;
	bool bad;

	if (!out)
		return weight ? -ENOMEM : 0;
	put_root(out, f, row);
	if (row->never_grew)
		fputs(";[never_grew]", out);
	else if (!row->depth)
		fputs(";[no_stack]", out);
	else if (row->flags & (EV_STACK_TRUNCATED | EV_STACK_BROKEN))
		fputs(";[truncated]", out);
	for (uint32_t i = row->depth; i-- > 0;)
		put_frames(out, f->c->names, row->pid, row->pc[i], i == row->depth - 1);
	bad = ferror(out);
	if (fclose(out) || bad) {
		free(text);
		return -ENOMEM;
	}
	return add_chain(f, text, weight);
}

static int add_lost(struct folding *f, const char *reason, uint64_t count)
{
	char *name, *text = NULL;
	int n = -1;

	if (!count)
		return 0;
	name = escape_dup(reason, ESCAPE_FRAME);
	if (name)
		n = asprintf(&text, "[lost];[%s]", name);
	free(name);
	return n < 0 ? -ENOMEM : add_chain(f, text, count);
}

static int add_losses(struct folding *f)
{
	const struct totals *t = aggregate_totals(f->c->aggregate);
	int r = 0;

	if (f->c->weight != WEIGHT_GROWTHS)
		return 0; /* it is not known what they would have weighed */
	for (unsigned i = 0; i < EV_LOST_LIMIT && !r; i++)
		r = add_lost(f, lost_reason_name(i), t->lost[i]);
	if (!r && f->c->damage)
		r = add_lost(f, "capture damaged", f->c->damage->missing_records);
	return r;
}

static int compare_chains(struct chain *a, struct chain *b)
{
	return strcmp(a->text, b->text);
}

int folded_each(const struct render_context *c, bool lines, folded_fn *fn, void *arg)
{
	struct folding f = { .c = c, .lines = lines };
	struct chain *k, *next;
	int r = aggregate_each_stack(c->aggregate, fold, &f);

	if (!r)
		r = add_losses(&f);
	HASH_SORT(f.chains, compare_chains);
	HASH_ITER(hh, f.chains, k, next) {
		if (!r)
			r = fn(arg, k->text, k->count);
		HASH_DEL(f.chains, k);
		free(k->text);
		free(k);
	}
	return r;
}

static int print_chain(void *arg, const char *chain, uint64_t weight)
{
	fprintf(arg, "%s %" PRIu64 "\n", chain, weight);
	return 0;
}

static int folded_end(void *state, const struct render_context *c)
{
	(void)state;
	return folded_each(c, true, print_chain, c->out);
}

const struct format format_folded = {
	.name = "folded",
	.summary = "growths by call chain, for flame graphs",
	.end = folded_end,
};
