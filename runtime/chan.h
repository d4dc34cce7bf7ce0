/* SPDX-License-Identifier: Apache-2.0 */
/* chan.h: what the scheduler needs to know of channels. */
#ifndef ST_RUNTIME_CHAN_H
#define ST_RUNTIME_CHAN_H

struct g;

/* Takes a coroutine that never runs again out of the channel in which it waits. */
void chan_forget(struct g *gp);

#endif
