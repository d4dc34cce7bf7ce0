/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.c: a search of the memory of this process for addresses of one range.
 *
 * What is searched are the writable private mappings that /proc/self/maps lists: globals of the
 * program and its libraries, the heap, thread-local storage, stacks of other threads.  They are
 * read by process_vm_readv, so that one that another thread unmaps meanwhile is left out and
 * nothing dies; where that is forbidden (some containers), they are read as they are.
 */
#include "runtime/escape.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/mcache.h"

#define BUFFER	  (64u << 10)
#define MAPS_ROOM ((16ull << 20) - BUFFER)

/* What is worked with, in one mapping, since it holds what is searched for. */
struct scratch {
	uint64_t buffer[BUFFER / 8];
	char maps[MAPS_ROOM];
};

/* The lines of /proc/self/maps. */
static void read_maps(char *text)
{
	size_t n = 0;
	ssize_t got = 0;
	int fd;

	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while (n < MAPS_ROOM - 1 && (got = read(fd, text + n, MAPS_ROOM - 1 - n)) > 0)
			n += (size_t)got;
		close(fd);
	}
	text[n] = '\0';
}

static const uint64_t *fetch(uint64_t at, size_t size, uint64_t *buffer)
{
	struct iovec local = { buffer, size }, remote = { (void *)at, size };
	static bool forbidden;
	ssize_t got;

	if (!forbidden) {
		got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		if (got == (ssize_t)size)
			return buffer;
		/* A range that is readable for sure tells the two apart. */
		remote.iov_base = &local;
		remote.iov_len = sizeof(local);
		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) >= 0)
			return NULL;
		forbidden = true;
	}
	return (const uint64_t *)at;
}

struct search {
	uint64_t lo, size;
	escape_fn *fn;
	void *arg;
	struct scratch *scratch;
};

static void search_map(const struct search *s, uint64_t begin, uint64_t end, const char *map)
{
	uint64_t own = (uint64_t)s->scratch, at;

	for (at = begin; at < end; at += BUFFER) {
		size_t size = end - at < BUFFER ? end - at : BUFFER, i;
		const uint64_t *word = fetch(at, size, s->scratch->buffer);

		for (i = 0; word && i < size / 8; i++)
			if (word[i] - s->lo < s->size && at + i * 8 - own >= sizeof(*s->scratch))
				s->fn(at + i * 8, word[i], map, s->arg);
	}
}

void escape_search(uint64_t lo, uint64_t hi, escape_fn *fn, void *arg)
{
	struct scratch *scratch = (void *)map_pages(sizeof(*scratch), PROT_READ | PROT_WRITE);
	struct search s = { lo, hi - lo, fn, arg, scratch };
	char *line, *end, *flags;
	uint64_t begin, stop;

	if (!scratch)
		return;
	read_maps(scratch->maps);
	for (line = scratch->maps; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		begin = strtoull(line, &flags, 16);
		stop = strtoull(flags + 1, &flags, 16);
		if (!strncmp(flags, " rw-p", 5) && !checked_holds(begin))
			search_map(&s, begin, stop, flags);
	}
	munmap(scratch, sizeof(*scratch));
}
