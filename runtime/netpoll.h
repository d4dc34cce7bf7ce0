/* SPDX-License-Identifier: Apache-2.0 */
/* netpoll.h: where threads sleep that have nothing to run: until a descriptor or a timer is due. */
#ifndef ST_RUNTIME_NETPOLL_H
#define ST_RUNTIME_NETPOLL_H

#include <stdbool.h>
#include <stdint.h>

struct gqueue;

/*
 * On g0, with or without a P: adds the coroutines that may go on to the list.  until 0: does not
 * sleep; else sleeps until that time, or until netpoll_break.
 */
void netpoll(int64_t until, struct gqueue *ret);

/* Wakes the thread that sleeps in netpoll, or keeps the next one from it. */
void netpoll_break(void);

/* A timer has been armed: nobody may sleep in netpoll for longer. */
void netpoll_until(int64_t when);

/* One coroutine more (1) or less (-1) waits for a descriptor. */
void netpoll_waits(int n);
/* Whether any does: else there is nothing to ask epoll. */
bool netpoll_awaited(void);

/* co_run ends. */
void netpoll_end(void);

#endif
