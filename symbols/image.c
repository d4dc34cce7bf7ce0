/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c: one executable file, whoever wrote it.
 *
 * Go's own function table comes first wherever an address or a name is in it: it is there in
 * stripped binaries and it spells names as the runtime does.  The rest, C programs and the C part
 * of cgo binaries, is answered from the symbol table and DWARF.
 */
#include "symbols/image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "symbols/buildinfo.h"
#include "symbols/dwarf_places.h"
#include "symbols/elf_file.h"
#include "symbols/pclntab.h"
#include "symbols/symtab.h"
#include "symbols/variables.h"

#define NOTE_GNU_BUILD_ID 3
#define NOTE_GO_BUILD_ID  4

struct image {
	char *path;
	struct elf_file elf;
	struct pclntab go;
	bool is_go;
	char go_version[64];
	char build_id[129];
	/* read at the first use */
	bool symtab_tried, no_dwarf, variables_tried;
	struct symtab *symtab;
	struct variables *variables;
	struct dwarf_info *dwarf; /* NULL: not open */
	enum dwarf_use dwarf_use;
};

static void read_build_id(struct image *img)
{
	const size_t room = sizeof(img->build_id) - 1;
	size_t len;
	const uint8_t *p = elf_file_note(&img->elf, "GNU", NOTE_GNU_BUILD_ID, &len);

	if (p) {
		for (size_t i = 0; i < len && i < room / 2; i++)
			snprintf(img->build_id + 2 * i, 3, "%02x", p[i]);
		return;
	}
	p = elf_file_note(&img->elf, "Go", NOTE_GO_BUILD_ID, &len);
	for (size_t i = 0; p && i < len && i < room && p[i] > 0x20 && p[i] < 0x7f; i++)
		img->build_id[i] = (char)p[i];
}

static void read_go_version(struct image *img)
{
	const size_t size = sizeof(img->go_version);
	struct function fn;
	bool known;

	/* first what needs no index of names */
	if (!buildinfo_block(&img->elf, img->go_version, size))
		return;
	known = !pclntab_by_name(&img->go, "runtime.schedinit", &fn);
	buildinfo_search(&img->elf, known ? &fn : NULL, img->go_version, size);
}

typedef int elf_open_fn(const char *path, struct elf_file *f, struct err *e);

static int open_image(const char *path, elf_open_fn *open_elf, struct image **ret, struct err *e)
{
	struct image *img = calloc(1, sizeof(*img));
	int rc;

	if (!img)
		return err_sys(e, ENOMEM, "cannot open '%s'", path);
	rc = open_elf(path, &img->elf, e);
	if (rc) {
		free(img);
		return rc;
	}
	img->path = strdup(path);
	if (!img->path) {
		image_free(img);
		return err_sys(e, ENOMEM, "cannot open '%s'", path);
	}
	read_build_id(img);
	img->is_go = !pclntab_find(&img->elf, &img->go);
	if (img->is_go)
		read_go_version(img);
	*ret = img;
	return 0;
}

int image_open(const char *path, struct image **ret, struct err *e)
{
	return open_image(path, elf_file_open, ret, e);
}

int image_open_symbols(const char *path, struct image **ret, struct err *e)
{
	return open_image(path, elf_file_open_symbols, ret, e);
}

void image_free(struct image *img)
{
	if (!img)
		return;
	dwarf_info_free(img->dwarf);
	symtab_free(img->symtab);
	variables_free(img->variables);
	pclntab_release(&img->go);
	elf_file_close(&img->elf);
	free(img->path);
	free(img);
}

static struct symtab *symtab(struct image *img)
{
	if (!img->symtab_tried) {
		img->symtab_tried = true;
		img->symtab = symtab_open(&img->elf);
	}
	return img->symtab;
}

static struct dwarf_info *dwarf(struct image *img, enum dwarf_use use)
{
	if (img->no_dwarf || (img->dwarf && img->dwarf_use >= use))
		return img->dwarf;
	image_release_dwarf(img);
	img->dwarf = dwarf_info_open(&img->elf, img->build_id, DWARF_DEBUG_ROOT, use);
	img->dwarf_use = use;
	img->no_dwarf = !img->dwarf;
	return img->dwarf;
}

void image_release_dwarf(struct image *img)
{
	dwarf_info_free(img->dwarf);
	img->dwarf = NULL;
}

/* ---- what the file is ---- */

const char *image_path(const struct image *img)
{
	return img->path;
}

const char *image_build_id(const struct image *img)
{
	return img->build_id;
}

const char *image_go_version(const struct image *img)
{
	return img->go_version;
}

bool image_is_go(const struct image *img)
{
	return img->is_go;
}

