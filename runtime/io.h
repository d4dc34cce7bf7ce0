/* SPDX-License-Identifier: Apache-2.0 */
/* io.h: what io.c, file.c and net.c share. */
#ifndef ST_RUNTIME_IO_H
#define ST_RUNTIME_IO_H

#include "runtime/fd.h"

struct io_call {
	long number;
	long arg[6];
	long rc;
};

/* On G: makes the call, whose first argument becomes the descriptor, until it need not wait. */
long io_call(co_fd h, enum fd_side side, struct io_call *c, int64_t deadline);
/* Makes the call, on whatever thread; interrupted ones are made again. */
long io_make(const struct io_call *c);
/* On G: reads or writes a file; the wait for it may be ended.  Changes the arguments. */
long io_file(struct fd *fd, co_fd h, struct io_call *io, int64_t deadline);
/* On G: makes a call that blocks, while others run. */
long io_blocking(struct io_call *c);
/* On G: takes over what a call returned, which is closed if that fails. */
co_fd io_take(long fd, enum fd_kind kind);
/* On G: FD_SOCKET if it is none. */
enum fd_kind io_kind(co_fd h);

#endif
