/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_fuzz PROGRAM SCRATCH SEED COUNT: describes damaged copies of a program.
 *
 * Damages the code that the inference reads and the notes, a few bytes or a long run of them, and
 * describes the result.  Passes if nothing crashes (build with SAN=address,undefined), every error
 * has its text, and every success is a description that can be used.  Prints how many of each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "symbols/image.h"
#include "symbols/target.h"

static const char *const functions[] = {
	"runtime.mcall",     "runtime.casgstatus",    "runtime.newproc1", "runtime.gopark",
	"runtime.copystack", "runtime.newproc.func1", "runtime.goexit0",  "runtime.gogo",
};
#define FUNCTIONS   (sizeof(functions) / sizeof(functions[0]))
#define MAX_REGIONS 32

struct fuzz {
	uint8_t *copy; /* the file, shared with its damaged copy on disk */
	const uint8_t *original;
	size_t size;
	struct region {
		size_t offset, len;
	} region[MAX_REGIONS];
	size_t regions;
	uint64_t seed;
	unsigned described, refused;
};

static uint64_t next_random(struct fuzz *z)
{
	z->seed = z->seed * 6364136223846793005u + 1442695040888963407u;
	return z->seed >> 33;
}

static void add_region(struct fuzz *z, const struct image *img, uint64_t vaddr, size_t len)
{
	uint64_t offset;

	if (z->regions < MAX_REGIONS && len && !image_offset(img, vaddr, &offset) &&
	    offset < z->size && len <= z->size - offset)
		z->region[z->regions++] = (struct region){ offset, len };
}

static int find_regions(struct fuzz *z, const char *program)
{
	struct image_segment s;
	struct image *img;
	struct function f;
	struct err e;
	size_t i;

	if (image_open(program, &img, &e)) {
		fprintf(stderr, "target_fuzz: %s\n", e.text);
		return 1;
	}
	for (i = 0; i < FUNCTIONS; i++)
		if (!image_function(img, functions[i], &f))
			add_region(z, img, f.vaddr, f.size);
	for (i = 0; image_note_segment(img, i, &s); i++)
		add_region(z, img, s.vaddr, s.len);
	image_free(img);
	return 0;
}

static void damage(struct fuzz *z, const struct region *r)
{
	size_t at = r->offset + next_random(z) % r->len, end = r->offset + r->len, i;
	size_t run = next_random(z) % 8 ? 1 : 1 + next_random(z) % (end - at);

	for (i = at; i < at + run; i++)
		z->copy[i] = (uint8_t)next_random(z);
}

static const char *unusable(const struct target *t)
{
	unsigned i;

	for (i = 0; i < FIELD_COUNT; i++)
		if (t->field[i] < FIELD_UNKNOWN || t->field[i] > 65535 ||
		    (t->field[i] == FIELD_UNKNOWN) != (t->origin[i] == ORIGIN_NONE))
			return target_field_name(i);
	for (i = 0; i < EV_PROBE_COUNT; i++)
		if (t->probe[i].present ? !t->probe[i].vaddr || !t->probe[i].function
					: !t->probe[i].missing[0])
			return "a probe";
	return NULL;
}

static int describe(struct fuzz *z, const char *scratch)
{
	struct err e = { .text = "" };
	const char *bad = NULL;
	struct image *img;
	struct target t;
	int rc;

	rc = image_open(scratch, &img, &e);
	if (!rc) {
		rc = target_describe(img, &t, &e);
		bad = rc ? NULL : unusable(&t);
		image_free(img);
	}
	if (rc)
		z->refused++;
	else
		z->described++;
	if (bad)
		fprintf(stderr, "target_fuzz: '%s': %s is unusable\n", scratch, bad);
	else if (rc && !e.text[0])
		fprintf(stderr, "target_fuzz: '%s': error %d without a text\n", scratch, rc);
	return bad || (rc && !e.text[0]);
}

static int fuzz(struct fuzz *z, const char *scratch, unsigned long count)
{
	unsigned long n, i;

	for (n = 0; n < count; n++) {
		unsigned long changes = 1 + next_random(z) % 6;
		const struct region *hit[8];

		for (i = 0; i < changes; i++) {
			hit[i] = &z->region[next_random(z) % z->regions];
			damage(z, hit[i]);
		}
		/* The scratch file stays as it is when this fails or crashes. */
		if (describe(z, scratch))
			return 1;
		for (i = 0; i < changes; i++)
			memcpy(z->copy + hit[i]->offset, z->original + hit[i]->offset, hit[i]->len);
	}
	printf("%u described, %u refused\n", z->described, z->refused);
	return 0;
}

static int copy_file(struct fuzz *z, const char *program, const char *scratch)
{
	int from = open(program, O_RDONLY), to = open(scratch, O_RDWR | O_CREAT | O_TRUNC, 0700);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) || ftruncate(to, st.st_size))
		return -errno;
	z->size = (size_t)st.st_size;
	z->original = mmap(NULL, z->size, PROT_READ, MAP_PRIVATE, from, 0);
	z->copy = mmap(NULL, z->size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	close(from);
	close(to);
	if (z->original == MAP_FAILED || z->copy == MAP_FAILED)
		return -errno;
	memcpy(z->copy, z->original, z->size);
	return 0;
}

int main(int argc, char **argv)
{
	struct fuzz z = { .regions = 0 };
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: target_fuzz PROGRAM SCRATCH SEED COUNT\n");
		return 2;
	}
	z.seed = strtoull(argv[3], NULL, 10);
	rc = copy_file(&z, argv[1], argv[2]);
	if (rc) {
		fprintf(stderr, "target_fuzz: cannot copy '%s': %s\n", argv[1], strerror(-rc));
		return 1;
	}
	if (find_regions(&z, argv[1]) || !z.regions) {
		fprintf(stderr, "target_fuzz: '%s': nothing to damage\n", argv[1]);
		return 1;
	}
	return fuzz(&z, argv[2], strtoul(argv[4], NULL, 10));
}
