/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: reads values out of a JSON document, for script tests.
 *
 *	json FILE PATH...      each value of each path on a line of its own; '-' is standard input
 *
 * A path is of steps: .NAME a member, [N] an element, [] every element, {NAME=TEXT} only elements
 * whose member NAME reads TEXT (a number is compared as written by jansson), # the count of members
 * or elements.  '.growth[]{leaf=main.descend}.count'; '.growth#'; '.' is the document.
 *
 * Exit status: 0; 1 if a path finds nothing; 2 if the file is not JSON (duplicate keys included) or
 * the path is not a path.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_FLAGS (JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15))

/* How a value looks in the output: strings bare, everything else as JSON.  Malloced. */
static char *text_of(const json_t *v)
{
	return json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, DUMP_FLAGS);
}

static void bad_path(const char *rest)
{
	fprintf(stderr, "json: cannot understand the path at '%s'\n", rest);
	exit(2);
}

static int reads(const json_t *object, const char *name, const char *wanted)
{
	const json_t *member = json_object_get(object, name);
	char *text = member ? text_of(member) : NULL;
	int same = text && !strcmp(text, wanted);

	free(text);
	return same;
}

static size_t count_of(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : json_object_size(v);
}

/* Splits "{name=text}rest"; the caller's buffer is written to.  Returns rest. */
static char *split_filter(char *path, char **ret_name, char **ret_text)
{
	char *equals = strchr(path, '='), *end = equals ? strchr(equals, '}') : NULL;

	if (!end)
		bad_path(path);
	*equals = *end = '\0';
	*ret_name = path + 1;
	*ret_text = equals + 1;
	return end + 1;
}

/* Prints what the path finds below v; returns how many values that was. */
static size_t print_values(const json_t *v, const char *path)
{
	char copy[1024], *rest, *name, *text;
	size_t i, found = 0;

	if (!v)
		return 0;
	if (!*path) {
		text = text_of(v);
		printf("%s\n", text ? text : "?");
		free(text);
		return 1;
	}
	if (!strcmp(path, "#")) {
		printf("%zu\n", count_of(v));
		return 1;
	}
	if (strlen(path) >= sizeof(copy))
		bad_path(path);
	strcpy(copy, path);
	switch (*copy) {
	case '.':
		i = strcspn(copy + 1, ".[{#");
		rest = strdup(path + 1 + i);
		copy[1 + i] = '\0';
		found = print_values(i ? json_object_get(v, copy + 1) : v, rest);
		free(rest);
		return found;
	case '[':
		i = strtoul(copy + 1, &rest, 10);
		if (*rest != ']')
			bad_path(path);
		if (rest > copy + 1)
			return print_values(json_array_get(v, i), rest + 1);
		for (i = 0; i < json_array_size(v); i++)
			found += print_values(json_array_get(v, i), rest + 1);
		return found;
	case '{':
		rest = split_filter(copy, &name, &text);
		return reads(v, name, text) ? print_values(v, rest) : 0;
	}
	bad_path(path);
	return 0;
}

int main(int argc, char **argv)
{
	int missing = 0;
	json_error_t error;
	json_t *root;

	if (argc < 3) {
		fputs("usage: json FILE PATH...\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "-"))
		root = json_loadf(stdin, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	else
		root = json_load_file(argv[1], JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root) {
		fprintf(stderr, "json: %s:%d: %s\n", argv[1], error.line, error.text);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		if (!print_values(root, argv[i])) {
			fprintf(stderr, "json: nothing at '%s' in '%s'\n", argv[i], argv[1]);
			missing = 1;
		}
	}
	json_decref(root);
	return missing;
}
