/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurse: coroutines that go deep, with pointers from each frame to the one above.
 *
 *	recurse [-v] [COROUTINES [DEPTH]]
 *
 * Each coroutine walks down DEPTH calls, at the bottom up again along the pointers, and adds.  The
 * sum is right only if every pointer was moved with its stack.  A stack of 2 KiB that ends with
 * 2 KiB << n grew n times.
 */
#include "sample.h"

struct level {
	struct level *up;
	unsigned long depth;
	char filling[80];
};

static struct sample_number numbers[] = {
	{ "COROUTINES", 200, 1000000 },
	{ "DEPTH", 300, 1000000 },
};
#define COROUTINES numbers[0].value
#define DEPTH	   numbers[1].value

static unsigned long sum, growths;
static struct co_chan *done;

static __attribute__((noinline)) unsigned long deep(unsigned long depth, struct level *up)
{
	struct level here = { up, depth, "" };
	const struct level *l;
	unsigned long s = 0;

	if (depth < DEPTH)
		return deep(depth + 1, &here) + here.depth;
	for (l = &here; l; l = l->up)
		s += l->depth;
	return s;
}

static void worker(void *arg)
{
	unsigned long s = deep(1, NULL);
	size_t size;

	(void)arg;
	sum += s;
	for (size = co_stack_size(); size > 2048; size /= 2)
		growths++;
	co_chan_send(done, NULL);
}

static void start(void *arg)
{
	unsigned long i;
	int rc;

	(void)arg;
	rc = co_chan_make(0, 0, &done);
	if (rc)
		sample_fail("co_chan_make", rc);
	/* One at a time: a stack that was grown once is there for the next. */
	for (i = 0; i < COROUTINES; i++) {
		rc = co_go(worker, NULL);
		if (rc)
			sample_fail("co_go", rc);
		co_chan_recv(done, NULL);
	}
	sample_wait(COROUTINES);
	co_chan_free(done);
}

int main(int argc, char **argv)
{
	unsigned long expected;
	int rc;

	sample_read(argc, argv, numbers, 2);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	/* Down once, up once, without the deepest, which is counted on the way up only. */
	expected = COROUTINES * (DEPTH * (DEPTH + 1) - DEPTH);
	sample_say("coroutines", COROUTINES + 1);
	sample_say("growths", growths);
	sample_say("sum", sum);
	sample_say_runtime();
	if (sum != expected)
		fprintf(stderr, "recurse: the sum is %lu, not %lu\n", sum, expected);
	return sum != expected;
}
