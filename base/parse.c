/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

static int parse_digits(const char *text, char **ret_end, uint64_t *ret)
{
	unsigned long long v;

	if (!isdigit((unsigned char)text[0])) /* strtoull takes blanks and signs */
		return -EINVAL;
	errno = 0;
	v = strtoull(text, ret_end, 10);
	if (errno)
		return -errno;
	*ret = v;
	return 0;
}

int parse_u64(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	      struct err *e)
{
	uint64_t v;
	char *end;
	int r = parse_digits(text, &end, &v);

	if (r == -EINVAL || (!r && *end))
		return err_set(e, EINVAL, "%s: '%s' is not a whole number", what, text);
	if (r || v < min || v > max)
		return err_set(e, ERANGE, "%s: '%s' is outside %" PRIu64 " to %" PRIu64, what, text,
			       min, max);
	*ret = v;
	return 0;
}

/* Shift for a size suffix, or -1. */
static int suffix_shift(const char *s)
{
	static const struct {
		const char *name;
		int shift;
	} suffix[] = {
		{ "", 0 },   { "B", 0 },    { "K", 10 }, { "KiB", 10 },
		{ "M", 20 }, { "MiB", 20 }, { "G", 30 }, { "GiB", 30 },
	};

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++)
		if (!strcasecmp(s, suffix[i].name))
			return suffix[i].shift;
	return -1;
}

int parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	       struct err *e)
{
	uint64_t v = 0;
	char *end;
	int shift = -1;
	int r = parse_digits(text, &end, &v);

	if (r != -EINVAL)
		shift = suffix_shift(end);
	if (shift < 0)
		return err_set(e, EINVAL, "%s: '%s' is not a size such as 65536, 64K or 16M", what,
			       text);
	if (r || v > (UINT64_MAX >> shift) || v << shift < min || v << shift > max)
		return err_set(e, ERANGE, "%s: '%s' is outside %" PRIu64 " to %" PRIu64 " bytes",
			       what, text, min, max);
	*ret = v << shift;
	return 0;
}

int parse_choice(const char *what, const char *text, const char *const *words, unsigned *ret,
		 struct err *e)
{
	char list[256] = "";
	size_t used = 0;

	for (unsigned i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*ret = i;
			return 0;
		}
		if (used < sizeof(list))
			used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 words[i]);
	}
	return err_set(e, EINVAL, "%s: '%s' is not one of %s", what, text, list);
}
