/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c: SIGSEGV, for stacks that have a guard page or lost their memory.
 *
 *	below the open part of a stack that grows by its guard page: it grows, and the instruction
 *	is run again
 *	in the guard page: the stack is full; the report names the coroutine and shows its chain
 *	in a stack that was freed under CORUN_DEBUG=unmap: the report says whose it was
 *	anything else: the program's own handler, or its end
 *
 * An access is taken for one of the stack only from 128 bytes below the stack pointer (the red
 * zone) upwards: an address far below is a wild pointer that happens to point into the range, and
 * shall not be given memory.  A system call that is handed addresses below the open part fails with
 * EFAULT, as it does on a thread's stack below its guard; the call instruction of any function that
 * makes one has touched the stack below all of its caller's locals before.
 *
 * The handler runs on the alternate stack, with the guard of the coroutine still in the thread
 * control block: it is set to 0 meanwhile, as everywhere on g0.
 */
#include "runtime/fault.h"

#include <signal.h>
#include <ucontext.h>

#include "runtime/mcache.h"
#include "runtime/reserve.h"
#include "runtime/sigaction.h"

#define RED_ZONE 128
#define PUSH_RBP 0x55

/* The C library's, past --wrap. */
int __sigaction(int signo, const struct sigaction *act, struct sigaction *old);

static const int signals[] = { SIGSEGV, SIGBUS };
static struct sigaction before[2];
static bool installed;

/* As a tracer and our reports expect it in a growth; see describe_growth in newstack.c. */
static void describe(struct g *gp, const ucontext_t *uc)
{
	uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
	uint64_t bp = (uint64_t)uc->uc_mcontext.gregs[REG_RBP];

	gp->sched.pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	gp->sched.sp = sp;
	gp->sched.bp = bp;
	/* At its first instruction a function has no frame yet, later it has. */
	if (*(const uint8_t *)gp->sched.pc == PUSH_RBP || bp < sp || bp > gp->stack.hi - 16 ||
	    bp % 8)
		return;
	gp->sched.sp = bp + 8;
	gp->sched.bp = *(const uint64_t *)bp;
}

/* Not of a growth: all the frames there are. */
static void describe_plain(struct g *gp, const ucontext_t *uc)
{
	uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
	uint64_t bp = (uint64_t)uc->uc_mcontext.gregs[REG_RBP], lo = gp->stack.lo;

	/* Unchecked code goes below lo where that is a mere number. */
	if ((gp->stack.mem & OWNER_MASK) == OWNER_RESERVED)
		lo = reserve_limit(&gp->stack);
	gp->sched.pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	gp->sched.bp = bp >= lo && bp <= gp->stack.hi - 16 ? bp : 0;
	gp->sched.sp = sp >= lo && sp < gp->stack.hi ? sp : gp->sched.bp;
}

static bool in_reserved(struct g *gp, uint64_t address, const ucontext_t *uc)
{
	uint64_t limit = reserve_limit(&gp->stack), sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];

	if (address < limit - PAGE_SIZE || address >= gp->stack.lo)
		return false;
	if (address < limit) {
		describe_plain(gp, uc);
		fatal_guard(gp, address);
	}
	if (settings.trigger != CO_GUARD || address < sp - RED_ZONE)
		return false;
	describe(gp, uc);
	growstack_in_place(gp, address);
	return true;
}

bool __corun_fault(const siginfo_t *info, void *context)
{
	uint64_t address = (uint64_t)info->si_addr, guard;
	struct g *gp = this_m.curg;
	bool handled = false;

	if (!installed || !gp || this_m.in_signal || info->si_code <= 0)
		return false;
	guard = tls_guard();
	tls_set_guard(0);
	if (settings.unmap && checked_holds(address)) {
		describe_plain(gp, context);
		fatal_stale(gp, address);
	}
	if (guard && (gp->stack.mem & OWNER_MASK) == OWNER_RESERVED)
		handled = in_reserved(gp, address, context);
	tls_set_guard(guard);
	return handled;
}

/* The program's own, or what would happen without us: the instruction is run again and is deadly.
 */
static void pass_on(int signo, siginfo_t *info, void *context)
{
	const struct sigaction *old = &before[signo == SIGBUS];

	if (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)
		__sigaction(signo, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	else
		old->sa_sigaction(signo, info, context);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	if (!__corun_fault(info, context))
		pass_on(signo, info, context);
}

bool __corun_fault_replaces(int signo, const struct sigaction *act, struct sigaction *old)
{
	unsigned i = signo == SIGBUS;

	if (!installed || (signo != SIGSEGV && signo != SIGBUS))
		return false;
	if (old)
		*old = before[i];
	if (act)
		before[i] = *act;
	return true;
}

void fault_install(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned i;

	if (!settings.unmap && settings.policy != CO_MMAP && settings.policy != CO_FIXED)
		return;
	sigemptyset(&act.sa_mask);
	for (i = 0; i < 2; i++)
		__sigaction(signals[i], &act, &before[i]);
	installed = true;
}

void fault_remove(void)
{
	unsigned i;

	if (!installed)
		return;
	installed = false;
	for (i = 0; i < 2; i++)
		__sigaction(signals[i], &before[i], NULL);
}
