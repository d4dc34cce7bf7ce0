/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wordcount: how often each word is in a text; a pipeline.
 *
 *	wordcount [-v] [FILE]
 *
 * One coroutine reads and cuts the text into pieces at white space; WORKERS count the words of the
 * pieces, each in a table of its own; the first one adds the tables up and prints words and counts,
 * sorted as `sort` does.
 */
#include <ctype.h>
#include <fcntl.h>

#include "sample.h"

#define WORKERS 4
#define PIECE	65536
#define SLOTS	65536 /* of a table; a power of two */

struct piece {
	size_t size;
	char text[];
};

struct word {
	char *text;
	unsigned long count;
};

struct table {
	struct word *slot[SLOTS];
	size_t used;
};

static const char *name;
static struct co_chan *pieces, *tables;
static unsigned long piece_count;

static unsigned long hash(const char *s, size_t n)
{
	unsigned long h = 14695981039346656037ul;

	while (n--)
		h = (h ^ (unsigned char)*s++) * 1099511628211ul;
	return h ^ h >> 32;
}

static void add(struct table *t, const char *s, size_t n, unsigned long count)
{
	unsigned long at = hash(s, n);
	struct word *w;

	for (at &= SLOTS - 1; (w = t->slot[at]); at = (at + 1) & (SLOTS - 1))
		if (!strncmp(w->text, s, n) && !w->text[n])
			break;
	if (!w) {
		w = malloc(sizeof(*w));
		if (!w || t->used++ == SLOTS / 2) {
			fprintf(stderr, "wordcount: too many words\n");
			exit(1);
		}
		w->text = strndup(s, n);
		w->count = 0;
		t->slot[at] = w;
	}
	w->count += count;
}

static void cut(void *arg)
{
	co_fd fd = name ? co_open(name, O_RDONLY, 0) : co_fd_take(0);
	struct piece *p = NULL, *next;
	size_t keep = 0;
	ssize_t n;

	(void)arg;
	if (fd < 0)
		sample_fail(name ? name : "standard input", (int)fd);
	while ((next = malloc(sizeof(*p) + PIECE))) {
		/* What follows the last white space belongs to the next piece. */
		if (p)
			memcpy(next->text, p->text + p->size, keep);
		n = co_read(fd, next->text + keep, PIECE - keep);
		if (p && p->size) {
			co_chan_send(pieces, &p);
			piece_count++;
		} else {
			free(p);
		}
		p = next;
		p->size = keep + (n > 0 ? (size_t)n : 0);
		if (n <= 0)
			break;
		for (keep = 0; keep < p->size && keep < PIECE / 2; keep++)
			if (isspace((unsigned char)p->text[p->size - 1 - keep]))
				break;
		p->size -= keep;
	}
	if (p && p->size) {
		co_chan_send(pieces, &p);
		piece_count++;
	}
	co_chan_close(pieces);
	co_close(fd);
}

static void count_words(void *arg)
{
	struct table *t = calloc(1, sizeof(*t));
	struct piece *p;
	size_t i, begin;

	(void)arg;
	if (!t)
		exit(1);
	while (!co_chan_recv(pieces, &p)) {
		for (i = 0; i < p->size;) {
			for (; i < p->size && isspace((unsigned char)p->text[i]); i++)
				;
			for (begin = i; i < p->size && !isspace((unsigned char)p->text[i]); i++)
				;
			if (i > begin)
				add(t, p->text + begin, i - begin, 1);
		}
		free(p);
	}
	co_chan_send(tables, &t);
}

static int by_text(const void *a, const void *b)
{
	return strcmp((*(struct word *const *)a)->text, (*(struct word *const *)b)->text);
}

static void print_table(struct table *t)
{
	struct word **sorted = calloc(t->used + 1, sizeof(struct word *));
	size_t i, n = 0;

	if (!sorted)
		exit(1);
	for (i = 0; i < SLOTS; i++)
		if (t->slot[i])
			sorted[n++] = t->slot[i];
	qsort(sorted, n, sizeof(*sorted), by_text);
	for (i = 0; i < n; i++) {
		printf("%lu %s\n", sorted[i]->count, sorted[i]->text);
		free(sorted[i]->text);
		free(sorted[i]);
	}
	free(sorted);
}

static void start(void *arg)
{
	struct table *all = calloc(1, sizeof(*all)), *t;
	int rc, i;
	size_t k;

	(void)arg;
	rc = co_chan_make(sizeof(struct piece *), 2 * WORKERS, &pieces);
	if (!rc)
		rc = co_chan_make(sizeof(t), 0, &tables);
	if (!rc)
		rc = co_go(cut, NULL);
	for (i = 0; i < WORKERS && !rc; i++)
		rc = co_go(count_words, NULL);
	if (rc || !all)
		sample_fail("wordcount", rc);
	for (i = 0; i < WORKERS; i++) {
		co_chan_recv(tables, &t);
		for (k = 0; k < SLOTS; k++) {
			if (!t->slot[k])
				continue;
			add(all, t->slot[k]->text, strlen(t->slot[k]->text), t->slot[k]->count);
			free(t->slot[k]->text);
			free(t->slot[k]);
		}
		free(t);
	}
	print_table(all);
	free(all);
	co_yield();
}

int main(int argc, char **argv)
{
	int rc;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		sample_verbose = 1;
		argv++;
		argc--;
	}
	name = argc > 1 ? argv[1] : NULL;
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	if (sample_verbose)
		fprintf(stderr, "coroutines %d\npieces %lu\n", WORKERS + 2, piece_count);
	return 0;
}
