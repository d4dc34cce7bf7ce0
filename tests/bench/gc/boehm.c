/* SPDX-License-Identifier: Apache-2.0 */
/* gc-boehm WORK: the same on the collector of Boehm, Demers and Weiser, which has no coroutines. */
#include <gc.h>
#include <gc/gc_typed.h>

#include "tests/bench/gc/trees.h"

static GC_descr descriptor;

struct node *new_node(void)
{
	return GC_malloc_explicitly_typed(sizeof(struct node), descriptor);
}

void collect(void)
{
	GC_gcollect();
}

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
