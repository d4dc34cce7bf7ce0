/* SPDX-License-Identifier: Apache-2.0 */
/* own.h: what belongs to one coroutine: its name, and its values of keys. */
#ifndef ST_RUNTIME_OWN_H
#define ST_RUNTIME_OWN_H

#include <stdbool.h>
#include <stddef.h>

struct g;

const char *own_name(const struct g *gp); /* "": none */

/* Its values, which may be addresses of objects of the heap. */
void **own_values(const struct g *gp, size_t *ret_count);

/* On g0: the coroutine has ended; what is kept for it goes, destructors are called if run is set.
 */
void own_end(struct g *gp, bool run);

#endif
