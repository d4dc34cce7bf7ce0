/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines_tool: the parser of the runtime's lines, for the script tests and the benchmark.
 *
 *	lines_tool count FILE...            lines by kind, in pieces, unparsed, and bytes of text
 *	lines_tool fuzz DIR COUNT SEED      COUNT changed inputs from the files in DIR
 *	lines_tool bench FILE MB ROUNDS     parses FILE over and over, MB megabytes: MB a second
 *
 * fuzz changes bytes, cuts, repeats and mixes files, feeds the result in chunks of any size, and
 * checks that every byte comes out again, as a line or as text, and in order where no line was in
 * pieces; and that other chunks give the same, unless each is a write of its own, as the runtime's
 * tokens are.  What fails is left in fuzz.lines.
 */
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "formats/lines.h"

#define LIMIT_S	   30
#define MOST_INPUT 65536
#define MAX_FILES  64

struct bytes {
	char *at;
	size_t size;
};

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static size_t below(size_t n)
{
	return n ? next_random() % n : 0;
}

static struct bytes read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct bytes b = { NULL, 0 };
	size_t room = 0, n;

	if (!f)
		err(1, "%s", path);
	do {
		room = room ? 2 * room : MOST_INPUT;
		b.at = realloc(b.at, room);
		if (!b.at)
			errx(1, "no memory");
		n = fread(b.at + b.size, 1, room - b.size, f);
		b.size += n;
	} while (n);
	fclose(f);
	return b;
}

/* --- count --------------------------------------------------------------------------------- */

static void count(char **paths)
{
	const struct lines_sink sink = { NULL, NULL, NULL };
	const struct lines_counts *c;
	struct lines *l;

	if (lines_new(&sink, &l))
		errx(1, "no memory");
	for (; *paths; paths++) {
		struct bytes b = read_file(*paths);

		lines_feed(l, b.at, b.size);
		lines_flush(l, true);
		free(b.at);
	}
	c = lines_counts(l);
	for (unsigned k = 1; k < LINE_KINDS; k++)
		if (c->line[k])
			printf("%s %llu\n", line_kind_name(k), (unsigned long long)c->line[k]);
	printf("torn %llu\nunparsed %llu\ntext %llu\n", (unsigned long long)c->torn,
	       (unsigned long long)c->unparsed, (unsigned long long)c->text_bytes);
	lines_free(l);
}

/* --- fuzz ---------------------------------------------------------------------------------- */

struct output {
	char *bytes;
	size_t used, room, lines;
	bool torn;
};

static void add(struct output *o, const char *bytes, size_t len)
{
	if (o->used + len > o->room)
		errx(1, "more comes out than went in");
	memcpy(o->bytes + o->used, bytes, len);
	o->used += len;
}

/* Every field must lie in its line. */
static int take_line(void *arg, const struct line *l, bool torn)
{
	struct output *o = arg;

	for (unsigned i = 0; i < l->count; i++) {
		const struct line_value *v = &l->value[i];
		size_t pos = 0;
		int64_t n;

		if (v->text < l->text || v->text + v->len > l->text + l->len ||
		    (!v->field && (v->name < l->text || v->name + v->name_len > l->text + l->len)))
			errx(1, "a field is not in its line");
		while (v->type == LINE_LIST && line_next(v, &pos, &n))
			;
	}
	o->torn |= torn;
	o->lines++;
	add(o, l->text, l->len);
	add(o, "\n", 1);
	return 0;
}

static int take_text(void *arg, const char *text, size_t len)
{
	add(arg, text, len);
	return 0;
}

/* As the runtime writes: a number, or all up to the next one. */
static size_t token(const char *p, size_t len)
{
	size_t n = 0;

	if (*p >= '0' && *p <= '9')
		while (n < len && ((p[n] >= '0' && p[n] <= '9') || p[n] == '.'))
			n++;
	else
		while (n < len && (p[n] < '0' || p[n] > '9') && (!n || p[n - 1] != '\n'))
			n++;
	return n;
}

