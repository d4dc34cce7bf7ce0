/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pclntab_places.c: source places of an address, inlined functions expanded.
 *
 * A function's record points to pc-value tables: file number, line, and the index of the inlined
 * call an address belongs to.  That index selects a node in the function's inlining tree, which
 * lies among the garbage collector's data at go:func.* and gives the inlined function's name and an
 * address in the caller that stands for the call.  File, line and tree index at that address lead
 * one step outwards, and so on.  (Up to 1.19 nodes also hold the call's file and line; the address
 * gives the same in every version since 1.12.)
 *
 * Since 1.18 nothing in the table says where go:func.* is.  The module's description does, in a
 * word whose place moved with Go 1.20 and may move again, so the word is found by trying: the one
 * from which the trees of a sample of functions make sense.
 */
#include "symbols/pclntab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "symbols/elf_file.h"
#include "symbols/image.h"

#define PCDATA_INLINE_INDEX  2
#define FUNCDATA_INLINE_TREE 3
#define NO_FUNCDATA	     UINT32_MAX

/* The compiler nests inlining a few dozen deep at most; a hostile table could loop. */
#define INLINE_DEPTH_MAX 256

/* Entries of pc-value tables read for one address: a large function has some ten thousand. */
#define WORK_MAX (16u << 20)

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- pc-value tables ---- */

