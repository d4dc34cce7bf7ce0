/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_fuzz: damages a program in memory and asks symbols/image everything about it.
 *
 *	image_fuzz FILE COUNT [SEED]
 *
 * Opens COUNT copies with a few bytes changed, most of them where a reader looks first (headers,
 * function table, module description, symbol tables), and COUNT / 10 copies cut short.  Any answer
 * will do; a crash, a sanitizer's report or more than two seconds for one copy fail.  Prints the
 * damage before each copy when VERBOSE is set, so that a crash can be repeated.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "symbols/image.h"

enum { SPOTS_MAX = 64, CHANGES_MAX = 4 };

/* A part of the file worth damaging. */
struct spot {
	uint64_t offset;
	uint64_t len;
};

struct fuzz {
	int fd; /* the copy, in memory */
	char path[64];
	uint8_t *original;
	size_t size;
	struct spot spot[SPOTS_MAX];
	size_t spots;
	uint64_t state;
	uint64_t opened, slowest_us;
};

static uint64_t next_random(struct fuzz *f)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return f->state;
}

static uint64_t below(struct fuzz *f, uint64_t n)
{
	return n ? next_random(f) % n : 0;
}

/* ---- asking ---- */

static void ask_about(struct image *img, uint64_t vaddr)
{
	struct place place[8];
	struct function fn;
	uint64_t v, words[4];
	char name[64];
	size_t sum = 0, n = image_places(img, vaddr, place, 8);

	for (size_t i = 0; i < n && i < 8; i++)
		sum += strlen(place[i].function) + strlen(place[i].file);
	if (!image_function_at(img, vaddr, &fn))
		sum += strlen(fn.name);
	if (!image_variable(img, vaddr, name, sizeof(name)))
		sum += strlen(name);
	if (!image_offset(img, vaddr, &v))
		sum += v;
	if (!image_words(img, vaddr, words, 4))
		sum += words[3];
	if (image_bytes(img, vaddr, 16))
		sum += image_bytes(img, vaddr, 16)[15];
	(void)*(volatile size_t *)&sum;
}

static void ask(struct fuzz *f, struct image *img)
{
	static const char *const names[] = { "runtime.newstack", "runtime.gogo", "main.main",
					     "main", "no.such.function" };
	struct image_segment s;
	struct function fn;
	size_t len, count = image_function_count(img);
	uint64_t vaddr;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!image_function(img, names[i], &fn))
			ask_about(img, fn.vaddr);
	for (unsigned i = 0; i < 20; i++) {
		if (image_function_nth(img, below(f, count + 1), &fn))
			continue;
		ask_about(img, fn.vaddr);
		ask_about(img, fn.vaddr + below(f, fn.size));
	}
	for (size_t i = 0; image_segment(img, i, &s); i++) {
		ask_about(img, s.vaddr);
		ask_about(img, s.vaddr + s.len - 1);
		ask_about(img, s.vaddr + below(f, s.len));
	}
	ask_about(img, 0);
	ask_about(img, UINT64_MAX);
	image_go_moduledata(img);
	image_dwarf(img);
	image_section(img, ".text", &len, &vaddr);
	image_note(img, "stacktrace", 1, &len);
}

