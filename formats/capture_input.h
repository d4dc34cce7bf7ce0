/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_input.h: the bytes of a capture as a window that slides over a file or a pipe.
 */
#ifndef ST_FORMATS_CAPTURE_INPUT_H
#define ST_FORMATS_CAPTURE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct capture_input {
	int fd;
	bool can_seek;
	bool ended; /* nothing behind buf[end] */
	uint8_t *buf;
	size_t start, end; /* the window, in buf */
	uint64_t offset;   /* of buf[start] from where reading began */
	off_t origin;	   /* where reading began in the file */
};

/* The window can always grow to this. */
#define CAPTURE_INPUT_WINDOW (2u << 20)

/* fd stays the caller's. */
int capture_input_init(struct capture_input *in, int fd);
void capture_input_release(struct capture_input *in);

/*
 * Makes the window at least n bytes long (at most CAPTURE_INPUT_WINDOW).  Returns its length, less
 * than n only at the end of the input, or -errno.
 */
ssize_t capture_input_need(struct capture_input *in, size_t n);

static inline const uint8_t *capture_input_at(const struct capture_input *in)
{
	return in->buf + in->start;
}

/* Moves the window's begin; n is at most its length. */
static inline void capture_input_drop(struct capture_input *in, size_t n)
{
	in->start += n;
	in->offset += n;
}

/* Bytes from where reading began to the end of the file; 0: not a file. */
uint64_t capture_input_size(const struct capture_input *in);

/* The first offset from one on where a file has data and no hole; that offset itself where nobody
 * can tell.  Moves nothing. */
uint64_t capture_input_data(const struct capture_input *in, uint64_t offset);

/* Moves to an offset, only if can_seek.  0 or -errno. */
int capture_input_seek(struct capture_input *in, uint64_t offset);

#endif
