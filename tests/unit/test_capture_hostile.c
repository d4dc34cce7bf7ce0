/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: timeout 300
 * Captures made to do harm, and media that fail: bounded time and memory, no crash, a clear error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <zstd.h>

#include "formats/aggregate.h"
#include "formats/render.h"
#include "tests/unit/capture_file.h"

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* --- forged blocks ------------------------------------------------------------------------- */

struct forge {
	struct bytes b;
	size_t room;
};

static void forge_begin(struct forge *f, size_t room)
{
	struct capture_file_header h = { .byte_order = CAPTURE_BYTE_ORDER,
					 .major = CAPTURE_MAJOR,
					 .header_size = sizeof(h) };

	f->room = room;
	f->b = (struct bytes){ malloc(room), sizeof(h) };
	assert_non_null(f->b.at);
	memcpy(h.magic, CAPTURE_MAGIC, sizeof(h.magic));
	memcpy(f->b.at, &h, sizeof(h));
	seal_file_header(f->b.at);
}

/* A block with a header that is right by itself; sizes and payload as given. */
static void forge_block(struct forge *f, struct capture_block_header h, const void *payload,
			size_t size)
{
	uint8_t *at = f->b.at + f->b.size;

	assert_true(f->b.size + sizeof(h) + size <= f->room);
	memcpy(h.marker, CAPTURE_MARKER, sizeof(h.marker));
	if (!h.payload_crc)
		h.payload_crc = (uint32_t)crc32(0, payload, (uInt)size);
	seal_header(&h);
	memcpy(at, &h, sizeof(h));
	if (size)
		memcpy(at + sizeof(h), payload, size);
	f->b.size += sizeof(h) + size;
}

static struct reading read_forged(struct forge *f)
{
	struct reading r = read_bytes(f->b);

	free(f->b.at);
	return r;
}

static void check_impossible_sizes(void **state)
{
	static const struct {
		uint32_t stored, raw;
		uint16_t flags;
	} sizes[] = {
		{ UINT32_MAX, UINT32_MAX, 0 },
		{ 8, UINT32_MAX, CAPTURE_ZSTD },
		{ 8, CAPTURE_MAX_RAW + 1, CAPTURE_ZSTD },
		{ CAPTURE_MAX_RAW + 65536, CAPTURE_MAX_RAW + 65536, 0 },
		{ 8, 8 * CAPTURE_MAX_RATIO + 1, CAPTURE_ZSTD },
		{ 8, 7, CAPTURE_ZSTD },
		{ 8, 9, 0 },
		{ 0, 1, CAPTURE_ZSTD },
	};
	static uint8_t large[CAPTURE_MAX_RAW + 65536];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct forge f;
		struct reading r;

		forge_begin(&f, sizeof(large) + 4096);
		forge_block(&f,
			    (struct capture_block_header){ .kind = CAPTURE_EVENTS,
							   .flags = sizes[i].flags,
							   .stored_size = sizes[i].stored,
							   .raw_size = sizes[i].raw },
			    large, sizes[i].stored == sizeof(large) ? sizeof(large) : 8);
		r = read_forged(&f);
		assert_int_equal(r.result, 0);
		assert_int_equal(r.records, 0);
		assert_int_equal(r.damage.bad_blocks, 1);
	}
}

static void check_bomb(void **state)
{
	static uint8_t zeros[CAPTURE_MAX_RAW], out[CAPTURE_MAX_RAW];
	size_t n = ZSTD_compress(out, sizeof(out), zeros, sizeof(zeros), 1);
	struct forge f;
	struct reading r;

	(void)state;
	assert_true(n < 1000);
	forge_begin(&f, 4096);
	/* honest about its size, and one that lies */
	forge_block(&f,
		    (struct capture_block_header){ .kind = CAPTURE_EVENTS,
						   .flags = CAPTURE_ZSTD,
						   .stored_size = (uint32_t)n,
						   .raw_size = CAPTURE_MAX_RAW },
		    out, n);
	forge_block(&f,
		    (struct capture_block_header){ .kind = CAPTURE_EVENTS,
						   .flags = CAPTURE_ZSTD,
						   .number = 1,
						   .stored_size = (uint32_t)n,
						   .raw_size = (uint32_t)n * CAPTURE_MAX_RATIO },
		    out, n);
	r = read_forged(&f);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.records, 0);
	assert_int_equal(r.damage.bad_blocks, 2);
}

