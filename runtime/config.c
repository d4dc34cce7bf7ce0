/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c: settings, from the program and from its environment.
 *
 * The environment wins: who runs a program may try another size without building it.  What stands
 * there and is not understood ends the program, since a measurement with a setting that was
 * silently left out is worse than none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/mcache.h"

#define MAX_STACK_DEFAULT 1000000000ull /* as Go's */
#define MAX_STACK_LIMIT	  (1ull << 46)

struct settings settings;

static bool is_stack_size(uint64_t n)
{
	return n >= STACK_MIN && n <= MAX_STACK_LIMIT && !(n & (n - 1));
}

/* Decimal digits, then K, M, G or nothing. */
static bool parse_size(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	uint64_t n = 0;
	unsigned shift = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	if (*s && (suffix = strchr(suffixes, *s))) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		s++;
	}
	if (*s || n > UINT64_MAX >> shift)
		return false;
	*ret = n << shift;
	return true;
}

/* fail=NUMBER */
static bool read_fail(const char *s, size_t len)
{
	static const char name[] = "fail=";
	size_t i = sizeof(name) - 1;
	uint64_t n = 0;

	if (len <= i || memcmp(s, name, i))
		return false;
	for (; i < len; i++)
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s[i] - '0'), &n))
			return false;
	settings.fail_at = n;
	return n > 0;
}

static uint64_t allocations;

bool debug_fail(void)
{
	return settings.fail_at &&
	       __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED) == settings.fail_at;
}

static void read_debug(const char *s)
{
	static const struct {
		const char *name;
		bool *flag;
	} areas[] = {
		{ "poison", &settings.poison },
		{ "move", &settings.move },
		{ "crash", &settings.crash },
		{ "unmap", &settings.unmap },
	};
	size_t len, i;

	for (; *s; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		for (i = 0; i < sizeof(areas) / sizeof(*areas); i++)
			if (strlen(areas[i].name) == len && !memcmp(areas[i].name, s, len))
				break;
		if (i < sizeof(areas) / sizeof(*areas))
			*areas[i].flag = true;
		else if (!read_fail(s, len))
			fatal("CORUN_DEBUG: '%.*s' is not poison, move, unmap, fail=NUMBER or "
			      "crash",
			      (int)len, s);
	}
}

int settings_read(const struct co_config *config)
{
	const char *s;

	memset(&settings, 0, sizeof(settings));
	settings.stack_size = config && config->stack_size ? config->stack_size : STACK_MIN;
	settings.max_stack = config && config->max_stack ? config->max_stack : MAX_STACK_DEFAULT;
	if (!is_stack_size(settings.stack_size) || settings.max_stack > MAX_STACK_LIMIT ||
	    settings.max_stack < settings.stack_size)
		return -EINVAL;

	s = getenv("CORUN_DEBUG");
	if (s)
		read_debug(s);
	s = getenv("CORUN_STACK");
	if (s && (!parse_size(s, &settings.stack_size) || !is_stack_size(settings.stack_size)))
		fatal("CORUN_STACK: '%s' is not a power of two of at least %d bytes", s, STACK_MIN);
	s = getenv("CORUN_MAXSTACK");
	if (s && (!parse_size(s, &settings.max_stack) || settings.max_stack > MAX_STACK_LIMIT))
		fatal("CORUN_MAXSTACK: '%s' is not a size (bytes, or as in 64K, 16M, 1G)", s);
	s = getenv("CORUN_ALLOCATOR");
	if (s && !strcmp(s, "page"))
		settings.allocator = OWNER_PAGE;
	else if (s && !strcmp(s, "mmap"))
		settings.allocator = OWNER_MMAP;
	else if (s)
		fatal("CORUN_ALLOCATOR: '%s' is not page or mmap", s);
	allocations = 0;
	if (settings.max_stack < settings.stack_size)
		fatal("a stack that starts with %llu bytes is more than the limit of %llu; see "
		      "CORUN_STACK and CORUN_MAXSTACK",
		      (unsigned long long)settings.stack_size,
		      (unsigned long long)settings.max_stack);
	return 0;
}
