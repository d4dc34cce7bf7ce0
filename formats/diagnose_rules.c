/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose_rules.c: the table of rules, and those that look at the runtime's lines.
 *
 * A new rule is a function and an entry of the table; stacktrace-diagnose(1) lists it, and
 * tests/diagnose.sh has something that triggers it and something that nearly does.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/diagnose_internal.h"

/* How many of the samples, from 0 to 1, and which was the most telling. */
typedef double sample_fn(const struct samples *s, size_t i);

struct share {
	size_t count, hits, most;
	double part, value; /* value: of the most telling one */
};

static struct share share_of(const struct samples *s, sample_fn *tells)
{
	struct share r = { .count = s->count };

	for (size_t i = 0; i < s->count; i++) {
		double v = tells(s, i);

		r.hits += v > 0;
		if (v > r.value) {
			r.value = v;
			r.most = i;
		}
	}
	r.part = r.count ? (double)r.hits / (double)r.count : 0;
	return r;
}

/* The more of more samples, the surer. */
static double sureness(const struct share *s)
{
	return 40 + 45 * s->part + (s->count < 20 ? (double)s->count / 2 : 10);
}

static double mean(const struct samples *s, const char *column, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += sample_value(s, i, column);
	return to > from ? sum / (double)(to - from) : 0;
}

/* --- coroutines ---------------------------------------------------------------------------- */

static int rule_leak(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched;
	size_t known = 0, first = 0, last = 0, falls = 0;
	double before = 0, begin, end;

	for (size_t i = 0; i < s->count; i++) {
		double now = sample_value(s, i, "coroutines");

		if (!sample_has(s, i, "coroutines"))
			continue;
		if (!known++)
			first = i;
		falls += known > 1 && now < before;
		before = now;
		last = i;
	}
	if (known < 5)
		return rule_leak_by_events(d, t, ret);
	begin = sample_value(s, first, "coroutines");
	end = sample_value(s, last, "coroutines");
	if (end - begin < t[0] || end < 1.5 * begin ||
	    (double)(known - 1 - falls) < t[1] / 100 * (double)(known - 1))
		return 0;
	finding_add_line(ret, s, first);
	finding_add_line(ret, s, last);
	return finding_say(
		ret, 60 + (known < 30 ? (double)known : 30),
		"from %.0f coroutines to %.0f over %zu samples, of which only %zu show fewer "
		"than the one before; idle processors at the end: %.0f of %.0f",
		begin, end, known, falls, sample_value(s, last, "idleprocs"),
		sample_value(s, last, "gomaxprocs"));
}

/* --- scheduler ----------------------------------------------------------------------------- */

static double starves(const struct samples *s, size_t i)
{
	return sample_value(s, i, "idleprocs") > 0 ? sample_value(s, i, "runnable") : 0;
}

static int rule_starvation(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched;
	const struct share h = share_of(s, starves);

	if (h.count < t[1] || h.part * 100 < t[0])
		return 0;
	finding_add_line(ret, s, h.most);
	return finding_say(ret, sureness(&h),
			   "in %zu of %zu samples coroutines could run while processors were idle: "
			   "at most %.0f, with %.0f of %.0f idle",
			   h.hits, h.count, h.value, sample_value(s, h.most, "idleprocs"),
			   sample_value(s, h.most, "gomaxprocs"));
}

static double spins(const struct samples *s, size_t i)
{
	bool work = sample_value(s, i, "runnable") > 0;

	return work || !sample_value(s, i, "idleprocs") ? 0 : sample_value(s, i, "spinningthreads");
}

static int rule_spinning(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched;
	const struct share h = share_of(s, spins);

	if (h.count < t[1] || h.part * 100 < t[0])
		return 0;
	finding_add_line(ret, s, h.most);
	return finding_say(ret, sureness(&h),
			   "in %zu of %zu samples threads looked for work where there was none: at "
			   "most %.0f",
			   h.hits, h.count, h.value);
}

/* Threads that are neither asleep nor at a processor; one more is the runtime's monitor. */
static double in_calls(const struct samples *s, size_t i)
{
	double at_work = sample_value(s, i, "gomaxprocs") - sample_value(s, i, "idleprocs");

	return sample_value(s, i, "threads") - sample_value(s, i, "idlethreads") - at_work -
	       sample_value(s, i, "spinningthreads") - 1;
}

