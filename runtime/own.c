/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.c: names of coroutines, and values that each has of its own.
 *
 * Most coroutines have neither, so there is one pointer in the descriptor, and memory when it is
 * needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

#include "runtime/own.h"

#define NAME_SIZE 32

struct own {
	char name[NAME_SIZE];
	unsigned count; /* values there is room for */
	void *value[];
};

static uint32_t keys; /* atomic: made so far */
static co_fn *destroy[CO_KEYS];

const char *own_name(const struct g *gp)
{
	return gp->own ? gp->own->name : "";
}

void **own_values(const struct g *gp, size_t *ret_count)
{
	*ret_count = gp->own ? gp->own->count : 0;
	return gp->own ? gp->own->value : NULL;
}

static struct own *own_for(struct g *gp, unsigned values)
{
	struct own *o = gp->own;
	unsigned had = o ? o->count : 0;

	if (o && values <= had)
		return o;
	if (unlikely(settings.fail_at) && debug_fail())
		return NULL;
	o = realloc(o, sizeof(*o) + values * sizeof(*o->value));
	if (!o)
		return NULL;
	if (!gp->own)
		o->name[0] = '\0';
	memset(o->value + had, 0, (values - had) * sizeof(*o->value));
	o->count = values;
	gp->own = o;
	return o;
}

/* co_set_name, on g0. */
int set_name(const char *name);
int set_name(const char *name)
{
	struct own *o;

	if (!name)
		return -EINVAL;
	if (!this_m.curg || this_m.in_signal)
		return -EPERM;
	o = own_for(this_m.curg, 0);
	if (!o)
		return -ENOMEM;
	strncpy(o->name, name, NAME_SIZE - 1);
	o->name[NAME_SIZE - 1] = '\0';
	return 0;
}

/* co_name, on g0. */
int get_name(char *ret, size_t size);
int get_name(char *ret, size_t size)
{
	const char *name;

	if (!ret || !size)
		return -EINVAL;
	if (!this_m.curg)
		return -EPERM;
	name = own_name(this_m.curg);
	if (strlen(name) >= size)
		return -ERANGE;
	strcpy(ret, name);
	return 0;
}

/* co_key_make, on g0. */
int key_make(co_fn *destructor, unsigned *ret);
int key_make(co_fn *destructor, unsigned *ret)
{
	uint32_t n = __atomic_load_n(&keys, __ATOMIC_RELAXED);

	if (!ret)
		return -EINVAL;
	do {
		if (n == CO_KEYS)
			return -EAGAIN;
	} while (!__atomic_compare_exchange_n(&keys, &n, n + 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	__atomic_store_n(&destroy[n], destructor, __ATOMIC_RELEASE);
	*ret = n;
	return 0;
}

/* co_set, on g0. */
int key_set(unsigned key, void *value);
int key_set(unsigned key, void *value)
{
	struct own *o;

	if (key >= __atomic_load_n(&keys, __ATOMIC_RELAXED))
		return -EINVAL;
	if (!this_m.curg || this_m.in_signal)
		return -EPERM;
	o = own_for(this_m.curg, key + 1);
	if (!o)
		return -ENOMEM;
	o->value[key] = value;
	return 0;
}

/* On G. */
void *co_get(unsigned key)
{
	const struct g *gp = getg();

	return gp && gp->own && key < gp->own->count ? gp->own->value[key] : NULL;
}

/* As with threads: destructors that set values again have them destroyed some times more. */
#define PASSES 4

void own_end(struct g *gp, bool run)
{
	unsigned i, pass;
	struct own *o;

	for (pass = 0; (o = gp->own); pass++) {
		gp->own = NULL;
		for (i = 0; run && pass < PASSES && i < o->count; i++) {
			co_fn *fn = __atomic_load_n(&destroy[i], __ATOMIC_ACQUIRE);

			if (o->value[i] && fn)
				fn(o->value[i]);
		}
		free(o);
	}
}
