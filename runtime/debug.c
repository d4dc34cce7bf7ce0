/* SPDX-License-Identifier: Apache-2.0 */
/* debug.c: CORUN_DEBUG, what makes errors show that would otherwise show some day. */
#include <string.h>

#include "runtime/mcache.h"

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

void debug_read(const char *s)
{
	static const struct {
		const char *name;
		bool *flag;
	} areas[] = {
		{ "poison", &settings.poison },		{ "move", &settings.move },
		{ "crash", &settings.crash },		{ "unmap", &settings.unmap },
		{ "stackcheck", &settings.stackcheck },
	};
	size_t len, i;

	allocations = 0;
	for (; *s; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		for (i = 0; i < sizeof(areas) / sizeof(*areas); i++)
			if (strlen(areas[i].name) == len && !memcmp(areas[i].name, s, len))
				break;
		if (i < sizeof(areas) / sizeof(*areas))
			*areas[i].flag = true;
		else if (!read_fail(s, len))
			fatal("CORUN_DEBUG: '%.*s' is not poison, move, unmap, stackcheck, "
			      "fail=NUMBER or crash",
			      (int)len, s);
	} /* What it reports is stopped, too. */
	if (settings.stackcheck)
		settings.unmap = true;
}