/* most: bytes in a chunk; 0: each is a write, mostly of a token. */
static struct output feed(struct bytes b, size_t most)
{
	size_t room = 2 * b.size + 1;
	struct output o = { .bytes = malloc(room), .room = room };
	const struct lines_sink sink = { take_line, take_text, &o };
	struct lines *l;

	if (!o.bytes || lines_new(&sink, &l))
		errx(1, "no memory");
	if (!most)
		lines_by_writes(l);
	for (size_t i = 0, n; i < b.size; i += n) {
		n = most || !below(8) ? 1 + below(most ? most : 300) : token(b.at + i, b.size - i);
		if (n > b.size - i)
			n = b.size - i;
		if (lines_feed(l, b.at + i, n))
			errx(1, "no memory");
	}
	lines_flush(l, true);
	lines_free(l);
	return o;
}

static int compare_bytes(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

static size_t count_newlines(const char *p, size_t len)
{
	size_t n = 0;

	while (len--)
		n += *p++ == '\n';
	return n;
}

/*
 * Of writes, the order is the runtime's line first, and one let go before its newline came has got
 * one: but for that, the same bytes.
 */
static void check_writes(struct bytes b, struct output o)
{
	size_t in = count_newlines(b.at, b.size), out = count_newlines(o.bytes, o.used);

	if (out < in || out - in > o.lines || o.used - out != b.size - in)
		errx(1, "as writes: %zu bytes and %zu newlines went in, %zu and %zu came out",
		     b.size - in, in, o.used - out, out);
	qsort(b.at, b.size, 1, compare_bytes);
	qsort(o.bytes, o.used, 1, compare_bytes);
	for (size_t i = 0, k = 0; k < o.used; k++) {
		if (i < b.size && b.at[i] == o.bytes[k])
			i++;
		else if (o.bytes[k] != '\n')
			errx(1, "as writes: other bytes came out than went in");
	}
}

static void check(struct bytes b, struct output o)
{
	/* A line that ends with the file gets a newline. */
	size_t more = o.used == b.size + 1 && b.size && b.at[b.size - 1] != '\n';
	char *in = malloc(b.size + more);

	if (!in)
		errx(1, "no memory");
	memcpy(in, b.at, b.size);
	if (more)
		in[b.size] = '\n';
	if (o.used != b.size + more)
		errx(1, "%zu bytes went in, %zu came out", b.size, o.used);
	if (o.torn) {
		qsort(in, o.used, 1, compare_bytes);
		qsort(o.bytes, o.used, 1, compare_bytes);
	}
	if (memcmp(in, o.bytes, o.used))
		errx(1, "other bytes came out than went in%s",
		     o.torn ? "" : ", or in another order");
	free(in);
}

static void try(struct bytes b)
{
	size_t most = 1 + below(below(2) ? 10 : 5000);
	struct output one = feed(b, b.size), other = feed(b, most), writes = feed(b, 0);

	if (one.used != other.used || memcmp(one.bytes, other.bytes, one.used))
		errx(1, "chunks of up to %zu bytes give something else", most);
	check(b, one);
	check(b, other);
	check_writes(b, writes);
	free(writes.bytes);
	free(one.bytes);
	free(other.bytes);
}

/* A part of some file at some place. */
static void insert(struct bytes *b, struct bytes from)
{
	size_t at = below(b->size + 1), begin = below(from.size), n = below(from.size - begin);

	if (below(2) && n > 300)
		n = 1 + below(300);
	if (n > MOST_INPUT - b->size)
		n = MOST_INPUT - b->size;
	memmove(b->at + at + n, b->at + at, b->size - at);
	memcpy(b->at + at, from.at + begin, n);
	b->size += n;
}

static void change(struct bytes *b, struct bytes from)
{
	static const char interesting[] = "\n\n  0159.,:=+/->@%[]()PMGgcSmn\r\x80\xff";
	size_t at = below(b->size), n;

	switch (below(4)) {
	case 0:
		if (b->size)
			b->at[at] = interesting[below(sizeof(interesting))];
		break;
	case 1:
		n = below(b->size - at > 200 ? 200 : b->size - at);
		memmove(b->at + at, b->at + at + n, b->size - at - n);
		b->size -= n;
		break;
	default:
		insert(b, from);
		break;
	}
}

static size_t read_corpus(const char *dir, struct bytes *corpus)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);
	size_t files = 0;
	char path[4096];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (list[i]->d_name[0] != '.' && files < MAX_FILES)
			corpus[files++] = read_file(path);
		free(list[i]);
	}
	free(list);
	if (!files)
		errx(1, "no files in %s", dir);
	return files;
}

