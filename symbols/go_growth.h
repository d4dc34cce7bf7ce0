/* SPDX-License-Identifier: Apache-2.0 */
/*
 * go_growth.h: the five-byte NOPs of Go's newstack.
 *
 * Private to symbols/.
 */
#ifndef ST_SYMBOLS_GO_GROWTH_H
#define ST_SYMBOLS_GO_GROWTH_H

struct image;
struct target;

/*
 * Fills t->nops; where there are none, says why there.  t's probes are placed already.  -ENOMEM, or
 * -ENOTSUP from the decoder.
 */
int go_growth_nops(struct image *img, struct target *t);

#endif
