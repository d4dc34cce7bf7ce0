/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct string {
	UT_hash_handle hh;
	char text[];
};

struct strings {
	struct string *map;
};

int strings_new(struct strings **ret)
{
	struct strings *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

void strings_free(struct strings *s)
{
	struct string *e, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->map, e, next) {
		HASH_DEL(s->map, e);
		free(e);
	}
	free(s);
}

const char *strings_intern(struct strings *s, const char *text, size_t len)
{
	struct string *e;
	unsigned hash = map_hash(text, len);

	HASH_FIND_BYHASHVALUE(hh, s->map, text, len, hash, e);
	if (e)
		return e->text;
	e = malloc(sizeof(*e) + len + 1);
	if (!e)
		return NULL;
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->map, e->text, len, hash, e);
	if (!map_added(e)) {
		free(e);
		return NULL;
	}
	return e->text;
}

size_t strings_count(const struct strings *s)
{
	return HASH_COUNT(s->map);
}
