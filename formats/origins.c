/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "formats/aggregate_internal.h"

struct origin *origin_get(struct aggregate *a, uint32_t pid, uint64_t creator_pc, uint64_t entry_pc)
{
	const struct origin_key key = { pid, creator_pc, entry_pc };
	struct origin *o;

	HASH_FIND(hh, a->origins, &key, sizeof(key), o);
	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->key = key;
	HASH_ADD(hh, a->origins, key, sizeof(key), o);
	if (!map_added(o)) {
		free(o);
		return NULL;
	}
	return o;
}

void origin_born(struct origin *o)
{
	if (++o->alive > o->peak_alive)
		o->peak_alive = o->alive;
}

void origin_gone(struct origin *o)
{
	o->alive--;
}

void origins_free(struct aggregate *a)
{
	struct origin *o, *next;

	HASH_ITER(hh, a->origins, o, next) {
		HASH_DEL(a->origins, o);
		free(o);
	}
}