static void check_bad_payloads(void **state)
{
	static const struct {
		uint16_t kind;
		const char *payload;
		size_t size;
	} bad[] = {
		{ CAPTURE_EVENTS, "\x05\xff\xff\xff\xff\x0f\x01", 7 }, /* huge record */
		{ CAPTURE_EVENTS, "\x05\x02\x01\x00", 4 },	       /* below a header */
		{ CAPTURE_EVENTS, "\x05\x03\x01\x11", 4 },	       /* ends early */
		{ CAPTURE_EVENTS, "\x05\x03\x01\xaa", 4 },	       /* unknown code */
		{ CAPTURE_EVENTS, "\x05\x03\x80\x80\x80\x80\x80\x80\x01\x00", 10 }, /* cpu */
		{ CAPTURE_EVENTS, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		  10 },					      /* over 64 bits */
		{ CAPTURE_EVENTS, "\x05\x03\x01\x00", 4 },    /* short for its kind */
		{ CAPTURE_NAMES, "\xff\xff\xff\xff\x0f", 5 }, /* strings */
		{ CAPTURE_NAMES, "\x02main\0oops", 10 },      /* no NUL */
		{ CAPTURE_NAMES, "\x01main\0\x01\x01\x01\x00\x01\x00", 12 }, /* no such string */
		{ CAPTURE_NAMES, "\x01main\0\x01\x01\x00", 9 },		     /* no places */
		{ CAPTURE_NAMES, "\x01main\0\x01\x01\x7f\x00\x00\x00", 12 }, /* too many */
		{ CAPTURE_NAMES, "\x01main\0\x01", 7 },			     /* ends early */
		{ CAPTURE_INFO, "command\0./prog", 14 },
		{ CAPTURE_END, "\x01", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct forge f;
		struct reading r;

		forge_begin(&f, 4096);
		forge_block(&f,
			    (struct capture_block_header){ .kind = bad[i].kind,
							   .stored_size = (uint32_t)bad[i].size,
							   .raw_size = (uint32_t)bad[i].size },
			    bad[i].payload, bad[i].size);
		r = read_forged(&f);
		assert_int_equal(r.result, 0);
		assert_int_equal(r.records, 0);
		assert_int_equal(r.names, 0);
		if (r.damage.bad_records != 1)
			fail_msg("payload %d: %d bad records", (int)i, (int)r.damage.bad_records);
	}
}

/*
 * Blocks within blocks, each good but for its payload's checksum and none followed by another:
 * every one asks for a checksum over a megabyte.
 */
static void check_nested_blocks(void **state)
{
	const size_t headers = 60000;
	struct forge f;
	struct reading r;
	double begin;

	(void)state;
	forge_begin(&f, headers * 72 + 64 + CAPTURE_MAX_RAW);
	for (size_t i = 0; i < headers; i++) {
		forge_block(&f,
			    (struct capture_block_header){ .kind = CAPTURE_EVENTS,
							   .stored_size = CAPTURE_MAX_RAW - 1,
							   .raw_size = CAPTURE_MAX_RAW - 1,
							   .payload_crc = 1 },
			    "nothing!", 8);
	}
	begin = cpu_seconds();
	r = read_forged(&f);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.records, 0);
	/* sixty thousand such checksums would take over 20 s, the allowed ones take 0.1 s */
	assert_true(cpu_seconds() - begin < 8);
}

static void check_false_markers(void **state)
{
	struct forge f;
	struct reading r;

	(void)state;
	forge_begin(&f, 9000000);
	while (f.b.size + 8 <= f.room) {
		memcpy(f.b.at + f.b.size, CAPTURE_MARKER, 8);
		f.b.size += 8;
	}
	r = read_forged(&f);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.damage.bad_blocks, 1);
	assert_int_equal(r.damage.skipped_bytes, (9000000 - 32) / 8 * 8);
}

/* --- mutations ----------------------------------------------------------------------------- */

struct pipeline {
	const struct format *const *formats;
	size_t count;
	struct aggregate *a;
	struct render_context c;
	void *state[32];
};

