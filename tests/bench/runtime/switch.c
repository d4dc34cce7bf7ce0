/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switch: from one stack to another and back, without a scheduler.
 *
 *	switch corun		mcall and gogo, what gopark and schedule are made of
 *	switch limit		the least that can be done: six registers, and a jmp
 *	switch boost		jump_fcontext
 *	switch boost-fp		the same when one side has computed with doubles: the two then have
 *				different flags in mxcsr, and it saves those
 *	switch ucontext		swapcontext
 */
#include <ucontext.h>

#include "runtime/runtime.h"
#include "tests/bench/runtime/bench.h"

#define TRIALS 15
#define OPS    (1u << 21)

static char stack[65536] __attribute__((aligned(64)));

/* --- corun: the thread is one coroutine, stack the other's ----------------------------------- */

static char g0_stack[65536] __attribute__((aligned(64)));
static struct g here, there;

static void to_other(struct g *gp)
{
	struct g *next = gp == &here ? &there : &here;

	this_m.curg = next;
	gogo(next);
}

static void bounce(void)
{
	for (;;)
		mcall(to_other);
}

static void corun_switch(uint64_t ops)
{
	for (; ops; ops -= 2)
		mcall(to_other);
}

static void corun_begin(void)
{
	uint64_t *saved = (uint64_t *)(stack + sizeof(stack) - 64) - 8;

	memset(saved, 0, 64);
	there.sched = (struct gobuf){ (uint64_t)saved, (uint64_t)bounce, 0 };
	this_m.g0_sp = (uint64_t)(g0_stack + sizeof(g0_stack));
	this_m.curg = &here;
}

/* --- the limit ---------------------------------------------------------------------------------
 */

void limit_jump(void **save, void *to);
__asm__("limit_jump:\n"
	"	popq	%rax\n"
	"	pushq	%rbp\n"
	"	pushq	%rbx\n"
	"	pushq	%r12\n"
	"	pushq	%r13\n"
	"	pushq	%r14\n"
	"	pushq	%r15\n"
	"	pushq	%rax\n"
	"	movq	%rsp, (%rdi)\n"
	"	movq	%rsi, %rsp\n"
	"	popq	%rax\n"
	"	popq	%r15\n"
	"	popq	%r14\n"
	"	popq	%r13\n"
	"	popq	%r12\n"
	"	popq	%rbx\n"
	"	popq	%rbp\n"
	"	jmp	*%rax\n");

static void *limit_here, *limit_there;

static void limit_bounce(void)
{
	for (;;)
		limit_jump(&limit_there, limit_here);
}

static void limit_switch(uint64_t ops)
{
	for (; ops; ops -= 2)
		limit_jump(&limit_here, limit_there);
}

static void limit_begin(void)
{
	uint64_t *saved = (uint64_t *)(stack + sizeof(stack) - 64) - 8;

	saved[0] = (uint64_t)limit_bounce;
	limit_there = saved;
}

/* --- boost.context ---------------------------------------------------------------------------- */

#ifdef HAVE_BOOST
struct transfer {
	void *context, *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*fn)(struct transfer));

#define CLEAN	0x1f80u
#define INEXACT 0x20u

static void *peer;
static unsigned mxcsr; /* of the other side */

static void boost_bounce(struct transfer t)
{
	__builtin_ia32_ldmxcsr(mxcsr);
	for (;;)
		t = jump_fcontext(t.context, NULL);
}

static void boost_switch(uint64_t ops)
{
	/* Printing the trial before has left its flags. */
	__builtin_ia32_ldmxcsr(CLEAN);
	for (; ops; ops -= 2)
		peer = jump_fcontext(peer, NULL).context;
}

static void boost_begin(bool inexact)
{
	mxcsr = CLEAN | (inexact ? INEXACT : 0);
	peer = make_fcontext(stack + sizeof(stack), sizeof(stack), boost_bounce);
}
#endif

/* --- ucontext --------------------------------------------------------------------------------- */

static ucontext_t mine, theirs;

static void ucontext_bounce(void)
{
	for (;;)
		swapcontext(&theirs, &mine);
}

static void ucontext_switch(uint64_t ops)
{
	for (; ops; ops -= 2)
		swapcontext(&mine, &theirs);
}

static void ucontext_begin(void)
{
	getcontext(&theirs);
	theirs.uc_stack.ss_sp = stack;
	theirs.uc_stack.ss_size = sizeof(stack);
	makecontext(&theirs, ucontext_bounce, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "corun")) {
		corun_begin();
		run_trials("switch", TRIALS, OPS, corun_switch);
	} else if (!strcmp(what, "ucontext")) {
		ucontext_begin();
		run_trials("switch", TRIALS, OPS / 16, ucontext_switch);
	} else if (!strcmp(what, "limit")) {
		limit_begin();
		run_trials("switch", TRIALS, OPS, limit_switch);
#ifdef HAVE_BOOST
	} else if (!strncmp(what, "boost", 5)) {
		boost_begin(!strcmp(what, "boost-fp"));
		run_trials("switch", TRIALS, OPS, boost_switch);
#endif
	} else {
		return 77;
	}
	return 0;
}
