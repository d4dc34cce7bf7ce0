/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_walk.h"

#include <string.h>
#include <zlib.h>

#define HEADER_SIZE sizeof(struct capture_block_header)
#define MARKER_SIZE (sizeof(CAPTURE_MARKER) - 1)

/* So many bytes of payloads with a wrong checksum are searched for blocks inside. */
#define SEARCH_BUDGET (UINT64_C(64) << 20)

/* Holes are asked for once so many bytes had no marker. */
#define HOLE_FROM (1u << 20)

_Static_assert(HEADER_SIZE + CAPTURE_MAX_RAW <= CAPTURE_INPUT_WINDOW, "a block fits the window");

void capture_walk_init(struct capture_walk *w)
{
	*w = (struct capture_walk){ .budget = SEARCH_BUDGET };
}

static bool sizes_possible(const struct capture_block_header *h)
{
	if (h->raw_size > CAPTURE_MAX_RAW || h->stored_size > h->raw_size)
		return false;
	if (h->flags & CAPTURE_ZSTD)
		return h->raw_size <= (uint64_t)h->stored_size * CAPTURE_MAX_RATIO;
	return h->stored_size == h->raw_size;
}

bool capture_walk_is_header(const uint8_t *p, struct capture_block_header *ret)
{
	memcpy(ret, p, HEADER_SIZE);
	if (memcmp(ret->marker, CAPTURE_MARKER, MARKER_SIZE))
		return false;
	if (ret->crc != crc32(0, p, offsetof(struct capture_block_header, crc)))
		return false;
	return sizes_possible(ret);
}

static void skip(struct capture_walk *w, struct capture_input *in, size_t n)
{
	capture_input_drop(in, n);
	w->gap += n;
	w->damage.skipped_bytes += n;
}

/* Holes of a file are zeros, in which no marker is: over them without reading. */
static int skip_hole(struct capture_walk *w, struct capture_input *in, size_t window)
{
	uint64_t end = in->offset + window, data = capture_input_data(in, end);
	uint64_t n = data - in->offset;

	if (data <= end)
		return 0;
	w->gap += n;
	w->damage.skipped_bytes += n;
	return capture_input_seek(in, data);
}

/* Skips to the next marker in the window, or to where one might begin at the window's end. */
static int skip_to_marker(struct capture_walk *w, struct capture_input *in, size_t window)
{
	const uint8_t *at = capture_input_at(in);
	const uint8_t *next = memmem(at + 1, window - 1, CAPTURE_MARKER, MARKER_SIZE);
	uint64_t at_offset = in->offset;

	if (!w->cut)
		w->gap_is_damage = true;
	if (!next && w->gap > HOLE_FROM) {
		int r = skip_hole(w, in, window);

		if (r || in->offset > at_offset)
			return r;
	}
	skip(w, in, next ? (size_t)(next - at) : window - (MARKER_SIZE - 1));
	return 0;
}

/* Takes a whole block into account, and what is missing before it. */
static void account(struct capture_walk *w, const struct capture_block_header *h)
{
	uint64_t missing = h->number > w->number ? h->number - w->number : 0;

	if (w->gap && !missing)
		missing = 1; /* foreign bytes between blocks */
	w->damage.bad_blocks += missing;
	if (h->records_before > w->records)
		w->damage.missing_records += h->records_before - w->records;
	w->number = (uint64_t)h->number + 1;
	w->records = h->records_before + h->records;
	w->gap = 0;
	w->gap_is_damage = w->cut = false;
}

/*
 * A payload is wrong.  If the file goes on behind it as it should, only the block is lost.  Else
 * bytes are missing from it, or there are too many, and the next block may begin inside.
 */
static int skip_bad_payload(struct capture_walk *w, struct capture_input *in,
			    const struct capture_block_header *h)
{
	size_t size = HEADER_SIZE + h->stored_size;
	ssize_t window = capture_input_need(in, size + MARKER_SIZE);
	bool goes_on;

	if (window < 0)
		return (int)window;
	goes_on = (size_t)window < size + MARKER_SIZE ||
		  !memcmp(capture_input_at(in) + size, CAPTURE_MARKER, MARKER_SIZE);
	w->gap_is_damage = true;
	if (goes_on || w->budget < h->stored_size) {
		skip(w, in, size);
	} else {
		w->budget -= h->stored_size;
		skip(w, in, MARKER_SIZE);
	}
	return 0;
}

