/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_fuzz: captures changed at random, read and shown in every format.
 *
 *	capture_fuzz corpus DIR                 writes the captures to begin with
 *	capture_fuzz run DIR COUNT SEED         COUNT changed captures, from those in DIR
 *	capture_fuzz one FILE                   one capture, as run does it
 *
 * A change either hits the file as it is, or a payload, whose block then gets checksums that fit:
 * else nothing but checksums would be tested.  Each changed file is written to fuzz.capture first,
 * so that a crash leaves it behind; a single one that takes more than LIMIT_S seconds is a failure.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "formats/about.h"
#include "formats/aggregate.h"
#include "formats/capture.h"
#include "formats/capture_format.h"
#include "formats/capture_merge.h"
#include "formats/diff_render.h"
#include "formats/diff_rule.h"
#include "formats/names.h"
#include "formats/render.h"
#include "formats/run_info.h"
#include "tests/unit/events.h"

#define LIMIT_S	  30
#define MAX_FILE  (4u << 20)
#define MAX_FILES 64

struct bytes {
	uint8_t *at;
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

static uint64_t below(uint64_t n)
{
	return n ? next_random() % n : 0;
}

/* --- one capture --------------------------------------------------------------------------- */

struct showing {
	const struct format *format;
	struct aggregate *aggregate;
	struct filter *filter;
	struct render_context c;
	void *state;
};

static int take(void *arg, const struct ev_header *ev)
{
	struct showing *s = arg;
	enum filter_verdict v = filter_event(s->filter, ev);
	int r = aggregate_take(s->aggregate, ev, v);

	if (r || v < FILTER_FACT || !s->format->event)
		return r;
	return s->format->event(s->state, &s->c, ev);
}

static void check_json(const char *text, size_t size)
{
	json_error_t error;
	json_t *root = json_loadb(text, size, 0, &error);

	if (!root)
		errx(1, "no JSON, line %d: %s", error.line, error.text);
	json_decref(root);
}

/* Reads a capture and shows it in one format; refusals are fine. */
static void show(const char *path, const struct format *format, const struct filter_spec *filter,
		 enum by by)
{
	struct capture_damage damage = { 0 };
	struct showing s = { .format = format };
	struct capture_reader *r;
	char *text = NULL;
	size_t size = 0;
	struct err e;

