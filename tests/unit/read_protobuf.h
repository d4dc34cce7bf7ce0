/* SPDX-License-Identifier: Apache-2.0 */
/* read_protobuf.h: the fields of a protocol buffer, for tests of what writes them. */
#ifndef ST_TESTS_UNIT_READ_PROTOBUF_H
#define ST_TESTS_UNIT_READ_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *at, *end;
};

struct field {
	unsigned number, wire;
	uint64_t value;	   /* of a number */
	const uint8_t *at; /* of bytes */
	size_t size;
};

static inline bool read_varint(struct reader *r, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		*ret |= (uint64_t)(*r->at & 0x7f) << shift;
		if (!(*r->at++ & 0x80))
			return true;
	}
	return false;
}

/* False at the end, where r->at is r->end, and at what is no field. */
static inline bool read_field(struct reader *r, struct field *ret)
{
	uint64_t key;

	if (!read_varint(r, &key))
		return false;
	*ret = (struct field){ .number = (unsigned)(key >> 3), .wire = key & 7 };
	switch (ret->wire) {
	case 0:
		return read_varint(r, &ret->value);
	case 1:
		if (r->end - r->at < 8)
			return false;
		memcpy(&ret->value, r->at, 8);
		r->at += 8;
		return true;
	case 2:
		if (!read_varint(r, &ret->value) || ret->value > (uint64_t)(r->end - r->at))
			return false;
		ret->at = r->at;
		ret->size = ret->value;
		r->at += ret->value;
		return true;
	default:
		return false;
	}
}

#endif
