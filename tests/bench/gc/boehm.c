/* SPDX-License-Identifier: Apache-2.0 */
/* gc-boehm WORK: the same on the collector of Boehm, Demers and Weiser, which has no coroutines. */
#include <gc.h>

#include "tests/bench/runtime/bench.h"

static uint64_t descriptor;

#define NEW_NODE() GC_malloc_explicitly_typed(2 * sizeof(void *), descriptor)
#define COLLECT()  GC_gcollect()
#include <gc/gc_typed.h>

#include "trees.h"

int main(int argc, char **argv)
{
	GC_word both[1] = { 3 };

	GC_INIT();
	descriptor = GC_make_descriptor(both, 2);
	if (argc == 2 && !strcmp(argv[1], "trees"))
		trees();
	else if (argc == 2 && !strcmp(argv[1], "large"))
		large_tree();
	else
		return 77;
	return 0;
}
