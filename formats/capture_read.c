/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_read.c: the reading end of a capture.
 *
 * Everything here may have been forged: sizes are bounded before memory is taken, a payload is
 * decompressed into a buffer of fixed size, and records reach the caller only if they are as long
 * as their kind says.  Memory does not grow with the file, but for names.
 *
 * Names may stand behind the records that need them.  A file is therefore read twice, the first
 * time for its names alone, which costs a seek for each block of records; a pipe cannot be, and
 * gives what it has by then.
 *
 * Tried: a thread that decodes ahead of the caller, in batches.  It took 10 to 50 % more CPU time,
 * and on two busy cores read a capture of 1 GB 7 % sooner at best.
 */
#include "formats/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "formats/capture_format.h"
#include "formats/capture_index.h"
#include "formats/capture_input.h"
#include "formats/capture_payload.h"
#include "formats/capture_records.h"
#include "formats/capture_totals.h"
#include "formats/capture_walk.h"
#include "formats/event_valid.h"
#include "formats/run_info.h"

#define MAX_FILE_HEADER 4096 /* a later minor version may have a longer one */

struct capture_reader {
	int fd;
	char *name;
	struct capture_input in;
	struct capture_walk walk;
	struct capture_block block; /* the first one, if it is not info */
	bool block_waits;
	struct run_info info;
	ZSTD_DCtx *zstd;
	uint8_t *raw; /* one payload, and room behind it for capture_get_record */
	struct capture_predictor predictor;
	bool begun; /* names have been read */
	struct capture_version version;
	const uint8_t *at, *end; /* of the records that are left in the block; NULL: none */
	uint32_t seen, expected; /* records of the block */
};

/* --- the beginning of the file ------------------------------------------------------------- */

static int refuse_foreign(const struct capture_reader *r, const uint8_t *p, size_t size,
			  struct err *e)
{
	static const struct {
		const char *magic;
		size_t size;
		const char *hint;
	} known[] = {
		{ "\037\213", 2, "it is compressed: 'gzip -dc FILE | stacktrace report -'" },
		{ "\050\265\057\375", 4,
		  "it is compressed: 'zstd -dc FILE | stacktrace report -'" },
		{ "\3757zXZ", 5, "it is compressed: 'xz -dc FILE | stacktrace report -'" },
		{ "\177ELF", 4, "it is a program: trace it with 'stacktrace run'" },
		{ "PERFILE2", 8, "perf wrote it: 'perf report' reads it" },
	};

	err_set(e, EBADMSG, "'%s' is not a stacktrace capture", r->name);
	err_hint(e, "captures are written by 'stacktrace record'");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (size >= known[i].size && !memcmp(p, known[i].magic, known[i].size))
			err_hint(e, "%s", known[i].hint);
	return -EBADMSG;
}

static int refuse_version(const struct capture_reader *r, const struct capture_file_header *h,
			  struct err *e)
{
	err_set(e, EPROTO, "'%s' has capture format %u.%u, and this version reads format %u",
		r->name, h->major, h->minor, CAPTURE_MAJOR);
	err_hint(e, "read it with the stacktrace that wrote it, or a newer one");
	return -EPROTO;
}

static int refuse_byte_order(const struct capture_reader *r, struct err *e)
{
	err_set(e, EPROTO, "'%s' has the byte order of a big-endian machine", r->name);
	err_hint(e, "this version reads and writes little-endian captures only");
	return -EPROTO;
}

static int refuse_short(const struct capture_reader *r, size_t size, struct err *e)
{
	if (size)
		err_set(e, EBADMSG, "'%s' ends inside its header after %zu bytes", r->name, size);
	else
		err_set(e, EBADMSG, "'%s' is empty", r->name);
	err_hint(e, "the recording was cut off before anything was recorded");
	return -EBADMSG;
}

/*
 * Checks the file header and moves behind it.  Damage to it alone is no reason to give up: a header
 * whose checksum fails is one of this version if it still has the magic or is followed by a block.
 */
