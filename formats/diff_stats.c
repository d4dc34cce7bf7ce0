/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/diff_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 20 /* values on both sides: more are close enough to a normal distribution */

static int compare_doubles(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double lowest(const double *v, size_t n)
{
	double r = v[0];

	for (size_t i = 1; i < n; i++)
		r = fmin(r, v[i]);
	return r;
}

/* The value that k of n are not above: captures are few. */
static double nth(const double *v, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++) {
		size_t below = 0, same = 0;

		for (size_t j = 0; j < n; j++) {
			below += v[j] < v[i];
			same += v[j] == v[i];
		}
		if (below <= k && k < below + same)
			return v[i];
	}
	return v[0];
}

static struct diff_range range_of(const double *v, size_t n)
{
	struct diff_range r = { .count = n, .value = v };

	if (!n)
		return r;
	r.min = lowest(v, n);
	r.max = nth(v, n, n - 1);
	r.median = (nth(v, n, (n - 1) / 2) + nth(v, n, n / 2)) / 2;
	return r;
}

/* --- ranks --------------------------------------------------------------------------------- */

/* Twice the rank of x among all, equals sharing the mean: 2 for the smallest of all. */
static unsigned rank2(double x, const double *a, size_t as, const double *b, size_t bs)
{
	unsigned below = 0, same = 0;

	for (size_t i = 0; i < as; i++) {
		below += a[i] < x;
		same += a[i] == x;
	}
	for (size_t i = 0; i < bs; i++) {
		below += b[i] < x;
		same += b[i] == x;
	}
	return 2 * below + same + 1;
}

/*
 * The share of all ways to draw `as` of the ranks whose sum is at least as far from the mean as
 * `sum`.  ways[k][s]: how many ways there are to draw k with the sum s.
 */
static double exact_p(const unsigned *rank, size_t all, size_t as, unsigned sum)
{
	double ways[EXACT + 1][EXACT * (EXACT + 1) + 1];
	unsigned most = (unsigned)(all * (all + 1));
	double mean2 = (double)as * (double)(all + 1), total = 0, far = 0;

	for (size_t k = 0; k <= as; k++)
		memset(ways[k], 0, (most + 1) * sizeof(ways[k][0]));
	ways[0][0] = 1;
	for (size_t i = 0; i < all; i++)
		for (size_t k = as; k-- > 0;)
			for (unsigned s = 0; s + rank[i] <= most; s++)
				ways[k + 1][s + rank[i]] += ways[k][s];
	for (unsigned s = 0; s <= most; s++) {
		total += ways[as][s];
		if (fabs((double)s - mean2) >= fabs((double)sum - mean2))
			far += ways[as][s];
	}
	return far / total;
}

/* Of the ranks' sum, with the variance that ties leave, and half a rank for continuity. */
static double normal_p(double a_count, double b_count, double sum2, double ties)
{
	double n = a_count + b_count;
	double away = fabs(sum2 / 2 - a_count * (n + 1) / 2) - 0.5;
	double variance = a_count * b_count / 12 * (n + 1 - ties / (n * (n - 1)));

	if (variance <= 0 || away <= 0)
		return 1;
	return erfc(away / sqrt(2 * variance));
}

/* The sum of t^3 - t over the groups of t equals. */
static double ties_of(double *all, size_t n)
{
	double sum = 0;

	qsort(all, n, sizeof(*all), compare_doubles);
	for (size_t i = 0, k; i < n; i = k) {
		double t;

		for (k = i + 1; k < n && all[k] == all[i];)
			k++;
		t = (double)(k - i);
		sum += t * t * t - t;
	}
	return sum;
}

static double approximate_p(const double *a, size_t as, const double *b, size_t bs)
{
	double *all = calloc(as + bs, sizeof(*all)), sum2 = 0, p;

	if (!all)
		return 1; /* no memory: claims nothing */
	memcpy(all, a, as * sizeof(*a));
	memcpy(all + as, b, bs * sizeof(*b));
	for (size_t i = 0; i < as; i++)
		sum2 += rank2(a[i], a, as, b, bs);
	p = normal_p((double)as, (double)bs, sum2, ties_of(all, as + bs));
	free(all);
	return p;
}

double diff_p_value(const double *a, size_t as, const double *b, size_t bs)
{
	unsigned rank[EXACT], sum = 0;

	if (as + bs > EXACT)
		return approximate_p(a, as, b, bs);
	for (size_t i = 0; i < as; i++)
		sum += rank[i] = rank2(a[i], a, as, b, bs);
	for (size_t i = 0; i < bs; i++)
		rank[as + i] = rank2(b[i], a, as, b, bs);
	return exact_p(rank, as + bs, as, sum);
}

/* --- judgement ----------------------------------------------------------------------------- */

/* The least p that so many values can come to: 2 / (n over k). */
static double least_p(size_t a, size_t b)
{
	double ways = 1;

	for (size_t i = 1; i <= a; i++)
		ways *= (double)(b + i) / (double)i;
	return 2 / ways;
}

/* Of one value on one side and several on the other nothing can be said. */
static bool is_beyond(const struct diff_range *a, const struct diff_range *b)
{
	double gap = fmax(a->min - b->max, b->min - a->max);

	return gap > 0 && gap > fmax(a->max - a->min, b->max - b->min);
}

void diff_compare(const double *before, size_t befores, const double *after, size_t afters,
		  struct diff_figure *ret)
{
	struct diff_figure f = {
		.before = range_of(before, befores),
		.after = range_of(after, afters),
		.percent = NAN,
		.p = NAN,
		.judged = befores > 1 && afters > 1,
	};

	if (befores && afters) {
		f.change = f.after.median - f.before.median;
		if (f.before.median != 0)
			f.percent = 100 * f.change / f.before.median;
	}
	if (f.judged) {
		f.p = diff_p_value(before, befores, after, afters);
		f.significant = least_p(befores, afters) < DIFF_ALPHA
					? f.p < DIFF_ALPHA
					: is_beyond(&f.before, &f.after);
	}
	*ret = f;
}