/* LEB128, as Go writes it; *at moves on.  false at the end of the table. */
static bool get_varint(const struct pclntab *t, size_t *at, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b;

		if (*at >= t->size)
			return false;
		b = t->data[(*at)++];
		v |= shift < 32 ? (uint32_t)(b & 0x7f) << shift : 0;
		if (!(b & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool get_value(struct pclntab *t, uint32_t table, uint64_t entry, uint64_t vaddr,
		      int32_t *ret)
{
	size_t at = t->values + (size_t)table;
	uint64_t pc = entry;
	uint32_t value = (uint32_t)-1;

	if (!table || vaddr < entry)
		return false;
	for (bool first = true; t->work; first = false, t->work--) {
		uint32_t delta, step;

		if (!get_varint(t, &at, &delta) || (!delta && !first) || !get_varint(t, &at, &step))
			return false;
		value += delta & 1 ? ~(delta >> 1) : delta >> 1;
		pc += step;
		if (vaddr < pc) {
			*ret = (int32_t)value;
			return true;
		}
	}
	return false;
}

static const char *file_name(const struct pclntab *t, const struct pclntab_func *fn, int32_t number)
{
	uint64_t at;
	uint32_t offset;
	const char *s;

	if (number < 0)
		return "";
	if (t->layout == PCLNTAB_GO12)
		at = t->files + (uint64_t)number * 4;
	else
		at = t->units + ((uint64_t)fn->unit + (uint32_t)number) * 4;
	if (at > t->size || t->size - at < 4)
		return "";
	offset = get32(t->data + at);
	at = t->layout == PCLNTAB_GO12 ? offset : t->files + (uint64_t)offset;
	if (offset == UINT32_MAX || at >= t->size)
		return "";
	s = (const char *)t->data + at;
	return memchr(s, '\0', t->size - at) ? s : "";
}

static void fill_source(struct pclntab *t, const struct pclntab_func *fn, uint64_t vaddr,
			struct place *p)
{
	int32_t file, line;

	p->file = "";
	p->line = 0;
	if (get_value(t, fn->pcfile, fn->entry, vaddr, &file))
		p->file = file_name(t, fn, file);
	if (get_value(t, fn->pcln, fn->entry, vaddr, &line) && line > 0)
		p->line = (unsigned)line;
}

/* ---- inlining trees ---- */

struct inline_node {
	const char *name;
	uint32_t parent_pc; /* offset from the function's entry */
};

static size_t node_size(const struct pclntab *t)
{
	return t->layout == PCLNTAB_GO120 ? 16 : 20;
}

static bool read_node(const struct pclntab *t, const struct pclntab_func *fn, uint64_t tree,
		      int32_t index, struct inline_node *ret)
{
	const size_t size = node_size(t);
	const uint8_t *p;
	uint32_t name;

	if (index < 0)
		return false;
	p = elf_file_bytes(t->elf, tree + (uint64_t)index * size, size);
	if (!p)
		return false;
	/* 1.20: kind, name, parent pc, start line; before: parent, kind, file, line, name, pc */
	name = get32(p + (size == 16 ? 4 : 12));
	ret->parent_pc = get32(p + (size == 16 ? 8 : 16));
	ret->name = pclntab_name(t, name);
	/* names follow each other, so one begins behind a NUL */
	if (!ret->name || ret->parent_pc >= fn->size ||
	    (name && t->data[t->names + (size_t)name - 1]))
		return false;
	return true;
}

/* Whether the function has a tree, and its word: an address up to 1.17, an offset since. */
static bool tree_word(const struct pclntab *t, const struct pclntab_func *fn, uint64_t *ret)
{
	const size_t size = t->layout < PCLNTAB_GO118 ? 8 : 4;
	const uint64_t at = fn->funcdata + FUNCDATA_INLINE_TREE * size;

	/* before 1.16 the tables have other numbers and the nodes no address */
	if (t->layout < PCLNTAB_GO116 || fn->funcdatas <= FUNCDATA_INLINE_TREE ||
	    fn->pcdatas <= PCDATA_INLINE_INDEX ||
	    !get32(t->data + fn->pcdata + PCDATA_INLINE_INDEX * 4))
		return false;
	if (size == 8)
		return !elf_file_words(t->elf, t->vaddr + at, ret, 1) && *ret;
	*ret = get32(t->data + at);
	return *ret != NO_FUNCDATA;
}

static int32_t inline_index(struct pclntab *t, const struct pclntab_func *fn, uint64_t vaddr)
{
	int32_t index;
	uint32_t table = get32(t->data + fn->pcdata + PCDATA_INLINE_INDEX * 4);

	return get_value(t, table, fn->entry, vaddr, &index) ? index : -1;
}

/* ---- go:func.* ---- */

enum { SAMPLE_WANTED = 32, WORD_FIRST = 32, WORD_END = 64 };

/* How many of the sample's trees make sense from base; they all must. */
static bool base_fits(const struct pclntab *t, const uint32_t *sample, size_t samples,
		      uint64_t base)
{
	for (size_t i = 0; i < samples; i++) {
		struct pclntab_func fn;
		struct inline_node node;
		uint64_t offset;

		if (pclntab_func(t, sample[i], &fn) || !tree_word(t, &fn, &offset) ||
		    !read_node(t, &fn, base + offset, 0, &node))
			return false;
	}
	return true;
}

static uint64_t find_gofunc(struct pclntab *t)
{
	uint32_t sample[SAMPLE_WANTED];
	uint64_t word[WORD_END], md;
	size_t samples = 0;

	for (uint32_t i = 0; i < t->functions && samples < SAMPLE_WANTED; i++) {
		struct pclntab_func fn;
		uint64_t offset;

		if (!pclntab_func(t, i, &fn) && tree_word(t, &fn, &offset))
			sample[samples++] = i;
	}
	md = pclntab_moduledata(t);
	if (!samples || !md || elf_file_words(t->elf, md, word, WORD_END))
		return 0;
	for (size_t i = WORD_FIRST; i < WORD_END; i++)
		if (word[i] && base_fits(t, sample, samples, word[i]))
			return word[i];
	return 0;
}

static uint64_t gofunc(struct pclntab *t)
{
	if (!t->gofunc_tried) {
		t->gofunc_tried = true;
		t->gofunc = t->elf ? find_gofunc(t) : 0;
	}
	return t->gofunc;
}

/* Address of the function's inlining tree, or 0. */
static uint64_t inline_tree(struct pclntab *t, const struct pclntab_func *fn)
{
	uint64_t word;

	if (!tree_word(t, fn, &word))
		return 0;
	if (t->layout < PCLNTAB_GO118)
		return word;
	return gofunc(t) ? gofunc(t) + word : 0;
}

/* ---- names as stack traces print them ---- */

struct short_name {
	UT_hash_handle hh;
	const char *whole; /* the key: its address */
	char text[];
};

/* Since Go 1.21 the table spells type arguments out, and stack traces print "[...]" for them. */
static const char *printed_name(struct pclntab *t, const char *whole)
{
	const char *open = strchr(whole, '['), *close = strrchr(whole, ']');
	struct short_name *s;
	size_t head, size;

	if (!open || !close || close < open || !strncmp(open, "[...]", 5))
		return whole;
	HASH_FIND_PTR(t->short_names, &whole, s);
	if (s)
		return s->text;
	head = (size_t)(open - whole);
	size = head + strlen("[...]") + strlen(close + 1) + 1;
	s = malloc(sizeof(*s) + size);
	if (!s)
		return whole;
	s->whole = whole;
	memcpy(s->text, whole, head);
	memcpy(s->text + head, "[...]", 5);
	strcpy(s->text + head + 5, close + 1);
	HASH_ADD_PTR(t->short_names, whole, s);
	return s->text;
}

void pclntab_forget_names(struct pclntab *t)
{
	struct short_name *s, *next;

	HASH_ITER(hh, t->short_names, s, next) {
		HASH_DEL(t->short_names, s);
		free(s);
	}
}

/*
 * Method and ABI wrappers have no source of their own.  The kinds by which the runtime knows them
 * were renumbered three times; this was not.  Hash and equality functions of types lack source too.
 */
static bool is_wrapper(const struct place *p)
{
	return !strcmp(p->file, "<autogenerated>") && strncmp(p->function, "type:.", 6) &&
	       strncmp(p->function, "type..", 6);
}

/* ---- places ---- */

struct places {
	struct place *ret;
	size_t max, count;
};

static void add_place(struct places *out, const struct place *p)
{
	if (out->count && is_wrapper(p))
		return;
	if (out->count < out->max)
		out->ret[out->count] = *p;
	out->count++;
}

size_t pclntab_places(struct pclntab *t, uint64_t vaddr, struct place *ret, size_t max)
{
	struct places out = { .ret = ret, .max = max };
	struct inline_node node;
	struct pclntab_func fn;
	struct place p;
	const char *name;
	uint64_t tree;
	size_t i;

	if (pclntab_search(t, vaddr, &i) || pclntab_func(t, i, &fn))
		return 0;
	name = pclntab_name(t, fn.name);
	if (!name)
		return 0;
	t->work = WORK_MAX;
	tree = inline_tree(t, &fn);
	for (unsigned depth = 0; tree && depth < INLINE_DEPTH_MAX; depth++) {
		if (!read_node(t, &fn, tree, inline_index(t, &fn, vaddr), &node))
			break;
		p = (struct place){ .function = printed_name(t, node.name), .inlined = true };
		fill_source(t, &fn, vaddr, &p);
		add_place(&out, &p);
		vaddr = fn.entry + node.parent_pc;
	}
	p = (struct place){ .function = printed_name(t, name) };
	fill_source(t, &fn, vaddr, &p);
	add_place(&out, &p);
	if (out.count && out.count <= max)
		ret[out.count - 1].inlined = false;
	return out.count;
}
