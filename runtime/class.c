/* SPDX-License-Identifier: Apache-2.0 */
/*
 * class.c: the sizes that objects come in.
 *
 * Steps of an eighth at most from 128 bytes to 4 KiB, of a quarter above, where an object that
 * fills a page of its own matters more than the rest of its span.  24 and 40 are here because nodes
 * of lists and trees have those sizes; such an object holds nothing that wants 16 bytes of
 * alignment.
 *
 * A span has as many slots as keep what is left at its end below an eighth.
 */
#include "runtime/heap.h"

uint32_t class_size[OBJECT_CLASSES] = {
	16,   24,   32,	   40,	  48,	 64,	80,    96,    112,   128,   144,  160,	176,
	192,  208,  224,   240,	  256,	 288,	320,   352,   384,   416,   448,  480,	512,
	576,  640,  704,   768,	  832,	 896,	960,   1024,  1152,  1280,  1408, 1536, 1664,
	1792, 1920, 2048,  2304,  2560,	 2816,	3072,  3328,  3584,  3840,  4096, 5120, 6144,
	7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768,
};
uint8_t class_slots[OBJECT_CLASSES];
uint8_t class_small[(1024 >> 3) + 1];
uint8_t class_large[((SMALL_MAX - 1024) >> 7) + 1];

static unsigned least(uint64_t size)
{
	unsigned c = 0;

	while (class_size[c] < size)
		c++;
	return c;
}

void classes_init(void)
{
	unsigned c, i;

	for (c = 0; c < OBJECT_CLASSES; c++) {
		uint64_t size = class_size[c], slots = 1;

		while (slots * SLOT % size * 8 > slots * SLOT)
			slots++;
		class_slots[c] = (uint8_t)slots;
	}
	for (i = 0; i < sizeof(class_small); i++)
		class_small[i] = (uint8_t)least(i * 8);
	for (i = 0; i < sizeof(class_large); i++)
		class_large[i] = (uint8_t)least(1024 + i * 128);
}
