/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/human.h"

#define FIRST_NS UINT64_C(500000000) /* what is done by then needs no progress */
#define NEXT_NS	 UINT64_C(200000000)

static struct {
	const char *what; /* NULL: off */
	uint64_t next_ns;
	bool shown;
} progress;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void progress_start(const char *what)
{
	progress.what = isatty(STDERR_FILENO) ? what : NULL;
	progress.next_ns = now_ns() + FIRST_NS;
	progress.shown = false;
}

void progress_show(uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!progress.what)
		return;
	now = now_ns();
	if (now < progress.next_ns)
		return;
	progress.next_ns = now + NEXT_NS;
	progress.shown = true;
	fputs("\r\033[Kreading ", stderr);
	escape_put(stderr, progress.what, ESCAPE_TEXT);
	if (all)
		fprintf(stderr, ": %.0f %% of %s", 100 * (double)done / (double)all,
			human_size(all).s);
	else
		fprintf(stderr, ": %s", human_size(done).s);
	fflush(stderr);
}

void progress_end(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
	progress.what = NULL;
}
