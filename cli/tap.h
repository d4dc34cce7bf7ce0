/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h: standard error of a program that we run, read by us on its way.
 *
 * What the program gets is of the same kind as ours: a terminal of the same size where ours is one,
 * else a pipe.  Bytes are not changed.  What is to reach our own standard error is queued and
 * written when that takes it; a reader that does not read stops the program, as it would without
 * us, and neither us nor our memory.
 *
 * A second process, the keeper, holds the reading end too.  It does nothing while we are there;
 * when we have ended, killed or not, and somebody still has the other end, it passes on what comes.
 * So neither our death nor our end breaks the program's standard error, nor that of processes that
 * it left behind.
 */
#ifndef ST_CLI_TAP_H
#define ST_CLI_TAP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct tap;

/* Early, so that the keeper holds nothing of ours. */
int tap_open(struct tap **ret, struct err *e);

/* The program's end, for its descriptor 2; owner is given to the user that it will run as.  Ours is
 * closed by tap_launched(). */
int tap_child_fd(const struct tap *t);
void tap_give_to(struct tap *t, uid_t uid, gid_t gid);
void tap_launched(struct tap *t);

#define TAP_CHUNKS	4096  /* read in one go, then it is the turn of others */
#define TAP_LAST_CHUNKS 65536 /* behind the program's end: somebody may still be writing */

#define TAP_POLL 2
/* What to wait for; the number of entries filled in. */
nfds_t tap_poll(const struct tap *t, struct pollfd *fds);

/* Each reading is what one write wrote: not where a terminal is between. */
bool tap_by_writes(const struct tap *t);

/* What is there, without waiting: bytes, 0 if there is nothing now, or too much is queued. */
size_t tap_read(struct tap *t, char *to, size_t room);

/* The same when the program has ended: what it wrote last may take a moment to arrive. */
size_t tap_read_last(struct tap *t, char *to, size_t room);

void tap_write(struct tap *t, const char *bytes, size_t len); /* queues for standard error */
void tap_push(struct tap *t);				      /* writes what goes without waiting */

void tap_flush(struct tap *t); /* writes all that is queued, however long it takes */

/* The terminal has another size.  The program, which may have looked already, is told again. */
void tap_resize(struct tap *t, pid_t program);

/* Flushes and frees; NULL-safe. */
void tap_close(struct tap *t);

#endif
