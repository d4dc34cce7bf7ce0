/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tracees.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/event.h"

#define MAX_CHANGES ((1u << (32 - EV_PID_BITS)) - 1)

struct tracee *tracees_find(const struct tracees *p, uint32_t pid)
{
	struct tracee *found;

	HASH_FIND(hh, p->map, &pid, sizeof(pid), found);
	return found;
}

/* After so many programs the last number stands for all to come. */
int tracee_renumber(struct tracees *p, struct tracee *process, uint64_t now)
{
	uint64_t *grown;

	p->changed = true;
	process->seen = false;
	if (process->changes == MAX_CHANGES)
		return 0;
	grown = reallocarray(process->since, process->changes + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	process->since = grown;
	process->since[process->changes++] = now;
	return 0;
}

uint32_t tracee_number(const struct tracee *p, uint64_t time_ns)
{
	unsigned n = p->changes;

	while (n && time_ns < p->since[n - 1])
		n--;
	return p->pid | n << EV_PID_BITS;
}

struct tracee *tracees_add(struct tracees *p, uint32_t pid, uint64_t now)
{
	struct tracee *found = tracees_find(p, pid);

	if (found) {
		if (found->ended && tracee_renumber(p, found, now))
			return NULL;
		p->alive += found->ended;
		found->ended = false;
		return found;
	}
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->pid = pid;
	found->pidfd = -1;
	HASH_ADD(hh, p->map, pid, sizeof(found->pid), found);
	if (!map_added(found)) {
		free(found);
		return NULL;
	}
	p->alive++;
	return found;
}

void tracees_end(struct tracees *p, struct tracee *process)
{
	if (process->ended)
		return;
	process->ended = true;
	process->program = NULL;
	p->alive--;
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->pidfd = -1;
}

void tracees_free(struct tracees *p)
{
	struct tracee *process, *next;

	HASH_ITER(hh, p->map, process, next) {
		HASH_DEL(p->map, process);
		tracees_end(p, process);
		free(process->since);
		free(process->path);
		free(process);
	}
}
