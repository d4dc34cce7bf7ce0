/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: a depth-first search that goes through a maze in one long recursion.
 *
 *	search [-v] [SEARCHES [WIDTH [HEIGHT]]]
 *
 * The maze is one corridor that winds through every second row, so the way to its end is as deep as
 * it can be.  Each search is a coroutine with marks of its own.  See parse.c for what it shows.
 */
#include "peak.h"

static struct sample_number numbers[] = {
	{ "SEARCHES", 4, 10000 },
	{ "WIDTH", 64, 10000 },
	{ "HEIGHT", 141, 10000 },
};
#define SEARCHES numbers[0].value
#define WIDTH	 numbers[1].value
#define HEIGHT	 numbers[2].value

static unsigned long found, steps;
static struct peak peak;
static struct co_chan *done;

/* What a coroutine tells of its search. */
struct result {
	unsigned long found, steps;
	struct peak peak;
};

struct search {
	char *seen;
	const void *top;
	struct peak peak;
	unsigned long steps;
};

/* Rows with odd numbers are walls with one gap, at the right end and at the left in turns. */
static int is_open(unsigned long x, unsigned long y)
{
	return y % 2 == 0 || x == (y % 4 == 1 ? WIDTH - 1 : 0);
}

static __attribute__((noinline)) int visit(struct search *s, unsigned long x, unsigned long y)
{
	static const int dx[] = { 1, 0, -1, 0 }, dy[] = { 0, 1, 0, -1 };
	int i, reached = 0;

	/* Below 0 is far above the width. */
	if (x >= WIDTH || y >= HEIGHT || !is_open(x, y) || s->seen[y * WIDTH + x])
		return 0;
	s->seen[y * WIDTH + x] = 1;
	s->steps++;
	if (y == HEIGHT - 1 && x == (y % 4 == 0 ? WIDTH - 1 : 0)) {
		peak_note(&s->peak, s->top);
		return 1;
	}
	for (i = 0; i < 4 && !reached; i++)
		reached = visit(s, x + (unsigned long)dx[i], y + (unsigned long)dy[i]);
	return reached;
}

static void worker(void *arg)
{
	struct search s = { .seen = calloc(WIDTH, HEIGHT), .top = &s };
	unsigned long reached;

	(void)arg;
	if (!s.seen)
		sample_fail("calloc", -12);
	reached = (unsigned long)visit(&s, 0, 0);
	free(s.seen);
	co_chan_send(done, &(struct result){ reached, s.steps, s.peak });
}

static void start(void *arg)
{
	struct result r;
	unsigned long i;
	int rc;

	(void)arg;
	rc = co_chan_make(sizeof(r), 0, &done);
	if (rc)
		sample_fail("co_chan_make", rc);
	for (i = 0; i < SEARCHES; i++) {
		rc = co_go(worker, NULL);
		if (rc)
			sample_fail("co_go", rc);
	}
	for (i = 0; i < SEARCHES; i++) {
		co_chan_recv(done, &r);
		found += r.found;
		steps += r.steps;
		peak = r.peak;
	}
	sample_wait(SEARCHES);
	co_chan_free(done);
}

int main(int argc, char **argv)
{
	unsigned long expected;
	int rc;

	sample_read(argc, argv, numbers, 3);
	HEIGHT |= 1;
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	/* Every cell of the open rows, and one between two of them. */
	expected = SEARCHES * ((HEIGHT + 1) / 2 * WIDTH + HEIGHT / 2);
	sample_say("coroutines", SEARCHES + 1);
	sample_say("found", found);
	sample_say("steps", steps);
	peak_say(&peak);
	sample_say_runtime();
	if (steps != expected)
		fprintf(stderr, "search: %lu steps, not %lu\n", steps, expected);
	return steps != expected || found != SEARCHES;
}
