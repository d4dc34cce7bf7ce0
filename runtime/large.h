/* SPDX-License-Identifier: Apache-2.0 */
/* large.h: stacks of more than a mebibyte, mapped one by one, some of them kept. */
#ifndef ST_RUNTIME_LARGE_H
#define ST_RUNTIME_LARGE_H

#include <stdint.h>

int large_alloc(unsigned order, uint64_t *ret); /* -ENOMEM */
void large_free(unsigned order, uint64_t lo);
uint64_t large_mapped(void);
void large_reset(void);

#endif
