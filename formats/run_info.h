/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_info.h: what there is to know about a recording besides its events.  Written into the
 * capture's header.
 */
#ifndef ST_FORMATS_RUN_INFO_H
#define ST_FORMATS_RUN_INFO_H

#include <stdbool.h>
#include <stdint.h>

/* Strings are never NULL once a recording begins, but empty where there is nothing to say. */
struct run_info {
	char *tool_version;
	char *hostname;
	char *kernel;		     /* release, as uname -r */
	char *command;		     /* program and arguments, shell-quoted where needed */
	char *target;		     /* path of the executable */
	char *build_id;		     /* "" if none */
	char *runtime;		     /* "go", "corun" */
	char *version;		     /* "go1.19.8" */
	char *source;		     /* "bpf" or "ring" */
	char *link;		     /* "uprobe_multi", "perf uprobe, NOPs", "shared memory" */
	char *offsets;		     /* "stack.lo=0(dwarf) ..." as used */
	char *warnings;		     /* lines, or "" */
	uint64_t start_realtime_ns;  /* CLOCK_REALTIME at the release of the program */
	uint64_t start_monotonic_ns; /* CLOCK_MONOTONIC at the same moment; events use this clock */
	uint64_t pair_ns;	     /* calibration: subtracted from every copy's duration */
	uint64_t hit_ns;	     /* calibration: one hit */
	uint32_t cpus;
};

/* Frees the strings and clears the struct. */
void run_info_release(struct run_info *r);

#endif
