/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c: (process, address) -> places.
 *
 * An entry is made when an address is first asked for or added, and never moves or goes away:
 * pointers that were handed out stay good.  An entry asked for before its names are known gives a
 * number as its name; names that come later (a capture read from a pipe may hold them behind the
 * events) replace it.  Entries with names are kept in the order in which they got them, so that a
 * capture writer remembers how far it has come and nothing else.
 */
#include "formats/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/strings.h"
#include "formats/names_internal.h"

struct entry {
	struct {
		uint64_t addr;
		uint64_t pid;
	} key;
	UT_hash_handle hh;
	struct name *v; /* NULL: only the fallback is known */
	size_t count;
	struct name fallback;
	char text[24]; /* of the fallback */
};

struct names {
	struct entry *map;
	struct strings *strings;
	struct entry **known; /* entries with names, in the order of their coming */
	size_t known_count, known_room;
	names_resolve_fn *resolve;
	void *resolve_arg;
};

int names_new(struct names **ret)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n || strings_new(&n->strings)) {
		free(n);
		return -ENOMEM;
	}
	*ret = n;
	return 0;
}

void names_free(struct names *n)
{
	struct entry *e, *next;

	if (!n)
		return;
	HASH_ITER(hh, n->map, e, next) {
		HASH_DEL(n->map, e);
		free(e->v);
		free(e);
	}
	strings_free(n->strings);
	free(n->known);
	free(n);
}

void names_set_resolver(struct names *n, names_resolve_fn *fn, void *arg)
{
	n->resolve = fn;
	n->resolve_arg = arg;
}

static struct entry *find(struct names *n, uint32_t pid, uint64_t addr)
{
	struct entry *e;
	const struct {
		uint64_t addr, pid;
	} key = { addr, pid };

	HASH_FIND(hh, n->map, &key, sizeof(key), e);
	return e;
}

static struct entry *make(struct names *n, uint32_t pid, uint64_t addr)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->key.addr = addr;
	e->key.pid = pid;
	if (addr)
		snprintf(e->text, sizeof(e->text), "0x%" PRIx64, addr);
	else
		snprintf(e->text, sizeof(e->text), "[unknown]");
	e->fallback = (struct name){ .function = e->text, .file = "" };
	HASH_ADD(hh, n->map, key, sizeof(e->key), e);
	if (!map_added(e)) {
		free(e);
		return NULL;
	}
	return e;
}

static int copy_name(struct names *n, const struct name *v, struct name *ret)
{
	const char *function = v->function && *v->function ? v->function : "[unknown]";
	const char *file = v->file ? v->file : "";

	*ret = *v;
	ret->function = strings_intern(n->strings, function, strlen(function));
	ret->file = strings_intern(n->strings, file, strlen(file));
	return ret->function && ret->file ? 0 : -ENOMEM;
}

static int make_room(struct names *n)
{
	size_t room = n->known_room ? 2 * n->known_room : 256;
	struct entry **p;

	if (n->known_count < n->known_room)
		return 0;
	p = reallocarray(n->known, room, sizeof(*p));
	if (!p)
		return -ENOMEM;
	n->known = p;
	n->known_room = room;
	return 0;
}

int names_add(struct names *n, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	struct entry *e = find(n, pid, addr);
	struct name *copy;

	if (!count || (e && e->v))
		return 0;
	if (!e)
		e = make(n, pid, addr);
	if (!e || make_room(n))
		return -ENOMEM;
	copy = calloc(count, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (copy_name(n, &v[i], &copy[i])) {
			free(copy);
			return -ENOMEM;
		}
	}
	e->v = copy;
	e->count = count;
	n->known[n->known_count++] = e;
	return 0;
}

const struct name *names_get(struct names *n, uint32_t pid, uint64_t addr, size_t *ret_count)
{
	static const struct name no_memory = { .function = "[unknown]", .file = "" };
	struct entry *e = find(n, pid, addr);

	if (!e) {
		e = make(n, pid, addr);
		if (e && n->resolve && addr)
			n->resolve(n->resolve_arg, n, pid, addr);
	}
	if (!e || !e->v) {
		*ret_count = 1;
		return e ? &e->fallback : &no_memory;
	}
	*ret_count = e->count;
	return e->v;
}

const char *names_variable(struct names *n, uint32_t pid, uint64_t addr)
{
	const struct entry *e;
	size_t count;

	names_get(n, pid, addr, &count);
	e = find(n, pid, addr);
	return e && e->v ? e->v->function : NULL;
}

int names_each_from(struct names *n, size_t *from, names_each_fn *fn, void *arg)
{
	for (; *from < n->known_count; ++*from) {
		const struct entry *e = n->known[*from];
		int r = fn(arg, (uint32_t)e->key.pid, e->key.addr, e->v, e->count);

		if (r)
			return r;
	}
	return 0;
}

int names_each(struct names *n, names_each_fn *fn, void *arg)
{
	size_t from = 0;

	return names_each_from(n, &from, fn, arg);
}