static void try_copy(struct fuzz *f)
{
	struct timespec begin, end;
	struct image *img;
	struct err e;
	uint64_t us;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (!image_open(f->path, &img, &e)) {
		f->opened++;
		ask(f, img);
		image_free(img);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	us = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000 +
	     (uint64_t)(end.tv_nsec / 1000 - begin.tv_nsec / 1000);
	if (us > f->slowest_us)
		f->slowest_us = us;
}

/* ---- damaging ---- */

static void add_spot(struct fuzz *f, uint64_t offset, uint64_t len)
{
	if (f->spots == SPOTS_MAX || offset >= f->size || !len)
		return;
	if (len > f->size - offset)
		len = f->size - offset;
	f->spot[f->spots++] = (struct spot){ offset, len };
}

static void find_spots(struct fuzz *f)
{
	static const char *const sections[] = { ".gopclntab",	  ".data.rel.ro.gopclntab",
						".go.buildinfo",  ".symtab",
						".strtab",	  ".note.go.buildid",
						".dynamic",	  ".rela.dyn",
						".go.module",	  ".debug_info",
						".debug_line",	  ".debug_abbrev",
						".debug_rnglists" };
	const uint8_t *start; /* of the mapped file */
	struct image_segment s;
	struct image *img;
	Elf64_Ehdr h;
	uint64_t offset;

	memcpy(&h, f->original, sizeof(h));
	add_spot(f, 0, sizeof(h));
	add_spot(f, h.e_phoff, h.e_phnum * sizeof(Elf64_Phdr));
	add_spot(f, h.e_shoff, h.e_shnum * sizeof(Elf64_Shdr));
	if (image_open(f->path, &img, NULL))
		return;
	if (image_segment(img, 0, &s) && !image_offset(img, s.vaddr, &offset)) {
		start = s.data - offset;
		for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
			size_t len;
			uint64_t vaddr;
			const uint8_t *p = image_section(img, sections[i], &len, &vaddr);

			if (!p)
				continue;
			add_spot(f, (uint64_t)(p - start), 80); /* a header, then all of it */
			add_spot(f, (uint64_t)(p - start), len);
		}
	}
	if (!image_offset(img, image_go_moduledata(img), &offset))
		add_spot(f, offset, 64 * 8);
	image_free(img);
}

static void damage(struct fuzz *f, uint64_t *at, unsigned changes)
{
	static const uint64_t values[] = { 0,	       1,	   0x7f,     0x80,
					   0xff,       0xffff,	   1u << 31, UINT32_MAX,
					   1ull << 63, UINT64_MAX, 0x400000 };

	for (unsigned i = 0; i < changes; i++) {
		const struct spot *s = &f->spot[below(f, f->spots)];
		uint64_t v = below(f, 2) ? next_random(f)
					 : values[below(f, sizeof(values) / sizeof(values[0]))];
		size_t len = (size_t)1 << below(f, 4);

		at[i] = s->offset + below(f, s->len);
		if (at[i] + len > f->size)
			len = f->size - at[i];
		if (getenv("VERBOSE"))
			fprintf(stderr, "%" PRIx64 "=%" PRIx64 "/%zu ", at[i], v, len);
		if (pwrite(f->fd, &v, len, (off_t)at[i]) != (ssize_t)len)
			abort();
	}
}

static void restore(struct fuzz *f, const uint64_t *at, unsigned changes)
{
	for (unsigned i = 0; i < changes; i++) {
		size_t len = f->size - at[i] < 8 ? f->size - at[i] : 8;

		if (pwrite(f->fd, f->original + at[i], len, (off_t)at[i]) != (ssize_t)len)
			abort();
	}
}

static int load(struct fuzz *f, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size < sizeof(Elf64_Ehdr))
		return -1;
	f->size = (size_t)st.st_size;
	f->original = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	f->fd = memfd_create("image_fuzz", MFD_CLOEXEC);
	if (f->original == MAP_FAILED || f->fd < 0 || fchmod(f->fd, 0755))
		return -1;
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	for (size_t done = 0; done < f->size;) {
		ssize_t n = pwrite(f->fd, f->original + done, f->size - done, (off_t)done);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct fuzz f = { .state = 88172645463325252ull };
	unsigned long count;
	uint64_t at[CHANGES_MAX];

	if (argc < 3 || load(&f, argv[1])) {
		fprintf(stderr, "usage: image_fuzz FILE COUNT [SEED]\n");
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		f.state ^= strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15ull;
	find_spots(&f);
	for (unsigned long i = 0; i < count; i++) {
		unsigned changes = 1 + (unsigned)below(&f, CHANGES_MAX);

		damage(&f, at, changes);
		try_copy(&f);
		restore(&f, at, changes);
		if (getenv("VERBOSE"))
			fputc('\n', stderr);
	}
	/* shorter and shorter, so that nothing has to be written again */
	for (unsigned long i = count / 10; i-- > 0;) {
		if (ftruncate(f.fd, (off_t)(f.size / (count / 10) * i + below(&f, 64))))
			return 2;
		try_copy(&f);
	}
	printf("%lu damaged, %lu cut, %" PRIu64 " opened, slowest %" PRIu64 " us\n", count,
	       count / 10, f.opened, f.slowest_us);
	return f.slowest_us > 2000000;
}