	if (capture_open(path, &r, &e))
		return;
	s.state = calloc(1, format->state_size + 1);
	s.c = (struct render_context){ .out = open_memstream(&text, &size),
				       .info = capture_info(r),
				       .damage = &damage,
				       .utf8 = by & 1,
				       .colour = by & 2,
				       .width = by & 1 ? 100 : 0,
				       .top = 20,
				       .min_percent = 0.5,
				       .weight = (enum weight)(by % WEIGHT_COUNT),
				       .breakdown = { .by = by } };
	if (!s.state || !s.c.out || aggregate_new(&s.aggregate) || names_new(&s.c.names))
		errx(1, "no memory");
	s.c.aggregate = s.aggregate;
	if (filter_new(filter, s.c.info, s.aggregate, s.c.names, &s.filter) ||
	    (format->begin && format->begin(s.state, &s.c)) ||
	    capture_read(r, s.c.names, take, &s, &damage, &e))
		errx(1, "%s: cannot be read", format->name);
	aggregate_finish(s.aggregate);
	if (format->end && format->end(s.state, &s.c))
		errx(1, "%s: cannot be shown", format->name);
	fclose(s.c.out);
	if (format == &format_json || format == &format_speedscope || format == &format_chrome)
		check_json(text, size);
	free(text);
	if (format->release)
		format->release(s.state);
	free(s.state);
	filter_free(s.filter);
	aggregate_free(s.aggregate);
	names_free(s.c.names);
	capture_reader_free(r);
}

static int add_up(void *arg, const struct ev_header *ev)
{
	return aggregate_event(arg, ev);
}

/* With itself, so that every number collides. */
static void merge(const char *path)
{
	struct capture_written written;
	struct capture_damage damage;
	struct capture_merge *m;
	struct err e;
	int r;

	if (capture_merge_new(&m))
		errx(1, "no memory");
	r = capture_merge_add(m, path, &e);
	if (!r)
		r = capture_merge_add(m, path, &e);
	if (!r && capture_merge_write(m, "/dev/null", &written, &damage, &e))
		errx(1, "cannot be merged: %s", e.text);
	capture_merge_free(m);
}

/* False if the capture is refused. */
static bool add_to_diff(struct diff *d, enum diff_side side, const char *path)
{
	struct capture_damage damage = { 0 };
	struct diff_input in = { .path = path, .damage = &damage };
	struct capture_reader *r;
	struct err e;

	if (capture_open(path, &r, &e))
		return false;
	if (aggregate_new(&in.aggregate) || names_new(&in.names))
		errx(1, "no memory");
	in.info = capture_info(r);
	if (capture_read(r, in.names, add_up, in.aggregate, &damage, &e))
		errx(1, "diff: cannot be read");
	aggregate_finish(in.aggregate);
	if (diff_add(d, side, &in))
		errx(1, "diff: cannot be added");
	aggregate_free(in.aggregate);
	names_free(in.names);
	capture_reader_free(r);
	return true;
}

static void show_diff(const struct diff_view *v, const struct render_context *as)
{
	for (const struct diff_format *f = diff_formats; f->name; f++) {
		struct render_context c = *as;
		char *text = NULL;
		size_t size = 0;

		c.out = open_memstream(&text, &size);
		if (!c.out || f->print(v, &c) || fclose(c.out))
			errx(1, "diff: %s: cannot be shown", f->name);
		if (!strcmp(f->name, "json"))
			check_json(text, size);
		free(text);
	}
}

/* What was changed, twice, against what was not. */
static void compare(const char *path, const char *whole)
{
	const struct diff_spec spec = { .captures = { 2, 1 },
					.request_function = "*e*",
					.stacks = true,
					.weight = (enum weight)below(WEIGHT_COUNT) };
	const struct render_context c = { .weight = spec.weight, .top = 20, .utf8 = below(2) };
	struct diff_view v = { .by = (enum diff_by)below(DIFF_BY_TOTAL + 1),
			       .per = (enum diff_per)below(DIFF_PER_COUNT) };
	struct diff_verdict verdict;
	struct diff_rule rule;
	double values[3];
	struct err e;

	if (diff_new(&spec, &v.diff) ||
	    diff_rule_parse("*a*:growths/coroutine>+10%", v.per, &rule, &e))
		errx(1, "no memory");
	if (add_to_diff(v.diff, DIFF_BEFORE, path) && add_to_diff(v.diff, DIFF_BEFORE, path) &&
	    add_to_diff(v.diff, DIFF_AFTER, whole)) {
		if (diff_check_per(v.diff, v.per, &e))
			v.per = DIFF_PER_RUN;
		show_diff(&v, &c);
		diff_rule_check(v.diff, &rule, values, &verdict, &e);
	}
	diff_rule_release(&rule);
	diff_free(v.diff);
}

/* The totals, as far as the file has them. */
static void tell(const char *path)
{
	struct about about = { .path = path };
	struct render_context c = { .utf8 = below(2) };
	struct capture_damage damage;
	struct capture_reader *r;
	struct err e;

	if (capture_open(path, &r, &e))
		return;
	about.version = capture_version_of(r);
	capture_on_block(r, about_block, &about);
	if (!capture_read_totals(r, &about.totals, &damage, &e)) {
		c.info = capture_info(r);
		c.damage = &damage;
		c.out = fopen("/dev/null", "w");
		if (!c.out || about_text(&about, &c) || about_json(&about, &c) || fclose(c.out))
			errx(1, "info: cannot be shown");
	}
	capture_reader_free(r);
}

static void show_all(const char *path, const char *whole)
{
	const struct filter_spec all = { .until_ns = UINT64_MAX };
	const struct filter_spec some = { .by_time = true,
					  .since_ns = 500000,
					  .until_ns = 6000000,
					  .functions = 1,
					  .function = { "*e*" } };
	size_t count;
	const struct format *const *formats = formats_all(&count);

	alarm(LIMIT_S);
	for (size_t i = 0; i < count; i++)
		show(path, formats[i], i % 3 ? &all : &some, BY_NOTHING);
	merge(path);
	compare(path, whole);
	tell(path);
	show(path, &format_csv, below(2) ? &all : &some, (enum by)(1 + below(BY_COUNT - 1)));
	alarm(0);
}

/* --- changes ------------------------------------------------------------------------------- */

static uint32_t crc(const void *data, size_t size)
{
	return (uint32_t)crc32(0, data, (uInt)size);
}

/* The header at p, if there is room for it and its payload. */
static bool get_block(struct bytes b, size_t at, struct capture_block_header *ret)
{
	if (at + sizeof(*ret) > b.size)
		return false;
	memcpy(ret, b.at + at, sizeof(*ret));
	return !memcmp(ret->marker, CAPTURE_MARKER, sizeof(ret->marker)) &&
	       ret->stored_size <= b.size - at - sizeof(*ret);
}

static void put_block(struct bytes b, size_t at, struct capture_block_header *h)
{
	h->payload_crc = crc(b.at + at + sizeof(*h), h->stored_size);
	h->crc = crc(h, offsetof(struct capture_block_header, crc));
	memcpy(b.at + at, h, sizeof(*h));
}

/* The offset of a block of the file, by chance; 0: there is none. */
static size_t some_block(struct bytes b, struct capture_block_header *ret)
{
	size_t at = sizeof(struct capture_file_header), found = 0;
	struct capture_block_header h;

	for (unsigned n = 1; get_block(b, at, &h); n++) {
		if (!below(n)) {
			found = at;
			*ret = h;
		}
		at += sizeof(h) + h.stored_size;
	}
	return found;
}

/* Payloads as they are, so that changes reach what decodes them. */
static struct bytes unpacked(struct bytes b)
{
	struct bytes r = { malloc(MAX_FILE), sizeof(struct capture_file_header) };
	struct capture_block_header h;
	size_t at = r.size;

