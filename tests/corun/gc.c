/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector: what is led to stays, by each of the ways there are, and what is not goes; stacks
 * shrink and what points into them follows.  With CORUN_DEBUG=poison what was freed by mistake
 * shows at once.
 */
#include "lists.h"

/* --- ways to an object: each is made by set, looked at by check, and ended by drop ------------ */

static struct item *global, *nobody;
static struct co_chan *buffered, *unbuffered, *wake;
static struct item *holder;
static void *outside;

static void on_stack(void *arg)
{
	struct item *list = make_list(ITEMS);
	int go;

	(void)arg;
	co_chan_recv(wake, &go);
	check_list(OPAQUE(list));
	co_chan_send(wake, &go);
}

/* The only copy is in a register that a call preserves. */
static void in_register(void *arg)
{
	register struct item *list __asm__("r13") = make_list(ITEMS);
	int go;

	(void)arg;
	__asm__ volatile("" : "+r"(list));
	co_chan_recv(wake, &go);
	__asm__ volatile("" : "+r"(list));
	check_list(list);
	co_chan_send(wake, &go);
}

static unsigned key;

static void with_value(void *arg)
{
	int go;

	(void)arg;
	CHECK_EQUAL(co_set(key, make_list(ITEMS)), 0);
	wipe();
	co_chan_recv(wake, &go);
	check_list(co_get(key));
	co_chan_send(wake, &go);
}

static void sender(void *arg)
{
	struct item *list = make_list(ITEMS);

	(void)arg;
	co_chan_send(unbuffered, &list);
}

static void with_argument(void *arg)
{
	check_list(arg);
}

static void set_parked(co_fn *fn)
{
	CHECK_EQUAL(co_go(fn, NULL), 0);
	co_yield();
	wipe();
}

static void drop_parked(void)
{
	int go = 1;

	co_chan_send(wake, &go);
	co_chan_recv(wake, &go);
	co_yield();
}

static void set_stack(void)
{
	set_parked(on_stack);
}
static void set_register(void)
{
	set_parked(in_register);
}
static void set_value(void)
{
	set_parked(with_value);
}

static void set_global(void)
{
	global = make_list(ITEMS);
}
static void check_global(void)
{
	check_list(global);
}
static void drop_global(void)
{
	global = NULL;
}

static void set_channel(void)
{
	struct item *list = make_list(ITEMS);

	CHECK_EQUAL(co_chan_send(buffered, &list), 0);
}

static void drop_channel(void)
{
	struct item *list = NULL;

	CHECK_EQUAL(co_chan_recv(buffered, &list), 0);
	check_list(list);
	/* It would still stand in the buffer. */
	list = NULL;
	co_chan_send(buffered, &list);
	co_chan_recv(buffered, &list);
}

static void set_flight(void)
{
	set_parked(sender);
}

static void drop_flight(void)
{
	struct item *list = NULL;

	CHECK_EQUAL(co_chan_recv(unbuffered, &list), 0);
	check_list(list);
	list = OPAQUE(nobody);
	co_yield();
}

static void set_argument(void)
{
	CHECK_EQUAL(co_go(with_argument, make_list(ITEMS)), 0);
}
static void drop_argument(void)
{
	co_yield();
}

static void set_object(void)
{
	holder = co_alloc(sizeof(*holder));
	holder->next = make_list(ITEMS);
}

static void check_object(void)
{
	check_list(holder->next);
}
static void drop_object(void)
{
	holder = NULL;
}

/* Into the middle of the first item. */
static void set_interior(void)
{
	global = (struct item *)((char *)make_list(ITEMS) + 17);
}
static void check_interior(void)
{
	check_list((struct item *)((char *)global - 17));
}

static void set_root(void)
{
	outside = malloc(64);
	memset(outside, 0, 64);
	CHECK_EQUAL(co_root_add(outside, 64), 0);
	((struct item **)outside)[7] = make_list(ITEMS);
}

