/* SPDX-License-Identifier: Apache-2.0 */
/* hits.h: how often each probe was hit and what that took, for -v. */
#ifndef ST_CLI_HITS_H
#define ST_CLI_HITS_H

#include <stdio.h>

#include "base/event.h"

/* Prints a line for each probe that was hit, and their sum. */
void hits_print(FILE *out, const struct ev_hits *hits);

#endif
