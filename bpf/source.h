/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * source.h: where events come from.
 *
 * Two sources, one interface: BPF probes (any runtime, needs CAP_BPF and CAP_PERFMON) and the
 * shared-memory ring of a runtime that writes its own records (no privilege).  Both give the same
 * records for the same program.  Life: open, then attach (after which events flow), consume again
 * and again, stop, free.
 */
#ifndef ST_BPF_SOURCE_H
#define ST_BPF_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/event.h"

struct err;
struct image;
struct plan;
struct source;
struct target;

enum switches_mode {
	SWITCHES_OFF,
	SWITCHES_AUTO,	/* short windows inside the overhead budget */
	SWITCHES_COUNT, /* all the time, counted */
	SWITCHES_ON,	/* and parks and readies too, added up by creator */
};

struct source_options {
	enum switches_mode switches;
	bool newstack;		   /* also count newstack */
	unsigned max_frames;	   /* 0: no stacks; at most EV_MAX_FRAMES */
	uint64_t ring_size;	   /* bytes, power of two, at least 64 KiB */
	uint32_t stream;	   /* bit by probe: each hit of GOGO, PARK, READY is a record */
	uint32_t count;		   /* bit by probe: STACKALLOC, STACKFREE are counted */
	bool locks;		   /* waits for locks */
	uint64_t blocked_ns;	   /* parks longer than this; 0: none */
	unsigned switch_budget_pm; /* share of run time that switch windows may take, per mille */
	unsigned hot_budget_pm;	   /* the same of switches, parks, readies and locks; 1000: any */
	bool force_perf_uprobes;   /* do not use uprobe_multi even where the kernel has it */
	bool no_nops;		   /* nor the points in newstack, even where they cost less */
	bool only_tracked;	   /* probes in every process of the program, see source_track() */
	const char *path;	   /* to the program's file; NULL: as the image has it */
};
#define SOURCE_OPTIONS_DEFAULT                                                       \
	{                                                                            \
		.switches = SWITCHES_AUTO, .max_frames = 64, .ring_size = 16u << 20, \
		.switch_budget_pm = 10, .hot_budget_pm = 50                          \
	}

/* The record is valid only inside the call.  A result other than 0 ends the consuming and is handed
 * on. */
typedef int source_event_fn(void *arg, const struct ev_header *ev);

/*
 * Loads the BPF programs for one target and calibrates the cost of a trap.  Does not attach.
 * -EPERM: no privilege; -ENOSYS: no BPF or no uprobes in this kernel; the hint names the remedy.
 */
int source_bpf_open(struct image *img, const struct target *t, const struct plan *plan,
		    const struct source_options *opt, struct source **ret, struct err *e);

/* Makes a shared-memory ring for a target with own_ring. */
int source_ring_open(const struct target *t, const struct source_options *opt, struct source **ret,
		     struct err *e);

void source_free(struct source *s); /* NULL-safe; detaches if need be */

/* What the child's environment must hold (NAME=VALUE), or NULL; and a descriptor that the child
 * must inherit, or -1. */
const char *source_child_env(const struct source *s);
int source_child_fd(const struct source *s);

/* Attaches to a process, which may still be stopped before its exec.  With only_tracked it is in
 * the records that are about no process alone. */
int source_attach(struct source *s, pid_t pid, struct err *e);

/*
 * With only_tracked: from now on this process counts, or no longer.  It may run other programs;
 * what is known of where it had this one is forgotten, as a process that executes a program starts
 * anew.  -E2BIG: too many processes.  -ENOTSUP: the source has no such thing.
 */
int source_track(struct source *s, pid_t pid, bool on);

/*
 * Hands over every record that is ready, without waiting, and keeps the switch windows going; to be
 * called every few milliseconds.  Returns the number of records, or what fn returned.
 */
int source_consume(struct source *s, source_event_fn *fn, void *arg);

/* A descriptor that becomes readable when there is something to consume, or -1: poll by time. */
int source_poll_fd(const struct source *s);

/*
 * Detaches, hands over what is left, then the closing records: copies in progress, use of living
 * coroutines, losses, hits.  Further calls do nothing.
 */
int source_stop(struct source *s, source_event_fn *fn, void *arg);

const char *source_name(const struct source *s); /* "bpf" or "ring" */

struct source_info {
	/* "uprobe_multi" or "perf uprobe", with ", NOPs" where growths are seen in newstack; or
	 * "shared memory" */
	const char *link;
	uint64_t pair_ns; /* between two adjacent probes: subtracted from durations */
	uint64_t hit_ns;  /* one hit of the growth's own probes, for the cost estimate */
};
void source_describe(const struct source *s, struct source_info *ret);

#endif
