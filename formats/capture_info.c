/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/capture_payload.h"
#include "formats/run_info.h"

/* The keys of the file.  A field is a string or a number. */
static const struct key {
	const char *name;
	size_t offset;
	enum { KEY_STRING, KEY_U64, KEY_U32 } type;
} keys[] = {
	{ "tool_version", offsetof(struct run_info, tool_version), KEY_STRING },
	{ "hostname", offsetof(struct run_info, hostname), KEY_STRING },
	{ "kernel", offsetof(struct run_info, kernel), KEY_STRING },
	{ "command", offsetof(struct run_info, command), KEY_STRING },
	{ "target", offsetof(struct run_info, target), KEY_STRING },
	{ "build_id", offsetof(struct run_info, build_id), KEY_STRING },
	{ "runtime", offsetof(struct run_info, runtime), KEY_STRING },
	{ "version", offsetof(struct run_info, version), KEY_STRING },
	{ "source", offsetof(struct run_info, source), KEY_STRING },
	{ "link", offsetof(struct run_info, link), KEY_STRING },
	{ "offsets", offsetof(struct run_info, offsets), KEY_STRING },
	{ "warnings", offsetof(struct run_info, warnings), KEY_STRING },
	{ "start_realtime_ns", offsetof(struct run_info, start_realtime_ns), KEY_U64 },
	{ "start_monotonic_ns", offsetof(struct run_info, start_monotonic_ns), KEY_U64 },
	{ "pair_ns", offsetof(struct run_info, pair_ns), KEY_U64 },
	{ "hit_ns", offsetof(struct run_info, hit_ns), KEY_U64 },
	{ "cpus", offsetof(struct run_info, cpus), KEY_U32 },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void *field(const struct run_info *info, const struct key *k)
{
	return (char *)(uintptr_t)info + k->offset;
}

static void put_value(FILE *f, const struct run_info *info, const struct key *k)
{
	const char *s;

	switch (k->type) {
	case KEY_STRING:
		s = *(char **)field(info, k);
		if (s)
			fwrite(s, 1, strnlen(s, CAPTURE_MAX_VALUE), f);
		break;
	case KEY_U64:
		fprintf(f, "%" PRIu64, *(uint64_t *)field(info, k));
		break;
	case KEY_U32:
		fprintf(f, "%" PRIu32, *(uint32_t *)field(info, k));
		break;
	}
}

uint8_t *capture_put_info(const struct run_info *info, size_t *ret_size)
{
	char *payload = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&payload, &size);
	bool bad;

	if (!f)
		return NULL;
	for (size_t i = 0; i < KEYS; i++) {
		fwrite(keys[i].name, 1, strlen(keys[i].name) + 1, f);
		put_value(f, info, &keys[i]);
		fputc('\0', f);
	}
	bad = ferror(f);
	if (fclose(f) || bad) {
		free(payload);
		return NULL;
	}
	*ret_size = size;
	return (uint8_t *)payload;
}

static int set_value(struct run_info *info, const struct key *k, const char *value)
{
	char *copy;

	if (k->type == KEY_STRING) {
		char **s = field(info, k);

		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
		free(*s);
		*s = copy;
	} else if (k->type == KEY_U64) {
		*(uint64_t *)field(info, k) = strtoull(value, NULL, 10);
	} else {
		*(uint32_t *)field(info, k) = (uint32_t)strtoull(value, NULL, 10);
	}
	return 0;
}

int capture_info_fill(struct run_info *info)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (keys[i].type == KEY_STRING && !*(char **)field(info, &keys[i]) &&
		    set_value(info, &keys[i], ""))
			return -ENOMEM;
	}
	return 0;
}

/* The string at *p, moving *p behind it; NULL if its end is missing. */
static const char *next_string(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

int capture_get_info(const uint8_t *payload, size_t size, struct run_info *info)
{
	const char *p = (const char *)payload, *end = p + size;

	while (p < end) {
		const char *key = next_string(&p, end);
		const char *value = key ? next_string(&p, end) : NULL;

		if (!value)
			return -EBADMSG;
		for (size_t i = 0; i < KEYS; i++)
			if (!strcmp(keys[i].name, key) && set_value(info, &keys[i], value))
				return -ENOMEM;
	}
	return 0;
}
