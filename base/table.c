/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64

static void put(struct table_slot *slot, size_t slots, size_t hash, void *item)
{
	size_t i = hash & (slots - 1);

	while (slot[i].item)
		i = (i + 1) & (slots - 1);
	slot[i] = (struct table_slot){ hash, item };
}

static int grow(struct table *t)
{
	size_t slots = t->slots ? 2 * t->slots : FIRST_SLOTS;
	struct table_slot *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < t->slots; i++)
		if (t->slot[i].item)
			put(slot, slots, t->slot[i].hash, t->slot[i].item);
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	return 0;
}

int table_add(struct table *t, size_t hash, void *item)
{
	if (2 * t->count >= t->slots && grow(t))
		return -ENOMEM;
	put(t->slot, t->slots, hash, item);
	t->count++;
	return 0;
}

/*
 * What stands behind the hole and would be looked for from the hole on, or from before it, moves
 * into it, so that no probing ends too early and no marks of the removed pile up.
 */
void table_remove(struct table *t, size_t hash, const void *item)
{
	size_t last = t->slots - 1, hole = hash & last;

	while (t->slot[hole].item != item)
		hole = (hole + 1) & last;
	for (size_t i = (hole + 1) & last; t->slot[i].item; i = (i + 1) & last) {
		size_t home = t->slot[i].hash & last;

		if (((i - home) & last) >= ((i - hole) & last)) {
			t->slot[hole] = t->slot[i];
			hole = i;
		}
	}
	t->slot[hole].item = NULL;
	t->count--;
}

void table_release(struct table *t)
{
	free(t->slot);
	*t = (struct table){ 0 };
}
