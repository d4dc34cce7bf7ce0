/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal.c: what the runtime says when it cannot go on.
 *
 * As in Go: a line that names the error, the coroutines that matter with their call chains, exit
 * status 2.  CORUN_DEBUG=crash ends with SIGABRT instead, for a core file.  Nothing is flushed, as
 * with abort: the program's own buffers may be half written.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/lock.h"
#include "runtime/mheap.h"
#include "runtime/own.h"
#include "runtime/reason.h"
#include "runtime/ring.h"
#include "runtime/runtime.h"
#include "runtime/stackcheck.h"
#include "runtime/symtab.h"

#define MAX_COROUTINES 100 /* in one report */
#define INNER_FRAMES   16  /* of a chain, at each end */
#define OUTER_FRAMES   4
#define MAX_FRAMES     (1u << 20)
#define NAME_SIZE      160

/*
 * Of two threads with a fatal error the first reports, and the process ends under the other.  Who
 * finds a second one while it reports ends at once.
 */
static struct lock report_lock;
static const struct m *reporter;

static void end(void) NORETURN;

static void begin_report(void)
{
	if (__atomic_load_n(&reporter, __ATOMIC_RELAXED) == &this_m)
		end();
	lock(&report_lock);
	__atomic_store_n(&reporter, &this_m, __ATOMIC_RELAXED);
}

static void write_line(const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

static void print(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];
	int n, m;

	n = snprintf(line, sizeof(line), "%s", prefix);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	if (m < 0)
		return;
	n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	write_line(line, (size_t)n);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print("", fmt, ap);
	va_end(ap);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print("corun: ", fmt, ap);
	va_end(ap);
}

static void end(void)
{
	ring_living();
	if (settings.crash)
		abort();
	_exit(2);
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	begin_report();
	va_start(ap, fmt);
	print("corun: fatal error: ", fmt, ap);
	va_end(ap);
	end();
}

const char *wait_reason_text(unsigned reason)
{
#define TEXT(number, text) [number] = text,
	static const char *const texts[] = { WAIT_REASONS(TEXT) };
#undef TEXT

	return reason && reason < WAIT_REASON_COUNT ? texts[reason] : "waiting";
}

static const char *state(const struct g *gp)
{
	switch (gp->status) {
	case G_RUNNABLE:
		return "runnable";
	case G_SYSCALL:
	case G_WAITING:
		return wait_reason_text(gp->wait_reason);
	default:
		return "running";
	}
}

static void say_frame(uint64_t pc, bool is_return)
{
	char name[NAME_SIZE];

	symtab_name(pc, is_return, name, sizeof(name));
	say("\t%s", name);
}

/* The frames of one chain; very long ones without their middle. */
static void say_chain(const struct g *gp, bool growing)
{
	static uint64_t pc[INNER_FRAMES];
	enum unwind_end how;
	size_t n, i, total;
	uint64_t *all;

	n = unwind(gp, growing, pc, INNER_FRAMES, &how);
	/* Only in a growth is the first one not behind a call of the function itself. */
	for (i = 0; i < n; i++)
		say_frame(pc[i], gp->sched.bp || i);
	if (how != UNWIND_CUT)
		return;
	/* Not from malloc: its lock may be held by who was interrupted. */
	all = (uint64_t *)map_pages(MAX_FRAMES * sizeof(*all), PROT_READ | PROT_WRITE);
	if (!all)
		return;
	total = unwind(gp, growing, all, MAX_FRAMES, &how);
	if (total > n + OUTER_FRAMES)
		say("\t... %zu frames ...", total - n - OUTER_FRAMES);
	for (i = total > n + OUTER_FRAMES ? total - OUTER_FRAMES : n; i < total; i++)
		say_frame(all[i], true);
	munmap(all, MAX_FRAMES * sizeof(*all));
}

static void say_coroutine(const struct g *gp, bool growing)
{
	char entry[NAME_SIZE], creator[NAME_SIZE];
	const char *name = own_name(gp);

	symtab_name((uint64_t)gp->entry, false, entry, sizeof(entry));
	symtab_name(gp->creator_pc, true, creator, sizeof(creator));
	say("\ncoroutine %llu%s%s%s [%s]: %s, created by %s", (unsigned long long)gp->id,
	    *name ? " \"" : "", name, *name ? "\"" : "", growing ? "running" : state(gp), entry,
	    creator);
	say_chain(gp, growing);
}

void fatal_overflow(struct g *gp, uint64_t frame)
{
	uint64_t size = gp->stack.hi - gp->stack.lo;

	begin_report();
	complain("stack of coroutine %llu exceeds the limit of %llu bytes (%s)",
		 (unsigned long long)gp->id, (unsigned long long)settings.max_stack,
		 settings.policy == CO_FIXED ? "CORUN_STACK" : "CORUN_MAXSTACK");
	complain("it has %llu bytes, %llu of them used, and a function needs %llu more",
		 (unsigned long long)size, (unsigned long long)(gp->stack.hi - gp->sched.sp),
		 (unsigned long long)frame);
	say("fatal error: stack overflow");
	say_coroutine(gp, true);
	end();
}

void fatal_no_memory(const struct g *gp, uint64_t size)
{
	char why[128];

	memory_trouble(size, why, sizeof(why));
	fatal("out of memory: cannot grow the stack of coroutine %llu from %llu to %llu bytes: %s",
	      (unsigned long long)gp->id, (unsigned long long)(gp->stack.hi - gp->stack.lo),
	      (unsigned long long)size, why);
}

void fatal_guard(struct g *gp, uint64_t address)
{
	begin_report();
	complain("coroutine %llu ran past the end of its stack, into the guard page at %#llx",
		 (unsigned long long)gp->id, (unsigned long long)address);
	complain("the stack may have %llu bytes; code that was not built by corun-cc uses it "
		 "unasked",
		 (unsigned long long)settings.max_stack);
	say("fatal error: stack overflow");
	say_coroutine(gp, false);
	end();
}

void fatal_stale(struct g *gp, uint64_t address)
{
	char fate[256];

	stackcheck_fate(address, fate, sizeof(fate));
	begin_report();
	complain("coroutine %llu used the address %#llx in %s", (unsigned long long)gp->id,
		 (unsigned long long)address, fate);
	say("fatal error: address of a local variable kept where it does not move with the stack");
	say_coroutine(gp, false);
	end();
}

/* On g0, the coroutine saved. */
static const char *misuse;

static void fatal_misuse0(struct g *gp)
{
	say("fatal error: %s", misuse);
	say_coroutine(gp, false);
	end();
}

void fatal_misuse(const char *what)
{
	misuse = what;
	if (tls_guard())
		mcall(fatal_misuse0);
	say("fatal error: %s", what);
	end();
}

struct census {
	unsigned said;
	uint64_t left_out;
};

static void say_waiting(struct g *gp, void *arg)
{
	struct census *c = arg;

	if (c->said == MAX_COROUTINES) {
		c->left_out++;
		return;
	}
	c->said++;
	say_coroutine(gp, false);
}

void fatal_deadlock(void)
{
	struct census c = { 0 };

	begin_report();
	say("fatal error: all coroutines are asleep - deadlock!");
	for_each_g(say_waiting, &c);
	if (c.left_out)
		say("\n... and %llu more coroutines", (unsigned long long)c.left_out);
	end();
}
