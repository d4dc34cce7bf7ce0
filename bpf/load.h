/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h: the BPF core, configured for one target and loaded.
 */
#ifndef ST_BPF_LOAD_H
#define ST_BPF_LOAD_H

#include <stdbool.h>

struct core_bpf;
struct err;
struct image;
struct plan;
struct source_options;
struct target;

/*
 * Loads, and attaches nothing.  -EPERM, -ENOSYS as in source_bpf_open(); -ENOTSUP: the description
 * lacks a field without which there is nothing to tell.
 */
int load_core(struct image *img, const struct target *t, const struct plan *plan,
	      const struct source_options *opt, bool multi, struct core_bpf **ret, struct err *e);

#endif
