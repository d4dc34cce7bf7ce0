/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.c: a function without a stack check, in an object that does not claim any; linkcheck.c
 * calls it.  It must stay an object of its own.
 */
#include "runtime/linkcheck.h"

void __corun_plain(void)
{
}
