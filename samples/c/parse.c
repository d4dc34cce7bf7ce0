/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: a recursive parser of JSON on a text that is nested deeply.
 *
 *	parse [-v] [DOCUMENTS [DEPTH]]
 *
 * Each document is parsed by a coroutine of its own, and the numbers in it are added.  Shows what a
 * stack needs at its deepest; with CORUN_POLICY=mmap CORUN_TRIGGER=guard CORUN_STACK=64K it grows
 * page by page where it is.
 */
#include "peak.h"

static struct sample_number numbers[] = {
	{ "DOCUMENTS", 4, 100000 },
	{ "DEPTH", 600, 100000 },
};
#define DOCUMENTS numbers[0].value
#define DEPTH	  numbers[1].value

static char *text;
static unsigned long parsed;
static long sum;
static struct peak peak;
static struct co_chan *done;

/* What a coroutine tells of its document. */
struct result {
	long sum;
	int good;
	struct peak peak;
};

struct parser {
	const char *at;
	const void *top;
	unsigned long depth;
	struct peak peak;
	long sum;
	int bad;
};

static void parse_value(struct parser *p);

static void expect(struct parser *p, char c)
{
	if (*p->at == c)
		p->at++;
	else
		p->bad = 1;
}

static void parse_string(struct parser *p, char *ret, size_t size)
{
	size_t n = 0;

	expect(p, '"');
	while (*p->at && *p->at != '"' && n < size - 1)
		ret[n++] = *p->at++;
	ret[n] = '\0';
	expect(p, '"');
}

static __attribute__((noinline)) void parse_list(struct parser *p)
{
	expect(p, '[');
	while (!p->bad) {
		parse_value(p);
		if (*p->at != ',')
			break;
		p->at++;
	}
	expect(p, ']');
}

static __attribute__((noinline)) void parse_object(struct parser *p)
{
	char key[64];

	expect(p, '{');
	while (!p->bad) {
		parse_string(p, key, sizeof(key));
		expect(p, ':');
		parse_value(p);
		if (strcmp(key, "list") && strcmp(key, "n"))
			p->bad = 1;
		if (*p->at != ',')
			break;
		p->at++;
	}
	expect(p, '}');
}

static __attribute__((noinline)) void parse_value(struct parser *p)
{
	char *end;

	if (++p->depth == 2 * DEPTH)
		peak_note(&p->peak, p->top);
	if (*p->at == '{') {
		parse_object(p);
	} else if (*p->at == '[') {
		parse_list(p);
	} else {
		p->sum += strtol(p->at, &end, 10);
		p->bad |= end == p->at;
		p->at = end;
	}
	p->depth--;
}

/* {"n":1,"list":[2,{"n":1,"list":[2, ... 7 ... ]}]} */
static char *make_text(void)
{
	static const char open[] = "{\"n\":1,\"list\":[2,", close[] = "]}";
	size_t size = DEPTH * (sizeof(open) + sizeof(close)) + 2;
	char *s = malloc(size), *p = s;
	unsigned long i;

	if (!s)
		sample_fail("malloc", -12);
	for (i = 0; i < DEPTH; i++, p += sizeof(open) - 1)
		memcpy(p, open, sizeof(open));
	*p++ = '7';
	for (i = 0; i < DEPTH; i++, p += sizeof(close) - 1)
		memcpy(p, close, sizeof(close));
	return s;
}

static void worker(void *arg)
{
	struct parser p = { .at = text, .top = &p };

	(void)arg;
	parse_value(&p);
	if (p.bad || *p.at)
		fprintf(stderr, "parse: not JSON at %ld\n", (long)(p.at - text));
	co_chan_send(done, &(struct result){ p.sum, !p.bad && !*p.at, p.peak });
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
	/* All at once: each has a stack of its own. */
	for (i = 0; i < DOCUMENTS; i++) {
		rc = co_go(worker, NULL);
		if (rc)
			sample_fail("co_go", rc);
	}
	for (i = 0; i < DOCUMENTS; i++) {
		co_chan_recv(done, &r);
		sum += r.sum;
		parsed += (unsigned long)r.good;
		peak = r.peak;
	}
	sample_wait(DOCUMENTS);
	co_chan_free(done);
}

int main(int argc, char **argv)
{
	long expected;
	int rc;

	sample_read(argc, argv, numbers, 2);
	text = make_text();
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	free(text);
	expected = (long)(DOCUMENTS * (3 * DEPTH + 7));
	sample_say("coroutines", DOCUMENTS + 1);
	sample_say("parsed", parsed);
	peak_say(&peak);
	sample_say_runtime();
	if (sum != expected)
		fprintf(stderr, "parse: the sum is %ld, not %ld\n", sum, expected);
	return sum != expected || parsed != DOCUMENTS;
}
