/* SPDX-License-Identifier: Apache-2.0 */
/* capture_file.h: captures in memory, made and read by the tests. */
#ifndef ST_TESTS_UNIT_CAPTURE_FILE_H
#define ST_TESTS_UNIT_CAPTURE_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/err.h"
#include "formats/capture.h"
#include "formats/capture_format.h"
#include "formats/names.h"
#include "tests/unit/events.h"

struct bytes {
	uint8_t *at;
	size_t size;
};

static inline struct bytes bytes_copy(struct bytes b)
{
	struct bytes r = { malloc(b.size + 1), b.size };

	assert_non_null(r.at);
	memcpy(r.at, b.at, b.size);
	return r;
}

/* A path that opens the bytes as a file; *ret_fd is to be closed. */
static inline const char *bytes_path(struct bytes b, int *ret_fd)
{
	static char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t done = 0; done < b.size;) {
		ssize_t n = write(fd, b.at + done, b.size - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	return path;
}

static inline struct bytes bytes_load(int fd)
{
	struct stat st;
	struct bytes b;

	assert_int_equal(fstat(fd, &st), 0);
	b.size = (size_t)st.st_size;
	b.at = malloc(b.size + 1);
	assert_non_null(b.at);
	assert_int_equal(pread(fd, b.at, b.size, 0), b.size);
	return b;
}

struct block {
	size_t offset, size; /* header included */
	struct capture_block_header h;
};

/* The blocks of an undamaged capture. */
static inline size_t list_blocks(struct bytes b, struct block *ret, size_t max)
{
	size_t n = 0;

	for (size_t o = sizeof(struct capture_file_header); o < b.size; o += ret[n++].size) {
		assert_true(n < max);
		ret[n].offset = o;
		memcpy(&ret[n].h, b.at + o, sizeof(ret[n].h));
		ret[n].size = sizeof(ret[n].h) + ret[n].h.stored_size;
	}
	return n;
}

static inline void seal_header(struct capture_block_header *h)
{
	h->crc = (uint32_t)crc32(0, (const Bytef *)h, offsetof(struct capture_block_header, crc));
}

/* Makes the checksums of a block right again after it was changed. */
static inline void seal_block(uint8_t *at)
{
	struct capture_block_header h;

	memcpy(&h, at, sizeof(h));
	h.payload_crc = (uint32_t)crc32(0, at + sizeof(h), h.stored_size);
	seal_header(&h);
	memcpy(at, &h, sizeof(h));
}

static inline void seal_file_header(uint8_t *at)
{
	struct capture_file_header h;

	memcpy(&h, at, sizeof(h));
	h.crc = (uint32_t)crc32(0, at, offsetof(struct capture_file_header, crc));
	memcpy(at, &h, sizeof(h));
}

/* The run, in blocks of so many records; 0: as the writer likes. */
static inline struct bytes make_capture(size_t records_per_block, bool names_early)
{
	struct run_info info = run_info_made();
	struct capture_writer *w;
	struct run_list l;
	struct names *n;
	struct err e;
	struct bytes b;
	int fd;

	assert_int_equal(names_new(&n), 0);
	run_names(n);
	run_make(&l);
	assert_int_equal(capture_create(bytes_path((struct bytes){ NULL, 0 }, &fd), &info, &w, &e),
			 0);
	if (names_early)
		capture_set_names(w, n);
	for (size_t i = 0; i < l.count; i++) {
		assert_int_equal(capture_event(w, &l.ev[i].h, &e), 0);
		if (records_per_block && i % records_per_block == records_per_block - 1)
			assert_int_equal(capture_flush(w, true, &e), 0);
	}
	assert_int_equal(capture_close(w, n, &e), 0);
	b = bytes_load(fd);
	close(fd);
	names_free(n);
	return b;
}

struct reading {
	int result; /* of capture_open or capture_read */
	bool opened;
	struct capture_damage damage;
	uint64_t records; /* delivered */
	uint64_t sum;	  /* of their times and kinds: tells which ones */
	size_t names;	  /* known addresses */
	char command[64];
	struct err e;
};

static inline uint64_t record_mark(const struct ev_header *ev)
{
	return (ev->time_ns * 31 + ev->kind) * 2654435761u;
}

static inline int count_record(void *arg, const struct ev_header *ev)
{
	struct reading *r = arg;

	r->records++;
	r->sum += record_mark(ev);
	return 0;
}

static inline int count_name(void *arg, uint32_t pid, uint64_t addr, const struct name *v,
			     size_t count)
{
	(void)pid;
	(void)addr;
	(void)v;
	(void)count;
	++*(size_t *)arg;
	return 0;
}

static inline struct reading read_path(const char *path)
{
	struct reading r = { 0 };
	struct capture_reader *reader;
	struct names *n;

	assert_int_equal(names_new(&n), 0);
	r.result = capture_open(path, &reader, &r.e);
	if (!r.result) {
		r.opened = true;
		r.result = capture_read(reader, n, count_record, &r, &r.damage, &r.e);
		snprintf(r.command, sizeof(r.command), "%s", capture_info(reader)->command);
		names_each(n, count_name, &r.names);
		capture_reader_free(reader);
	}
	names_free(n);
	return r;
}

static inline struct reading read_bytes(struct bytes b)
{
	int fd;
	const char *path = bytes_path(b, &fd);
	struct reading r = read_path(path);

	close(fd);
	return r;
}

#endif
