/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h: what mutex.c and sync.c share. */
#ifndef ST_RUNTIME_SYNC_H
#define ST_RUNTIME_SYNC_H

struct g;

/* On G, before a wait for a lock: the probe by which tracers know which lock it is. */
void lock_is_taken(struct g *gp, const void *lock);

#endif