static void check_root(void)
{
	check_list(((struct item **)outside)[7]);
}

static void drop_root(void)
{
	CHECK_EQUAL(co_root_remove(outside), 0);
	CHECK_EQUAL(co_root_remove(outside), -2);
	free(outside);
}

static void set_typed(void)
{
	struct item *i = co_alloc_typed(&item_type, 1);

	i->next = make_list(ITEMS);
	holder = i;
}

/* The last of an array that is an object of its own. */
static void set_large(void)
{
	struct item *i = co_alloc_typed(&item_type, 300000);

	i[299999].next = make_list(ITEMS);
	holder = i;
}

static void check_large(void)
{
	check_list(holder[299999].next);
}

static struct item **above; /* a variable of main's */
static void set_main(void)
{
	*above = make_list(ITEMS);
}
static void check_main(void)
{
	check_list(*above);
}
static void drop_main(void)
{
	*above = NULL;
}

static const struct way {
	const char *name;
	void (*set)(void), (*check)(void), (*drop)(void);
} ways[] = {
	{ "stack of a parked coroutine", set_stack, NULL, drop_parked },
	{ "saved register", set_register, NULL, drop_parked },
	{ "value of a coroutine's own", set_value, NULL, drop_parked },
	{ "global", set_global, check_global, drop_global },
	{ "channel", set_channel, NULL, drop_channel },
	{ "item of a sender that waits", set_flight, NULL, drop_flight },
	{ "argument of a coroutine that has not run", set_argument, NULL, drop_argument },
	{ "another object", set_object, check_object, drop_object },
	{ "inside of an object", set_interior, check_interior, drop_global },
	{ "co_root_add", set_root, check_root, drop_root },
	{ "word that the type names", set_typed, check_object, drop_object },
	{ "array that is a large object", set_large, check_large, drop_object },
	{ "stack above co_run", set_main, check_main, drop_main },
};

static void test_ways(void)
{
	uint64_t before, there;
	unsigned i;

	co_chan_make(sizeof(int), 0, &wake);
	co_chan_make(sizeof(void *), 1, &buffered);
	co_chan_make(sizeof(void *), 0, &unbuffered);
	co_key_make(NULL, &key);
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int failures = check_failures;

		collect();
		before = objects();
		ways[i].set();
		collect();
		there = objects();
		CHECK(there + SLACK >= before + ITEMS);
		if (ways[i].check)
			ways[i].check();
		ways[i].drop();
		collect();
		CHECK(objects() + ITEMS <= there + SLACK);
		if (failures != check_failures)
			fprintf(stderr, "way: %s\n", ways[i].name);
	}
	co_chan_free(wake);
	co_chan_free(buffered);
	co_chan_free(unbuffered);
}

/* In a function of its own, whose frame goes with what the compiler put aside in it. */
static __attribute__((noinline)) uint64_t set_nobody(void **kept)
{
	struct item *i = co_alloc_typed(&item_type, 1);

	i->self = make_list(ITEMS);
	nobody = i;
	global = co_alloc_atomic(64);
	global->next = make_list(ITEMS);
	*kept = make_list(ITEMS);
	make_list(ITEMS);
	return ~(uint64_t)make_list(ITEMS);
}

/* What must not keep anything: words that the type does not name, objects without addresses,
 * hidden addresses, memory of malloc, and nothing at all. */
static void test_nobody(void)
{
	void **kept = malloc(sizeof(*kept));
	uint64_t before, hidden;

	collect();
	before = objects();
	hidden = set_nobody(kept);
	CHECK(objects() >= before + 5 * ITEMS);
	collect();
	CHECK(objects() <= before + 2 + SLACK);
	CHECK(OPAQUE(hidden) != 0);
	nobody = global = NULL;
	free(kept);
}

/* --- stacks ------------------------------------------------------------------------------------
 */

/* How deep to go, and what is left after some collections; a sanitizer keeps 64 KiB free of each
 * stack. */
