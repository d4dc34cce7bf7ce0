/* SPDX-License-Identifier: Apache-2.0 */
/* go_probes.h: where a Go program's probes, reasons and variables are.  Private to symbols/. */
#ifndef ST_SYMBOLS_GO_PROBES_H
#define ST_SYMBOLS_GO_PROBES_H

struct go_inference;
struct image;
struct target;

/* Fills in t->probe; what cannot be placed says why. */
void go_place_probes(struct image *img, const struct go_inference *inf, struct target *t);

/* Fills in t->reason from runtime.waitReasonStrings; none if it is not found. */
void go_reasons(struct image *img, struct target *t);

/* Fills in t->list and t->stack_limit; what is not found stays unknown. */
void go_globals(struct image *img, struct target *t);

#endif