static int feed(void *arg, const struct ev_header *ev)
{
	struct pipeline *p = arg;
	int r = aggregate_event(p->a, ev);

	for (size_t i = 0; i < p->count && !r; i++)
		if (p->formats[i]->event)
			r = p->formats[i]->event(p->state[i], &p->c, ev);
	return r;
}

/* All that a report does with a file: every format of it, into nowhere. */
static void report(struct bytes b, FILE *out)
{
	struct capture_damage damage = { 0 };
	struct pipeline p = { .formats = formats_all(&p.count) };
	struct capture_reader *r;
	struct names *n;
	struct err e;
	int fd;

	assert_in_range(p.count, 1, sizeof(p.state) / sizeof(p.state[0]));
	if (capture_open(bytes_path(b, &fd), &r, &e)) {
		close(fd);
		return;
	}
	assert_int_equal(names_new(&n), 0);
	assert_int_equal(aggregate_new(&p.a), 0);
	p.c = (struct render_context){ .out = out,
				       .info = capture_info(r),
				       .aggregate = p.a,
				       .names = n,
				       .damage = &damage,
				       .width = 100,
				       .utf8 = true,
				       .colour = true };
	for (size_t i = 0; i < p.count; i++) {
		p.state[i] = calloc(1, p.formats[i]->state_size + 1);
		if (p.formats[i]->begin)
			p.formats[i]->begin(p.state[i], &p.c);
	}
	assert_int_equal(capture_read(r, n, feed, &p, &damage, &e), 0);
	aggregate_finish(p.a);
	for (size_t i = 0; i < p.count; i++) {
		if (p.formats[i]->end)
			assert_int_equal(p.formats[i]->end(p.state[i], &p.c), 0);
		if (p.formats[i]->release)
			p.formats[i]->release(p.state[i]);
		free(p.state[i]);
	}
	aggregate_free(p.a);
	names_free(n);
	capture_reader_free(r);
	close(fd);
}

/* Payloads of a capture as they are before compression, so that mutations meet the parsers. */
static struct bytes uncompressed(struct bytes b)
{
	static uint8_t raw[CAPTURE_MAX_RAW];
	struct block blocks[64];
	size_t count = list_blocks(b, blocks, 64);
	struct forge f;

	forge_begin(&f, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		struct capture_block_header h = blocks[i].h;
		const uint8_t *payload = b.at + blocks[i].offset + sizeof(h);

		if (h.flags & CAPTURE_ZSTD) {
			assert_int_equal(ZSTD_decompress(raw, sizeof(raw), payload, h.stored_size),
					 h.raw_size);
			payload = raw;
		}
		h.flags = 0;
		h.stored_size = h.raw_size;
		h.payload_crc = 0;
		forge_block(&f, h, payload, h.raw_size);
	}
	return f.b;
}

static void mutate(struct bytes *b)
{
	unsigned changes = 1 + (unsigned)(next_random() % 8);

	while (changes--) {
		size_t at = next_random() % b->size, n = 1 + next_random() % 16;

		switch (next_random() % 6) {
		case 0:
			b->at[at] ^= (uint8_t)(1u << (next_random() & 7));
			break;
		case 1:
			b->at[at] = (uint8_t)next_random();
			break;
		case 2:
			memset(b->at + at, next_random() & 1 ? 0xff : 0, n < b->size - at ? n : 1);
			break;
		case 3:
			n = n < b->size - at ? n : 1;
			memmove(b->at + next_random() % (b->size - n), b->at + at, n);
			break;
		case 4:
			if (at > 200 && !(next_random() % 8))
				b->size = at;
			break;
		default:
			b->at[at] = (uint8_t)(b->at[at] + next_random() % 3 - 1);
			break;
		}
	}
}

/* Makes the checksums right again where block headers still stand. */
static void reseal(struct bytes b)
{
	for (size_t o = 32; o + sizeof(struct capture_block_header) <= b.size;) {
		struct capture_block_header h;

		memcpy(&h, b.at + o, sizeof(h));
		if (memcmp(h.marker, CAPTURE_MARKER, 8)) {
			o++;
			continue;
		}
		if (h.stored_size > b.size - o - sizeof(h)) {
			o += 8;
			continue;
		}
		seal_block(b.at + o);
		o += sizeof(h) + h.stored_size;
	}
}