static int read_file_header(struct capture_reader *r, struct err *e)
{
	struct capture_file_header h;
	struct capture_block_header block;
	ssize_t n = capture_input_need(&r->in, sizeof(h) + sizeof(block));
	const uint8_t *p = capture_input_at(&r->in);
	bool magic, whole;

	if (n < 0)
		return err_sys(e, (int)-n, "cannot read '%s'", r->name);
	magic = (size_t)n >= sizeof(h.magic) && !memcmp(p, CAPTURE_MAGIC, sizeof(h.magic));
	if (!n || ((size_t)n < sizeof(h) &&
		   !memcmp(p, CAPTURE_MAGIC, (size_t)n < sizeof(h.magic) ? (size_t)n : 8)))
		return refuse_short(r, (size_t)n, e);
	if ((size_t)n < sizeof(h))
		return refuse_foreign(r, p, (size_t)n, e);
	memcpy(&h, p, sizeof(h));
	whole = h.crc == crc32(0, p, offsetof(struct capture_file_header, crc));
	if (magic && h.byte_order == __builtin_bswap32(CAPTURE_BYTE_ORDER))
		return refuse_byte_order(r, e);
	if (magic && whole && h.major != CAPTURE_MAJOR)
		return refuse_version(r, &h, e);
	if (!magic && ((size_t)n < sizeof(h) + sizeof(block) ||
		       !capture_walk_is_header(p + sizeof(h), &block)))
		return refuse_foreign(r, p, (size_t)n, e);
	if (!magic || !whole) {
		r->walk.damage.bad_blocks++;
		r->walk.damage.skipped_bytes += sizeof(h);
		h.header_size = sizeof(h);
	}
	r->version = (struct capture_version){ h.major, h.minor };
	if (h.header_size < sizeof(h) || h.header_size > MAX_FILE_HEADER ||
	    capture_input_need(&r->in, h.header_size) < (ssize_t)h.header_size)
		return refuse_short(r, (size_t)n, e);
	capture_input_drop(&r->in, h.header_size);
	return 0;
}

static int open_input(struct capture_reader *r, const char *path, struct err *e)
{
	struct stat st;

	if (!strcmp(path, "-")) {
		r->fd = STDIN_FILENO;
	} else {
		r->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0)
			return err_sys(e, errno, "cannot open '%s'", path);
	}
	if (!fstat(r->fd, &st) && S_ISDIR(st.st_mode))
		return err_sys(e, EISDIR, "cannot read '%s'", r->name);
	if (capture_input_init(&r->in, r->fd))
		return err_sys(e, ENOMEM, "cannot read '%s'", r->name);
	return 0;
}

