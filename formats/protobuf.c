/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/protobuf.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

#define VARINT_MAX 10 /* bytes of 7 bits that a 64-bit value takes */

void pb_free(struct pb *m)
{
	free(m->data);
	*m = (struct pb){ 0 };
}

void pb_clear(struct pb *m)
{
	m->size = 0;
}

static bool make_room(struct pb *m, size_t more)
{
	size_t room = m->room ? m->room : 64;
	uint8_t *data;

	if (m->bad)
		return false;
	if (more <= m->room - m->size)
		return true;
	while (room - m->size < more && room <= SIZE_MAX / 2)
		room *= 2;
	data = room - m->size >= more ? realloc(m->data, room) : NULL;
	if (!data) {
		m->bad = true;
		return false;
	}
	m->data = data;
	m->room = room;
	return true;
}

static void put_varint(struct pb *m, uint64_t v)
{
	if (!make_room(m, VARINT_MAX))
		return;
	for (; v >= 0x80; v >>= 7)
		m->data[m->size++] = (uint8_t)(v | 0x80);
	m->data[m->size++] = (uint8_t)v;
}

static void put_tag(struct pb *m, unsigned field, unsigned wire)
{
	put_varint(m, (uint64_t)field << 3 | wire);
}

static void put_raw(struct pb *m, const void *data, size_t size)
{
	if (!size || !make_room(m, size))
		return;
	memcpy(m->data + m->size, data, size);
	m->size += size;
}

void pb_varint(struct pb *m, unsigned field, uint64_t v)
{
	put_tag(m, field, WIRE_VARINT);
	put_varint(m, v);
}

void pb_fixed64(struct pb *m, unsigned field, uint64_t v)
{
	uint64_t le = htole64(v);

	put_tag(m, field, WIRE_FIXED64);
	put_raw(m, &le, sizeof(le));
}

void pb_bytes(struct pb *m, unsigned field, const void *data, size_t size)
{
	put_tag(m, field, WIRE_BYTES);
	put_varint(m, size);
	put_raw(m, data, size);
}

void pb_string(struct pb *m, unsigned field, const char *s)
{
	pb_bytes(m, field, s, strlen(s));
}

void pb_message(struct pb *m, unsigned field, struct pb *inner)
{
	if (inner->bad)
		m->bad = true;
	pb_bytes(m, field, inner->data, inner->size);
	pb_clear(inner);
}

void pb_packed(struct pb *elements, uint64_t v)
{
	put_varint(elements, v);
}