static void fuzz(const char *dir, unsigned long times)
{
	struct bytes corpus[MAX_FILES], b = { malloc(MOST_INPUT), 0 };
	size_t files = read_corpus(dir, corpus);

	for (unsigned long i = 0; i < times && b.at; i++) {
		FILE *f;

		b.size = 0;
		insert(&b, corpus[below(files)]);
		for (size_t n = 1 + below(8); n--;)
			change(&b, corpus[below(files)]);
		f = fopen("fuzz.lines", "we");
		if (!f || fwrite(b.at, 1, b.size, f) != b.size || fclose(f))
			err(1, "fuzz.lines");
		alarm(LIMIT_S);
		try(b);
	}
	for (size_t i = 0; i < files; i++)
		free(corpus[i].at);
	free(b.at);
	unlink("fuzz.lines");
	printf("%lu changed inputs of %zu files\n", times, files);
}

/* --- bench --------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct sum {
	uint64_t lines, values;
};

static int sum_line(void *arg, const struct line *l, bool torn)
{
	struct sum *s = arg;

	(void)torn;
	s->lines++;
	for (unsigned i = 0; i < l->count; i++)
		s->values += (uint64_t)l->value[i].n;
	return 0;
}

/* In pieces of 64 KiB, as they are read; the best of some rounds. */
static void bench(const char *path, size_t bytes, unsigned rounds)
{
	struct bytes b = read_file(path);
	double best = 0;
	struct sum sum = { 0 };

	for (unsigned round = 0; round < rounds; round++) {
		const struct lines_sink sink = { sum_line, NULL, &sum };
		struct lines *l;
		double begin, speed;
		size_t done = 0;

		if (!b.size || lines_new(&sink, &l))
			errx(1, "no memory, or an empty file");
		sum = (struct sum){ 0 };
		begin = now();
		while (done < bytes)
			for (size_t i = 0, n; i < b.size; i += n, done += n) {
				n = b.size - i < 65536 ? b.size - i : 65536;
				lines_feed(l, b.at + i, n);
			}
		speed = (double)done / (now() - begin) / 1e6;
		best = speed > best ? speed : best;
		lines_free(l);
	}
	printf("%.0f MB/s", best);
	if (sum.lines)
		printf(" %llu lines %.1f ns/line", (unsigned long long)sum.lines,
		       (double)bytes / (double)sum.lines / best * 1e3);
	putchar('\n');
	free(b.at);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "count")) {
		count(argv + 2);
	} else if (argc == 5 && !strcmp(argv[1], "fuzz")) {
		seed = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		fuzz(argv[2], strtoul(argv[3], NULL, 10));
	} else if (argc == 5 && !strcmp(argv[1], "bench")) {
		bench(argv[2], strtoul(argv[3], NULL, 10) * 1000000,
		      (unsigned)strtoul(argv[4], NULL, 10));
	} else {
		errx(2, "usage: lines_tool count FILE... | fuzz DIR COUNT SEED | bench FILE MB "
			"ROUNDS");
	}
	return 0;
}
