/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.h: the plan, for --dry-run and -v. */
#ifndef ST_CLI_DRY_RUN_H
#define ST_CLI_DRY_RUN_H

#include <stdio.h>

struct plan;
struct run_info;
struct target;

/* Prints target, offsets and points.  info, if there is one, adds how the probes are linked and
 * calibrated. */
void dry_run_print(FILE *out, const char *path, const struct target *t, const struct plan *p,
		   const struct run_info *info);

#endif
