/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/process_memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	const struct process_memory *m = arg;
	ssize_t n;

	if (address > INT64_MAX)
		return -EIO;
	do
		n = pread(m->fd, to, size, (off_t)address);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -EIO;
}

/* The kernel tells the process where its program's entry point is. */
static int read_bias(pid_t pid, uint64_t entry, uint64_t *ret)
{
	char path[64];
	uint64_t pair[2];
	int r = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (r && fread(pair, sizeof(pair), 1, f) == 1) {
		if (pair[0] != AT_ENTRY)
			continue;
		*ret = pair[1] - entry;
		r = 0;
	}
	fclose(f);
	return r;
}

int process_memory_open(pid_t pid, uint64_t entry, struct process_memory *ret)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	*ret = (struct process_memory){
		.fd = open(path, O_RDONLY | O_CLOEXEC),
		.memory = { .read = read_memory, .arg = ret },
	};
	if (ret->fd < 0)
		return -errno;
	r = read_bias(pid, entry, &ret->memory.bias);
	if (r)
		process_memory_close(ret);
	return r;
}

void process_memory_close(struct process_memory *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
