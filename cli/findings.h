/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings.h: what the doctor finds, one after the other.
 */
#ifndef ST_CLI_FINDINGS_H
#define ST_CLI_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

enum finding_group { FINDING_KERNEL, FINDING_USER, FINDING_PROGRAM, FINDING_PROCESS };
enum finding_state {
	FINDING_OK,
	FINDING_NOTE, /* worth knowing, in nobody's way */
	FINDING_BAD,  /* prevents tracing, or is not sound */
};

struct finding {
	enum finding_group group;
	enum finding_state state;
	const char *name; /* a constant */
	char *text;
	char *remedy; /* or NULL */
};

struct findings {
	struct finding *list;
	size_t count;
	bool no_memory; /* some are missing */
};

void findings_add(struct findings *f, enum finding_group group, enum finding_state state,
		  const char *name, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Of the last one. */
void findings_remedy(struct findings *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

size_t findings_count(const struct findings *f, enum finding_state state);
void findings_release(struct findings *f);

const char *finding_group_name(enum finding_group g); /* "kernel" */
const char *finding_state_name(enum finding_state s); /* "ok", "note", "bad" */

#endif
