/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble.c: why the kernel refused memory.  ENOMEM is all that it says; whoever reads the report
 * wants to know which of the limits it was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/runtime.h"

#define NEAR 64 /* mappings: the report itself may need some */

/* Without malloc, which may have no memory either. */
static uint64_t count_lines(const char *path)
{
	char buffer[4096];
	uint64_t n = 0;
	ssize_t got, i;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		for (i = 0; i < got; i++)
			n += buffer[i] == '\n';
	close(fd);
	return n;
}

static uint64_t read_number(const char *path)
{
	char buffer[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buffer, sizeof(buffer) - 1);
	close(fd);
	buffer[n > 0 ? n : 0] = '\0';
	return strtoull(buffer, NULL, 10);
}

void memory_trouble(uint64_t wanted, char *ret, size_t size)
{
	uint64_t maps = count_lines("/proc/self/maps");
	uint64_t max_maps = read_number("/proc/sys/vm/max_map_count");
	uint64_t mapped = read_number("/proc/self/statm") * 4096;
	struct rlimit limit;

	if (max_maps && maps + NEAR >= max_maps)
		snprintf(ret, size, "the process has %llu mappings, the limit of vm.max_map_count",
			 (unsigned long long)maps);
	else if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY &&
		 mapped + 2 * wanted + (8 << 20) >= limit.rlim_cur)
		snprintf(ret, size, "the address space is limited to %llu bytes (ulimit -v)",
			 (unsigned long long)limit.rlim_cur);
	else
		snprintf(ret, size, "the kernel gives no more; %llu bytes are mapped",
			 (unsigned long long)mapped);
}
