/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <sys/auxv.h>

uint64_t map_seed, map_secret = UINT64_C(0x9e3779b97f4a7c15);

/* The kernel gives every process 16 random bytes; no descriptor and no system call needed. */
__attribute__((constructor)) static void map_seed_init(void)
{
	const char *random = (const char *)getauxval(AT_RANDOM);

	if (!random)
		return;
	memcpy(&map_seed, random, sizeof(map_seed));
	memcpy(&map_secret, random + sizeof(map_seed), sizeof(map_secret));
}
