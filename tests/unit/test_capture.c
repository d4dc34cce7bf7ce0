/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: timeout 300
 * The capture file: what is written comes back, and whatever happens to the file, the rest does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/capture_file.h"

#define MAX_BLOCKS 128
#define NAMES	   14 /* in the run */

static uint64_t run_sum(uint64_t *ret_count)
{
	struct run_list l;
	uint64_t sum = 0;

	run_make(&l);
	for (size_t i = 0; i < l.count; i++)
		sum += record_mark(&l.ev[i].h);
	*ret_count = l.count;
	return sum;
}

static void expect_whole(const struct reading *r)
{
	uint64_t count, sum = run_sum(&count);

	assert_int_equal(r->result, 0);
	assert_int_equal(r->records, count);
	assert_true(r->sum == sum);
	assert_int_equal(r->names, NAMES);
	assert_string_equal(r->command, "./deep 'a b'");
}

/* --- round trip ---------------------------------------------------------------------------- */

static int compare_record(void *arg, const struct ev_header *ev)
{
	struct run_list *l = arg;
	const struct ev_header *want = &l->ev[l->count++].h;

	assert_int_equal(ev->size, want->size);
	assert_memory_equal(ev, want, want->size);
	return 0;
}

static int compare_name(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	struct names *want = arg;
	size_t want_count;
	const struct name *w = names_get(want, pid, addr, &want_count);

	assert_int_equal(count, want_count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(v[i].function, w[i].function);
		assert_string_equal(v[i].file, w[i].file);
		assert_int_equal(v[i].line, w[i].line);
		assert_int_equal(v[i].inlined, w[i].inlined);
	}
	return 0;
}

static void compare_info(const struct run_info *i)
{
	const struct run_info want = run_info_made();

	assert_string_equal(i->tool_version, want.tool_version);
	assert_string_equal(i->hostname, want.hostname);
	assert_string_equal(i->kernel, want.kernel);
	assert_string_equal(i->command, want.command);
	assert_string_equal(i->target, want.target);
	assert_string_equal(i->build_id, want.build_id);
	assert_string_equal(i->runtime, want.runtime);
	assert_string_equal(i->version, want.version);
	assert_string_equal(i->source, want.source);
	assert_string_equal(i->link, want.link);
	assert_string_equal(i->offsets, want.offsets);
	assert_string_equal(i->warnings, want.warnings);
	assert_true(i->start_realtime_ns == want.start_realtime_ns);
	assert_true(i->start_monotonic_ns == want.start_monotonic_ns);
	assert_true(i->pair_ns == want.pair_ns);
	assert_true(i->hit_ns == want.hit_ns);
	assert_true(i->cpus == want.cpus);
}

static void check_round_trip(void **state)
{
	struct bytes b = make_capture(0, false);
	struct capture_damage damage;
	struct capture_reader *r;
	struct names *n, *want;
	struct run_list l;
	struct err e;
	int fd;

	(void)state;
	run_make(&l);
	l.count = 0;
	assert_int_equal(names_new(&n), 0);
	assert_int_equal(names_new(&want), 0);
	run_names(want);
	assert_int_equal(capture_open(bytes_path(b, &fd), &r, &e), 0);
	compare_info(capture_info(r));
	assert_int_equal(capture_read(r, n, compare_record, &l, &damage, &e), 0);
	assert_false(capture_is_damaged(&damage));
	assert_int_equal(names_each(n, compare_name, want), 0);
	capture_reader_free(r);
	names_free(n);
	names_free(want);
	close(fd);
	free(b.at);
}

/* Records that exercise every code of a word, kinds with and without prediction, sizes that change.
 */
