/* SPDX-License-Identifier: Apache-2.0 */
/* lines_seen.h: lines of each version, and what came out of the parser of lines as one text. */
#ifndef ST_TESTS_UNIT_LINES_SEEN_H
#define ST_TESTS_UNIT_LINES_SEEN_H

#include <stdio.h>
#include <string.h>

#include "formats/lines.h"

/* Goes in as bytes, comes out as "<line>" for lines, "{line}" for those in pieces, text as it is.
 */
struct seen {
	char out[65536];
	size_t used;
	char text[65536];
	size_t text_used;
	unsigned torn, lines;
};

static inline int see_line(void *arg, const struct line *l, bool torn)
{
	struct seen *s = arg;

	s->used += (size_t)snprintf(s->out + s->used, sizeof(s->out) - s->used, "%c%.*s%c",
				    torn ? '{' : '<', (int)l->len, l->text, torn ? '}' : '>');
	s->torn += torn;
	s->lines++;
	return 0;
}

static inline int see_text(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;

	memcpy(s->out + s->used, text, len);
	s->used += len;
	s->out[s->used] = '\0';
	memcpy(s->text + s->text_used, text, len);
	s->text_used += len;
	s->text[s->text_used] = '\0';
	return 0;
}

#define GC15                                                                             \
	"gc 1 @0.002s 20%: 22+9.1+0.15+2.4+0.72 ms clock, 45+9.1+0+0/4.5/0+1.4 ms cpu, " \
	"10->14->13 "                                                                    \
	"MB, 15 MB goal, 8 P"
#define GC16                                                                                      \
	"gc 1 @0.073s 0%: 0.036+0.73+0.019 ms clock, 0.14+0.72/0.46/0+0.076 ms cpu, 4->4->0 MB, " \
	"5 "                                                                                      \
	"MB goal, 4 P"
#define GC18                                                                        \
	"gc 2 @0.380s 18%: 0.040+111+0.004 ms clock, 0.32+0/221/663+0.034 ms cpu, " \
	"1525->1525->1525 "                                                         \
	"MB, 3052 MB goal, 0 MB stacks, 0 MB globals, 8 P (forced)"
#define GC26                                                                                      \
	"gc 7 @12.034s 3% (checking for goroutine leaks): 0.1+2+0 ms clock, 0.2+0/1/2+0 ms cpu, " \
	"4->5->1 MB, 5 MB goal, 1 MB stacks, 2 MB globals, 16 P"
#define SCHED15                                                                          \
	"SCHED 0ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=1 idlethreads=0 " \
	"runqueue=0 "                                                                    \
	"[2 0]"
#define SCHED20                                                                              \
	"SCHED 1003ms: gomaxprocs=4 idleprocs=4 threads=5 spinningthreads=0 needspinning=0 " \
	"idlethreads=3 runqueue=0 [0 0 0 0]"
#define SCHED25                                                                              \
	"SCHED 1005ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 needspinning=1 " \
	"idlethreads=2 runqueue=2 [ 1 1 0 0 ] schedticks=[ 92 90 91 85 ]"
#define DETAIL19                                                                           \
	"SCHED 200ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 idlethreads=1 " \
	"runqueue=3 "                                                                      \
	"gcwaiting=1 nmidlelocked=0 stopwait=1 sysmonwait=0"
#define DETAIL20                                                                            \
	"SCHED 200ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 needspinning=1 " \
	"idlethreads=1 runqueue=3 gcwaiting=false nmidlelocked=0 stopwait=1 sysmonwait=true"
#define P12 "  P0: status=1 schedtick=2289 syscalltick=4 m=3 runqsize=0 gfreecnt=24"
#define P14 "  P1: status=0 schedtick=2289 syscalltick=4 m=nil runqsize=0 gfreecnt=24 timerslen=2"
#define M11                                                                                   \
	"  M3: p=0 curg=9 mallocing=0 throwing=0 preemptoff=gc done, really locks=0 dying=0 " \
	"helpgc=1 "                                                                           \
	"spinning=false blocked=true lockedg=-1"
#define M20                                                                                      \
	"  M0: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=1 dying=0 spinning=true " \
	"blocked=false lockedg=1"
#define G19 "  G2: status=4(force gc (idle)) m=-1 lockedm=-1"
#define G20 "  G17: status=4105(chan receive) m=nil lockedm=0"

#endif
