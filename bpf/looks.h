/* SPDX-License-Identifier: Apache-2.0 */
/*
 * looks.h: coroutines that are parked for long, as the memory of their process has them.
 *
 * The probes tell of a park only if they were there when it began: not of what had been parked
 * before they were attached, nor of what is parked between two windows.  Those are just the
 * coroutines that are stuck for good.  So now and then all descriptors are looked at.  One that is
 * found parked each time, for the same reason and with the same stack pointer, and that no probe
 * saw run in between, is taken to have been parked all the while; its record says that it was only
 * looked at (EV_BLOCKED_SEEN).
 *
 * A look stops nothing in the program, and is put off so that looks take a twentieth of the
 * tracer's time at most.  Where the memory cannot be read there are none.
 */
#ifndef ST_BPF_LOOKS_H
#define ST_BPF_LOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/source.h"

struct core_bpf;
struct looks;

/* target and path must stay.  Only with a threshold in the options; *ret is NULL without. */
int looks_new(struct image *img, const struct target *target, const char *path,
	      const struct source_options *opt, struct looks **ret);
void looks_free(struct looks *l); /* NULL-safe */

/* From now on this process is looked at, if it runs the program, or no longer.  0 or -ENOMEM. */
int looks_follow(struct looks *l, pid_t pid, bool on);

/* A record of the probes: whose wait or life that ends is not what it was at the last look. */
void looks_event(struct looks *l, const struct ev_header *ev);

bool looks_due(const struct looks *l, uint64_t now_ns);

/*
 * Looks at all processes, and hands over the stacks of those that have been parked for long.  With
 * watching set the probes are there, and know better since when.  What fn returned if not 0, or
 * -ENOMEM.
 */
int looks_take(struct looks *l, const struct core_bpf *core, bool watching, source_event_fn *fn,
	       void *arg);

/*
 * Hands over those still parked at the last look.  With watched set the probes were there till the
 * end, and have told of what they saw begin.
 */
int looks_report(struct looks *l, const struct core_bpf *core, bool watched, source_event_fn *fn,
		 void *arg);

#endif
