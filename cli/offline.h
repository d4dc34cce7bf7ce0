/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline.h: names for what a capture has no names for, from files on this machine.
 *
 * A capture brings its names along, but a stripped program had none to give.  What the capture says
 * of its program, path and build id, finds the program or its separate debug information below a
 * root directory: on this machine, or in what was copied from another one.
 *
 * Files are only looked for when the first name is missing.  One whose build id is another is never
 * used: wrong names are worse than none.
 */
#ifndef ST_CLI_OFFLINE_H
#define ST_CLI_OFFLINE_H

struct ev_header;
struct names;
struct offline;
struct run_info;

/*
 * sysroot NULL: only debug information by build id, in this machine's usual place.  All must
 * outlive the result.  0 or -ENOMEM.
 */
int offline_new(const char *sysroot, const struct run_info *info, struct offline **ret);
void offline_free(struct offline *o); /* NULL-safe */

/* Learns where processes have their program; other records are ignored. */
void offline_event(struct offline *o, const struct ev_header *ev);

/* Makes names ask here; o must outlive that. */
void offline_attach(struct offline *o, struct names *n);

#endif
