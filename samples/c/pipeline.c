/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline: stages that hand items on over channels.
 *
 *	pipeline [-v] [STAGES [ITEMS]]
 *
 * A source sends 1 ... ITEMS into the first channel; each stage adds 1 to what it receives and
 * sends it on; the end adds up.  Every fourth channel is unbuffered, the others hold 16 items.
 * Nothing here needs more than 2 KiB of stack, so nothing grows.
 */
#include "sample.h"

static struct sample_number numbers[] = {
	{ "STAGES", 50, 100000 },
	{ "ITEMS", 2000, 100000000 },
};
#define STAGES numbers[0].value
#define ITEMS  numbers[1].value

/* On the heap, not on the creator's stack: the creator's stack may move. */
struct stage {
	struct co_chan *in, *out;
};

static void source(void *arg)
{
	struct co_chan *out = arg;
	unsigned long i;

	for (i = 1; i <= ITEMS; i++)
		co_chan_send(out, &i);
	co_chan_close(out);
}

static void stage(void *arg)
{
	struct stage *s = arg;
	unsigned long item;

	while (!co_chan_recv(s->in, &item)) {
		item++;
		co_chan_send(s->out, &item);
	}
	co_chan_close(s->out);
}

static unsigned long sum;

static void start(void *arg)
{
	struct stage *stages = calloc(STAGES, sizeof(*stages));
	struct co_chan *c, *first;
	unsigned long i, item;
	int rc;

	(void)arg;
	if (!stages)
		sample_fail("calloc", -12);
	rc = co_chan_make(sizeof(item), 0, &first);
	for (c = first, i = 0; !rc && i < STAGES; i++) {
		stages[i].in = c;
		rc = co_chan_make(sizeof(item), i % 4 == 3 ? 0 : 16, &c);
		stages[i].out = c;
		if (!rc)
			rc = co_go(stage, &stages[i]);
	}
	if (!rc)
		rc = co_go(source, first);
	if (rc)
		sample_fail("co_go", rc);
	while (!co_chan_recv(c, &item))
		sum += item;
	sample_wait(STAGES + 1);
	co_chan_free(first);
	for (i = 0; i < STAGES; i++)
		co_chan_free(stages[i].out);
	free(stages);
}

int main(int argc, char **argv)
{
	unsigned long expected;
	int rc;

	sample_read(argc, argv, numbers, 2);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	expected = ITEMS * (ITEMS + 1) / 2 + ITEMS * STAGES;
	sample_say("coroutines", STAGES + 2);
	sample_say("growths", 0);
	sample_say("sum", sum);
	sample_say_runtime();
	if (sum != expected)
		fprintf(stderr, "pipeline: the sum is %lu, not %lu\n", sum, expected);
	return sum != expected;
}
