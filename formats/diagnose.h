/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose.h: what is wrong, by rules over the runtime's lines and the events of the probes.
 *
 * A rule has a name, a condition with thresholds that can be set, and a remedy; one that fires says
 * what it saw, with the figures and the lines, and how sure that makes it.  stacktrace-diagnose(1)
 * lists them.
 *
 * Facts are gathered as they come, in bounded memory: of lines, DIAGNOSE_SAMPLES rows at most, the
 * rest evenly left out.
 */
#ifndef ST_FORMATS_DIAGNOSE_H
#define ST_FORMATS_DIAGNOSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

#define DIAGNOSE_SAMPLES    4096
#define DIAGNOSE_THRESHOLDS 3
#define DIAGNOSE_EVIDENCE   4

struct aggregate;
struct diagnose;
struct err;
struct line;
struct names;

int diagnose_new(struct diagnose **ret); /* 0 or -ENOMEM */
void diagnose_free(struct diagnose *d);	 /* NULL-safe */

/* A line that was read at a time, UINT64_MAX: not known.  0 or -ENOMEM. */
int diagnose_line(struct diagnose *d, const struct line *l, uint64_t time_ns);

/* A record of any kind.  0 or -ENOMEM. */
int diagnose_event(struct diagnose *d, const struct ev_header *ev);

/* "rule.threshold=value".  -EINVAL names what there is. */
int diagnose_set(struct diagnose *d, const char *text, struct err *e);

struct rule_threshold {
	const char *name, *unit, *what;
	double value;
};

struct finding;
/* 1: it fires, and *ret says why; 0; or -ENOMEM.  t are the thresholds in force. */
typedef int rule_fn(const struct diagnose *d, const double *t, struct finding *ret);

struct diagnose_rule {
	const char *name, *condition, *remedy;
	struct rule_threshold threshold[DIAGNOSE_THRESHOLDS]; /* ends where a name is NULL */
	rule_fn *test;
};

/* All of them, and the thresholds in force. */
const struct diagnose_rule *diagnose_rules(size_t *ret_count);
double diagnose_threshold(const struct diagnose *d, size_t rule, size_t threshold);

struct finding {
	const struct diagnose_rule *rule;
	unsigned confidence; /* percent */
	char *seen;	     /* a sentence with the figures */
	char *line[DIAGNOSE_EVIDENCE];
	unsigned lines;
};

/*
 * What fires, surest first; findings_free() frees.  a and n are those that took the same events;
 * a is finished.  0 or -ENOMEM.
 */
int diagnose_find(struct diagnose *d, struct aggregate *a, struct names *n, struct finding **ret,
		  size_t *ret_count);
void findings_free(struct finding *f, size_t count);

#endif
