/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godebug.c: GODEBUG, a list of NAME=NUMBER as for Go.
 *
 * Unlike CORUN_DEBUG, what is not known or not understood is passed over in silence: the variable
 * is Go's, has dozens of names that mean nothing here, and is inherited by programs in C.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

static void set(const char *name, size_t len, uint64_t value)
{
	const struct {
		const char *name;
		uint64_t *value;
	} known[] = {
		{ "gctrace", &settings.gctrace },
		{ "schedtrace", &settings.schedtrace },
		{ "scheddetail", &settings.scheddetail },
		{ "gcshrinkstackoff", &settings.gcshrinkstackoff },
		{ "adaptivestackstart", &settings.adaptivestackstart },
		{ "asyncpreemptoff", &settings.asyncpreemptoff },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			*known[i].value = value;
}

void godebug_read(void)
{
	const char *s = getenv("GODEBUG");
	size_t len, name, i;

	for (; s && *s; s += len + (s[len] == ',')) {
		uint64_t n = 0;

		len = strcspn(s, ",");
		name = strcspn(s, "=");
		for (i = name + 1; i < len && s[i] >= '0' && s[i] <= '9' && n < INT32_MAX; i++)
			n = n * 10 + (uint64_t)(s[i] - '0');
		if (name + 1 < len && i == len && n <= INT32_MAX)
			set(s, name, n);
	}
}
