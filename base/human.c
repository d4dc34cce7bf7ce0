/* SPDX-License-Identifier: Apache-2.0 */
#include "base/human.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct human human_count(uint64_t n)
{
	struct human h;
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), o = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			h.s[o++] = ',';
		h.s[o++] = digits[i];
	}
	h.s[o] = '\0';
	return h;
}

struct human human_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	struct human h;
	unsigned u = 0;
	double v;

	while (u < 6 && bytes >> (10 * u) >= 1024)
		u++;
	v = (double)bytes / (double)(UINT64_C(1) << (10 * u));
	if (v >= 1023.5 && u < 6) { /* would be rounded up to 1024 */
		v /= 1024;
		u++;
	}
	snprintf(h.s, sizeof(h.s), v >= 99.95 || v == (double)(uint64_t)v ? "%.0f %s" : "%.1f %s",
		 v, units[u]);
	return h;
}

struct human human_stack(uint64_t bytes)
{
	static const char units[] = { 'G', 'M', 'K' };
	struct human h;

	for (unsigned u = 0; u < 3; u++) {
		uint64_t unit = UINT64_C(1) << (30 - 10 * u);

		if (bytes && bytes % unit == 0) {
			snprintf(h.s, sizeof(h.s), "%" PRIu64 "%c", bytes / unit, units[u]);
			return h;
		}
	}
	snprintf(h.s, sizeof(h.s), "%" PRIu64, bytes);
	return h;
}

struct human human_time(uint64_t ns, bool utf8)
{
	struct human h;
	double v = (double)ns;

	if (ns < 1000)
		snprintf(h.s, sizeof(h.s), "%" PRIu64 " ns", ns);
	else if (v < 999.95e3)
		snprintf(h.s, sizeof(h.s), "%.1f %s", v / 1e3, utf8 ? "µs" : "us");
	else if (v < 999.95e6)
		snprintf(h.s, sizeof(h.s), "%.1f ms", v / 1e6);
	else
		snprintf(h.s, sizeof(h.s), "%.3f s", v / 1e9);
	return h;
}

struct human human_share(double part, double all)
{
	struct human h;
	double pct = 100 * part / all;

	if (pct == 0 || pct >= 99.95)
		snprintf(h.s, sizeof(h.s), "%.0f %%", pct);
	else if (pct < 0.05)
		snprintf(h.s, sizeof(h.s), "<0.1 %%");
	else
		snprintf(h.s, sizeof(h.s), "%.1f %%", pct);
	return h;
}

struct human human_time_share(uint64_t part, uint64_t all)
{
	if (part > all)
		return (struct human){ "over 100 %" };
	return human_share((double)part, all ? (double)all : 1);
}