static int rule_syscalls(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched;
	struct share h = { .count = s->count };

	for (size_t i = 0; i < s->count; i++) {
		double v = in_calls(s, i);

		h.hits += v >= t[0];
		if (v > h.value) {
			h.value = v;
			h.most = i;
		}
	}
	h.part = h.count ? (double)h.hits / (double)h.count : 0;
	if (h.count < 5 || h.part * 100 < t[1])
		return 0;
	finding_add_line(ret, s, h.most);
	return finding_say(
		ret, sureness(&h),
		"in %zu of %zu samples at least %.0f threads were in system calls or in C: "
		"at most %.0f, of %.0f threads for %.0f processors",
		h.hits, h.count, t[0], h.value, sample_value(s, h.most, "threads"),
		sample_value(s, h.most, "gomaxprocs"));
}

static double convoys(const struct samples *s, size_t i)
{
	double n = sample_value(s, i, "mallocing");

	return n >= 2 && 2 * n >= sample_value(s, i, "gomaxprocs") ? n : 0;
}

static int rule_convoy(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched;
	const struct share h = share_of(s, convoys);

	if (h.count < 5 || h.part * 100 < t[0])
		return rule_convoy_by_events(d, t, ret);
	finding_add_line(ret, s, h.most);
	return finding_say(
		ret, sureness(&h) - 15,
		"in %zu of %zu samples at least half as many threads as processors were in "
		"the allocator at once: at most %.0f",
		h.hits, h.count, h.value);
}

/* --- collector ----------------------------------------------------------------------------- */

static double stack_share(const struct samples *s, size_t i)
{
	double stacks = sample_value(s, i, "stacks_mib");
	double all = stacks + sample_value(s, i, "heap_live_mib") +
		     sample_value(s, i, "globals_mib");

	return all > 0 ? stacks / all : 0;
}

static int rule_gc_by_stacks(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->gc;
	struct share h = { .count = s->count };

	for (size_t i = 0; i < s->count; i++) {
		double v = stack_share(s, i);

		if (sample_value(s, i, "stacks_mib") < t[1] || v * 100 < t[0])
			continue;
		h.hits++;
		if (v > h.value) {
			h.value = v;
			h.most = i;
		}
	}
	h.part = h.count ? (double)h.hits / (double)h.count : 0;
	if (h.hits < 3)
		return 0;
	finding_add_line(ret, s, h.most);
	return finding_say(
		ret, sureness(&h),
		"in %zu of %zu collections stacks were at least %.0f %% of what was scanned "
		"or kept: at most %.0f %%, %.0f MiB beside a live heap of %.0f MiB",
		h.hits, h.count, t[0], h.value * 100, sample_value(s, h.most, "stacks_mib"),
		sample_value(s, h.most, "heap_live_mib"));
}

/* Later thirds against earlier ones: single samples say little. */
static int rule_backlog(const struct diagnose *d, const double *t, struct finding *ret)
{
	const struct samples *s = &d->sched, *g = &d->gc;
	size_t n = s->count / 3, m = g->count / 3;
	double q[2], h[2];

	if (n < 2 || m < 2)
		return 0;
	q[0] = mean(s, "runnable", 0, n);
	q[1] = mean(s, "runnable", s->count - n, s->count);
	h[0] = mean(g, "heap_live_mib", 0, m);
	h[1] = mean(g, "heap_live_mib", g->count - m, g->count);
	if (q[1] < t[0] * (q[0] > 1 ? q[0] : 1) || h[1] < t[1] * (h[0] > 1 ? h[0] : 1))
		return 0;
	finding_add_line(ret, s, s->count - 1);
	finding_add_line(ret, g, 0);
	finding_add_line(ret, g, g->count - 1);
	return finding_say(
		ret, 70,
		"from the first third to the last, coroutines that could run went from %.1f "
		"to %.1f and the live heap from %.1f to %.1f MiB",
		q[0], q[1], h[0], h[1]);
}

/* --- the table ----------------------------------------------------------------------------- */

