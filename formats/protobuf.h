/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf.h: writes the wire format of Protocol Buffers.
 *
 * A message is a buffer that grows; one within another is written into a buffer of its own and then
 * put into the outer one as bytes.  protobuf-c would need a compiler of schemas to build with, for
 * what is a number before each field: https://protobuf.dev/programming-guides/encoding/
 *
 * An allocation that fails makes the message bad, and everything after it does nothing; so one look
 * at pb_bad() in the end is enough.
 */
#ifndef ST_FORMATS_PROTOBUF_H
#define ST_FORMATS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pb {
	uint8_t *data;
	size_t size, room;
	bool bad;
};

void pb_free(struct pb *m);
void pb_clear(struct pb *m); /* empty again, with its room; not after a failure */
static inline bool pb_bad(const struct pb *m)
{
	return m->bad;
}

/* A field of type uint64, int64 (two's complement), bool or enum. */
void pb_varint(struct pb *m, unsigned field, uint64_t v);
void pb_fixed64(struct pb *m, unsigned field, uint64_t v);
void pb_bytes(struct pb *m, unsigned field, const void *data, size_t size);
void pb_string(struct pb *m, unsigned field, const char *s);
/* Puts inner in as field, and clears it. */
void pb_message(struct pb *m, unsigned field, struct pb *inner);

/* One element of a packed repeated field, whose buffer pb_message puts in. */
void pb_packed(struct pb *elements, uint64_t v);

#endif
