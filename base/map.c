/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <sys/auxv.h>

uint64_t map_seed;

/* The kernel gives every process 16 random bytes; no descriptor and no system call needed. */
__attribute__((constructor)) static void map_seed_init(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(&map_seed, random, sizeof(map_seed));
}