static const struct diagnose_rule rules[] = {
	{ "coroutine-leak",
	  "the number of coroutines rises and does not fall: in the details of the scheduler's "
	  "lines, or by births and ends over the run",
	  "look at what those left wait for (report --by=alive); give each a way to end: a "
	  "context, "
	  "a closed channel, a deadline",
	  { { "more", "", "more at the end than at the beginning", 100 },
	    { "rising", "%", "of the samples not below the one before", 80 } },
	  rule_leak },
	{ "growth-storm",
	  "stacks grow very often in a short time",
	  "reuse workers instead of starting a coroutine for each request, or start them with a "
	  "larger stack (report gives sizes)",
	  { { "rate", "/s", "growths in the busiest 100 ms, as a rate", 10000 },
	    { "growths", "", "growths in all", 1000 } },
	  rule_growth_storm },
	{ "gc-by-stacks",
	  "most of what a collection scans or keeps is stacks",
	  "fewer or shallower coroutines; the heap's goal counts stacks since Go 1.18, so they "
	  "drive collections",
	  { { "share", "%", "stacks of stacks, live heap and globals", 50 },
	    { "size", "MiB", "stacks at least", 8 } },
	  rule_gc_by_stacks },
	{ "stack-thrash",
	  "stacks that a collection made smaller grow again",
	  "GODEBUG=gcshrinkstackoff=1 keeps them; or do the deep work in coroutines of its own",
	  { { "growths", "", "of stacks that were made smaller before", 10 },
	    { "share", "%", "of all growths", 10 } },
	  rule_thrash },
	{ "scheduler-starvation",
	  "coroutines can run while processors are idle",
	  "look for what keeps threads from being woken: CPU limits of the container, "
	  "LockOSThread, long stops of the world",
	  { { "share", "%", "of the samples", 25 }, { "samples", "", "at least", 5 } },
	  rule_starvation },
	{ "lock-convoy",
	  "threads wait for each other in the allocator: for its locks, or many are in it at "
	  "once",
	  "allocate less at once: reuse buffers (sync.Pool), start fewer coroutines at a time",
	  { { "share", "%", "of the samples", 50 },
	    { "wait", "%", "of the wall time, by the waits of all threads", 5 },
	    { "waits", "", "at least", 100 } },
	  rule_convoy },
	{ "spinning-waste",
	  "threads look for work where there is none",
	  "many short wakes keep them up: batch the work, or lower GOMAXPROCS",
	  { { "share", "%", "of the samples", 50 }, { "samples", "", "at least", 5 } },
	  rule_spinning },
	{ "oversized-start",
	  "coroutines begin with far more stack than they ever use",
	  "lower the first size (corun: co_config or CORUN_STACK; Go: "
	  "GODEBUG=adaptivestackstart=0)",
	  { { "coroutines", "", "of one creator, whose use was seen", 100 },
	    { "used", "%", "of the first size at most", 25 },
	    { "size", "B", "first size at least", 8192 } },
	  rule_oversized },
	{ "undersized-start",
	  "nearly all coroutines of one creator have to grow",
	  "start them with what they come to need; report --by=start compares sizes",
	  { { "coroutines", "", "of one creator", 100 }, { "grew", "%", "of them", 80 } },
	  rule_undersized },
	{ "blocked-syscalls",
	  "many threads are in system calls, or in C, at once",
	  "bound how many coroutines make blocking calls at a time; use calls that the runtime "
	  "waits for itself",
	  { { "threads", "", "in calls at once", 8 }, { "share", "%", "of the samples", 25 } },
	  rule_syscalls },
	{ "stack-overflow",
	  "a stack comes near the limit",
	  "look for recursion without an end in the function named; Go ends the program at 1 GB "
	  "(debug.SetMaxStack), corun at CORUN_MAXSTACK",
	  { { "size", "B", "a stack of this size", 67108864 } },
	  rule_overflow },
	{ "backlog",
	  "coroutines that can run and the live heap rise together",
	  "work comes in faster than it is done: bound the queue; see what escapes to the heap "
	  "in "
	  "the busy path",
	  { { "runnable", "x", "the last third of the samples to the first", 3 },
	    { "heap", "x", "the same of the live heap", 2 } },
	  rule_backlog },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))
_Static_assert(RULES <= RULES_MOST, "room for their thresholds");

const struct diagnose_rule *diagnose_rules(size_t *ret_count)
{
	*ret_count = RULES;
	return rules;
}

static int surest_first(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;

	if (a->confidence != b->confidence)
		return a->confidence < b->confidence ? 1 : -1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

int diagnose_find(struct diagnose *d, struct aggregate *a, struct names *n, struct finding **ret,
		  size_t *ret_count)
{
	struct finding *f = calloc(RULES, sizeof(*f));
	size_t count = 0;
	int r = f ? line_rows_end(d->sched.rows) : -ENOMEM;

	d->aggregate = a;
	d->names = n;
	for (size_t i = 0; i < RULES && r >= 0; i++) {
		f[count].rule = &rules[i];
		r = rules[i].test(d, d->threshold[i], &f[count]);
		count += r > 0 || (r < 0 && f[count].lines);
	}
	if (r < 0) {
		findings_free(f, count);
		return -ENOMEM;
	}
	qsort(f, count, sizeof(*f), surest_first);
	*ret = f;
	*ret_count = count;
	return 0;
}
