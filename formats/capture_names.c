/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "formats/capture_format.h"
#include "formats/capture_payload.h"

/* A payload is full from here on; what one address adds then still fits CAPTURE_MAX_RAW. */
#define FULL (256u << 10)
_Static_assert(FULL + CAPTURE_MAX_PLACES * (2 * (CAPTURE_MAX_STRING + 1) + 3 * CAPTURE_VARINT_MAX) +
			       4 * CAPTURE_VARINT_MAX <=
		       CAPTURE_MAX_RAW,
	       "the last address must fit");

struct known {
	const char *text; /* names intern: equal texts have equal addresses */
	uint64_t number;
	UT_hash_handle hh;
};

struct buffer {
	uint8_t *at;
	size_t len, room;
};

struct capture_names {
	struct known *map;
	struct buffer strings, places, payload;
	uint64_t count;
};

static uint8_t *buffer_room(struct buffer *b, size_t n)
{
	size_t room = b->room ? b->room : 4096;
	uint8_t *at;

	while (room - b->len < n)
		room *= 2;
	if (room > b->room) {
		at = realloc(b->at, room);
		if (!at)
			return NULL;
		b->at = at;
		b->room = room;
	}
	return b->at + b->len;
}

int capture_names_new(struct capture_names **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void forget_strings(struct capture_names *c)
{
	struct known *k, *next;

	HASH_ITER(hh, c->map, k, next) {
		HASH_DEL(c->map, k);
		free(k);
	}
	c->count = 0;
	c->strings.len = c->places.len = 0;
}

void capture_names_free(struct capture_names *c)
{
	if (!c)
		return;
	forget_strings(c);
	free(c->strings.at);
	free(c->places.at);
	free(c->payload.at);
	free(c);
}

static int string_number(struct capture_names *c, const char *text, uint64_t *ret)
{
	size_t len = strnlen(text, CAPTURE_MAX_STRING);
	struct known *k;
	uint8_t *p;

	HASH_FIND(hh, c->map, &text, sizeof(text), k);
	if (k) {
		*ret = k->number;
		return 0;
	}
	p = buffer_room(&c->strings, len + 1);
	k = calloc(1, sizeof(*k));
	if (k && p) {
		k->text = text;
		k->number = c->count;
		HASH_ADD(hh, c->map, text, sizeof(text), k);
	}
	if (!k || !p || !map_added(k)) {
		free(k);
		return -ENOMEM;
	}
	memcpy(p, text, len);
	p[len] = '\0';
	c->strings.len += len + 1;
	*ret = c->count++;
	return 0;
}

int capture_names_put(struct capture_names *c, uint32_t pid, uint64_t addr, const struct name *v,
		      size_t count)
{
	uint8_t *p;

	if (count > CAPTURE_MAX_PLACES)
		count = CAPTURE_MAX_PLACES;
	p = buffer_room(&c->places, (3 + 3 * count) * CAPTURE_VARINT_MAX);
	if (!p)
		return -ENOMEM;
	p = capture_put_varint(p, pid);
	p = capture_put_varint(p, addr);
	p = capture_put_varint(p, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t function, file;

		if (string_number(c, v[i].function, &function) ||
		    string_number(c, v[i].file, &file))
			return -ENOMEM;
		p = capture_put_varint(p, function);
		p = capture_put_varint(p, file);
		p = capture_put_varint(p, (uint64_t)v[i].line << 1 | v[i].inlined);
	}
	c->places.len = (size_t)(p - c->places.at);
	return 0;
}

bool capture_names_full(const struct capture_names *c)
{
	return c->strings.len + c->places.len >= FULL;
}

const uint8_t *capture_names_take(struct capture_names *c, size_t *ret_size)
{
	uint8_t *p;

	c->payload.len = 0;
	p = buffer_room(&c->payload, CAPTURE_VARINT_MAX + c->strings.len + c->places.len);
	if (!p)
		return NULL;
	if (c->places.len) {
		p = capture_put_varint(p, c->count);
		memcpy(p, c->strings.at, c->strings.len);
		p += c->strings.len;
		memcpy(p, c->places.at, c->places.len);
		p += c->places.len;
	}
	*ret_size = (size_t)(p - c->payload.at);
	forget_strings(c);
	return c->payload.at;
}

/* --- reading ------------------------------------------------------------------------------- */

struct table {
	const char **string;
	uint64_t count;
};

static int get_table(const uint8_t **p, const uint8_t *end, struct table *ret)
{
	struct table t;

	*p = capture_get_varint(*p, end, &t.count);
	if (!*p || t.count > (uint64_t)(end - *p)) /* a string takes a byte at least */
		return -EBADMSG;
	t.string = calloc(t.count ? t.count : 1, sizeof(*t.string));
	if (!t.string)
		return -ENOMEM;
	for (uint64_t i = 0; i < t.count; i++) {
		const uint8_t *nul = memchr(*p, '\0', (size_t)(end - *p));

		if (!nul) {
			free(t.string);
			return -EBADMSG;
		}
		t.string[i] = (const char *)*p;
		*p = nul + 1;
	}
	*ret = t;
	return 0;
}

static const uint8_t *get_place(const uint8_t *p, const uint8_t *end, const struct table *t,
				struct name *ret)
{
	uint64_t function, file, line;

	p = capture_get_varint(p, end, &function);
	if (p)
		p = capture_get_varint(p, end, &file);
	if (p)
		p = capture_get_varint(p, end, &line);
	if (!p || function >= t->count || file >= t->count || line >> 1 > UINT32_MAX)
		return NULL;
	*ret = (struct name){ t->string[function], t->string[file], (uint32_t)(line >> 1),
			      line & 1 };
	return p;
}

static int get_address(const uint8_t **p, const uint8_t *end, const struct table *t,
		       struct names *n)
{
	struct name v[CAPTURE_MAX_PLACES];
	uint64_t pid, addr = 0, count = 0;

	*p = capture_get_varint(*p, end, &pid);
	if (*p)
		*p = capture_get_varint(*p, end, &addr);
	if (*p)
		*p = capture_get_varint(*p, end, &count);
	if (!*p || pid > UINT32_MAX || !count || count > CAPTURE_MAX_PLACES)
		return -EBADMSG;
	for (uint64_t i = 0; i < count; i++) {
		*p = get_place(*p, end, t, &v[i]);
		if (!*p)
			return -EBADMSG;
	}
	return names_add(n, (uint32_t)pid, addr, v, count);
}

int capture_names_get(const uint8_t *payload, size_t size, struct names *n)
{
	const uint8_t *p = payload, *end = payload + size;
	struct table t;
	int r = get_table(&p, end, &t);

	if (r)
		return r;
	while (!r && p < end)
		r = get_address(&p, end, &t, n);
	free(t.string);
	return r;
}
