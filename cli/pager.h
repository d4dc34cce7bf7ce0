/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pager.h: long output on a terminal goes through a pager, as git does it.
 *
 * $STACKTRACE_PAGER, else $PAGER, else less; empty or "cat": none.  less gets -FRX (stay out of the
 * way of what fits the screen, let colours through, leave the text there) unless $LESS says
 * otherwise.
 */
#ifndef ST_CLI_PAGER_H
#define ST_CLI_PAGER_H

#include <stdbool.h>

/* Puts a pager behind standard output if that is a terminal.  Without one that can be started,
 * output goes straight to the terminal. */
void pager_start(void);

/* Whether standard output is a pager's, and what terminal is behind it. */
bool pager_is_active(void);
int pager_terminal(void);

/* After standard output was closed: waits until the reader has seen enough. */
void pager_wait(void);

#endif
