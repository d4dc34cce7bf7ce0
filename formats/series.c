/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series.c: what happened when, in a fixed number of slices.
 *
 * A slice begins as a microsecond; whenever a moment lies behind the last slice there is room for,
 * ten become one.  So the memory is fixed, there are at least SERIES_SLICES / 10 slices once there
 * is anything to see, and their length is always a round number.
 *
 * What lies before the first event (records of different CPUs are slightly out of order) goes into
 * the first slice.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/aggregate_internal.h"

#define FIRST_WIDTH_NS 1000
#define MERGED	       10

static void add(struct slice *to, const struct slice *from)
{
	sum_add(&to->born, from->born);
	sum_add(&to->ended, from->ended);
	sum_add(&to->growths, from->growths);
	sum_add(&to->shrinks, from->shrinks);
	sum_add(&to->bytes_copied, from->bytes_copied);
	sum_add(&to->ns, from->ns);
	sum_add(&to->switches, from->switches);
	if (from->alive > to->alive)
		to->alive = from->alive;
	if (from->seen) {
		to->alive_end = from->alive_end;
		to->stack_bytes = from->stack_bytes;
		to->wasted_bytes = from->wasted_bytes;
		to->seen = true;
	}
}

/* Ten slices become one. */
static void widen(struct series *s)
{
	for (size_t i = 0; i < s->used; i++) {
		const struct slice from = s->slice[i];

		s->slice[i] = (struct slice){ 0 };
		add(&s->slice[i / MERGED], &from);
	}
	s->used = (s->used + MERGED - 1) / MERGED;
	s->width_ns *= MERGED;
}

struct slice *series_find(struct series *s, uint64_t time_ns)
{
	uint64_t after, index;

	if (!s->started) {
		s->started = true;
		s->begin_ns = time_ns;
		s->width_ns = FIRST_WIDTH_NS;
	}
	after = time_ns > s->begin_ns ? time_ns - s->begin_ns : 0;
	while (after / s->width_ns >= SERIES_SLICES)
		widen(s);
	index = after / s->width_ns;
	if (index >= s->used)
		s->used = index + 1;
	s->slice_index = index;
	s->slice_begin_ns = s->begin_ns + index * s->width_ns;
	s->slice_length_ns = s->width_ns;
	return &s->slice[index];
}

static struct series_row row_of(const struct series *s, size_t i)
{
	const struct slice *p = &s->slice[i];

	return (struct series_row){
		.start_ns = s->begin_ns + i * s->width_ns,
		.born = p->born,
		.ended = p->ended,
		.growths = p->growths,
		.shrinks = p->shrinks,
		.bytes_copied = p->bytes_copied,
		.ns = p->ns,
		.switches = p->switches,
		.alive = p->alive,
		.stack_bytes = p->stack_bytes,
		.wasted_bytes = p->wasted_bytes,
	};
}

/* All slices as they are kept, with what was alive carried on. */
static void fill_rows(const struct series *s, struct series_row *rows)
{
	uint64_t alive = 0; /* at the end of the slice before */

	for (size_t i = 0; i < s->used; i++) {
		const struct slice *p = &s->slice[i];
		struct series_row *row = &rows[i];

		*row = row_of(s, i);
		if (alive > row->alive)
			row->alive = alive;
		if (p->seen) {
			alive = p->alive_end;
		} else if (i) { /* nothing came: as in the slice before */
			row->stack_bytes = row[-1].stack_bytes;
			row->wasted_bytes = row[-1].wasted_bytes;
		}
	}
}

static void add_row(struct series_row *to, const struct series_row *from)
{
	sum_add(&to->born, from->born);
	sum_add(&to->ended, from->ended);
	sum_add(&to->growths, from->growths);
	sum_add(&to->shrinks, from->shrinks);
	sum_add(&to->bytes_copied, from->bytes_copied);
	sum_add(&to->ns, from->ns);
	sum_add(&to->switches, from->switches);
	if (from->alive > to->alive)
		to->alive = from->alive;
	to->stack_bytes = from->stack_bytes;
	to->wasted_bytes = from->wasted_bytes;
}

/* The smallest of 1, 2, 5, 10, 20 ... that leaves at most so many. */
static size_t merge_factor(size_t count, size_t most)
{
	static const size_t steps[] = { 1, 2, 5 };

	for (size_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < 3; i++)
			if ((count + ten * steps[i] - 1) / (ten * steps[i]) <= most)
				return ten * steps[i];
}

/* Behind the program's end there is only what the taking away of the probes told. */
static size_t count_used(const struct aggregate *a)
{
	const struct series *s = &a->series;
	size_t used = s->used;

	while (a->totals.exited && used > 1) {
		const struct slice *p = &s->slice[used - 1];

		if (s->begin_ns + (used - 1) * s->width_ns < a->totals.exit_ns || p->born ||
		    p->ended || p->growths || p->shrinks || p->switches)
			break;
		used--;
	}
	return used;
}

int aggregate_series(const struct aggregate *a, size_t most, struct series_row **ret,
		     size_t *ret_count, uint64_t *ret_width_ns)
{
	const struct series *s = &a->series;
	size_t used = count_used(a), factor = merge_factor(used, most ? most : 1);
	struct series_row *rows = calloc(s->used + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	fill_rows(s, rows);
	for (size_t i = 0; i < used; i++) {
		if (i % factor)
			add_row(&rows[i / factor], &rows[i]);
		else
			rows[i / factor] = rows[i];
	}
	*ret = rows;
	*ret_count = (used + factor - 1) / factor;
	*ret_width_ns = s->width_ns * factor;
	return 0;
}