	if (!r.at || b.size < at)
		errx(1, "no memory, or a file that is too short");
	memcpy(r.at, b.at, at);
	while (get_block(b, at, &h) && r.size + sizeof(h) + h.raw_size <= MAX_FILE) {
		uint8_t *to = r.at + r.size + sizeof(h);
		const uint8_t *from = b.at + at + sizeof(h);
		size_t n = h.stored_size;

		at += sizeof(h) + n;
		if (h.flags & CAPTURE_ZSTD)
			n = ZSTD_decompress(to, h.raw_size, from, n);
		else
			memcpy(to, from, n);
		if (ZSTD_isError(n))
			continue;
		h.flags &= (uint16_t)~CAPTURE_ZSTD;
		h.stored_size = h.raw_size = (uint32_t)n;
		put_block(r, r.size, &h);
		r.size += sizeof(h) + n;
	}
	return r;
}

static void change_bytes(uint8_t *at, size_t size)
{
	static const uint8_t interesting[] = { 0, 1, 0x7f, 0x80, 0xff, 0x20, 0x99, 0xaa };
	unsigned times = 1 + (unsigned)below(4);

	while (size && times--) {
		size_t i = below(size);

		switch (below(3)) {
		case 0:
			at[i] ^= (uint8_t)(1u << below(8));
			break;
		case 1:
			at[i] = interesting[below(sizeof(interesting))];
			break;
		default:
			at[i] = (uint8_t)next_random();
			break;
		}
	}
}

static void change_header(struct bytes b, size_t at, struct capture_block_header *h)
{
	switch (below(6)) {
	case 0:
		h->kind = (uint16_t)below(8);
		break;
	case 1:
		h->flags = (uint16_t)(1u << below(16));
		break;
	case 2:
		h->raw_size = (uint32_t)next_random() >> below(32);
		break;
	case 3:
		h->records = (uint32_t)next_random() >> below(32);
		break;
	case 4:
		h->number += (uint32_t)below(4) - 1;
		break;
	default:
		h->records_before ^= UINT64_C(1) << below(64);
		break;
	}
	put_block(b, at, h);
}

static void change(struct bytes *b)
{
	struct capture_block_header h;
	size_t at;

	switch (below(8)) {
	case 0:
		b->size = below(b->size);
		return;
	case 1:
		change_bytes(b->at, b->size);
		return;
	case 2: /* a piece is gone */
		at = below(b->size);
		h.stored_size = (uint32_t)below(b->size - at);
		memmove(b->at + at, b->at + at + h.stored_size, b->size - at - h.stored_size);
		b->size -= h.stored_size;
		return;
	default:
		at = some_block(*b, &h);
		if (!at)
			return;
		if (!below(5)) {
			change_header(*b, at, &h);
			return;
		}
		change_bytes(b->at + at + sizeof(h), h.stored_size);
		put_block(*b, at, &h);
		return;
	}
}

/* --- files --------------------------------------------------------------------------------- */

static void write_file(const char *path, struct bytes b)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(b.at, 1, b.size, f) != b.size || fclose(f))
		err(1, "%s", path);
}

static struct bytes read_file(const char *path)
{
	struct bytes b = { malloc(MAX_FILE), 0 };
	FILE *f = fopen(path, "re");

	if (!f || !b.at)
		err(1, "%s", path);
	b.size = fread(b.at, 1, MAX_FILE, f);
	fclose(f);
	return b;
}

static size_t read_corpus(const char *dir, struct bytes *corpus)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);
	size_t count = 0;
	char path[4096];

	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (len > 8 && !strcmp(list[i]->d_name + len - 8, ".capture") && count < MAX_FILES)
			corpus[count++] = read_file(path);
		free(list[i]);
	}
	free(list);
	if (!count)
		errx(1, "no captures in %s", dir);
	return count;
}

