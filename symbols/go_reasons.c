/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of Go's wait reasons, as the program itself has them.
 *
 * runtime.waitReasonStrings is an array of strings, (address, length) each, in initialised data.
 * It has no symbol in stripped programs, but begins alike in all versions: an empty string for no
 * reason, then "GC assist marking".  The numbers were changed in 1.21, 1.24 and 1.26, so no table
 * of ours would do.  Where the array ends is not told; what follows it in memory gets numbers that
 * no coroutine has.
 */
#include <stdio.h>
#include <string.h>

#include "symbols/go_probes.h"
#include "symbols/image.h"
#include "symbols/target.h"

#define FIRST	  "GC assist marking"
#define FIRST_LEN (sizeof(FIRST) - 1)

struct go_string {
	uint64_t data, len;
};

/* Reads one string of the array; false if it is none that a wait reason could be. */
static bool read_name(const struct image *img, uint64_t at, char *ret, size_t size)
{
	struct go_string s;
	const uint8_t *text;

	if (image_words(img, at, &s.data, 2) || s.len >= size)
		return false;
	ret[0] = '\0';
	if (!s.len)
		return true;
	text = image_bytes(img, s.data, s.len);
	for (uint64_t i = 0; i < s.len; i++)
		if (!text || text[i] < ' ' || text[i] > '~')
			return false;
	memcpy(ret, text, s.len);
	ret[s.len] = '\0';
	return true;
}

/* Whether the second string of the array is at this address. */
static bool is_first(const struct image *img, uint64_t at)
{
	char name[EV_REASON_LEN];

	return read_name(img, at, name, sizeof(name)) && !strcmp(name, FIRST) &&
	       read_name(img, at - sizeof(struct go_string), name, sizeof(name)) && !name[0];
}

/* The array's address, or 0.  Lengths need no relocation, so they are what is looked for. */
static uint64_t find_in(const struct image *img, const struct image_segment *s)
{
	for (uint64_t at = -s->vaddr & 7; at + 8 <= s->len; at += 8) {
		uint64_t word;

		memcpy(&word, s->data + at, sizeof(word));
		if (word == FIRST_LEN && at >= 24 && is_first(img, s->vaddr + at - 8))
			return s->vaddr + at - 24;
	}
	return 0;
}

static uint64_t find(const struct image *img)
{
	struct image_segment s;
	uint64_t at = 0;

	for (int writable = 1; writable >= 0 && !at; writable--)
		for (size_t i = 0; image_segment(img, i, &s) && !at; i++)
			if (s.writable == (bool)writable && !s.executable)
				at = find_in(img, &s);
	return at;
}

void go_reasons(struct image *img, struct target *t)
{
	uint64_t at = find(img);

	for (t->reasons = 0; at && t->reasons < TARGET_REASONS; t->reasons++, at += 16)
		if (!read_name(img, at, t->reason[t->reasons], EV_REASON_LEN))
			break;
}