static bool encoding_known(const struct capture_block_header *h)
{
	return h->kind >= CAPTURE_INFO && h->kind <= CAPTURE_TOTALS &&
	       !(h->flags & CAPTURE_MUST_UNDERSTAND & ~CAPTURE_ZSTD);
}

void capture_walk_tell(const struct capture_walk *w, const struct capture_block_header *h,
		       uint64_t offset)
{
	const struct capture_block_info info = {
		.offset = offset,
		.kind = h->kind,
		.flags = h->flags,
		.number = h->number,
		.stored_size = h->stored_size,
		.raw_size = h->raw_size,
		.records = h->records,
		.first_ns = h->first_ns,
		.last_ns = h->last_ns,
		.known = encoding_known(h),
	};

	if (w->on_block)
		w->on_block(w->on_block_arg, &info);
}

/* Looks at the block whose header is good.  1 if it is for the caller, 0 to go on. */
static int take_block(struct capture_walk *w, struct capture_input *in,
		      const struct capture_block_header *h, struct capture_block *ret)
{
	size_t size = HEADER_SIZE + h->stored_size;
	ssize_t window = capture_input_need(in, size);
	const uint8_t *payload;

	if (window < 0)
		return (int)window;
	if ((size_t)window < size) {
		w->cut = true;
		skip(w, in, MARKER_SIZE);
		return 0;
	}
	payload = capture_input_at(in) + HEADER_SIZE;
	if (h->payload_crc != crc32(0, payload, h->stored_size))
		return skip_bad_payload(w, in, h);
	if (h->number < w->number) { /* a block out of place: a copy, or forged */
		w->gap_is_damage = true;
		skip(w, in, size);
		return 0;
	}
	account(w, h);
	capture_walk_tell(w, h, in->offset);
	if (!encoding_known(h)) {
		w->damage.unknown_blocks++;
		capture_input_drop(in, size);
		return 0;
	}
	w->block_offset = in->offset;
	w->held = size;
	w->at_end = h->kind == CAPTURE_END;
	*ret = (struct capture_block){ .h = *h, .payload = payload };
	return 1;
}

/* Behind the end block nothing belongs to the capture. */
static int skip_rest(struct capture_walk *w, struct capture_input *in)
{
	uint64_t size = capture_input_size(in);

	if (size > in->offset) { /* of a file it is known without reading */
		w->damage.skipped_bytes += size - in->offset;
		return capture_input_seek(in, size);
	}
	for (;;) {
		ssize_t n = capture_input_need(in, 1);

		if (n <= 0)
			return (int)n;
		capture_input_drop(in, (size_t)n);
		w->damage.skipped_bytes += (size_t)n;
	}
}

int capture_walk_next(struct capture_walk *w, struct capture_input *in, bool names_only,
		      struct capture_block *ret)
{
	capture_input_drop(in, w->held);
	w->held = 0;
	if (w->at_end)
		return names_only ? 0 : skip_rest(w, in);
	for (;;) {
		ssize_t window = capture_input_need(in, HEADER_SIZE);
		struct capture_block_header h;
		int r = 0;

		if (window < 0)
			return (int)window;
		if ((size_t)window < HEADER_SIZE) {
			skip(w, in, (size_t)window);
			return 0;
		}
		if (!capture_walk_is_header(capture_input_at(in), &h))
			r = skip_to_marker(w, in, (size_t)window);
		else if (names_only && h.kind == CAPTURE_EVENTS)
			r = capture_input_seek(in, in->offset + HEADER_SIZE + h.stored_size);
		else
			r = take_block(w, in, &h, ret);
		if (r)
			return r;
	}
}

void capture_walk_finish(struct capture_walk *w)
{
	if (w->at_end)
		return;
	w->damage.truncated = true;
	if (w->gap_is_damage)
		w->damage.bad_blocks++;
}
