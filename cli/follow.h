/* SPDX-License-Identifier: Apache-2.0 */
/* follow.h: what run and record do with a session's end: the program's fate becomes ours. */
#ifndef ST_CLI_FOLLOW_H
#define ST_CLI_FOLLOW_H

struct err;
struct session;
struct session_result;

/* Exit status for a program that could not be traced: not found, cannot be executed, or our
 * failure. */
int follow_open_status(int error);

/*
 * Waits for the program if it still runs, frees the session and returns the program's exit status;
 * if a signal killed it, dies by the same signal.  own is our own status: if it is not 0, it wins
 * over a program that ended well.
 */
int follow_program(struct session *s, struct session_result *res, int own);

#endif
