/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windows.h: when to look at switches.
 *
 * A switch is the most frequent thing a coroutine runtime does, and a probe on it may double the
 * program's run time.  So it is probed in short windows, so far apart that what their hits cost
 * stays within a share of the elapsed time.
 */
#ifndef ST_BPF_WINDOWS_H
#define ST_BPF_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/source.h"

struct windows {
	enum switches_mode mode; /* COUNT and ON alike: all the time, if the budget allows */
	unsigned budget_pm;
	uint64_t hit_ns;
	uint64_t start_ns;  /* of tracing */
	uint64_t spent_ns;  /* by all windows that are closed */
	uint64_t closed_ns; /* when the last one was closed */
	bool open;
	uint64_t open_ns, open_hits; /* when it was opened, and the hits till then */
	uint64_t last_hits;	     /* of the last closed one */
};

enum windows_action {
	WINDOWS_KEEP,	/* nothing to do */
	WINDOWS_OPEN,	/* attach, then windows_opened() */
	WINDOWS_CLOSE,	/* windows_closed(), detach */
	WINDOWS_REPORT, /* as close and open, with the probe left in place */
};

void windows_init(struct windows *w, enum switches_mode mode, unsigned budget_pm, uint64_t hit_ns);

/*
 * To be called before windows_due: puts the begin of the first window off until there is a hit, as
 * nothing can be switched while a program is still being loaded; but not for long.
 */
void windows_begin(struct windows *w, uint64_t now, uint64_t hits);

/* What is due; hits is the total so far. */
enum windows_action windows_due(const struct windows *w, uint64_t now, uint64_t hits);

void windows_opened(struct windows *w, uint64_t now, uint64_t hits);

/* Fills in what the window saw. */
void windows_closed(struct windows *w, uint64_t now, uint64_t hits, struct ev_switches *ret);

#endif
