/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedtrace.c: what GODEBUG=schedtrace=N[,scheddetail=1] prints every N milliseconds, in the
 * format of Go 1.20 to 1.24, on sysmon's thread.
 *
 * Threads that only make calls (call.c) are counted, and have no M line: they have no P, and no
 * coroutine.
 *
 * Nobody is stopped for it: under sched.lock Ps and Ms neither come nor go, and what else is read
 * was true a moment ago.  Each line, and not each word as in Go, is one write.
 *
 * What Go's fields have no counterpart for here has the value that it always would have: threads
 * need not be told to spin (needspinning), are locked to nobody (nmidlelocked, lockedg, lockedm),
 * and a thread that prints is neither mallocing, throwing nor dying.
 */
#include <unistd.h>

#include "runtime/call.h"
#include "runtime/line.h"
#include "runtime/sched.h"

static int64_t first; /* the time of the first line */
static struct line out;

static void put(const char *name, uint64_t value)
{
	line_text(&out, name);
	line_number(&out, value);
}

static void put_bool(const char *name, bool value)
{
	line_text(&out, name);
	line_text(&out, value ? "true" : "false");
}

/* A number, or nil. */
static void put_id(const char *name, bool there, uint64_t value)
{
	line_text(&out, name);
	if (there)
		line_number(&out, value);
	else
		line_text(&out, "nil");
}

static void end_line(void)
{
	line_text(&out, "\n");
	line_write(&out, STDERR_FILENO);
}

static void put_header(int64_t now, bool detail)
{
	uint32_t i;

	put("SCHED ", (uint64_t)(now - first) / 1000000);
	put("ms: gomaxprocs=", sched.procs);
	put(" idleprocs=", sched.idle_ps);
	put(" threads=", GET(sched.threads) + calls_threads() + 1); /* and this one */
	put(" spinningthreads=", GET(sched.spinning));
	put(" needspinning=", 0);
	put(" idlethreads=", sched.idle_ms + calls_idle());
	put(" runqueue=", sched.runq.size);
	if (detail) {
		put_bool(" gcwaiting=", sched.stopping != NULL);
		put(" nmidlelocked=", 0);
		put(" stopwait=", GET(sched.stop_wait));
		put_bool(" sysmonwait=", false);
	} else {
		for (i = 0; i < sched.procs; i++)
			put(i ? " " : " [", runq_size(&p_at(i)->runq));
		line_text(&out, "]");
	}
	end_line();
}

static void put_p(const struct p *p)
{
	const struct m *mp = GET(p->m);

	put("  P", p->id);
	put(": status=", GET(p->status));
	put(" schedtick=", GET(p->schedtick));
	put(" syscalltick=", GET(p->syscalltick));
	put_id(" m=", mp, mp ? mp->id : 0);
	put(" runqsize=", runq_size(&p->runq));
	put(" gfreecnt=", GET(p->gfree_count));
	put(" timerslen=", GET(p->timers.count));
	end_line();
}

static void put_m(const struct m *mp)
{
	const struct p *p = GET(mp->p);
	const struct g *gp = GET(mp->curg);

	put("  M", mp->id);
	put_id(": p=", p, p ? p->id : 0);
	put_id(" curg=", gp, gp ? GET(gp->id) : 0);
	line_text(&out, " mallocing=0 throwing=0 preemptoff= locks=0 dying=0");
	put_bool(" spinning=", GET(mp->spinning));
	put_bool(" blocked=", !p && !gp);
	line_text(&out, " lockedg=nil");
	end_line();
}

static void put_g(struct g *gp, void *arg)
{
	unsigned reason = GET(gp->wait_reason);
	const struct m *mp;

	(void)arg;
	for (mp = sched.all_m; mp && GET(mp->curg) != gp; mp = mp->all_link)
		;
	put("  G", GET(gp->id));
	put(": status=", GET(gp->status));
	line_text(&out, "(");
	if (reason)
		line_text(&out, wait_reason_text(reason));
	line_text(&out, ")");
	put_id(" m=", mp, mp ? mp->id : 0);
	line_text(&out, " lockedm=nil");
	end_line();
}

void schedtrace(int64_t now, bool detail)
{
	const struct m *mp;
	uint32_t i;

	if (!first)
		first = now;
	lock(&sched.lock);
	put_header(now, detail);
	if (detail) {
		for (i = 0; i < sched.procs; i++)
			put_p(p_at(i));
		for (mp = sched.all_m; mp; mp = mp->all_link)
			put_m(mp);
		for_each_g(put_g, NULL);
	}
	unlock(&sched.lock);
}

void schedtrace_begin(void)
{
	first = 0;
}
