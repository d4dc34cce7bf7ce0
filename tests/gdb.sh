#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The gdb script of corun: coroutines of a process and of a core file, with their backtraces.
set -u
. "$TOP/tests/lib.sh"
GOMAXPROCS=1 # one coroutine at a time, unless it is said
export GOMAXPROCS
command -v gdb >/dev/null || skip "needs gdb"
gdb -nx -batch -ex 'python import sys' >/dev/null 2>&1 || skip "needs a gdb with Python"

# Three coroutines wait at a depth that is known from their number.
cat >park.c <<'END'
#include "corun.h"
static struct co_chan *gate;
static __attribute__((noinline)) long descend(long depth)
{
	volatile char room[100];
	long got = 0;

	room[0] = 1;
	if (depth)
		return descend(depth - 1) + room[0];
	co_chan_recv(gate, &got);
	return got;
}
static void waiter(void *arg) { volatile long n = descend((long)arg); (void)n; }
__attribute__((noinline)) void all_wait(void) { __asm__ volatile(""); }
static void start(void *arg)
{
	(void)arg;
	co_chan_make(sizeof(long), 0, &gate);
	for (long i = 0; i < 3; i++)
		co_go(waiter, (void *)(10 * i + 2));
	co_yield();
	all_wait();
	for (long i = 0; i < 3; i++)
		co_chan_send(gate, &i);
}
int main(void) { return co_run(NULL, start, NULL); }
END
run_ok "$O/bin/corun-cc" -O1 -g -o park park.c || finish
script=$TOP/runtime/corun-gdb.py
# One M, so that a yield lets all others run until they wait.
export GOMAXPROCS=1

session() { # FILE... -- COMMAND...: each command as one -ex
	files=''
	while [ "$1" != -- ]; do
		files="$files $1"
		shift
	done
	shift
	n=$#
	while [ "$n" -gt 0 ]; do
		set -- "$@" -ex "$1"
		shift
		n=$((n - 1))
	done
	# shellcheck disable=SC2086 # words on purpose
	run gdb -nx -batch -ex 'set debuginfod enabled off' -ex "source $script" "$@" $files
}

waiting() { # WHAT: the table in out.txt
	equal "$1: coroutines that wait" 3 "$(grep -cE '^ +[0-9]+  chan receive +[0-9]+  descend at .*park.c:11$' out.txt)"
	equal "$1: coroutines that run" 1 "$(grep -cE '^\* +1  running +2048  thread 1$' out.txt)"
}

session park -- 'break all_wait' run 'info coroutines' 'generate-core-file core' 'coroutine all bt' \
	'coroutine 2 print depth' 'coroutine 77 bt' 'coroutine x bt' 'coroutine 1' delete continue
waiting process
# depth + 1 frames each: 3, 13 and 23.
equal "process: frames of descend" 39 "$(grep -cE '^#[0-9]+ .* descend \(' out.txt)"
equal "process: roots" 4 "$(grep -cE '^#[0-9]+ .* gostart \(\)' out.txt)"
matches "no such coroutine" "no coroutine 77 is alive" err.txt
matches "no number" "'x' is neither the number of a coroutine nor 'all'" err.txt
matches "no command" "usage: coroutine ID.all COMMAND" err.txt
# Its registers were only borrowed: the program goes on to its end.
matches "the end" 'exited normally' out.txt

session park core -- 'info coroutines' 'coroutine all bt' 'coroutine 2 info registers'
waiting core
equal "core: frames of descend" 39 "$(grep -cE '^#[0-9]+ .* descend( at |$| \()' out.txt)"
matches "core: registers" 'registers of a core file cannot be changed: only bt' err.txt

# On several threads: what runs is told with its thread, each in its own function, and the stacks of all are right.
cat >spread.c <<'END'
#include "corun.h"
#include <stdatomic.h>
static atomic_int spinning, stop;
static struct co_chan *gate;
__attribute__((noinline)) static void spin(void)
{
	atomic_fetch_add(&spinning, 1);
	while (!atomic_load(&stop))
		;
}
static void spinner(void *arg) { (void)arg; spin(); __asm__ volatile(""); }
static void waiter(void *arg) { long got; (void)arg; co_chan_recv(gate, &got); }
__attribute__((noinline)) void all_there(void) { __asm__ volatile(""); }
static void start(void *arg)
{
	(void)arg;
	co_chan_make(sizeof(long), 0, &gate);
	for (long i = 0; i < 5; i++)
		co_go(waiter, 0);
	for (long i = 0; i < 2; i++)
		co_go(spinner, 0);
	while (atomic_load(&spinning) < 2)
		co_yield();
	co_sleep(50000000); /* the rest has parked by then */
	all_there();
	atomic_store(&stop, 1);
	for (long i = 0; i < 5; i++)
		co_chan_send(gate, &i);
}
int main(void) { return co_run(NULL, start, NULL); }
END
if run_ok "$O/bin/corun-cc" -O1 -g -o spread spread.c; then
	GOMAXPROCS=4
	session spread -- 'break all_there' run 'info coroutines' 'coroutine all bt' delete continue
	GOMAXPROCS=1
	equal "several Ps: coroutines that wait" 5 "$(grep -cE '^ +[0-9]+  chan receive +[0-9]+  waiter at ' out.txt)"
	equal "several Ps: coroutines that run" 3 "$(grep -cE '^[* ] +[0-9]+  running +[0-9]+  thread [0-9]+$' out.txt)"
	equal "several Ps: threads" 3 "$(grep -oE 'running +[0-9]+  thread [0-9]+$' out.txt | sort -u -k4 | wc -l)"
	equal "several Ps: frames of spin" 2 "$(grep -cE '^#[0-9]+ .*\bspin \(' out.txt)"
	equal "several Ps: frames of start" 1 "$(grep -cE '^#[0-9]+ .*\bstart \(' out.txt)"
	equal "several Ps: roots" 8 "$(grep -cE '^#[0-9]+ .* gostart \(\)' out.txt)"
	matches "several Ps: the end" 'exited normally' out.txt
fi

session /bin/true -- 'info coroutines'
matches "another program" 'no corun in this program' err.txt
finish
