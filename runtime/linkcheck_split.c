/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linkcheck_split.c: compiled with -fsplit-stack.  A linker that knows what that means changes the
 * stack check of this function, because it calls one that has none; see linkcheck.c.
 */
#include "runtime/linkcheck.h"

void __corun_split(void)
{
	__corun_plain();
	__asm__ volatile("" ::: "memory"); /* no tail call */
}
