/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf.h: writes protocol buffers (the encoding, not a schema).
 *
 * Two formats need a dozen messages of two foreign schemas, and only to write them.  libprotobuf-c
 * would bring its compiler into the build and a copy of both schemas into the sources, and builds
 * every message in memory before its first byte; the encoding itself is what stands here.
 */
#ifndef ST_FORMATS_PROTOBUF_H
#define ST_FORMATS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct protobuf {
	uint8_t *bytes;
	size_t size, room;
	bool failed; /* no memory: what is in it is of no use */
};

void protobuf_release(struct protobuf *p); /* frees the bytes; it is empty then */

/* Fields; to be called in any order, for every field number up to 2^28. */
void protobuf_number(struct protobuf *p, unsigned field, uint64_t v);
void protobuf_fixed64(struct protobuf *p, unsigned field, uint64_t v);
void protobuf_bytes(struct protobuf *p, unsigned field, const void *bytes, size_t size);
void protobuf_packed(struct protobuf *p, unsigned field, const uint64_t *v, size_t count);

/* Text from outside: what is not valid UTF-8, which protobuf wants, comes out as \xNN. */
void protobuf_text(struct protobuf *p, unsigned field, const char *text);

/* A message as a field: what is written between the two calls.  The first returns what the second
 * wants. */
size_t protobuf_begin(struct protobuf *p, unsigned field);
void protobuf_end(struct protobuf *p, size_t begun);

#endif
