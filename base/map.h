/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h: uthash, set up so that it can be fed foreign keys.
 *
 * Include this instead of <uthash.h>.  The hash is seeded once a process, so that a hostile capture
 * cannot aim at one bucket; running out of memory is an error and not an exit.  Iteration goes in
 * the order of insertion and does not depend on the seed.
 */
#ifndef ST_BASE_MAP_H
#define ST_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern uint64_t map_seed, map_secret;

static inline uint64_t map_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/*
 * Multiply and fold, 16 bytes a step, each half with something that nobody outside knows; keys are
 * short and their length is mostly a constant.
 */
static inline unsigned map_hash(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = map_seed ^ len, v, w;

	for (; len >= 16; p += 16, len -= 16) {
		memcpy(&v, p, 8);
		memcpy(&w, p + 8, 8);
		h = map_mix(h ^ v, map_secret ^ w);
	}
	if (len >= 8) {
		memcpy(&v, p, 8);
		h = map_mix(h ^ v, 0x9e3779b97f4a7c15u);
		p += 8;
		len -= 8;
	}
	if (len) {
		v = 0;
		memcpy(&v, p, len);
		h = map_mix(h ^ v, 0xe7037ed1a0b428dbu);
	}
	return (unsigned)(h ^ (h >> 32));
}

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = map_hash((keyptr), (keylen)))
#define HASH_NONFATAL_OOM		     1
#include <uthash.h>

/* Whether the HASH_ADD before it had memory. */
#define map_added(elt) ((elt)->hh.tbl != NULL)

#endif
