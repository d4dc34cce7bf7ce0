/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect: coroutines that once went deep and then wait, while the heap is collected.
 *
 *	collect [-v] [COROUTINES [DEPTH [COLLECTIONS]]]
 *
 * Each coroutine walks down DEPTH calls, makes a list of as many objects of the collected heap, and
 * waits with nothing but the list's address on its stack.  Each collection halves its stack until a
 * quarter is used.  A stack that was 2 KiB << n grew n times; what became of it meanwhile tells how
 * often it shrank; and the sum of the lists is right only if none of their objects was freed.
 */
#include "sample.h"

struct item {
	struct item *next;
	unsigned long number;
};

static struct sample_number numbers[] = {
	{ "COROUTINES", 200, 1000000 },
	{ "DEPTH", 300, 100000 },
	{ "COLLECTIONS", 10, 1000 },
};
#define COROUTINES  numbers[0].value
#define DEPTH	    numbers[1].value
#define COLLECTIONS numbers[2].value

static unsigned long sum, growths, shrinks;
static struct co_chan *wait, *done;

static __attribute__((noinline)) unsigned long deep(unsigned long depth)
{
	volatile unsigned long here = depth;

	return depth < DEPTH ? deep(depth + 1) + here : here;
}

static __attribute__((noinline)) struct item *make_list(void)
{
	struct item *list = NULL, *i;
	unsigned long n;

	for (n = 1; n <= DEPTH; n++) {
		i = co_alloc(sizeof(*i));
		if (!i)
			sample_fail("co_alloc", -12);
		i->next = list;
		i->number = n;
		list = i;
	}
	return list;
}

static void worker(void *arg)
{
	unsigned long to = deep(1), size = co_stack_size(), s;
	struct item *i = make_list();

	(void)arg;
	for (s = size; s > 2048; s /= 2)
		growths++;
	co_chan_recv(wait, NULL);
	for (s = co_stack_size(); s < size; s *= 2)
		shrinks++;
	for (; i; i = i->next)
		to -= i->number;
	sum += to;
	co_chan_send(done, NULL);
}

static void start(void *arg)
{
	unsigned long i;
	int rc;

	(void)arg;
	rc = co_chan_make(0, 0, &wait);
	if (!rc)
		rc = co_chan_make(0, 0, &done);
	if (rc)
		sample_fail("co_chan_make", rc);
	for (i = 0; i < COROUTINES; i++) {
		rc = co_go(worker, NULL);
		if (rc)
			sample_fail("co_go", rc);
		co_yield();
	}

	for (i = 0; i < COLLECTIONS; i++)
		co_gc();
	for (i = 0; i < COROUTINES; i++) {
		co_chan_send(wait, NULL);
		co_chan_recv(done, NULL);
	}
	co_yield();
}

int main(int argc, char **argv)
{
	struct co_heap_stats s;
	int rc;

	sample_read(argc, argv, numbers, 3);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	co_heap_stats(&s);
	sample_say("coroutines", COROUTINES + 1);
	sample_say("growths", growths);
	sample_say("shrinks", shrinks);
	sample_say("objects", COROUTINES * DEPTH);
	sample_say_runtime();
	sample_say("runtime.collections", s.collections);
	sample_say("runtime.objects", s.mallocs);
	if (sum)
		fprintf(stderr, "collect: the sum is %lu, not 0\n", sum);
	return sum != 0;
}
