/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of Go's runtime, by the instructions that use them: stripped programs have no symbols
 * of data, and where there are some they say no more.
 *
 * runtime.allgs is a slice, three words in a row, and allgadd, which appends to it, is where all
 * three are used.  runtime.maxstacksize and maxstackceiling begin with the same value, as no other
 * variable that newstack looks at does; the first one that it compares with is maxstacksize.
 */
#include <errno.h>
#include <stddef.h>

#include "symbols/go_probes.h"
#include "symbols/image.h"
#include "symbols/insn_x86.h"
#include "symbols/target.h"

#define WORDS_MAX	64
#define FIRST_STACK_MAX (1u << 20) /* maxstacksize, until runtime.main sets it */

/* Words of memory that a function uses by address, in the order of first use. */
struct words {
	uint64_t vaddr[WORDS_MAX];
	size_t count;
};

static bool uses(const struct words *w, uint64_t vaddr)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->vaddr[i] == vaddr)
			return true;
	return false;
}

static void add_words(struct words *w, const struct insn_x86 *insn)
{
	for (unsigned i = 0; i < insn->operand_count; i++) {
		const struct insn_operand *op = &insn->operand[i];

		if (op->type == INSN_OPERAND_MEM && op->rip_relative && op->size == 8 &&
		    !insn_is(insn, "lea") && w->count < WORDS_MAX && !uses(w, op->address))
			w->vaddr[w->count++] = op->address;
	}
}

static void words_of(struct image *img, const char *function, struct words *ret)
{
	struct insn_decoder *d;
	struct insn_x86 insn;
	struct function f;
	const uint8_t *code;

	ret->count = 0;
	if (image_function(img, function, &f))
		return;
	code = image_bytes(img, f.vaddr, f.size);
	if (!code || insn_decoder_new(&d))
		return;
	insn_decoder_set(d, code, f.size, f.vaddr);
	while (insn_decoder_next(d, &insn) == 1)
		add_words(ret, &insn);
	insn_decoder_free(d);
}

static void find_list(struct image *img, struct target_list *ret)
{
	struct words w;
	uint64_t found = 0;

	words_of(img, "runtime.allgadd", &w);
	for (size_t i = 0; i < w.count; i++) {
		if (!uses(&w, w.vaddr[i] + 8) || !uses(&w, w.vaddr[i] + 16))
			continue;
		if (found)
			return; /* two slices: which is it? */
		found = w.vaddr[i];
	}
	if (found)
		*ret = (struct target_list){ .kind = LIST_ARRAY, .vaddr = found };
}

static uint64_t find_limit(struct image *img)
{
	struct words w;
	uint64_t value;

	words_of(img, "runtime.newstack", &w);
	for (size_t i = 0; i < w.count; i++)
		if (!image_words(img, w.vaddr[i], &value, 1) && value == FIRST_STACK_MAX)
			return w.vaddr[i];
	return 0;
}

void go_globals(struct image *img, struct target *t)
{
	find_list(img, &t->list);
	t->stack_limit = find_limit(img);
}
