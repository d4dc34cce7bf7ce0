/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target description: which of the sources knows the program.
 *
 * The note comes first.  A program that carries one says of itself what its coroutines are; a Go
 * program that links a C library with a note is described by the note only if it is that library's
 * coroutines that shall be seen, which cannot be known here, so the warning tells.
 */
#include "symbols/target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "symbols/image.h"
#include "symbols/target_internal.h"

void target_init(struct target *t)
{
	unsigned i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < FIELD_COUNT; i++)
		t->field[i] = FIELD_UNKNOWN;
	for (i = 0; i < EV_PROBE_COUNT; i++) {
		t->probe[i].coroutine = REG_NONE;
		t->probe[i].new_size = REG_NONE;
		t->probe[i].filter = REG_NONE;
	}
}

void target_warn(struct target *t, const char *fmt, ...)
{
	size_t n = strlen(t->warning);
	va_list ap;

	if (n && n + 2 < sizeof(t->warning)) {
		memcpy(t->warning + n, "; ", 3);
		n += 2;
	}
	va_start(ap, fmt);
	vsnprintf(t->warning + n, sizeof(t->warning) - n, fmt, ap);
	va_end(ap);
}

int target_describe(struct image *img, struct target *ret, struct err *e)
{
	struct target t;
	int rc;

	target_init(&t);
	rc = target_from_note(img, &t, e);
	if (!rc && image_is_go(img))
		target_warn(&t, "this is also a Go program: its goroutines are not traced");
	if (rc == -ENOENT)
		rc = target_from_go(img, &t, e);
	if (rc == -ENOENT) {
		rc = err_set(e, ENOENT, "'%s' has no Go runtime and no .note.stacktrace",
			     image_path(img));
		err_hint(e, "if it starts another program, trace that one; C programs: build with "
			    "corun-cc, or see stacktrace-note(5)");
	}
	if (!rc)
		*ret = t;
	return rc;
}

bool target_probe_needs_coroutine(enum ev_probe p)
{
	static const unsigned needy = 1u << EV_PROBE_COPYSTACK | 1u << EV_PROBE_NEWPROC |
				      1u << EV_PROBE_GOEXIT | 1u << EV_PROBE_GOGO |
				      1u << EV_PROBE_PARK | 1u << EV_PROBE_READY |
				      1u << EV_PROBE_MUTEX | 1u << EV_PROBE_NEWCORO;

	return needy >> p & 1;
}

bool target_probe_needs_value(enum ev_probe p)
{
	return p == EV_PROBE_COPYSTACK || p == EV_PROBE_LOCK || p == EV_PROBE_MUTEX;
}

const char *target_field_name(enum target_field f)
{
	static const char *const name[FIELD_COUNT] = {
		[FIELD_STACK_LO] = "stack.lo",	     [FIELD_STACK_HI] = "stack.hi",
		[FIELD_SCHED_SP] = "sched.sp",	     [FIELD_SCHED_PC] = "sched.pc",
		[FIELD_SCHED_BP] = "sched.bp",	     [FIELD_ID] = "goid",
		[FIELD_PARENT_ID] = "parentGoid",    [FIELD_CREATOR_PC] = "gopc",
		[FIELD_ENTRY_PC] = "startpc",	     [FIELD_STATUS] = "atomicstatus",
		[FIELD_WAIT_REASON] = "waitreason",  [FIELD_USE_MAX] = "use_max",
		[FIELD_STACK_GUARD] = "stackguard0",
	};

	return (unsigned)f < FIELD_COUNT ? name[f] : "unknown";
}

const char *target_origin_name(enum field_origin o)
{
	static const char *const name[] = {
		[ORIGIN_NONE] = "none",		[ORIGIN_NOTE] = "note",
		[ORIGIN_DWARF] = "dwarf",	[ORIGIN_TABLE] = "table",
		[ORIGIN_INFERRED] = "inferred", [ORIGIN_ASSUMED] = "assumed",
	};

	return (unsigned)o < sizeof(name) / sizeof(name[0]) ? name[o] : "unknown";
}
