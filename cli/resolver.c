/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/resolver.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/event.h"
#include "base/map.h"
#include "formats/names.h"
#include "symbols/image.h"

#define MAX_PLACES    64 /* inlining deeper than this is cut at the outer end */
#define VARIABLE_SIZE 256

struct process {
	uint32_t pid; /* as in the records */
	struct image *img;
	uint64_t load_bias;
	UT_hash_handle hh;
};

struct resolver {
	struct process *processes;
};

int resolver_new(struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	struct process *p, *next;

	if (!r)
		return;
	HASH_ITER(hh, r->processes, p, next) {
		HASH_DEL(r->processes, p);
		free(p);
	}
	free(r);
}

void resolver_event(struct resolver *r, struct image *img, const struct ev_header *ev)
{
	const struct ev_image *im = (const struct ev_image *)ev;
	struct process *p;

	if (ev->kind != EV_IMAGE || ev->size < sizeof(*im))
		return;
	HASH_FIND(hh, r->processes, &ev->pid, sizeof(ev->pid), p);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return; /* addresses stay numbers */
		p->pid = ev->pid;
		HASH_ADD(hh, r->processes, pid, sizeof(p->pid), p);
		if (!map_added(p)) {
			free(p);
			return;
		}
	}
	p->img = img;
	p->load_bias = im->load_bias;
}

void resolver_name(struct image *img, uint64_t vaddr, struct names *n, uint32_t pid, uint64_t addr)
{
	struct place places[MAX_PLACES];
	struct name names[MAX_PLACES];
	char variable[VARIABLE_SIZE];
	size_t count = image_places(img, vaddr, places, MAX_PLACES);

	if (count > MAX_PLACES)
		count = MAX_PLACES;
	for (size_t i = 0; i < count; i++)
		names[i] = (struct name){ places[i].function, places[i].file, places[i].line,
					  places[i].inlined };
	if (!count && !image_variable(img, vaddr, variable, sizeof(variable))) {
		names[0] = (struct name){ .function = variable, .file = "" };
		count = 1;
	}
	if (count)
		names_add(n, pid, addr, names, count);
}

static void resolve(void *arg, struct names *n, uint32_t pid, uint64_t addr)
{
	struct resolver *r = arg;
	struct process *p;

	HASH_FIND(hh, r->processes, &pid, sizeof(pid), p);
	if (p)
		resolver_name(p->img, addr - p->load_bias, n, pid, addr);
}

void resolver_attach(struct resolver *r, struct names *n)
{
	names_set_resolver(n, resolve, r);
}
