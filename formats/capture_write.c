/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_write.c: the writing end of a capture.
 *
 * One block of event records is gathered at a time and written with one write(2) when it is large
 * or a second old.  Nothing is ever rewritten, so the file may be a pipe, and what has been written
 * stays readable whatever happens next: the first error ends the writing and is kept.
 *
 * Compression is zstd's level 1: measured on a million records, level 3 takes a twentieth off the
 * size and doubles the time, and this runs beside the traced program.
 */
#include "formats/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "formats/capture_format.h"
#include "formats/capture_index.h"
#include "formats/capture_payload.h"
#include "formats/capture_records.h"
#include "formats/capture_totals.h"
#include "formats/event_valid.h"
#include "formats/waits.h"
#include "formats/names_internal.h"

#define ZSTD_LEVEL 1
#define COMPRESS_FROM \
	64 /* so the end block is stored as it is, and found from the end of the file */
#define BLOCK_TARGET (256u << 10)	  /* a block of records is written from this size on */
#define BLOCK_AGE_NS UINT64_C(1000000000) /* or this age */
_Static_assert(BLOCK_TARGET + CAPTURE_RECORD_ROOM <= CAPTURE_MAX_RAW, "one more record must fit");

/* The block of records being gathered. */
struct pending {
	uint8_t *raw, *end;
	uint32_t records;
	uint64_t first_ns, last_ns; /* lowest and highest time */
	uint64_t begun_event_ns;    /* time of the first record */
	uint64_t begun_ns;	    /* when it came */
	struct capture_totals totals;
	struct capture_encoder encoder;
};

struct capture_writer {
	int fd;
	bool is_stdout;
	int error; /* the first one, negative */
	char *name;
	struct pending pending;
	uint8_t *out; /* block as it is written: header, payload */
	size_t out_room;
	ZSTD_CCtx *zstd;
	uint8_t *info; /* payload, written once more at the end */
	size_t info_size;
	struct capture_names *names_payload;
	size_t names_written;
	struct names *names; /* to ask for each record's addresses, or NULL */
	uint64_t records, blocks, bytes;
	struct capture_index index;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int fail(struct capture_writer *w, int code, struct err *e)
{
	w->error = -code;
	err_sys(e, code, "cannot write '%s'", w->name);
	return -code;
}

static int fail_again(const struct capture_writer *w, struct err *e)
{
	return err_sys(e, -w->error, "cannot write '%s'", w->name);
}

static int write_all(struct capture_writer *w, const void *data, size_t size, struct err *e)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(w->fd, p, size);

		if (n > 0) {
			p += n;
			size -= (size_t)n;
			w->bytes += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd fd = { .fd = w->fd, .events = POLLOUT };

			poll(&fd, 1, -1); /* someone made the pipe non-blocking */
		} else if (n == 0 || errno != EINTR) {
			return fail(w, n ? errno : EIO, e);
		}
	}
	return 0;
}

/* Payload of a block into w->out, compressed where that helps. */
static uint32_t store(struct capture_writer *w, const uint8_t *raw, size_t size, uint16_t *flags)
{
	uint8_t *to = w->out + sizeof(struct capture_block_header);
	size_t n = size;

	if (size >= COMPRESS_FROM)
		n = ZSTD_compressCCtx(w->zstd, to,
				      w->out_room - sizeof(struct capture_block_header), raw, size,
				      ZSTD_LEVEL);
	if (!ZSTD_isError(n) && n < size && size <= n * CAPTURE_MAX_RATIO) {
		*flags = CAPTURE_ZSTD;
		return (uint32_t)n;
	}
	memcpy(to, raw, size);
	*flags = 0;
	return (uint32_t)size;
}

static int write_block(struct capture_writer *w, struct capture_block_header *h, const uint8_t *raw,
		       size_t size, struct err *e)
{
	uint64_t offset = w->bytes;
	int r;

	memcpy(h->marker, CAPTURE_MARKER, sizeof(h->marker));
	h->number = (uint32_t)w->blocks;
	h->raw_size = (uint32_t)size;
	h->records_before = w->records;
	h->stored_size = store(w, raw, size, &h->flags);
	h->payload_crc = (uint32_t)crc32(0, w->out + sizeof(*h), h->stored_size);
	h->crc = (uint32_t)crc32(0, (const Bytef *)h, offsetof(struct capture_block_header, crc));
	memcpy(w->out, h, sizeof(*h));
	r = write_all(w, w->out, sizeof(*h) + h->stored_size, e);
	if (r)
		return r;
	w->blocks++;
	w->records += h->records;
	capture_index_add(&w->index, h, offset);
	return 0;
}

static int write_info(struct capture_writer *w, struct err *e)
{
	struct capture_block_header h = { .kind = CAPTURE_INFO };

	return write_block(w, &h, w->info, w->info_size, e);
}