static void check_mutations(void **state)
{
	struct bytes packed = make_capture(40, true), plain = uncompressed(packed);
	FILE *out = fopen("/dev/null", "w");
	const char *rounds = getenv("ROUNDS");

	(void)state;
	assert_non_null(out);
	for (long i = rounds ? atol(rounds) : 3000; i > 0; i--) {
		struct bytes b = bytes_copy(i % 4 ? plain : packed);

		mutate(&b);
		if (i % 8)
			reseal(b);
		report(b, out);
		free(b.at);
	}
	fclose(out);
	free(packed.at);
	free(plain.at);
}

/* --- media that fail ----------------------------------------------------------------------- */

/* Fills a capture until it fails; returns the error.  The same again afterwards. */
static int write_until_error(struct capture_writer *w, struct err *e)
{
	struct ev_copystack c = ev_copystack(1, 7, PC_GO_7, PC_FUNC1, 2048, 4096, 1800, 100, 1);
	int r = 0;

	for (int i = 0; i < 1000000 && !r; i++) {
		c.goid = next_random();
		c.duration_ns = next_random();
		r = capture_event(w, &c.h, e);
	}
	assert_int_equal(capture_event(w, &c.h, e), r);
	assert_int_equal(capture_flush(w, true, e), r);
	return r;
}

static void check_full_disk(void **state)
{
	struct run_info info = run_info_made();
	struct capture_writer *w = NULL;
	struct err e;

	(void)state;
	assert_int_equal(capture_create("/dev/full", &info, &w, &e), -ENOSPC);
	assert_string_equal(e.text, "cannot write '/dev/full': No space left on device");
	assert_null(w);
	assert_int_equal(capture_create("/nonexistent/x", &info, &w, &e), -ENOENT);
	assert_non_null(strstr(e.text, "'/nonexistent/x'"));
}

/* A limit on the size of files stands for a disk that fills up while recording. */
static void check_filling_disk(void **state)
{
	struct run_info info = run_info_made();
	struct rlimit old, limit;
	struct capture_writer *w;
	struct reading r;
	struct err e, untouched = { .text = "untouched" };
	int fd;
	const char *path = bytes_path((struct bytes){ NULL, 0 }, &fd);

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ 700001, old.rlim_max };
	assert_int_equal(capture_create(path, &info, &w, &e), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(write_until_error(w, &e), -EFBIG);
	assert_non_null(strstr(e.text, "cannot write '/proc/self/fd/"));
	assert_int_equal(capture_close(w, NULL, &untouched), -EFBIG);
	assert_string_equal(untouched.text, "untouched");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	r = read_path(path);
	assert_int_equal(r.result, 0);
	assert_true(r.records > 10000);
	assert_true(r.damage.truncated);
	assert_int_equal(r.damage.bad_blocks, 0);
	assert_true(r.damage.skipped_bytes > 0);
	close(fd);
}

static void check_closed_pipe(void **state)
{
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct err e;
	char path[64];
	int fd[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[1]);
	assert_int_equal(capture_create(path, &info, &w, &e), 0);
	close(fd[1]);
	close(fd[0]);
	assert_int_equal(write_until_error(w, &e), -EPIPE);
	assert_int_equal(capture_close(w, NULL, &e), -EPIPE);
}

/* A reader that takes a few bytes at a time, and a pipe that does not block. */
static void check_slow_pipe(void **state)
{
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct reading r;
	struct err e;
	char path[64];
	int fd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct ev_copystack c = ev_copystack(1, 7, 0, 0, 2048, 4096, 1800, 100, 1);
		bool bad = dup2(fd[1], STDOUT_FILENO) < 0 || capture_create("-", &info, &w, &e);

		for (int i = 0; i < 30000 && !bad; i++) {
			c.goid = next_random();
			bad = capture_event(w, &c.h, &e);
		}
		_exit(bad || capture_close(w, NULL, &e));
	}
	close(fd[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	r = read_path(path);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.records, 30000);
	assert_false(capture_is_damaged(&r.damage));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_impossible_sizes), cmocka_unit_test(check_bomb),
		cmocka_unit_test(check_bad_payloads),	  cmocka_unit_test(check_nested_blocks),
		cmocka_unit_test(check_false_markers),	  cmocka_unit_test(check_mutations),
		cmocka_unit_test(check_full_disk),	  cmocka_unit_test(check_filling_disk),
		cmocka_unit_test(check_closed_pipe),	  cmocka_unit_test(check_slow_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
