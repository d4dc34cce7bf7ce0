/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h: a hash table for what is looked up for every event.
 *
 * uthash (map.h) hangs items in chains and walks through the items themselves, most of which are
 * not in a cache: with 4,000 of them a look-up took 60 ns.  Here a slot holds the hash beside the
 * pointer, so that only the item that is found is touched.  Slots are probed one after the other
 * and at most half of them are used.
 *
 * An item begins with its key, of the same size in the whole table and without holes.  The order of
 * slots depends on the seed of map.h: it must never come out.
 */
#ifndef ST_BASE_TABLE_H
#define ST_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/map.h"

struct table_slot {
	size_t hash;
	void *item; /* NULL: free */
};

/* Zeroed: empty. */
struct table {
	struct table_slot *slot;
	size_t slots; /* a power of two, or 0 */
	size_t count;
};

/* The item of a key, or NULL.  hash is map_hash() of the key. */
static inline void *table_find(const struct table *t, size_t hash, const void *key, size_t len)
{
	size_t last = t->slots - 1;

	if (!t->slots)
		return NULL;
	for (size_t i = hash & last; t->slot[i].item; i = (i + 1) & last)
		if (t->slot[i].hash == hash && !memcmp(t->slot[i].item, key, len))
			return t->slot[i].item;
	return NULL;
}

/* Adds an item that is not there yet.  0 or -ENOMEM. */
int table_add(struct table *t, size_t hash, void *item);

/* Takes an item out that is there. */
void table_remove(struct table *t, size_t hash, const void *item);

/* Frees the slots; the items are the caller's. */
void table_release(struct table *t);

#endif