static int write_file_header(struct capture_writer *w, struct err *e)
{
	struct capture_file_header h = {
		.byte_order = CAPTURE_BYTE_ORDER,
		.major = CAPTURE_MAJOR,
		.minor = CAPTURE_MINOR,
		.header_size = sizeof(h),
	};

	memcpy(h.magic, CAPTURE_MAGIC, sizeof(h.magic));
	h.crc = (uint32_t)crc32(0, (const Bytef *)&h, offsetof(struct capture_file_header, crc));
	return write_all(w, &h, sizeof(h), e);
}

static void writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0 && !w->is_stdout)
		close(w->fd);
	free(w->name);
	free(w->pending.raw);
	free(w->out);
	ZSTD_freeCCtx(w->zstd);
	free(w->info);
	capture_names_free(w->names_payload);
	capture_index_release(&w->index);
	free(w);
}

static int writer_new(const char *name, const struct run_info *info, struct capture_writer **ret)
{
	struct capture_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->name = strdup(name);
	w->pending.raw = w->pending.end = malloc(BLOCK_TARGET + CAPTURE_RECORD_ROOM);
	w->out_room = sizeof(struct capture_block_header) + ZSTD_compressBound(CAPTURE_MAX_RAW);
	w->out = malloc(w->out_room);
	w->zstd = ZSTD_createCCtx();
	w->info = capture_put_info(info, &w->info_size);
	if (!w->name || !w->pending.raw || !w->out || !w->zstd || !w->info ||
	    capture_names_new(&w->names_payload)) {
		writer_free(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

static int open_output(struct capture_writer *w, const char *path, struct err *e)
{
	if (!strcmp(path, "-")) {
		w->fd = STDOUT_FILENO;
		w->is_stdout = true;
		if (isatty(w->fd)) {
			err_set(e, EINVAL, "a capture is not for a terminal to show");
			err_hint(e, "name a file, or pipe the output to 'stacktrace report -'");
			return -EINVAL;
		}
		return 0;
	}
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return w->fd < 0 ? err_sys(e, errno, "cannot create '%s'", path) : 0;
}

int capture_create(const char *path, const struct run_info *info, struct capture_writer **ret,
		   struct err *e)
{
	struct capture_writer *w;
	int r = writer_new(strcmp(path, "-") ? path : "standard output", info, &w);

	if (r)
		return err_sys(e, ENOMEM, "cannot create '%s'", path);
	r = open_output(w, path, e);
	if (!r)
		r = write_file_header(w, e);
	if (!r)
		r = write_info(w, e);
	if (r) {
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* --- names --------------------------------------------------------------------------------- */

static int write_names(struct capture_writer *w, struct err *e)
{
	struct capture_block_header h = { .kind = CAPTURE_NAMES };
	size_t size;
	const uint8_t *payload = capture_names_take(w->names_payload, &size);

	if (!payload)
		return fail(w, ENOMEM, e);
	return size ? write_block(w, &h, payload, size, e) : 0;
}

struct names_walk {
	struct capture_writer *w;
	struct err *e;
};

static int take_name(void *arg, uint32_t pid, uint64_t addr, const struct name *v, size_t count)
{
	struct names_walk *walk = arg;
	struct capture_writer *w = walk->w;

	if (capture_names_put(w->names_payload, pid, addr, v, count))
		return fail(w, ENOMEM, walk->e);
	return capture_names_full(w->names_payload) ? write_names(w, walk->e) : 0;
}

int capture_names(struct capture_writer *w, struct names *n, struct err *e)
{
	struct names_walk walk = { w, e };
	int r;

	if (w->error)
		return fail_again(w, e);
	r = names_each_from(n, &w->names_written, take_name, &walk);
	return r ? r : write_names(w, e);
}

void capture_set_names(struct capture_writer *w, struct names *n)
{
	w->names = n;
}

static void ask(struct names *n, uint32_t pid, uint64_t addr)
{
	size_t count;

	if (addr)
		names_get(n, pid, addr, &count);
}

/* Makes sure that the addresses of a record have been looked up. */
static void ask_for_names(struct names *n, const struct ev_header *ev)
{
	const struct ev_newproc *born = (const struct ev_newproc *)ev;
	const struct ev_copystack *copy = (const struct ev_copystack *)ev;
	const struct ev_stack *stack = (const struct ev_stack *)ev;
	uint64_t pc[WAITS_ADDRESSES];
	size_t count;

	switch (ev->kind) {
	case EV_NEWPROC:
		ask(n, ev->pid, names_call_site(born->creator_pc));
		ask(n, ev->pid, born->entry_pc);
		break;
	case EV_COPYSTACK:
		ask(n, ev->pid, names_call_site(copy->creator_pc));
		ask(n, ev->pid, copy->entry_pc);
		break;
	case EV_STACK:
		for (uint32_t i = 0; i < stack->depth; i++)
			ask(n, ev->pid, names_call_site(stack->pc[i]));
		break;
	default:
		count = waits_addresses(ev, pc);
		for (size_t i = 0; i < count; i++)
			ask(n, ev->pid, pc[i]);
		break;
	}
}

/* --- records ------------------------------------------------------------------------------- */

static int write_totals(struct capture_writer *w, struct err *e)
{
	struct capture_block_header h = { .kind = CAPTURE_TOTALS };
	uint8_t payload[CAPTURE_TOTALS_MAX];

	return write_block(w, &h, payload, capture_totals_put(&w->pending.totals, payload), e);
}

static int write_pending(struct capture_writer *w, struct err *e)
{
	struct pending *p = &w->pending;
	struct capture_block_header h = {
		.kind = CAPTURE_EVENTS,
		.records = p->records,
		.first_ns = p->first_ns,
		.last_ns = p->last_ns,
	};
	size_t size = (size_t)(p->end - p->raw);
	int r;

	if (!p->records)
		return 0;
	if (w->names) {
		r = capture_names(w, w->names, e);
		if (r)
			return r;
	}
	r = write_totals(w, e);
	if (r)
		return r;
	capture_encoder_reset(&p->encoder);
	p->totals = (struct capture_totals){ .other = 0 };
	p->records = 0;
	p->end = p->raw;
	return write_block(w, &h, p->raw, size, e);
}

static void put_record(struct pending *p, const struct ev_header *ev)
{
	if (!p->records) {
		p->first_ns = p->last_ns = p->begun_event_ns = ev->time_ns;
		p->begun_ns = clock_ns(CLOCK_MONOTONIC_COARSE);
	}
	if (ev->time_ns < p->first_ns)
		p->first_ns = ev->time_ns;
	if (ev->time_ns > p->last_ns)
		p->last_ns = ev->time_ns;
	p->end = capture_put_record(&p->encoder, ev, p->end);
	p->records++;
	capture_totals_add(&p->totals, ev);
}

int capture_event(struct capture_writer *w, const struct ev_header *ev, struct err *e)
{
	struct pending *p = &w->pending;

	if (w->error)
		return fail_again(w, e);
	if (!event_valid(ev) || ev->size % 8 || ev->size > CAPTURE_MAX_RECORD)
		return err_set(e, EINVAL, "a record of kind %u and %u bytes does not fit a capture",
			       ev->kind, ev->size);
	if (w->names)
		ask_for_names(w->names, ev);
	put_record(p, ev);
	if ((size_t)(p->end - p->raw) >= BLOCK_TARGET ||
	    (ev->time_ns > p->begun_event_ns && ev->time_ns - p->begun_event_ns > BLOCK_AGE_NS))
		return write_pending(w, e);
	return 0;
}

int capture_flush(struct capture_writer *w, bool force, struct err *e)
{
	if (w->error)
		return fail_again(w, e);
	if (!force && w->pending.records &&
	    clock_ns(CLOCK_MONOTONIC_COARSE) - w->pending.begun_ns < BLOCK_AGE_NS)
		return 0;
	return write_pending(w, e);
}

struct capture_written capture_written(const struct capture_writer *w)
{
	return (struct capture_written){ .records = w->records, .bytes = w->bytes };
}

/* *ret is where it is; 0 where there is none, which costs readers time and nothing else. */
static int write_index(struct capture_writer *w, uint64_t *ret, struct err *e)
{
	struct capture_block_header h = { .kind = CAPTURE_INDEX };
	size_t size;
	uint8_t *payload = capture_index_payload(&w->index, &size);
	int r;

	*ret = payload ? w->bytes : 0;
	r = payload ? write_block(w, &h, payload, size, e) : 0;
	free(payload);
	return r;
}

static int write_end(struct capture_writer *w, struct err *e)
{
	struct capture_block_header h = { .kind = CAPTURE_END };
	uint64_t index;
	int r = write_index(w, &index, e);
	struct capture_end end = {
		.records = w->records,
		.blocks = w->blocks,
		.bytes = w->bytes,
		.end_realtime_ns = clock_ns(CLOCK_REALTIME),
		.index = index,
	};

	return r ? r : write_block(w, &h, (const uint8_t *)&end, sizeof(end), e);
}

int capture_close(struct capture_writer *w, struct names *names, struct err *e)
{
	int r;

	if (!w)
		return 0;
	r = w->error;
	if (!r)
		r = write_pending(w, e);
	if (!r && names)
		r = capture_names(w, names, e);
	if (!r)
		r = write_info(w, e);
	if (!r)
		r = write_end(w, e);
	if (!w->is_stdout) {
		if (close(w->fd) && !r)
			r = fail(w, errno, e);
		w->fd = -1;
	}
	writer_free(w);
	return r;
}
