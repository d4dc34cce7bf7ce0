/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h: what the samples share: reading their numbers, and printing what they know.
 *
 *	SAMPLE [-v] [NUMBER...]
 *
 * They run one coroutine at a time, so that what is counted is the same in each run; with
 * GOMAXPROCS in the environment as many as it says.
 *
 * With -v, or SAMPLE_VERBOSE=1 in the environment, a sample ends with lines "NAME VALUE": first
 * what it worked out by its own arithmetic, then, as runtime.NAME, what the runtime counted.
 */
#ifndef ST_SAMPLES_C_SAMPLE_H
#define ST_SAMPLES_C_SAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corun.h"

struct sample_number {
	const char *name;
	unsigned long value; /* at first the default */
	unsigned long max;
};

static int sample_verbose;

static __attribute__((constructor)) void sample_begin(void)
{
	setenv("GOMAXPROCS", "1", 0);
}

static inline void sample_fail(const char *what, int rc)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

static inline void sample_read(int argc, char **argv, struct sample_number *numbers, int count)
{
	int n = 0, i;
	char *end;

	sample_verbose = getenv("SAMPLE_VERBOSE") != NULL;
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v")) {
			sample_verbose = 1;
			continue;
		}
		end = NULL;
		if (n < count && argv[i][0] >= '0' && argv[i][0] <= '9')
			numbers[n].value = strtoul(argv[i], &end, 10);
		if (!end || *end || !numbers[n].value || numbers[n].value > numbers[n].max) {
			fprintf(stderr, "usage: %s [-v]", argv[0]);
			for (n = 0; n < count; n++)
				fprintf(stderr, " [%s", numbers[n].name);
			for (n = 0; n < count; n++)
				fputc(']', stderr);
			fputc('\n', stderr);
			exit(2);
		}
		n++;
	}
}

static inline void sample_say(const char *name, unsigned long value)
{
	if (sample_verbose)
		printf("%s %lu\n", name, value);
}

/* Lets others run until so many coroutines have ended, on whatever threads they are. */
static inline void sample_wait(unsigned long ended)
{
	struct co_stats s;

	do {
		co_yield();
		co_stats(&s);
	} while (s.ended < ended);
}

static inline void sample_say_runtime(void)
{
	struct co_stats s;

	co_stats(&s);
	sample_say("runtime.coroutines", s.born);
	sample_say("runtime.ended", s.ended);
	sample_say("runtime.growths", s.growths);
	sample_say("runtime.shrinks", s.shrinks);
	sample_say("runtime.bytes_copied", s.bytes_copied);
	sample_say("runtime.switches", s.switches);
}

#endif
