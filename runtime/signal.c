/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal.c: the stack that signal handlers run on.
 *
 * The kernel writes a frame of one to several KiB on the stack that runs, which on a coroutine's
 * would overwrite its neighbour.  So each thread that runs coroutines gets an alternate stack,
 * unless the program gave it one.  sigaction.c sees to it that handlers use it.
 */
#include "runtime/sigaction.h"

#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "runtime/runtime.h"

#define HANDLER_ROOM (64u << 10)
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51 /* size of a frame with all the state this processor has */
#endif

int signal_stack_install(void)
{
	stack_t present, ours;
	size_t size = HANDLER_ROOM + ((getauxval(AT_MINSIGSTKSZ) + 4095) & ~4095ul);
	void *p;

	this_m.alternate = 0;
	if (sigaltstack(NULL, &present) || !(present.ss_flags & SS_DISABLE))
		return 0;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	this_m.alternate = (uint64_t)p;
	this_m.alternate_size = size;
	ours = (stack_t){ .ss_sp = p, .ss_size = size };
	sigaltstack(&ours, NULL);
	return 0;
}

void signal_stack_remove(void)
{
	stack_t present, none = { .ss_flags = SS_DISABLE };
	void *ours = (void *)this_m.alternate;

	if (!ours)
		return;
	if (!sigaltstack(NULL, &present) && present.ss_sp == ours && sigaltstack(&none, NULL))
		return; /* still in use */
	munmap(ours, this_m.alternate_size);
	this_m.alternate = 0;
}

uint64_t __corun_signal_begin(void)
{
	uint64_t guard = tls_guard();

	tls_set_guard(0);
	this_m.in_signal++;
	return guard;
}

void __corun_signal_end(uint64_t guard)
{
	this_m.in_signal--;
	tls_set_guard(guard);
}
