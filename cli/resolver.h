/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.h: names for addresses of a live run, from the programs' images and where they are
 * mapped. */
#ifndef ST_CLI_RESOLVER_H
#define ST_CLI_RESOLVER_H

#include <stdint.h>

struct ev_header;
struct image;
struct names;
struct resolver;

int resolver_new(struct resolver **ret);
void resolver_free(struct resolver *r);

/* Learns where a process has its image, which must outlive this, from its EV_IMAGE; other records
 * are ignored. */
void resolver_event(struct resolver *r, struct image *img, const struct ev_header *ev);

/* Names an address of a process, which is vaddr in the image, if that has a name: of code the
 * places, of data the variable, for locks. */
void resolver_name(struct image *img, uint64_t vaddr, struct names *n, uint32_t pid, uint64_t addr);

/* Makes names ask this resolver; it must outlive that. */
void resolver_attach(struct resolver *r, struct names *n);

#endif