static void check_record_coding(void **state)
{
	struct run_info info = run_info_made();
	struct run_list l = { .count = 0 };
	struct capture_damage damage;
	struct capture_writer *w;
	struct capture_reader *r;
	uint64_t seed = 88172645463325252u;
	struct err e;
	int fd;
	const char *path = bytes_path((struct bytes){ NULL, 0 }, &fd);

	(void)state;
	assert_int_equal(capture_create(path, &info, &w, &e), 0);
	for (size_t i = 0; i < 512; i++) {
		size_t words = 3 + i * 7 % 60;
		struct ev_header h = { .kind = i % 3 ? 31 : 40000,
				       .size = (uint16_t)(words * 8),
				       .cpu = (uint32_t)(i * 0x1000193),
				       .time_ns = i * 1000,
				       .pid = 1,
				       .tid = 2 };

		for (size_t k = 3; k < words; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			l.ev[i].words[k] = seed >> (seed & 63) << (seed >> 8 & 7);
		}
		memcpy(&l.ev[i].h, &h, sizeof(h));
		assert_int_equal(capture_event(w, &l.ev[i].h, &e), 0);
		if (i % 100 == 99)
			assert_int_equal(capture_flush(w, true, &e), 0);
	}
	assert_int_equal(capture_close(w, NULL, &e), 0);
	assert_int_equal(capture_open(path, &r, &e), 0);
	assert_int_equal(capture_read(r, NULL, compare_record, &l, &damage, &e), 0);
	assert_int_equal(l.count, 512);
	assert_false(capture_is_damaged(&damage));
	capture_reader_free(r);
	close(fd);
}

static void check_impossible_records(void **state)
{
	struct run_info info = run_info_made();
	struct ev_header h = ev_head(99, 16, 0, 1);
	struct capture_writer *w;
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(capture_create(bytes_path((struct bytes){ NULL, 0 }, &fd), &info, &w, &e),
			 0);
	assert_int_equal(capture_event(w, &h, &e), -EINVAL);
	h.size = 28;
	assert_int_equal(capture_event(w, &h, &e), -EINVAL);
	h.size = 4104;
	assert_int_equal(capture_event(w, &h, &e), -EINVAL);
	assert_int_equal(capture_close(w, NULL, &e), 0);
	close(fd);
}

/* --- pipes and names ----------------------------------------------------------------------- */

struct name_times {
	struct names *n;
	size_t events, named; /* growths whose creator had its name when they came */
};

static int look_up(void *arg, const struct ev_header *ev)
{
	struct name_times *t = arg;
	const struct ev_copystack *c = (const struct ev_copystack *)ev;
	size_t count;

	if (ev->kind != EV_COPYSTACK)
		return 0;
	t->events++;
	t->named += !!strncmp(
		names_get(t->n, ev->pid, names_call_site(c->creator_pc), &count)->function, "0x",
		2);
	return 0;
}

/* Reads through a pipe or not. */
static struct name_times read_names(struct bytes b, bool through_pipe)
{
	const struct ev_copystack last = ev_copystack(1, 7, PC_GO_7, 0, 0, 0, 0, 0, 0);
	struct name_times t = { 0 };
	struct capture_damage damage;
	struct capture_reader *r;
	struct err e;
	char path[64];
	int fd[2], file;

	assert_int_equal(names_new(&t.n), 0);
	if (through_pipe) {
		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		assert_true(fcntl(fd[1], F_SETPIPE_SZ, 1 << 20) >= (int)b.size);
		assert_int_equal(write(fd[1], b.at, b.size), b.size);
		close(fd[1]);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	} else {
		snprintf(path, sizeof(path), "%s", bytes_path(b, &file));
		fd[0] = file;
	}
	assert_int_equal(capture_open(path, &r, &e), 0);
	assert_int_equal(capture_read(r, t.n, look_up, &t, &damage, &e), 0);
	assert_false(capture_is_damaged(&damage));
	capture_reader_free(r);
	close(fd[0]);
	/* by the end every name is known, also those asked for too early */
	t.events--;
	look_up(&t, &last.h);
	names_free(t.n);
	return t;
}

static void check_names_in_time(void **state)
{
	struct bytes late = make_capture(10, false), early = make_capture(10, true);
	struct name_times t;

	(void)state;
	t = read_names(late, false);
	assert_int_equal(t.events, 104);
	assert_int_equal(t.named, 104 + 1);
	t = read_names(early, true);
	assert_int_equal(t.named, 104 + 1);
	t = read_names(late, true);
	assert_int_equal(t.named, 1); /* the one after the end */
	free(late.at);
	free(early.at);
}

