/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of .note.stacktrace.
 *
 * Damage in notes of other owners is passed over: whatever comes behind it cannot be found, and a
 * program without our note is none of our business.  Damage in our own is an error, for a
 * description that is half right would have the tool read wrong memory.
 *
 * A probe may have several points (a macro that was inlined, one NOTE_PROBE each).  The planner
 * takes one instruction a probe, so the first is used and the rest is told to the user, as counts
 * would be too low.
 */
#include "symbols/note.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "symbols/target.h"
#include "symbols/target_internal.h"

/* As Elf64_Nhdr; <elf.h> has an EV_NONE of its own. */
struct note_header {
	uint32_t name_size, desc_size, type;
};

#define MAX_OFFSET 65535 /* of a field: more is no descriptor but damage */
#define MAX_EXTRAS 4096
#define MAX_BLOCK  (1u << 20) /* an offset in a block of descriptors */

static const char *const probe_text[EV_PROBE_COUNT] = {
	[EV_PROBE_NEWSTACK] = "newstack",
	[EV_PROBE_COPYSTACK] = "copystack",
	[EV_PROBE_COPYSTACK_END] = "the end of copystack",
	[EV_PROBE_NEWPROC] = "newproc",
	[EV_PROBE_GOEXIT] = "goexit",
	[EV_PROBE_GOGO] = "gogo",
	[EV_PROBE_PARK] = "park",
	[EV_PROBE_READY] = "ready",
	[EV_PROBE_STACKALLOC] = "stackalloc",
	[EV_PROBE_STACKFREE] = "stackfree",
	[EV_PROBE_GCSTART] = "gcstart",
	[EV_PROBE_GCDONE] = "gcdone",
	[EV_PROBE_LOCK] = "lock",
	[EV_PROBE_LOCK_END] = "the end of lock",
	[EV_PROBE_MUTEX] = "mutex",
	[EV_PROBE_NEWCORO] = "newcoro",
};

