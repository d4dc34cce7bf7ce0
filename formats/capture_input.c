/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/capture_input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Twice the window, so that moving what is left to the front costs at most a copy of each byte. */
#define ROOM (2u * CAPTURE_INPUT_WINDOW)

/* Read at a time: what has been read should still be in the cache when it is looked at. */
#define PIECE (256u << 10)

int capture_input_init(struct capture_input *in, int fd)
{
	struct stat st;
	off_t origin = lseek(fd, 0, SEEK_CUR);

	*in = (struct capture_input){ .fd = fd };
	in->buf = malloc(ROOM);
	if (!in->buf)
		return -ENOMEM;
	in->can_seek = origin >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
	in->origin = origin;
	return 0;
}

void capture_input_release(struct capture_input *in)
{
	free(in->buf);
	in->buf = NULL;
}

static int fill(struct capture_input *in)
{
	size_t room = ROOM - in->end;
	ssize_t n = read(in->fd, in->buf + in->end, room < PIECE ? room : PIECE);

	if (n > 0) {
		in->end += (size_t)n;
	} else if (!n) {
		in->ended = true;
	} else if (errno == EAGAIN) {
		struct pollfd fd = { .fd = in->fd, .events = POLLIN };

		poll(&fd, 1, -1); /* someone made the pipe non-blocking */
	} else if (errno != EINTR) {
		return -errno;
	}
	return 0;
}

ssize_t capture_input_need(struct capture_input *in, size_t n)
{
	size_t left = in->end - in->start;

	if (in->start + n > ROOM || (left < n && left <= in->start && in->start)) {
		memmove(in->buf, in->buf + in->start, left);
		in->end = left;
		in->start = 0;
	}
	while (in->end - in->start < n && !in->ended) {
		int r = fill(in);

		if (r)
			return r;
	}
	return (ssize_t)(in->end - in->start);
}

uint64_t capture_input_size(const struct capture_input *in)
{
	struct stat st;

	if (!in->can_seek || fstat(in->fd, &st) || st.st_size < in->origin)
		return 0;
	return (uint64_t)(st.st_size - in->origin);
}

uint64_t capture_input_data(const struct capture_input *in, uint64_t offset)
{
	uint64_t size = capture_input_size(in);
	off_t here, data;

	if (offset >= size)
		return offset;
	here = lseek(in->fd, 0, SEEK_CUR);
	data = lseek(in->fd, in->origin + (off_t)offset, SEEK_DATA);
	if (data < 0)
		data = errno == ENXIO ? in->origin + (off_t)size : in->origin + (off_t)offset;
	lseek(in->fd, here, SEEK_SET);
	return (uint64_t)(data - in->origin);
}

int capture_input_seek(struct capture_input *in, uint64_t offset)
{
	uint64_t ahead = offset - in->offset;

	if (offset >= in->offset && ahead <= in->end - in->start) {
		capture_input_drop(in, (size_t)ahead);
		return 0;
	}
	if (lseek(in->fd, in->origin + (off_t)offset, SEEK_SET) < 0)
		return -errno;
	in->start = in->end = 0;
	in->offset = offset;
	in->ended = false;
	return 0;
}
