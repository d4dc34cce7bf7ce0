/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places: prints what symbols/image knows of a program, for tests to compare with other tools.
 *
 *	places FILE info                 build id, version, kind
 *	places FILE functions            "address size name" of every function
 *	places FILE function NAME...     the same for some names
 *	places FILE sample STEP          the places of two addresses of every STEP-th function
 *	places FILE at ADDRESS...        "address: function file:line", inlined ones first, then "-"
 *	places FILE data ADDRESS...      "address: variable", or "?"
 *	                                 ("-" as only argument: addresses from standard input)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "symbols/image.h"

static void print_function(const struct function *fn)
{
	printf("%" PRIx64 " %" PRIu64 " %s\n", fn->vaddr, fn->size, fn->name);
}

static void print_places(struct image *img, uint64_t address)
{
	struct place place[64];
	size_t n = image_places(img, address, place, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		printf("%" PRIx64 ": %s %s:%u%s\n", address, place[i].function, place[i].file,
		       place[i].line, place[i].inlined ? " inlined" : "");
	if (!n)
		printf("%" PRIx64 ": ?\n", address);
}

static void print_variable(struct image *img, uint64_t address)
{
	char name[256];

	printf("%" PRIx64 ": %s\n", address,
	       image_variable(img, address, name, sizeof(name)) ? "?" : name);
}

static int print_info(struct image *img)
{
	printf("go: %s\n", image_is_go(img) ? "yes" : "no");
	printf("version: %s\n", image_go_version(img));
	printf("pie: %s\n", image_is_pie(img) ? "yes" : "no");
	printf("build-id: %s\n", image_build_id(img));
	printf("functions: %zu\n", image_function_count(img));
	return 0;
}

static int print_all(struct image *img)
{
	for (size_t i = 0; i < image_function_count(img); i++) {
		struct function fn;

		if (image_function_nth(img, i, &fn))
			printf("? damaged entry %zu\n", i);
		else
			print_function(&fn);
	}
	return 0;
}

static int print_named(struct image *img, char **name)
{
	int rc = 0;

	for (; *name; name++) {
		struct function fn;

		if (image_function(img, *name, &fn)) {
			printf("? %s\n", *name);
			rc = 1;
		} else {
			print_function(&fn);
		}
	}
	return rc;
}

static int print_at(struct image *img, char **arg, void (*print)(struct image *, uint64_t))
{
	char line[256];

	if (*arg && !strcmp(*arg, "-")) {
		while (fgets(line, sizeof(line), stdin))
			print(img, strtoull(line, NULL, 16));
		return 0;
	}
	for (; *arg; arg++)
		print(img, strtoull(*arg, NULL, 16));
	return 0;
}

static int print_sample(struct image *img, const char *step_arg)
{
	size_t step = step_arg ? strtoul(step_arg, NULL, 10) : 1;

	for (size_t i = 0; step && i < image_function_count(img); i += step) {
		struct function fn;

		if (image_function_nth(img, i, &fn))
			continue;
		print_places(img, fn.vaddr);
		print_places(img, fn.vaddr + fn.size / 2);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct image *img;
	struct err e;
	int rc = 2;

	if (argc < 3) {
		fprintf(stderr,
			"usage: places FILE info|functions|function|sample|at|data [ARG...]\n");
		return 2;
	}
	rc = image_open(argv[1], &img, &e);
	if (rc) {
		fprintf(stderr, "%s\n%s\n", e.text, e.hint);
		return 1;
	}
	if (!strcmp(argv[2], "info"))
		rc = print_info(img);
	else if (!strcmp(argv[2], "functions"))
		rc = print_all(img);
	else if (!strcmp(argv[2], "function"))
		rc = print_named(img, argv + 3);
	else if (!strcmp(argv[2], "sample"))
		rc = print_sample(img, argv[3]);
	else if (!strcmp(argv[2], "at"))
		rc = print_at(img, argv + 3, print_places);
	else if (!strcmp(argv[2], "data"))
		rc = print_at(img, argv + 3, print_variable);
	image_free(img);
	return rc;
}
