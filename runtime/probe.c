/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: the probes that tell of waits. */
#include "runtime/probe.h"

#include "runtime/note.h"
#include "runtime/ring.h"
#include "runtime/runtime.h"

ONE_SITE void probe_park(struct g *gp)
{
	ring_hit(EV_PROBE_PARK);
	PROBE(EV_PROBE_PARK, gp);
}

ONE_SITE void probe_ready(struct g *gp)
{
	ring_hit(EV_PROBE_READY);
	PROBE(EV_PROBE_READY, gp);
}

ONE_SITE void probe_mutex(struct g *gp, const void *mutex)
{
	ring_hit(EV_PROBE_MUTEX);
	PROBE_SIZE(EV_PROBE_MUTEX, gp, mutex);
}

ONE_SITE void probe_lock(const void *lock)
{
	ring_hit(EV_PROBE_LOCK);
	PROBE_SIZE(EV_PROBE_LOCK, getg(), lock);
}

ONE_SITE void probe_lock_end(const void *lock)
{
	ring_hit(EV_PROBE_LOCK_END);
	PROBE_SIZE(EV_PROBE_LOCK_END, getg(), lock);
}
