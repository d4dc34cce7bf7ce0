/* SPDX-License-Identifier: Apache-2.0 */
/* CORUN_DEBUG=stackcheck: what keeps the address of a local is named, and what does not is not. */
#include <stdint.h>

#include "tests/corun/child.h"

static struct co_chan *gate;
static long *volatile kept_globally;
static long **kept_on_heap;

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

static __attribute__((noinline)) long below(long *local)
{
	return deep(50) + *local;
}

/* As the rule allows: down, and in locals of its own. */
static void good(void *arg)
{
	long here = 3, *p = &here, **pp = &p;

	(void)arg;
	CHECK_EQUAL(below(*pp), 53);
	CHECK(*pp == &here);
	free(malloc(1000));
	printf("good\n");
}

static void sends(void *arg)
{
	co_chan_send(gate, &arg);
}

/* What waited in channels, with a local to receive into, does not any more. */
static void selected(void *arg)
{
	struct co_chan *never;
	void *got = &got;

	(void)arg;
	co_chan_make(sizeof(got), 0, &gate);
	co_chan_make(sizeof(got), 0, &never);
	co_go(sends, NULL);
	CHECK_EQUAL(co_select((struct co_case[]){ { never, CO_RECV, 0, &got },
						  { gate, CO_RECV, 0, &got } },
			      2),
		    1);
	CHECK(!got);
	CHECK_EQUAL(deep(50), 50);
	printf("good\n");
}

static void in_global(void *arg)
{
	long here = 3;

	(void)arg;
	kept_globally = &here;
	CHECK_EQUAL(below(&here), 53);
	printf("done\n");
}

static void in_heap(void *arg)
{
	long here = 3;

	(void)arg;
	kept_on_heap = malloc(sizeof(*kept_on_heap));
	*kept_on_heap = &here;
	CHECK_EQUAL(below(&here), 53);
	free(kept_on_heap);
	printf("done\n");
}

static void borrower(void *arg)
{
	long *volatile borrowed = arg;

	CHECK_EQUAL(co_chan_recv(gate, NULL), -32);
	CHECK(borrowed == arg);
}

static void lender(void *arg)
{
	long here = 3;

	(void)arg;
	co_chan_make(0, 0, &gate);
	co_go(borrower, &here);
	co_yield();
	CHECK_EQUAL(below(&here), 53);
	co_chan_close(gate);
	co_yield();
	printf("done\n");
}

struct packed {
	char c;
	long *p;
	char d[6];
} __attribute__((packed));

static void in_packed(void *arg)
{
	long here = 3;
	_Alignas(16) struct packed s = { 1, &here, { 0 } };
	struct packed *p = OPAQUE(&s);

	(void)arg;
	CHECK_EQUAL(below(&here), 53);
	CHECK_EQUAL(p->c, 1);
	printf("done\n");
}

/* And then it is used. */
static void used_later(void *arg)
{
	long here = 3;

	(void)arg;
	kept_globally = &here;
	below(&here);
	printf("%ld\n", *kept_globally);
}

static void short_lived(void *arg)
{
	long here = 3, *p = OPAQUE(&here);

	(void)arg;
	kept_globally = p;
}

static void used_after_end(void *arg)
{
	(void)arg;
	co_go(short_lived, NULL);
	co_yield();
	printf("%ld\n", *kept_globally);
}

/* The C library reads it, on the thread's stack. */
static void used_by_libc(void *arg)
{
	char text[16] = "text";

	(void)arg;
	kept_globally = (long *)text;
	CHECK_EQUAL(deep(50), 50);
	printf("%s\n", (char *)kept_globally);
}

static unsigned arrived, told;

/* Runs on a thread of its own, and grows there or is stopped where it might. */
static void borrows_and_runs(void *arg)
{
	long *volatile borrowed = arg;

	__atomic_store_n(&arrived, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
		deep(1);
	CHECK(borrowed == arg);
	__atomic_store_n(&arrived, 2, __ATOMIC_RELEASE);
}

static void elsewhere(void *arg)
{
	long here = 3;

	(void)arg;
	co_go(borrows_and_runs, &here);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < 1)
		co_yield();
	CHECK_EQUAL(below(&here), 53);
	__atomic_store_n(&told, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < 2)
		co_yield();
	printf("done\n");
}

