/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "formats/capture_payload.h"
#include "formats/capture_walk.h"

#define ENTRY_MAX (5 * CAPTURE_VARINT_MAX)

/* --- writing ------------------------------------------------------------------------------- */

void capture_index_add(struct capture_index *x, const struct capture_block_header *h,
		       uint64_t offset)
{
	uint64_t first_ns = h->first_ns ? h->first_ns : x->first_ns;
	uint8_t *p;

	if (x->room - x->len < ENTRY_MAX) {
		size_t room = x->room ? 2 * x->room : 4096;

		p = x->failed ? NULL : realloc(x->at, room);
		if (!p) {
			x->failed = -ENOMEM;
			return;
		}
		x->at = p;
		x->room = room;
	}
	p = x->at + x->len;
	p = capture_put_varint(p, offset - x->offset);
	p = capture_put_varint(p, h->kind);
	p = capture_put_varint(p, h->records);
	p = capture_put_varint(p, capture_zigzag(first_ns - x->first_ns));
	p = capture_put_varint(p, h->last_ns - h->first_ns);
	x->len = (size_t)(p - x->at);
	x->offset = offset;
	x->first_ns = first_ns;
	x->blocks++;
}

uint8_t *capture_index_payload(const struct capture_index *x, size_t *ret_size)
{
	uint8_t *payload, *p;

	if (x->failed || x->len + CAPTURE_VARINT_MAX > CAPTURE_MAX_RAW)
		return NULL;
	payload = malloc(x->len + CAPTURE_VARINT_MAX);
	if (!payload)
		return NULL;
	p = capture_put_varint(payload, x->blocks);
	memcpy(p, x->at, x->len);
	*ret_size = (size_t)(p - payload) + x->len;
	return payload;
}

void capture_index_release(struct capture_index *x)
{
	free(x->at);
	x->at = NULL;
}

/* --- reading ------------------------------------------------------------------------------- */

struct lookup {
	int fd;
	off_t origin;
	uint64_t size; /* of the capture */
	uint8_t *stored, *raw;
	size_t raw_size;
	uint64_t end; /* of the block read last */
};

static int read_at(const struct lookup *l, uint64_t offset, void *to, size_t size)
{
	if (offset > l->size || size > l->size - offset)
		return -EBADMSG;
	return pread(l->fd, to, size, l->origin + (off_t)offset) == (ssize_t)size ? 0 : -EIO;
}

/* The payload of a block of a kind into l->raw. */
static int read_block(struct lookup *l, uint64_t offset, unsigned kind)
{
	uint8_t header[sizeof(struct capture_block_header)];
	struct capture_block_header h;
	int r = read_at(l, offset, header, sizeof(header));

	if (r)
		return r;
	if (!capture_walk_is_header(header, &h) || h.kind != kind ||
	    (h.flags & CAPTURE_MUST_UNDERSTAND & ~CAPTURE_ZSTD))
		return -EBADMSG;
	r = read_at(l, offset + sizeof(header), l->stored, h.stored_size);
	if (r)
		return r;
	if (h.payload_crc != crc32(0, l->stored, h.stored_size))
		return -EBADMSG;
	l->end = offset + sizeof(header) + h.stored_size;
	l->raw_size = h.stored_size;
	if (h.flags & CAPTURE_ZSTD)
		l->raw_size = ZSTD_decompress(l->raw, h.raw_size, l->stored, h.stored_size);
	else
		memcpy(l->raw, l->stored, h.stored_size);
	return l->raw_size == h.raw_size ? 0 : -EBADMSG;
}

/* Where the index is, from the end block, which is not compressed and the last thing in the file.
 */
static int find_index(struct lookup *l, uint64_t *ret)
{
	struct capture_end end;
	size_t size = sizeof(struct capture_block_header) + sizeof(end);
	int r = l->size < size ? -EBADMSG : read_block(l, l->size - size, CAPTURE_END);

	if (!r && l->raw_size != sizeof(end))
		r = -EBADMSG;
	if (r)
		return r;
	memcpy(&end, l->raw, sizeof(end));
	*ret = end.index;
	return end.index ? 0 : -ENOENT;
}

/* The offsets of all blocks of names, the caller's to free. */
static int list_names(const struct lookup *l, uint64_t **ret, size_t *ret_count)
{
	const uint8_t *p = l->raw, *end = p + l->raw_size;
	uint64_t blocks, offset = 0, skipped, *list;
	size_t count = 0;

	p = capture_get_varint(p, end, &blocks);
	if (!p || blocks > l->raw_size)
		return -EBADMSG;
	list = calloc(blocks + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (uint64_t i = 0; i < blocks && p; i++) {
		uint64_t delta, kind = 0;

		p = capture_get_varint(p, end, &delta);
		if (p)
			p = capture_get_varint(p, end, &kind);
		for (unsigned k = 0; k < 3 && p; k++)
			p = capture_get_varint(p, end, &skipped);
		offset += p ? delta : 0;
		if (p && kind == CAPTURE_NAMES)
			list[count++] = offset;
	}
	if (!p) {
		free(list);
		return -EBADMSG;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

/* Blocks must follow each other: else a forged index could have one read a million times. */
static int read_names(struct lookup *l, struct names *n)
{
	uint64_t index, *list;
	size_t count;
	int r = find_index(l, &index);

	if (!r)
		r = read_block(l, index, CAPTURE_INDEX);
	if (!r)
		r = list_names(l, &list, &count);
	if (r)
		return r;
	l->end = 0;
	for (size_t i = 0; i < count && !r; i++) {
		r = list[i] < l->end ? -EBADMSG : read_block(l, list[i], CAPTURE_NAMES);
		if (!r)
			r = capture_names_get(l->raw, l->raw_size, n);
	}
	free(list);
	return r;
}

int capture_index_names(int fd, off_t origin, struct names *n)
{
	struct lookup l = { .fd = fd, .origin = origin };
	struct stat st;
	int r;

	if (fstat(fd, &st) || st.st_size <= origin)
		return -EINVAL;
	l.size = (uint64_t)(st.st_size - origin);
	l.stored = malloc(CAPTURE_MAX_RAW);
	l.raw = malloc(CAPTURE_MAX_RAW);
	r = l.stored && l.raw ? read_names(&l, n) : -ENOMEM;
	free(l.stored);
	free(l.raw);
	return r;
}