bool image_is_pie(const struct image *img)
{
	return img->elf.is_pie;
}

uint64_t image_entry(const struct image *img)
{
	return img->elf.entry;
}

uint64_t image_go_moduledata(struct image *img)
{
	return img->is_go ? pclntab_moduledata(&img->go) : 0;
}

struct Dwarf *image_dwarf(struct image *img)
{
	return dwarf_info_dwarf(dwarf(img, DWARF_FOR_TYPES));
}

/* ---- functions and places ---- */

int image_function(struct image *img, const char *name, struct function *ret)
{
	if (img->is_go && !pclntab_by_name(&img->go, name, ret))
		return 0;
	return symtab_by_name(symtab(img), name, ret);
}

int image_function_at(struct image *img, uint64_t vaddr, struct function *ret)
{
	if (img->is_go && !pclntab_by_address(&img->go, vaddr, ret))
		return 0;
	return symtab_by_address(symtab(img), vaddr, ret);
}

size_t image_function_count(struct image *img)
{
	return img->is_go ? img->go.functions : symtab_count(symtab(img));
}

int image_function_nth(struct image *img, size_t i, struct function *ret)
{
	return img->is_go ? pclntab_by_index(&img->go, i, ret) : symtab_nth(symtab(img), i, ret);
}

size_t image_places(struct image *img, uint64_t vaddr, struct place *ret, size_t max)
{
	struct place p = { .file = "" };
	struct function fn;
	size_t n = img->is_go ? pclntab_places(&img->go, vaddr, ret, max) : 0;
	struct dwarf_info *d;

	if (!n && !elf_file_is_code(&img->elf, vaddr)) /* a lock's, say: not worth unpacking for */
		return 0;
	d = n ? NULL : dwarf(img, DWARF_FOR_ALL);
	if (d)
		n = dwarf_info_places(d, vaddr, ret, max);
	if (n || symtab_by_address(symtab(img), vaddr, &fn))
		return n;
	p.function = fn.name;
	if (d)
		dwarf_info_line(d, vaddr, &p.file, &p.line);
	if (max)
		*ret = p;
	return 1;
}

int image_variable(struct image *img, uint64_t vaddr, char *ret, size_t size)
{
	if (!elf_file_is_data(&img->elf, vaddr))
		return -ENOENT;
	if (!img->variables_tried) {
		img->variables_tried = true;
		img->variables = variables_open(&img->elf, img);
	}
	return variables_name(img->variables, image_dwarf(img), vaddr, ret, size);
}

/* ---- bytes ---- */

int image_offset(const struct image *img, uint64_t vaddr, uint64_t *ret)
{
	const struct elf_segment *s = elf_file_segment(&img->elf, vaddr);

	if (!s)
		return -ENOENT;
	*ret = vaddr - s->vaddr + s->offset;
	return 0;
}

const uint8_t *image_bytes(const struct image *img, uint64_t vaddr, size_t len)
{
	return elf_file_bytes(&img->elf, vaddr, len);
}

int image_words(const struct image *img, uint64_t vaddr, uint64_t *ret, size_t count)
{
	return elf_file_words(&img->elf, vaddr, ret, count);
}

bool image_segment(const struct image *img, size_t i, struct image_segment *ret)
{
	const struct elf_segment *s;

	if (i >= img->elf.segments)
		return false;
	s = &img->elf.segment[i];
	*ret = (struct image_segment){
		.data = img->elf.data + s->offset,
		.len = s->file_size,
		.vaddr = s->vaddr,
		.writable = s->flags & PF_W,
		.executable = s->flags & PF_X,
	};
	return true;
}

bool image_note_segment(const struct image *img, size_t i, struct image_segment *ret)
{
	const struct elf_file *f = &img->elf;

	for (size_t k = 0; k < f->others; k++) {
		if (f->other_type[k] != PT_NOTE || i--)
			continue;
		*ret = (struct image_segment){
			.data = f->data + f->other[k].offset,
			.len = f->other[k].file_size,
			.vaddr = f->other[k].vaddr,
		};
		return true;
	}
	return false;
}

const uint8_t *image_section(const struct image *img, const char *name, size_t *ret_len,
			     uint64_t *ret_vaddr)
{
	const struct elf_section *s = elf_file_section(&img->elf, name);

	if (!s)
		return NULL;
	*ret_len = s->size;
	*ret_vaddr = s->vaddr;
	return img->elf.data + s->offset;
}

const uint8_t *image_note(const struct image *img, const char *owner, uint32_t type,
			  size_t *ret_len)
{
	return elf_file_note(&img->elf, owner, type, ret_len);
}