/* A recording that is killed has the names saved so far. */
static void check_names_saved(void **state)
{
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct reading r;
	struct names *n;
	struct bytes b;
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(names_new(&n), 0);
	assert_int_equal(capture_create(bytes_path((struct bytes){ NULL, 0 }, &fd), &info, &w, &e),
			 0);
	run_names(n);
	assert_int_equal(capture_names(w, n, &e), 0);
	assert_int_equal(capture_names(w, n, &e), 0);
	b = bytes_load(fd);
	r = read_bytes(b);
	assert_int_equal(r.names, NAMES);
	assert_true(r.damage.truncated);
	assert_int_equal(r.damage.bad_blocks, 0);
	free(b.at);
	assert_int_equal(capture_close(w, n, &e), 0);
	b = bytes_load(fd);
	r = read_bytes(b);
	assert_int_equal(r.names, NAMES);
	assert_false(capture_is_damaged(&r.damage));
	free(b.at);
	names_free(n);
	close(fd);
}

/* More names than fit one block, and texts and inlining beyond the format's limits. */
static void check_many_names(void **state)
{
	struct run_info info = run_info_made();
	struct name deep[100];
	struct capture_writer *w;
	char function[6000];
	struct reading r;
	struct names *n;
	struct bytes b;
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(names_new(&n), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct name v = { function, "file.c", i, false };

		snprintf(function, sizeof(function), "function_with_a_long_name_%u", i);
		assert_int_equal(names_add(n, 1, i + 1, &v, 1), 0);
	}
	memset(function, 'x', sizeof(function) - 1);
	function[sizeof(function) - 1] = '\0';
	for (unsigned i = 0; i < 100; i++)
		deep[i] = (struct name){ function + i, function + 200 + i, UINT32_MAX, true };
	assert_int_equal(names_add(n, UINT32_MAX, UINT64_MAX, deep, 100), 0);
	assert_int_equal(capture_create(bytes_path((struct bytes){ NULL, 0 }, &fd), &info, &w, &e),
			 0);
	assert_int_equal(capture_close(w, n, &e), 0);
	b = bytes_load(fd);
	r = read_bytes(b);
	assert_int_equal(r.names, 20001);
	assert_false(capture_is_damaged(&r.damage));
	free(b.at);
	names_free(n);
	close(fd);
}

/* --- damage -------------------------------------------------------------------------------- */

static void check_every_cut(void **state)
{
	struct bytes b = make_capture(10, true);
	struct block blocks[MAX_BLOCKS];
	size_t count = list_blocks(b, blocks, MAX_BLOCKS);

	(void)state;
	assert_true(count > 15);
	for (size_t size = 0; size < b.size; size++) {
		struct reading r = read_bytes((struct bytes){ b.at, size });
		size_t whole = sizeof(struct capture_file_header);
		uint64_t records = 0;

		if (size < whole) {
			assert_false(r.opened);
			assert_int_equal(r.result, -EBADMSG);
			continue;
		}
		for (size_t i = 0; i < count && blocks[i].offset + blocks[i].size <= size; i++) {
			whole = blocks[i].offset + blocks[i].size;
			records += blocks[i].h.records;
		}
		assert_int_equal(r.result, 0);
		assert_int_equal(r.records, records);
		assert_true(r.damage.truncated);
		assert_int_equal(r.damage.skipped_bytes, size - whole);
		assert_int_equal(r.damage.bad_blocks, 0);
		assert_int_equal(r.damage.bad_records, 0);
	}
	free(b.at);
}

/* Which block a byte is in; count if in none. */
static size_t block_of(const struct block *blocks, size_t count, size_t offset)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (offset >= blocks[i].offset && offset < blocks[i].offset + blocks[i].size)
			break;
	return i;
}

#ifdef __SANITIZE_ADDRESS__
#define FLIP_STEP 4 /* it takes ten times as long: a mask for each byte, not three for each */
#else
#define FLIP_STEP 1
#endif

