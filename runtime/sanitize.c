/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sanitize.c: see sanitize.h.  Compiled without instrumentation: it runs between two contexts.
 *
 * Where a sanitizer wants to be told before a switch and after it, it is told both at once, right
 * before: only assembly runs in between.
 *
 * A fiber is kept with its descriptor, for the next coroutine that gets it: to make one takes
 * a hundred times as long as a switch.  What the runtime does to hand a descriptor on orders the
 * two coroutines anyway.  One that ended in the middle of its functions leaves them on the call
 * stack of its fiber, which then goes.
 */
#include "runtime/sanitize.h"

#ifdef SANITIZED

#include <pthread.h>

#include "runtime/mcache.h"

#ifdef SANITIZED_thread
#include <sanitizer/tsan_interface.h>

void sanitize_thread(void)
{
	this_m.sanitize.fiber = __tsan_get_current_fiber();
}

void sanitize_born(struct g *gp)
{
	if (gp->sanitize.left)
		sanitize_free(gp);
	if (!gp->sanitize.fiber)
		gp->sanitize.fiber = __tsan_create_fiber(0);
}

void sanitize_left(struct g *gp)
{
	gp->sanitize.left = true;
}

void sanitize_free(struct g *gp)
{
	if (gp->sanitize.fiber)
		__tsan_destroy_fiber(gp->sanitize.fiber);
	gp->sanitize.fiber = NULL;
	gp->sanitize.left = false;
}

void sanitize_to_g(struct g *gp)
{
	__tsan_switch_to_fiber(gp->sanitize.fiber, 0);
}

void sanitize_to_g0(struct g *gp)
{
	(void)gp;
	__tsan_switch_to_fiber(this_m.sanitize.fiber, 0);
}

void sanitize_moved(struct g *gp)
{
	(void)gp;
}

void sanitize_unused(struct stack s)
{
	(void)s;
}

#else
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

int __lsan_is_turned_off(void);

/* At exit, or when asked; a program may say so itself. */
__attribute__((weak, visibility("default"))) int __lsan_is_turned_off(void)
{
	return GET(sched.procs) != 0;
}

static void to_stack(void **ret_fake, void *fake, uint64_t lo, uint64_t hi)
{
	__sanitizer_start_switch_fiber(ret_fake, (const void *)lo, hi - lo);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
}

void sanitize_thread(void)
{
	pthread_attr_t attr;
	void *lowest;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &lowest, &size)) {
		this_m.stack_lo = (uint64_t)lowest;
		this_m.stack_hi = (uint64_t)lowest + size;
	}
	pthread_attr_destroy(&attr);
}

void sanitize_born(struct g *gp)
{
	gp->sanitize.fake_stack = NULL;
}

void sanitize_left(struct g *gp)
{
	(void)gp;
}

void sanitize_free(struct g *gp)
{
	(void)gp;
}

void sanitize_to_g(struct g *gp)
{
	to_stack(&this_m.sanitize.fake_stack, gp->sanitize.fake_stack, gp->stack.lo, gp->stack.hi);
}

void sanitize_to_g0(struct g *gp)
{
	to_stack(&gp->sanitize.fake_stack, this_m.sanitize.fake_stack, this_m.stack_lo,
		 this_m.stack_hi);
}

void sanitize_moved(struct g *gp)
{
	void *fake;

	__sanitizer_start_switch_fiber(&fake, (const void *)gp->stack.lo,
				       gp->stack.hi - gp->stack.lo);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
}

void sanitize_unused(struct stack s)
{
	__asan_unpoison_memory_region((void *)s.lo, s.hi - s.lo);
}
#endif

void sanitize_gone(struct g *gp)
{
	if (gp)
		sanitize_to_g0(gp);
}

#endif