static void run(const char *dir, unsigned long count)
{
	struct bytes corpus[MAX_FILES];
	size_t files = read_corpus(dir, corpus);
	char whole[4096];

	snprintf(whole, sizeof(whole), "%s/run-1.2.capture", dir);
	for (unsigned long i = 0; i < count; i++) {
		const struct bytes from = corpus[below(files)];
		struct bytes b = { malloc(MAX_FILE), from.size };

		if (!b.at)
			errx(1, "no memory");
		memcpy(b.at, from.at, from.size);
		if (below(3) && b.size >= sizeof(struct capture_file_header)) {
			struct bytes open = unpacked(b);

			free(b.at);
			b = open;
		}
		for (unsigned times = 1 + (unsigned)below(3); times--;)
			change(&b);
		write_file("fuzz.capture", b);
		show_all("fuzz.capture", whole);
		free(b.at);
	}
	for (size_t i = 0; i < files; i++)
		free(corpus[i].at);
	unlink("fuzz.capture");
	printf("%lu changed captures of %zu files\n", count, files);
}

/* --- the captures to begin with ------------------------------------------------------------ */

static int put_record(void *w, const struct ev_header *ev)
{
	struct err e;

	return capture_event(w, ev, &e);
}

static void write_capture(const char *path, bool hostile, bool kinds)
{
	static const char evil[] = "a\033[2J\n,\"';<b>=\\\xff\xe2\x80\xae";
	const struct name name = { evil, evil, 7, false };
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct names *n;
	struct run_list l;
	struct err e;

	if (hostile)
		info.command = info.hostname = info.version = (char *)(uintptr_t)evil;
	if (names_new(&n) || capture_create(path, &info, &w, &e))
		errx(1, "%s", path);
	if (hostile) {
		names_add(n, RUN_PID, PC_GO_7 - 1, &name, 1);
		names_add(n, RUN_PID, 0x403000, &name, 1);
	}
	run_names(n);
	run_make(&l);
	for (size_t i = 0; i < l.count; i++)
		if (capture_event(w, &l.ev[i].h, &e) || (!(i % 40) && capture_flush(w, true, &e)))
			errx(1, "%s", e.text);
	if ((kinds && kinds_each(put_record, w)) || capture_close(w, n, &e))
		errx(1, "%s", e.text);
	names_free(n);
}

static void seal_file_header(struct bytes b)
{
	uint32_t sum = crc(b.at, 28);

	memcpy(b.at + 28, &sum, sizeof(sum));
}

static void write_corpus(const char *dir)
{
	struct capture_block_header h;
	char path[4096];
	struct bytes b;

	snprintf(path, sizeof(path), "%s/hostile.capture", dir);
	write_capture(path, true, false);
	snprintf(path, sizeof(path), "%s/run-1.2.capture", dir);
	write_capture(path, false, true);
	b = read_file(path);
	snprintf(path, sizeof(path), "%s/cut.capture", dir);
	write_file(path, (struct bytes){ b.at, b.size * 2 / 3 });
	/* of a later minor version: unknown kinds of blocks */
	b.at[14] = 9;
	seal_file_header(b);
	seed = 1;
	for (unsigned i = 0; i < 3; i++) {
		size_t at;

		do {
			at = some_block(b, &h);
		} while (h.kind == CAPTURE_INFO || h.kind == CAPTURE_END);
		h.kind = (uint16_t)(70 + i);
		put_block(b, at, &h);
	}
	snprintf(path, sizeof(path), "%s/later-minor.capture", dir);
	write_file(path, b);
	b.at[12] = 2;
	seal_file_header(b);
	snprintf(path, sizeof(path), "%s/later-major.capture", dir);
	write_file(path, b);
	for (unsigned i = 0; i < 4; i++)
		b.at[8 + i] = (uint8_t)(1 + i);
	snprintf(path, sizeof(path), "%s/big-endian.capture", dir);
	write_file(path, b);
	free(b.at);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "corpus")) {
		write_corpus(argv[2]);
	} else if (argc == 5 && !strcmp(argv[1], "run")) {
		seed = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		run(argv[2], strtoul(argv[3], NULL, 10));
	} else if (argc == 3 && !strcmp(argv[1], "one")) {
		seed = 1;
		show_all(argv[2], argv[2]);
	} else {
		errx(2, "usage: capture_fuzz corpus DIR | run DIR COUNT SEED | one FILE");
	}
	return 0;
}