static void check_every_flip(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct bytes b = make_capture(25, true);
	struct block blocks[MAX_BLOCKS];
	size_t count = list_blocks(b, blocks, MAX_BLOCKS);
	uint64_t all;

	(void)state;
	run_sum(&all);
	for (size_t i = 0; i < b.size * 3; i += FLIP_STEP) {
		size_t hit = block_of(blocks, count, i / 3);
		uint64_t lost = hit < count ? blocks[hit].h.records : 0;
		struct reading r;

		b.at[i / 3] ^= masks[i % 3];
		r = read_bytes(b);
		b.at[i / 3] ^= masks[i % 3];
		assert_int_equal(r.result, 0);
		assert_int_equal(r.records, all - lost);
		assert_int_equal(r.damage.missing_records, lost);
		assert_int_equal(r.damage.bad_blocks, 1);
		assert_int_equal(r.damage.truncated, hit == count - 1);
		assert_string_equal(r.command, "./deep 'a b'"); /* info is there twice */
	}
	free(b.at);
}

static struct bytes without(struct bytes b, size_t from, size_t n)
{
	struct bytes r = bytes_copy(b);

	memmove(r.at + from, r.at + from + n, r.size - from - n);
	r.size -= n;
	return r;
}

static void check_missing_bytes(void **state)
{
	struct bytes b = make_capture(10, false), cut;
	struct block blocks[MAX_BLOCKS];
	size_t count = list_blocks(b, blocks, MAX_BLOCKS);
	uint64_t all;
	struct reading r;

	(void)state;
	run_sum(&all);
	for (size_t i = 1; i + 5 < count; i++) {
		if (blocks[i].h.kind == CAPTURE_TOTALS)
			continue;
		assert_int_equal(blocks[i].h.kind, CAPTURE_EVENTS);
		/* a whole block is gone: only its number tells */
		cut = without(b, blocks[i].offset, blocks[i].size);
		r = read_bytes(cut);
		assert_int_equal(r.records, all - 10);
		assert_int_equal(r.damage.missing_records, 10);
		assert_int_equal(r.damage.bad_blocks, 1);
		assert_int_equal(r.damage.skipped_bytes, 0);
		free(cut.at);
		/* some bytes of it are gone: the next one is found inside what should be this */
		cut = without(b, blocks[i].offset + blocks[i].size / 2, 20);
		r = read_bytes(cut);
		assert_int_equal(r.records, all - 10);
		assert_int_equal(r.damage.missing_records, 10);
		assert_int_equal(r.damage.bad_blocks, 1);
		assert_int_equal(r.damage.skipped_bytes, blocks[i].size - 20);
		free(cut.at);
	}
	free(b.at);
}

static void check_foreign_bytes(void **state)
{
	struct bytes b = make_capture(10, false), more = { NULL, 0 };
	struct block blocks[MAX_BLOCKS];
	struct reading r;
	size_t at;

	(void)state;
	list_blocks(b, blocks, MAX_BLOCKS);
	at = blocks[3].offset;
	more = (struct bytes){ malloc(b.size + 1000), b.size + 1000 };
	memcpy(more.at, b.at, at);
	memset(more.at + at, 0xb3, 1000);
	memcpy(more.at + at + 1000, b.at + at, b.size - at);
	r = read_bytes(more);
	expect_whole(&r);
	assert_int_equal(r.damage.skipped_bytes, 1000);
	assert_int_equal(r.damage.bad_blocks, 1);
	assert_int_equal(r.damage.missing_records, 0);
	/* behind the end: not a word of it is read */
	memcpy(more.at, b.at, b.size);
	memcpy(more.at + b.size, b.at + blocks[1].offset, blocks[1].size);
	r = read_bytes((struct bytes){ more.at, b.size + blocks[1].size });
	expect_whole(&r);
	assert_int_equal(r.damage.skipped_bytes, blocks[1].size);
	/* a block twice */
	memmove(more.at + blocks[4].offset, b.at + blocks[3].offset, b.size - blocks[3].offset);
	r = read_bytes((struct bytes){ more.at, b.size + blocks[3].size });
	expect_whole(&r);
	assert_int_equal(r.damage.skipped_bytes, blocks[3].size);
	assert_int_equal(r.damage.bad_blocks, 1);
	free(more.at);
	free(b.at);
}

/* --- versions ------------------------------------------------------------------------------ */

