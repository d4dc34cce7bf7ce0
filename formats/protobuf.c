/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "formats/capture_format.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

void protobuf_release(struct protobuf *p)
{
	free(p->bytes);
	*p = (struct protobuf){ 0 };
}

/* Room for so many bytes more, or NULL. */
static uint8_t *reserve(struct protobuf *p, size_t size)
{
	size_t room = p->room ? p->room : 256;
	uint8_t *bytes;

	if (p->failed)
		return NULL;
	if (size <= p->room - p->size)
		return p->bytes + p->size;
	while (size > room - p->size)
		room *= 2;
	bytes = realloc(p->bytes, room);
	if (!bytes) {
		p->failed = true;
		return NULL;
	}
	p->bytes = bytes;
	p->room = room;
	return p->bytes + p->size;
}

static void put_varint(struct protobuf *p, uint64_t v)
{
	uint8_t *at = reserve(p, CAPTURE_VARINT_MAX);

	if (at)
		p->size = (size_t)(capture_put_varint(at, v) - p->bytes);
}

static void put_raw(struct protobuf *p, const void *bytes, size_t size)
{
	uint8_t *at = reserve(p, size);

	if (!at || !size)
		return;
	memcpy(at, bytes, size);
	p->size += size;
}

static void put_key(struct protobuf *p, unsigned field, unsigned wire)
{
	put_varint(p, (uint64_t)field << 3 | wire);
}

void protobuf_number(struct protobuf *p, unsigned field, uint64_t v)
{
	put_key(p, field, WIRE_VARINT);
	put_varint(p, v);
}

void protobuf_fixed64(struct protobuf *p, unsigned field, uint64_t v)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> 8 * i);
	put_key(p, field, WIRE_FIXED64);
	put_raw(p, bytes, sizeof(bytes));
}

void protobuf_bytes(struct protobuf *p, unsigned field, const void *bytes, size_t size)
{
	put_key(p, field, WIRE_BYTES);
	put_varint(p, size);
	put_raw(p, bytes, size);
}

void protobuf_text(struct protobuf *p, unsigned field, const char *text)
{
	char *safe = escape_dup(text, ESCAPE_TEXT);

	if (safe)
		protobuf_bytes(p, field, safe, strlen(safe));
	else
		p->failed = true;
	free(safe);
}

size_t protobuf_begin(struct protobuf *p, unsigned field)
{
	put_key(p, field, WIRE_BYTES);
	return p->size;
}

/* The length stands in front and is not known before: what was written makes way for it. */
void protobuf_end(struct protobuf *p, size_t begun)
{
	uint8_t length[CAPTURE_VARINT_MAX];
	size_t size, n;

	if (!reserve(p, sizeof(length)))
		return;
	size = p->size - begun;
	n = (size_t)(capture_put_varint(length, size) - length);
	memmove(p->bytes + begun + n, p->bytes + begun, size);
	memcpy(p->bytes + begun, length, n);
	p->size += n;
}

void protobuf_packed(struct protobuf *p, unsigned field, const uint64_t *v, size_t count)
{
	size_t begun = protobuf_begin(p, field);

	for (size_t i = 0; i < count; i++)
		put_varint(p, v[i]);
	protobuf_end(p, begun);
}
