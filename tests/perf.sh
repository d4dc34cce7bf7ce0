#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# perf walks the stacks of coroutines, grown ones on several threads, to their roots: by frame pointers and by the CFI.
set -u
. "$TOP/tests/lib.sh"
need_cmd perf awk

# Two coroutines burn CPU time at depths that are known.
cat >burn.c <<'END'
#include "corun.h"
#include <time.h>
static struct co_chan *ended;
static __attribute__((noinline)) long burn(void)
{
	volatile long n = 0;
	struct timespec now;

	do {
		for (long i = 0; i < 1000000; i++)
			n += i;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec == 0 && now.tv_nsec < 300000000);
	return n;
}
static __attribute__((noinline)) long deep(long d)
{
	volatile char room[300];

	room[0] = 1;
	return d ? deep(d - 1) + room[0] : burn();
}
static void body(void *depth)
{
	volatile long n = deep((long)depth - 1);

	(void)n;
	co_chan_send(ended, &depth);
}
static void start(void *arg)
{
	(void)arg;
	co_chan_make(sizeof(arg), 0, &ended);
	co_go(body, (void *)10);
	co_go(body, (void *)40);
	co_chan_recv(ended, &arg);
	co_chan_recv(ended, &arg);
}
int main(void) { return co_run(0, start, 0); }
END
run_ok "$O/bin/corun-cc" -O1 -g -o burn burn.c || finish
perf record -q -e task-clock -c 5000000 -o probe.data true >probe.txt 2>&1 ||
	skip "perf cannot sample here: $(tail -n 1 probe.txt)"

for how in fp dwarf,32768; do
	run_ok env GOMAXPROCS=2 perf record -q -e task-clock -c 5000000 --call-graph $how -o perf.data ./burn
	perf script -i perf.data -F ip,sym 2>/dev/null >script.txt
	# of each stack with burn in it: frames of deep, and whether the root is there
	awk 'BEGIN { RS = "" } / burn/ { print gsub(/ deep/, ""), / body/ && / gostart/ ? "whole" : "cut" }' script.txt | sort | uniq -c >stacks.txt
	equal "$how: stacks" "10 whole
40 whole" "$(awk '{ print $2, $3 }' stacks.txt)"
	at_least "$how: samples" 20 "$(awk '{ n += $1 } END { print n + 0 }' stacks.txt)"
done
finish