static void change_block(struct bytes b, const struct block *block, uint16_t kind, uint16_t flags)
{
	struct capture_block_header h = block->h;

	h.kind = kind;
	h.flags |= flags;
	memcpy(b.at + block->offset, &h, sizeof(h));
	seal_block(b.at + block->offset);
}

static void check_later_minor(void **state)
{
	struct bytes b = make_capture(10, false), longer;
	struct capture_file_header h;
	struct block blocks[MAX_BLOCKS];
	struct reading r;

	(void)state;
	list_blocks(b, blocks, MAX_BLOCKS);
	/* a longer file header */
	longer = (struct bytes){ calloc(1, b.size + 100), b.size + 100 };
	memcpy(&h, b.at, sizeof(h));
	h.minor = 7;
	h.header_size += 100;
	memcpy(longer.at, &h, sizeof(h));
	seal_file_header(longer.at);
	memcpy(longer.at + 132, b.at + 32, b.size - 32);
	r = read_bytes(longer);
	expect_whole(&r);
	assert_false(capture_is_damaged(&r.damage));
	free(longer.at);
	/* a block of an unknown kind, and one with an encoding that must be understood */
	change_block(b, &blocks[2], 77, 0);
	change_block(b, &blocks[3], CAPTURE_EVENTS, 1 << 5);
	change_block(b, &blocks[4], CAPTURE_EVENTS, 1 << 9);
	r = read_bytes(b);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.damage.unknown_blocks, 2);
	assert_int_equal(r.damage.bad_blocks, 0);
	assert_false(capture_is_damaged(&r.damage));
	free(b.at);
}

static void expect_refusal(struct bytes b, int result, const char *text, const char *hint)
{
	struct reading r = read_bytes(b);

	assert_false(r.opened);
	assert_int_equal(r.result, result);
	if (!strstr(r.e.text, text))
		fail_msg("'%s' does not say '%s'", r.e.text, text);
	if (!strstr(r.e.hint, hint))
		fail_msg("'%s' does not say '%s'", r.e.hint, hint);
}

static void check_refusals(void **state)
{
	struct bytes b = make_capture(0, false);
	struct capture_file_header h;
	struct capture_reader *r;
	struct err e;
	char text[] = "growth,count\n1,2\n";

	(void)state;
	memcpy(&h, b.at, sizeof(h));
	h.major = 2;
	memcpy(b.at, &h, sizeof(h));
	seal_file_header(b.at);
	expect_refusal(b, -EPROTO, "format 2.2", "newer one");
	h.major = 0x0100;
	h.byte_order = 0x04030201;
	memcpy(b.at, &h, sizeof(h));
	expect_refusal(b, -EPROTO, "byte order", "little-endian");
	free(b.at);
	expect_refusal((struct bytes){ NULL, 0 }, -EBADMSG, "is empty", "cut off");
	expect_refusal((struct bytes){ (uint8_t *)text, 17 }, -EBADMSG, "not a stacktrace capture",
		       "stacktrace record");
	b = (struct bytes){ calloc(1, 10000), 10000 };
	expect_refusal(b, -EBADMSG, "not a stacktrace capture", "stacktrace record");
	memcpy(b.at, "\177ELF", 4);
	expect_refusal(b, -EBADMSG, "not a stacktrace capture", "stacktrace run");
	memcpy(b.at, "\037\213\010", 3);
	expect_refusal(b, -EBADMSG, "not a stacktrace capture", "gzip -dc");
	free(b.at);
	assert_int_equal(capture_open("/nonexistent/file", &r, &e), -ENOENT);
	assert_non_null(strstr(e.text, "'/nonexistent/file'"));
	assert_int_equal(capture_open("/", &r, &e), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_round_trip),	    cmocka_unit_test(check_record_coding),
		cmocka_unit_test(check_impossible_records), cmocka_unit_test(check_names_in_time),
		cmocka_unit_test(check_names_saved),	    cmocka_unit_test(check_many_names),
		cmocka_unit_test(check_every_cut),	    cmocka_unit_test(check_every_flip),
		cmocka_unit_test(check_missing_bytes),	    cmocka_unit_test(check_foreign_bytes),
		cmocka_unit_test(check_later_minor),	    cmocka_unit_test(check_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
