/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description from .note.stacktrace.  The note is found by its segment, which stripping leaves,
 * and by its section where a linker script made no segment of it.
 */
#include <string.h>

#include "symbols/image.h"
#include "symbols/note.h"
#include "symbols/target.h"
#include "symbols/target_internal.h"

static bool is_code(void *arg, uint64_t vaddr)
{
	struct image_segment s;
	size_t i;

	for (i = 0; image_segment(arg, i, &s); i++)
		if (s.executable && vaddr >= s.vaddr && vaddr - s.vaddr < s.len)
			return true;
	return false;
}

static int read_notes(struct note_reader *r, struct image *img, struct err *e)
{
	struct image_segment s;
	const uint8_t *data;
	uint64_t vaddr;
	size_t len, i;
	int rc;

	for (i = 0; image_note_segment(img, i, &s); i++) {
		rc = note_reader_add(r, s.data, s.len, s.vaddr, e);
		if (rc)
			return rc;
	}
	if (r->desc || r->extras || r->unknown_type)
		return 0;
	data = image_section(img, NOTE_SECTION, &len, &vaddr);
	return data ? note_reader_add(r, data, len, vaddr, e) : 0;
}

/* For users: which functions the points are in. */
static void name_functions(struct image *img, struct target *t)
{
	struct function f;
	unsigned i;

	for (i = 0; i < EV_PROBE_COUNT; i++)
		if (t->probe[i].present && !image_function_at(img, t->probe[i].vaddr, &f))
			t->probe[i].function = f.name;
}

int target_from_note(struct image *img, struct target *t, struct err *e)
{
	struct note_reader r = { .path = image_path(img), .is_code = is_code, .arg = img };
	int rc;

	rc = read_notes(&r, img, e);
	if (!rc)
		rc = note_reader_finish(&r, t, e);
	if (!rc)
		name_functions(img, t);
	note_reader_release(&r);
	return rc;
}
