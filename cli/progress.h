/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h: how far long reading has come, on a terminal, in one line that goes away again. */
#ifndef ST_CLI_PROGRESS_H
#define ST_CLI_PROGRESS_H

#include <stdint.h>

/* Starts only where standard error is a terminal; what is a name for people. */
void progress_start(const char *what);

/* To be called often; does something a few times a second.  all 0: not known. */
void progress_show(uint64_t done, uint64_t all);

/* Takes the line away. */
void progress_end(void);

#endif