static int damaged(const struct note_reader *r, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int damaged(const struct note_reader *r, struct err *e, const char *fmt, ...)
{
	char what[160];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	rc = err_set(e, EBADMSG, "'%s' has a damaged " NOTE_SECTION ": %s", r->path, what);
	err_hint(e, "the layout is described in stacktrace-note(5); rebuild the program");
	return rc;
}

static int add_extra(struct note_reader *r, const uint8_t *desc, uint32_t size, uint64_t vaddr,
		     struct err *e)
{
	struct note_extra *bigger;

	if (size < sizeof(struct note_probe))
		return damaged(r, e, "a probe of %u bytes, not %zu", size,
			       sizeof(struct note_probe));
	if (r->extras == MAX_EXTRAS)
		return damaged(r, e, "more than %d probes", MAX_EXTRAS);
	bigger = reallocarray(r->extra, r->extras + 1, sizeof(*bigger));
	if (!bigger)
		return err_sys(e, ENOMEM, "cannot read the notes of '%s'", r->path);
	r->extra = bigger;
	memcpy(&r->extra[r->extras].probe, desc, sizeof(struct note_probe));
	r->extra[r->extras++].vaddr = vaddr;
	return 0;
}

static int add_runtime(struct note_reader *r, const uint8_t *desc, uint32_t size, uint64_t vaddr,
		       struct err *e)
{
	struct note_desc d;

	if (size < sizeof(d))
		return damaged(r, e, "a description of %u bytes, not %zu or more", size, sizeof(d));
	memcpy(&d, desc, sizeof(d));
	if (r->desc) {
		/* Two libraries of coroutines in one program. */
		snprintf(r->other_runtime, sizeof(r->other_runtime), "%.*s",
			 (int)sizeof(r->other_runtime) - 1, d.runtime);
		return 0;
	}
	r->desc = desc;
	r->desc_size = size;
	r->desc_vaddr = vaddr;
	return 0;
}

static int add_list(struct note_reader *r, const uint8_t *desc, uint32_t size, uint64_t vaddr,
		    struct err *e)
{
	if (size < sizeof(r->list))
		return damaged(r, e, "a list of coroutines in %u bytes, not %zu", size,
			       sizeof(r->list));
	memcpy(&r->list, desc, sizeof(r->list));
	if (!r->list.size || r->list.size > MAX_OFFSET || r->list.next > MAX_BLOCK ||
	    r->list.used > MAX_BLOCK || r->list.first > MAX_BLOCK)
		return damaged(r, e, "impossible offsets in the list of coroutines");
	r->list_vaddr = vaddr;
	return 0;
}

static int add_note(struct note_reader *r, uint32_t type, const uint8_t *desc, uint32_t size,
		    uint64_t vaddr, struct err *e)
{
	if (!vaddr)
		return damaged(r, e, "its section is not loaded (SHF_ALLOC is missing)");
	switch (type) {
	case NOTE_RUNTIME:
		return add_runtime(r, desc, size, vaddr, e);
	case NOTE_PROBE:
		return add_extra(r, desc, size, vaddr, e);
	case NOTE_REASONS:
		r->reasons = desc;
		r->reasons_size = size;
		return 0;
	case NOTE_COROUTINES:
		return add_list(r, desc, size, vaddr, e);
	default:
		if (!r->unknown_type || type < r->unknown_type)
			r->unknown_type = type;
		return 0;
	}
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int note_reader_add(struct note_reader *r, const uint8_t *data, size_t len, uint64_t vaddr,
		    struct err *e)
{
	size_t at = 0;
	int rc;

	while (len - at >= sizeof(struct note_header)) {
		size_t desc_at;
		struct note_header h;
		bool ours;

		memcpy(&h, data + at, sizeof(h));
		if (!h.name_size) {
			/*
			 * Nobody's: padding, between sections or behind a note in a segment that
			 * is aligned to 8.
			 */
			at += 4;
			continue;
		}
		if (h.name_size > len - at - sizeof(h))
			break;
		ours = h.name_size == sizeof(NOTE_OWNER) &&
		       !memcmp(data + at + sizeof(h), NOTE_OWNER, sizeof(NOTE_OWNER));
		desc_at = padded(at + sizeof(h) + h.name_size);
		if (desc_at > len || h.desc_size > len - desc_at) {
			if (ours)
				return damaged(r, e, "it ends inside a note");
			break;
		}
		if (ours) {
			rc = add_note(r, h.type, data + desc_at, h.desc_size,
				      vaddr ? vaddr + desc_at : 0, e);
			if (rc)
				return rc;
		}
		at = padded(desc_at + h.desc_size);
		if (at > len)
			break;
	}
	return 0;
}

static bool is_text(const char *s, size_t size, bool may_be_empty)
{
	size_t n = strnlen(s, size), i;

	if (n == size || (!n && !may_be_empty))
		return false;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

/* Checks the head and copies it out. */
static int read_desc(const struct note_reader *r, struct note_desc *d, struct err *e)
{
	memcpy(d, r->desc, sizeof(*d));
	if (d->desc_size < sizeof(*d) || d->desc_size > r->desc_size)
		return damaged(r, e, "desc_size is %u in a note of %u bytes", d->desc_size,
			       r->desc_size);
	if (!is_text(d->runtime, sizeof(d->runtime), false))
		return damaged(r, e, "the runtime's name is not 1 to 15 printable characters");
	if (!is_text(d->version, sizeof(d->version), true))
		return damaged(r, e, "the version is not up to 15 printable characters");
	if (d->probe_size < sizeof(struct note_probe) || d->probe_size % 8)
		return damaged(r, e, "probe_size is %u, not %zu or a greater multiple of 8",
			       d->probe_size, sizeof(struct note_probe));
	if (d->probe_count > (d->desc_size - sizeof(*d)) / d->probe_size)
		return damaged(r, e, "%u probes of %u bytes do not fit into its %u bytes",
			       d->probe_count, d->probe_size, d->desc_size);
	return 0;
}

static int read_fields(const struct note_reader *r, const struct note_desc *d, struct target *t,
		       struct err *e)
{
	unsigned i;

	_Static_assert(FIELD_COUNT <= NOTE_FIELDS, "the note has room");
	for (i = 0; i < FIELD_COUNT; i++) {
		if (d->field[i] == FIELD_UNKNOWN)
			continue;
		if (d->field[i] < 0 || d->field[i] > MAX_OFFSET)
			return damaged(r, e, "offset %d of field %s is not in 0 to %d", d->field[i],
				       target_field_name(i), MAX_OFFSET);
		t->field[i] = d->field[i];
		t->origin[i] = ORIGIN_NOTE;
	}
	if (t->field[FIELD_STACK_LO] == FIELD_UNKNOWN || t->field[FIELD_STACK_HI] == FIELD_UNKNOWN)
		return damaged(r, e, "the offsets of stack.lo and stack.hi are required");
	return 0;
}

static bool is_register(uint8_t reg)
{
	return reg <= REG_15 || reg == REG_NONE;
}

static int read_probe(const struct note_reader *r, const struct note_probe *p, uint64_t vaddr,
		      struct target *t, struct err *e)
{
	struct target_probe *to;
	const char *name;
	uint64_t point;

	/* A later version may have more probes than this one. */
	if (p->probe >= EV_PROBE_COUNT)
		return 0;
	to = &t->probe[p->probe];
	name = probe_text[p->probe];
	point = vaddr + offsetof(struct note_probe, point) + (uint64_t)p->point;
	if (!is_register(p->coroutine_reg) || !is_register(p->new_size_reg))
		return damaged(r, e, "probe %s names register %u", name,
			       is_register(p->coroutine_reg) ? p->new_size_reg : p->coroutine_reg);
	if (target_probe_needs_coroutine(p->probe) && p->coroutine_reg == REG_NONE)
		return damaged(r, e, "probe %s names no register for the coroutine", name);
	if (target_probe_needs_value(p->probe) && p->new_size_reg == REG_NONE)
		return damaged(r, e, "probe %s names no register for the %s", name,
			       p->probe == EV_PROBE_COPYSTACK ? "new size" : "lock");
	if (!r->is_code(r->arg, point))
		return damaged(r, e, "probe %s points to 0x%llx, outside the program's code", name,
			       (unsigned long long)point);
	if (to->points++)
		return 0;
	to->present = to->fixed = true;
	to->function = "";
	to->vaddr = point;
	to->coroutine = p->coroutine_reg;
	to->new_size = p->new_size_reg;
	to->missing[0] = '\0';
	return 0;
}

static int read_probes(const struct note_reader *r, const struct note_desc *d, struct target *t,
		       struct err *e)
{
	struct note_probe p;
	size_t i, at;
	int rc;

	for (i = 0; i < d->probe_count; i++) {
		at = sizeof(*d) + i * d->probe_size;
		memcpy(&p, r->desc + at, sizeof(p));
		rc = read_probe(r, &p, r->desc_vaddr + at, t, e);
		if (rc)
			return rc;
	}
	for (i = 0; i < r->extras; i++) {
		rc = read_probe(r, &r->extra[i].probe, r->extra[i].vaddr, t, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_entry(const struct note_reader *r, const struct note_desc *d, struct target *t,
		      struct err *e)
{
	uint64_t at = r->desc_vaddr + offsetof(struct note_desc, coroutine_entry);

	if (!d->coroutine_entry)
		return 0;
	t->coroutine_entry = at + (uint64_t)d->coroutine_entry;
	if (!r->is_code(r->arg, t->coroutine_entry))
		return damaged(r, e, "coroutine_entry is 0x%llx, outside the program's code",
			       (unsigned long long)t->coroutine_entry);
	return 0;
}

/* Names beyond the room, and what does not end in a zero byte, are left out. */
static void read_reasons(const struct note_reader *r, struct target *t)
{
	const char *at = (const char *)r->reasons;
	size_t left = r->reasons_size, n;

	for (; left && t->reasons < TARGET_REASONS; at += n + 1, left -= n + 1) {
		n = strnlen(at, left);
		if (n == left)
			break;
		snprintf(t->reason[t->reasons++], EV_REASON_LEN, "%s", at);
	}
}

static void read_list(const struct note_reader *r, struct target *t)
{
	if (!r->list_vaddr)
		return;
	t->list = (struct target_list){
		.kind = LIST_BLOCKS,
		.vaddr = r->list_vaddr + offsetof(struct note_coroutines, head) +
			 (uint64_t)r->list.head,
		.next = r->list.next,
		.used = r->list.used,
		.first = r->list.first,
		.size = r->list.size,
	};
}

static void warn(const struct note_reader *r, struct target *t)
{
	unsigned i;

	if (r->other_runtime[0] && strcmp(r->other_runtime, t->runtime))
		target_warn(t, "the program also has a note of the runtime '%s': not traced",
			    r->other_runtime);
	for (i = 0; i < EV_PROBE_COUNT; i++)
		if (t->probe[i].points > 1)
			target_warn(t, "%u points for %s: only the first is probed",
				    t->probe[i].points, probe_text[i]);
}

static int finish_without(const struct note_reader *r, struct err *e)
{
	int rc;

	if (r->unknown_type) {
		rc = err_set(e, ENOTSUP, "'%s' has a " NOTE_SECTION " of type %u, which is newer",
			     r->path, r->unknown_type);
		err_hint(e, "use the stacktrace that came with the program's coroutine library");
		return rc;
	}
	if (r->extras || r->list_vaddr)
		return damaged(r, e, "%s, but no description of a runtime",
			       r->extras ? "probes" : "a list of coroutines");
	return -ENOENT;
}

int note_reader_finish(struct note_reader *r, struct target *ret, struct err *e)
{
	struct note_desc d;
	struct target t;
	unsigned i;
	int rc;

	if (!r->desc)
		return finish_without(r, e);
	target_init(&t);
	for (i = 0; i < EV_PROBE_COUNT; i++)
		snprintf(t.probe[i].missing, sizeof(t.probe[i].missing),
			 NOTE_SECTION " names no point for it");
	rc = read_desc(r, &d, e);
	if (rc)
		return rc;
	t.kind = RUNTIME_NOTE;
	t.version_known = true;
	t.own_ring = d.flags & NOTE_OWN_RING;
	snprintf(t.runtime, sizeof(t.runtime), "%s", d.runtime);
	snprintf(t.version, sizeof(t.version), "%s", d.version);
	rc = read_fields(r, &d, &t, e);
	if (!rc)
		rc = read_entry(r, &d, &t, e);
	if (!rc)
		rc = read_probes(r, &d, &t, e);
	if (rc)
		return rc;
	read_reasons(r, &t);
	read_list(r, &t);
	warn(r, &t);
	*ret = t;
	return 0;
}

void note_reader_release(struct note_reader *r)
{
	free(r->extra);
	r->extra = NULL;
	r->extras = 0;
}