static void uses_on_a_thread(void *arg)
{
	long *volatile borrowed = arg;

	__atomic_store_n(&arrived, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
		co_yield();
	printf("%ld\n", *borrowed);
}

static void used_elsewhere(void *arg)
{
	long here = 3;

	(void)arg;
	co_go(uses_on_a_thread, &here);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < 1)
		co_yield();
	below(&here);
	__atomic_store_n(&told, 1, __ATOMIC_RELEASE);
	co_sleep(CO_FOREVER);
}

static struct co_wg crowd_wg;

/* Grows at all depths, with what the runtime writes down of stacks while somebody waits. */
static void crowded(void *arg)
{
	struct co_chan *own;
	long n, got = 0;

	(void)arg;
	co_chan_make(sizeof(n), 1, &own);
	for (n = 0; n < 30; n++) {
		CHECK_EQUAL(deep(n), n);
		co_chan_send(own, &n);
		CHECK_EQUAL(co_chan_recv(own, &got), 0);
		CHECK_EQUAL(got, n);
		if (n % 16 == 0)
			co_gc();
		co_yield();
	}
	co_chan_free(own);
	co_wg_done(&crowd_wg);
}

static void crowd(void *arg)
{
	int i;

	(void)arg;
	co_wg_add(&crowd_wg, 8);
	for (i = 0; i < 8; i++)
		co_go(crowded, NULL);
	co_wg_wait(&crowd_wg);
	printf("good\n");
}

static const struct role {
	const char *name;
	co_fn *fn;
	int status;
	const char *said[4];
} roles[] = {
	{ "good", good, 0, { "good\n" } },
	{ "selected", selected, 0, { "good\n" } },
	{ "global",
	  in_global,
	  0,
	  { "corun: stackcheck: coroutine 1, growth 1, 2048 to 4096 bytes in deep+",
	    ": the global kept_globally at 0x", "the address of a local of in_global+",
	    "corun: stackcheck: 1 places keep addresses of locals across a growth\n" } },
	{ "heap", in_heap, 0, { ": the heap at 0x", "a local of in_heap+", ": 1 places", "done" } },
	{ "lender",
	  lender,
	  0,
	  { "the stack of coroutine 2, in borrower+", "the address of a local of lender+",
	    "done" } },
	{ "packed", in_packed, 0, { "its own stack, in in_packed+", ", not aligned, at 0x" } },
	{ "later",
	  used_later,
	  2,
	  { "corun: coroutine 1 used the address 0x",
	    "in the stack that coroutine 1 had before growth 1, from 2048 to 4096 bytes in deep+",
	    "fatal error: address of a local variable kept where it does not move",
	    "\n\tused_later+" } },
	{ "ended",
	  used_after_end,
	  2,
	  { "in the stack of coroutine 2, which has ended", "\n\tused_after_end+" } },
	{ "libc", used_by_libc, 2, { "in the stack that coroutine 1 had", "\n\tused_by_libc+" } },
	{ "elsewhere",
	  elsewhere,
	  0,
	  { "corun: stackcheck: coroutine 1, growth 1, 2048 to 4096 bytes in deep+",
	    ", in borrows_and_runs+", "the address of a local of elsewhere+", "done" } },
	{ "used elsewhere",
	  used_elsewhere,
	  2,
	  { " used the address 0x", "in the stack that coroutine 1 had before growth 1",
	    "\n\tuses_on_a_thread+" } },
	{ "crowd", crowd, 0, { "good\n" } },
};

#define ROLES	(sizeof(roles) / sizeof(*roles))
#define THREADS 3 /* the last ones run on several */

int main(int argc, char **argv)
{
	size_t i, k;
	int status;

	for (i = 0; argc > 1 && i < ROLES; i++)
		if (!strcmp(argv[1], roles[i].name))
			return co_run(NULL, roles[i].fn, NULL) || check_result();
	for (i = 0; i < ROLES; i++) {
		setenv("GOMAXPROCS", i >= ROLES - THREADS ? "4" : "1", 1);
		status = child_run(roles[i].name, "CORUN_DEBUG=stackcheck");
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == roles[i].status);
		for (k = 0; k < 4 && roles[i].said[k]; k++)
			CHECK_SAID(roles[i].said[k]);
		CHECK_EQUAL(!strstr(child_said, "stackcheck: "),
			    !strcmp(roles[i].said[0], "good\n") || !strcmp(roles[i].name, "ended"));
		/* Without the check nobody says anything. */
		if (roles[i].status == 0) {
			CHECK_EQUAL(child_run(roles[i].name, NULL), 0);
			CHECK(!strstr(child_said, "corun"));
		}
	}
	return check_result();
}
