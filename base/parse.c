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

/* Nanoseconds of a unit of time, or 0. */
static uint64_t unit_ns(const char *s)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} unit[] = {
		{ "", 1000000000 },
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60) * 1000000000 },
		{ "min", UINT64_C(60) * 1000000000 },
		{ "h", UINT64_C(3600) * 1000000000 },
	};

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (!strcmp(s, unit[i].name))
			return unit[i].ns;
	return 0;
}

/* Digits behind a point: *ret is what they make of one unit. */
static const char *parse_fraction(const char *p, uint64_t unit, uint64_t *ret)
{
	uint64_t sum = 0;

	for (; isdigit((unsigned char)*p); p++) {
		unit /= 10;
		sum += unit * (uint64_t)(*p - '0');
	}
	*ret = sum;
	return p;
}

int parse_time(const char *what, const char *text, uint64_t *ret, struct err *e)
{
	uint64_t v = 0, unit = 0, fraction = 0;
	char *end;
	int r = parse_digits(text, &end, &v);

	if (!r) {
		const char *suffix = end + (*end == '.' && isdigit((unsigned char)end[1]));

		if (suffix > end)
			suffix += strspn(suffix, "0123456789");
		unit = unit_ns(suffix);
		if (suffix > end)
			parse_fraction(end + 1, unit, &fraction);
	}
	if (r == -EINVAL || (!r && !unit))
		return err_set(e, EINVAL, "%s: '%s' is not a time such as 1.5s, 200ms or 2m", what,
			       text);
	if (r || __builtin_mul_overflow(v, unit, &v) || __builtin_add_overflow(v, fraction, &v))
		return err_set(e, ERANGE, "%s: '%s' is too long a time", what, text);
	*ret = v;
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
