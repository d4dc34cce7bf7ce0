/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h: the capture file, stacktrace-capture(5).
 *
 * A file header, then blocks; every block carries its kind, sizes and checksum, so that a file cut
 * anywhere gives back every whole block, and a damaged block costs only itself.
 */
#ifndef ST_FORMATS_CAPTURE_H
#define ST_FORMATS_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"

struct capture_reader;
struct capture_totals;
struct capture_writer;
struct err;
struct names;
struct run_info;

/*
 * Creates (or replaces) the file at path; "-" is standard output, which must not be a terminal. The
 * info block is written at once.
 */
int capture_create(const char *path, const struct run_info *info, struct capture_writer **ret,
		   struct err *e);

/*
 * Appends one record.  Records are gathered into blocks; a block is written when full or when it is
 * older than a second, so that a crash loses at most that.  -ENOSPC, -EIO ...: e names the file;
 * what was written before stays readable, later calls return the same error.
 */
int capture_event(struct capture_writer *w, const struct ev_header *ev, struct err *e);

/* Writes the pending block if it is old enough; to be called now and then when no events come. */
int capture_flush(struct capture_writer *w, bool force, struct err *e);

/*
 * Appends the names that n has and the file has not, so that a recording that is killed can be read
 * with symbols; to be called now and then.  n must be the same each time.
 */
int capture_names(struct capture_writer *w, struct names *n, struct err *e);

/*
 * From now on asks n for the addresses of each record and writes what is new before the block that
 * holds the record.  A reader that cannot seek, such as `report -f trace -`, then knows every name
 * in time.  n must outlive w.
 */
void capture_set_names(struct capture_writer *w, struct names *n);

/* Records and bytes written so far. */
struct capture_written {
	uint64_t records, bytes;
};
struct capture_written capture_written(const struct capture_writer *w);

/*
 * Writes names (may be NULL) and the end block, closes and frees.  With an earlier error, only
 * closes and frees; e is then untouched and the earlier error is returned.  w may be NULL.
 */
int capture_close(struct capture_writer *w, struct names *names, struct err *e);

/*
 * Opens a capture; "-" is standard input.  -ENOENT ...; -EBADMSG: not a capture; -EPROTO: a newer
 * major version, or another byte order.
 */
int capture_open(const char *path, struct capture_reader **ret, struct err *e);

/*
 * Read from the file's beginning by capture_open; owned by the reader.  Never NULL; strings never
 * NULL, but empty where the file does not tell.  If the file's beginning is damaged, capture_read
 * fills it from the copy at the file's end.
 */
const struct run_info *capture_info(const struct capture_reader *r);

typedef int capture_event_fn(void *arg, const struct ev_header *ev);

/* How many bytes have been read, and of how many; 0: not known, as of a pipe. */
void capture_position(const struct capture_reader *r, uint64_t *ret_done, uint64_t *ret_all);

/* What could not be read. */
struct capture_damage {
	bool truncated;		  /* no end block: the recording was cut off */
	uint64_t bad_blocks;	  /* checksum or structure wrong: skipped */
	uint64_t skipped_bytes;	  /* between whole blocks, or behind the last */
	uint64_t unknown_blocks;  /* kinds of a later minor version: skipped, no damage */
	uint64_t bad_records;	  /* inside whole blocks: impossible sizes */
	uint64_t missing_records; /* were in blocks that are lost; unknown behind the last block */
};

/* True if anything is missing. */
bool capture_is_damaged(const struct capture_damage *d);

/*
 * Reads all: names into n (may be NULL), events to fn in file order.  If the file can seek, all
 * names are read before the first event.  Damage is not an error: it is counted in *damage and
 * reading goes on behind it.  Negative: an I/O error or no memory (e tells), or what fn returned (e
 * untouched).
 */
int capture_read(struct capture_reader *r, struct names *n, capture_event_fn *fn, void *arg,
		 struct capture_damage *damage, struct err *e);

/*
 * The same record by record, for who reads several captures side by side: 1 and *ret, valid until
 * the next call; 0 at the end; or -errno (e tells).  Not to be mixed with capture_read.
 */
int capture_next(struct capture_reader *r, struct names *n, const struct ev_header **ret,
		 struct err *e);

/*
 * Adds up what the records come to, checking every block but reading only those whose totals the
 * file does not have: at the speed of the disk.  Instead of capture_read.  0 or -errno (e tells).
 */
int capture_read_totals(struct capture_reader *r, struct capture_totals *ret,
			struct capture_damage *damage, struct err *e);

/* What could not be read so far; owned by the reader. */
const struct capture_damage *capture_damage_of(const struct capture_reader *r);

/* A whole block of the file. */
struct capture_block_info {
	uint64_t offset;
	uint32_t kind, flags, number, stored_size, raw_size, records;
	uint64_t first_ns, last_ns;
	bool known; /* else it is skipped */
};
typedef void capture_block_fn(void *arg, const struct capture_block_info *b);

/* Has fn told of each whole block, before what is in it; to be called before reading. */
void capture_on_block(struct capture_reader *r, capture_block_fn *fn, void *arg);

const char *capture_kind_name(unsigned kind); /* of a block: "events"; NULL: not known */

struct capture_version {
	unsigned major, minor;
};
struct capture_version capture_version_of(const struct capture_reader *r);

void capture_reader_free(struct capture_reader *r);

#endif