#define DEEP  (CHECK_SANITIZED ? 4000 : 100)
#define SMALL (CHECK_SANITIZED ? 512 << 10 : 4096)

static size_t shrunk;

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[400];

	room[0] = 1;
	return n ? deep(n - 1) + room[0] : 0;
}

/* Receives into a local, below which its stack shrinks; what points to locals follows. */
static void shrinker(void *arg)
{
	long got = 0, here = 7, *to_here = &here;

	CHECK_EQUAL(deep(DEEP), DEEP);
	CHECK(co_stack_size() >= 64 << 10);
	if (arg) {
		struct co_case cases[] = {
			{ .chan = unbuffered, .op = CO_RECV, .item = to_here },
			{ .chan = wake, .op = CO_RECV, .item = &got },
		};

		CHECK_EQUAL(co_select(cases, 2), 1);
	} else {
		CHECK_EQUAL(co_chan_recv(wake, &got), 0);
	}
	shrunk = co_stack_size();
	CHECK_EQUAL(got, 42);
	CHECK(OPAQUE(to_here) == &here && *to_here == 7);
	CHECK_EQUAL(deep(2 * DEEP), 2 * DEEP);
	co_chan_send(wake, &here);
}

static void test_shrink(int off, void *in_select)
{
	struct co_stats was, s;
	long value = 42;
	int i;

	co_chan_make(sizeof(long), 0, &wake);
	co_chan_make(sizeof(long), 0, &unbuffered);
	co_stats(&was);
	CHECK_EQUAL(co_go(shrinker, in_select), 0);
	co_yield();
	for (i = 0; i < 8; i++)
		CHECK_EQUAL(co_gc(), 0);
	co_chan_send(wake, &value);
	co_chan_recv(wake, &value);
	co_stats(&s);
	CHECK_EQUAL(value, 7);
	if (off) {
		CHECK_EQUAL(s.shrinks, was.shrinks);
		CHECK(shrunk >= 64 << 10);
	} else {
		CHECK(s.shrinks >= was.shrinks + (CHECK_SANITIZED ? 3 : 4));
		CHECK(shrunk <= SMALL);
	}
	co_chan_free(wake);
	co_chan_free(unbuffered);
}

static void empty(void *arg)
{
	(void)arg;
}

/* --- beside coroutines -------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	struct item *i = co_alloc(sizeof(*i));

	(void)a;
	(void)b;
	i->number = 5;
	CHECK_EQUAL(co_gc(), 0);
	churn();
	CHECK_EQUAL(i->number, 5);
	return 0;
}

/* On the thread's stack, with the caller's list in a register or a local. */
static void from_g0(void *arg)
{
	struct item *list = make_list(ITEMS);

	(void)arg;
	CHECK_EQUAL(co_gc(), 0);
	churn();
	CHECK_EQUAL(co_gc(), 0);
	check_list(list);
}

static void test_g0(void)
{
	struct item *list = make_list(ITEMS);
	int numbers[3] = { 1, 2, 3 };

	co_call(from_g0, NULL);
	qsort(numbers, 3, sizeof(int), compare);
	check_list(list);
}

static void start(void *arg)
{
	int off;
	const char *godebug = getenv("GODEBUG"), *policy = getenv("CORUN_POLICY");

	(void)arg;
	test_ways();
	test_nobody();
	off = godebug && strstr(godebug, "gcshrinkstackoff=1") != NULL;
	if (!check_moving() && !policy) {
		test_shrink(off, NULL);
		test_shrink(off, &off);
	}
	test_g0();
}

int main(void)
{
	struct item *mine = NULL;
	struct co_heap_stats s, again;

	above = &mine;
	CHECK(!co_alloc(8) && co_gc() < 0);
	check_run(start);
	CHECK(!co_alloc(8) && co_gc() < 0);
	co_heap_stats(&s);
	check_run(empty);
	co_heap_stats(&again);
	CHECK(s.mallocs > 10000 && again.mallocs == 0 && again.collections == 0);
	return check_result();
}
