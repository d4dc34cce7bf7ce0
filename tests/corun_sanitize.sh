#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Programs and runtime under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer: no report
# for what is right, and one with the coroutine's backtrace for what is wrong.
. "$TOP/tests/lib.sh"

cc=$O/bin/corun-cc limit=120
# Programs ask for impossible sizes, too; and nobody is waited for at the end who might still race.
ASAN_OPTIONS=allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1:atexit_sleep_ms=0
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS
for s in address thread; do
	[ -x "$O/tests/corun/$s/torture" ] || skip "gcc has no -fsanitize=$s here, or nothing was built with it"
done

clean() { # SANITIZER PROGRAM [NAME=VALUE...]
	prog=$O/tests/corun/$1/$2
	shift 2
	run_ok env "$@" "$prog" || echo "in $prog with $*"
	grep -E '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer:|runtime error' err.txt && fail "$prog $*: a report"
}

for s in address thread; do
	clean $s chan
	clean $s deadlines GOMAXPROCS=4
	clean $s given_up GOMAXPROCS=4
	clean $s gc
	clean $s select GOMAXPROCS=1
	clean $s parallel
	clean $s preempt
	clean $s tick
	clean $s torture GOMAXPROCS=4 TORTURE=200
	clean $s torture GOMAXPROCS=4 TORTURE=40 CORUN_DEBUG=move
	clean $s waits_stress GODEBUG=schedtrace=5,scheddetail=1
done
clean address torture GOMAXPROCS=4 CORUN_DEBUG=move,poison
for policy in mmap fixed segmented; do
	clean address torture GOMAXPROCS=4 CORUN_POLICY=$policy CORUN_STACK=1M
done

# --- what is wrong ---------------------------------------------------------------------------------

# Below the border at which the stack is full, whatever a report needs is there; and it has moved by then.
cat >wrong.c <<'END'
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "corun.h"
static struct co_wg wg;
static long counter, arrived, deep;
static int often = INT_MAX;
static __attribute__((noinline)) long breaks(const char *how, char *memory, long n)
{
	volatile char room[120];

	room[0] = 1;
	if (n)
		return breaks(how, memory, n - 1) + room[0];
	if (!strcmp(how, "overflow"))
		memory[10] = 1;
	if (!strcmp(how, "overflow-memset"))
		memset(memory, 1, 11 + (size_t)room[0]);
	if (!strcmp(how, "use-after-free")) {
		free(memory);
		memory[3] = 1;
	}
	if (!strcmp(how, "undefined"))
		often += room[0];
	return 0;
}
static __attribute__((noinline)) void races(void)
{
	counter++;
}
static void worker(void *how)
{
	char *memory;

	if (!strcmp(how, "race")) {
		/* Each on a thread of its own, and nothing between them that orders. */
		__atomic_add_fetch(&arrived, 1, __ATOMIC_RELAXED);
		while (__atomic_load_n(&arrived, __ATOMIC_RELAXED) < 2)
			;
		races();
	} else {
		memory = malloc(10);
		memset(memory, 0, 10);
		breaks(how, memory, deep);
		if (strcmp(how, "leak"))
			free(memory);
		memory = NULL;
	}
	co_wg_done(&wg);
}
static void start(void *how)
{
	co_wg_add(&wg, 2);
	co_go(worker, how);
	co_go(worker, how);
	co_wg_wait(&wg);
	if (!strcmp(how, "exit"))
		exit(0);
}
int main(int argc, char **argv)
{
	deep = atol(argv[2]);
	return co_run(NULL, start, argv[1]);
}
END
GOMAXPROCS=2
export GOMAXPROCS
# A report has up to 249 frames, and about 320 of these fit before the stack moves.
reported() { # PROGRAM HOW REGEX WHERE DEPTH...
	what=$1\ $2 prog=$1 how=$2 regex=$3 where=$4
	shift 4
	for deep; do
		run "$prog" "$how" "$deep"
		[ "$status" != 0 ] || fail "$what $deep: status 0"
		matches "$what $deep" "$regex" err.txt
		matches "$what $deep" "#[0-9]+ (.* in )?$where .*wrong.c:" err.txt
		[ "$deep" -gt 200 ] || matches "$what $deep" '#[0-9]+ (.* in )?worker .*wrong.c:' err.txt
	done
}
run_ok "$cc" -O1 -g -w -fsanitize=address,undefined -fno-sanitize-recover=all -o wrong-address wrong.c
reported ./wrong-address overflow 'ERROR: AddressSanitizer: heap-buffer-overflow' breaks 300 315 330 345 5000 0
matches 'where it was allocated' '#1 .*in worker .*wrong.c:' err.txt
reported ./wrong-address overflow-memset 'ERROR: AddressSanitizer: heap-buffer-overflow' breaks 0 320 5000
reported ./wrong-address use-after-free 'ERROR: AddressSanitizer: heap-use-after-free' breaks 0 320 5000
reported ./wrong-address undefined 'wrong.c:[0-9:]+ runtime error: signed integer overflow' breaks 0 320 5000
run ./wrong-address leak 10
matches 'leak' 'ERROR: LeakSanitizer' err.txt
matches 'leak: where' 'in worker .*wrong.c' err.txt
run_ok ./wrong-address exit 10
run_ok "$cc" -O1 -g -w -fsanitize=thread -o wrong-thread wrong.c
reported ./wrong-thread race 'WARNING: ThreadSanitizer: data race' races 0

# One alone, and what has a sanitizer nowhere else.
run_ok "$cc" -g -w -fsanitize=address -o alone wrong.c && run_ok ./alone none 100
run_ok "$cc" -g -w -fsanitize=undefined -o alone wrong.c && run_ok ./alone none 100
finish
