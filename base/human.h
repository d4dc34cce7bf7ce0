/* SPDX-License-Identifier: Apache-2.0 */
/*
 * human.h: numbers as people read them.
 *
 * Each function returns its text by value: printf("%s", human_size(n).s).
 */
#ifndef ST_BASE_HUMAN_H
#define ST_BASE_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

struct human {
	char s[40];
};

struct human human_count(uint64_t n);		   /* "10,003" */
struct human human_size(uint64_t bytes);	   /* "512 B", "1.5 MiB", "117 MiB" */
struct human human_stack(uint64_t bytes);	   /* "2K", "1M", "2560": exact, for stack sizes */
struct human human_time(uint64_t ns, bool utf8);   /* "412 ns", "3.2 us", "42.1 ms", "1.204 s" */
struct human human_share(double part, double all); /* "27.2 %", "<0.1 %"; all must not be 0 */

/*
 * As human_share, of a time in another.  The time between two events also runs while the thread
 * does not, so on a busy machine it can exceed the CPU time: then "over 100 %".  all may be 0.
 */
struct human human_time_share(uint64_t part, uint64_t all);

#endif
