/* SPDX-License-Identifier: Apache-2.0 */
/* names_internal.h: what the capture writer needs of names besides names.h. */
#ifndef ST_FORMATS_NAMES_INTERNAL_H
#define ST_FORMATS_NAMES_INTERNAL_H

#include "formats/names.h"

/*
 * As names_each, in the order in which addresses got their names, from number *from on.  *from
 * moves behind each address that fn took with 0, so that a later call goes on there.
 */
int names_each_from(struct names *n, size_t *from, names_each_fn *fn, void *arg);

#endif