static int reader_new(const char *path, struct capture_reader **ret)
{
	struct capture_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	capture_walk_init(&r->walk);
	r->name = strdup(strcmp(path, "-") ? path : "standard input");
	r->raw = calloc(1, CAPTURE_MAX_RAW + CAPTURE_RECORD_ROOM);
	r->zstd = ZSTD_createDCtx();
	if (!r->name || !r->raw || !r->zstd || capture_info_fill(&r->info)) {
		capture_reader_free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void capture_reader_free(struct capture_reader *r)
{
	if (!r)
		return;
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	capture_input_release(&r->in);
	ZSTD_freeDCtx(r->zstd);
	run_info_release(&r->info);
	free(r->name);
	free(r->raw);
	free(r);
}

/* --- payloads ------------------------------------------------------------------------------ */

/* The payload of a whole block, decompressed, in r->raw.  False if it is not what it says. */
static bool unpack(struct capture_reader *r, const struct capture_block *b)
{
	size_t n = b->h.stored_size;

	if (b->h.flags & CAPTURE_ZSTD)
		n = ZSTD_decompressDCtx(r->zstd, r->raw, b->h.raw_size, b->payload, n);
	else
		memcpy(r->raw, b->payload, n);
	return n == b->h.raw_size; /* ZSTD errors are huge */
}

static void begin_records(struct capture_reader *r, const struct capture_block *b)
{
	capture_predictor_reset(&r->predictor);
	r->at = r->raw;
	r->end = r->raw + b->h.raw_size;
	r->seen = 0;
	r->expected = b->h.records;
}

/* The next record of the block, or NULL: there is none any more. */
static const struct ev_header *next_record(struct capture_reader *r)
{
	const struct ev_header *ev;

	while (r->at && r->at < r->end) {
		r->at = capture_get_record(&r->predictor, r->at, r->end, &ev);
		if (!r->at) {
			r->walk.damage.bad_records += r->seen < r->expected ? r->expected - r->seen
									    : 1;
			return NULL;
		}
		r->seen++;
		if (event_valid(ev))
			return ev;
		r->walk.damage.bad_records++;
	}
	r->at = NULL;
	return NULL;
}

/* Counts payloads that make no sense; hands on the want of memory. */
static int count_bad(struct capture_reader *r, int ret)
{
	if (ret == -EBADMSG) {
		r->walk.damage.bad_records++;
		return 0;
	}
	return ret;
}

static void read_end(struct capture_reader *r, const struct capture_block *b)
{
	struct capture_end end;

	if (b->h.raw_size < CAPTURE_END_SIZE_1_0) {
		r->walk.damage.bad_records++;
		return;
	}
	memcpy(&end, r->raw, CAPTURE_END_SIZE_1_0);
	if (end.records > r->walk.records)
		r->walk.damage.missing_records += end.records - r->walk.records;
}

/* Takes what is in a block; of records, gets ready to read them.  0 or -ENOMEM. */
static int read_block(struct capture_reader *r, const struct capture_block *b, struct names *n)
{
	if (!unpack(r, b)) {
		r->walk.damage.bad_blocks++;
		r->walk.damage.skipped_bytes += sizeof(b->h) + b->h.stored_size;
		r->walk.damage.missing_records += b->h.records;
		return 0;
	}
	switch (b->h.kind) {
	case CAPTURE_INFO:
		return count_bad(r, capture_get_info(r->raw, b->h.raw_size, &r->info));
	case CAPTURE_NAMES:
		return n ? count_bad(r, capture_names_get(r->raw, b->h.raw_size, n)) : 0;
	case CAPTURE_EVENTS:
		begin_records(r, b);
		return 0;
	case CAPTURE_END:
		read_end(r, b);
		return 0;
	default:
		return 0;
	}
}

/* --- the whole ----------------------------------------------------------------------------- */

static int read_first_block(struct capture_reader *r, struct err *e)
{
	int ret = capture_walk_next(&r->walk, &r->in, false, &r->block);

	if (ret > 0 && r->block.h.kind == CAPTURE_INFO) {
		ret = read_block(r, &r->block, NULL);
	} else {
		r->block_waits = ret > 0;
		ret = ret < 0 ? ret : 0;
	}
	return ret ? err_sys(e, -ret, "cannot read '%s'", r->name) : 0;
}

int capture_open(const char *path, struct capture_reader **ret, struct err *e)
{
	struct capture_reader *r;
	int error = reader_new(path, &r);

	if (error)
		return err_sys(e, ENOMEM, "cannot open '%s'", path);
	error = open_input(r, path, e);
	if (!error)
		error = read_file_header(r, e);
	if (!error)
		error = read_first_block(r, e);
	if (error) {
		capture_reader_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

const struct run_info *capture_info(const struct capture_reader *r)
{
	return &r->info;
}

/* Reads the names of the whole file, then comes back to where the reader was. */
static int read_names_first(struct capture_reader *r, struct names *n)
{
	struct capture_walk here = r->walk;
	uint64_t offset = r->block_waits ? here.block_offset : r->in.offset + here.held;
	struct capture_block b = r->block;
	int ret;

	if (!capture_index_names(r->fd, r->in.origin, n))
		return 0;
	r->walk.on_block = NULL;
	ret = r->block_waits ? 1 : capture_walk_next(&r->walk, &r->in, true, &b);
	while (ret > 0) {
		ret = read_block(r, &b, n);
		if (!ret)
			ret = capture_walk_next(&r->walk, &r->in, true, &b);
	}
	if (!ret)
		ret = capture_input_seek(&r->in, offset);
	r->walk = here;
	if (r->block_waits) { /* the window has moved: find the block again */
		r->block_waits = false;
		r->walk.number = r->block.h.number;
		r->walk.records = r->block.h.records_before;
		r->walk.at_end = false;
	}
	r->walk.held = 0;
	r->at = NULL;
	return ret;
}

void capture_position(const struct capture_reader *r, uint64_t *ret_done, uint64_t *ret_all)
{
	struct stat st;

	*ret_done = r->in.offset;
	*ret_all = r->in.can_seek && !fstat(r->fd, &st) ? (uint64_t)st.st_size : 0;
}

/* Names first, where that is possible; then the block that was read to see what the file is. */
static int begin(struct capture_reader *r, struct names *n, struct capture_block *ret)
{
	int error = n && r->in.can_seek ? read_names_first(r, n) : 0;

	r->begun = true;
	if (error)
		return error;
	*ret = r->block;
	error = r->block_waits ? 1 : capture_walk_next(&r->walk, &r->in, false, ret);
	r->block_waits = false;
	return error;
}

/* Moves to the next block.  1, 0 at the end, or -errno. */
static int find_block(struct capture_reader *r, struct names *n, struct capture_block *ret)
{
	int error = r->begun ? capture_walk_next(&r->walk, &r->in, false, ret) : begin(r, n, ret);

	if (!error)
		capture_walk_finish(&r->walk);
	return error;
}

/* The same, and reads it. */
static int next_block(struct capture_reader *r, struct names *n)
{
	struct capture_block b;
	int ret = find_block(r, n, &b);

	if (ret <= 0)
		return ret;
	ret = read_block(r, &b, n);
	return ret ? ret : 1;
}

int capture_next(struct capture_reader *r, struct names *n, const struct ev_header **ret,
		 struct err *e)
{
	for (;;) {
		const struct ev_header *ev = next_record(r);
		int more;

		if (ev) {
			*ret = ev;
			return 1;
		}
		more = next_block(r, n);
		if (more < 0)
			return err_sys(e, -more, "cannot read '%s'", r->name);
		if (!more)
			return 0;
	}
}

int capture_read(struct capture_reader *r, struct names *n, capture_event_fn *fn, void *arg,
		 struct capture_damage *damage, struct err *e)
{
	const struct ev_header *ev;
	int ret = 0, more;

	while ((more = capture_next(r, n, &ev, e)) > 0) {
		ret = fn(arg, ev);
		if (ret)
			break;
	}
	*damage = r->walk.damage;
	return more < 0 ? more : ret;
}

/* What a block of totals says, and of which block. */
struct said {
	struct capture_totals totals;
	uint64_t number;
	bool valid;
};

static void take_said(struct capture_reader *r, const struct capture_block *b, struct said *s)
{
	s->valid = unpack(r, b) && !capture_totals_get(r->raw, b->h.raw_size, &s->totals);
	s->number = (uint64_t)b->h.number + 1;
	if (!s->valid)
		r->walk.damage.bad_blocks++;
}

/* Totals of one block of records: as said before it, else by reading it.  0 or -ENOMEM. */
static int take_records(struct capture_reader *r, const struct capture_block *b,
			const struct said *s, struct capture_totals *t)
{
	struct capture_totals read = { .other = 0 };
	const struct ev_header *ev;
	int ret;

	if (s->valid && s->number == b->h.number &&
	    capture_totals_records(&s->totals) == b->h.records) {
		capture_totals_join(t, &s->totals);
		return 0;
	}
	ret = read_block(r, b, NULL);
	while (!ret && (ev = next_record(r)))
		capture_totals_add(&read, ev);
	capture_totals_join(t, &read);
	return ret;
}

int capture_read_totals(struct capture_reader *r, struct capture_totals *ret,
			struct capture_damage *damage, struct err *e)
{
	struct said said = { .valid = false };
	struct capture_block b;
	int more = 0, error = 0;

	*ret = (struct capture_totals){ .other = 0 };
	while (!error && (more = find_block(r, NULL, &b)) > 0) {
		if (b.h.kind == CAPTURE_TOTALS)
			take_said(r, &b, &said);
		else if (b.h.kind == CAPTURE_EVENTS)
			error = take_records(r, &b, &said, ret);
		else
			error = read_block(r, &b, NULL);
	}
	*damage = r->walk.damage;
	error = error ? error : more;
	return error ? err_sys(e, -error, "cannot read '%s'", r->name) : 0;
}

const struct capture_damage *capture_damage_of(const struct capture_reader *r)
{
	return &r->walk.damage;
}

void capture_on_block(struct capture_reader *r, capture_block_fn *fn, void *arg)
{
	r->walk.on_block = fn;
	r->walk.on_block_arg = arg;
	if (r->block.h.kind) /* the first one was read to see what the file is */
		capture_walk_tell(&r->walk, &r->block.h, r->walk.block_offset);
}

struct capture_version capture_version_of(const struct capture_reader *r)
{
	return r->version;
}

const char *capture_kind_name(unsigned kind)
{
	static const char *const names[] = {
		[CAPTURE_INFO] = "info", [CAPTURE_EVENTS] = "events", [CAPTURE_NAMES] = "names",
		[CAPTURE_END] = "end",	 [CAPTURE_INDEX] = "index",   [CAPTURE_TOTALS] = "totals"
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

bool capture_is_damaged(const struct capture_damage *d)
{
	return d->truncated || d->bad_blocks || d->skipped_bytes || d->bad_records ||
	       d->missing_records;
}
