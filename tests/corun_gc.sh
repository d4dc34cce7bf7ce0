#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The collector under each policy and setting, what it says of itself, and that it needs no memory.
. "$TOP/tests/lib.sh"

gc=$O/tests/corun/gc heap=$O/tests/corun/heap
[ -x "$gc" ] || skip "needs corun's test programs"

for debug in poison move,poison stackcheck; do
	run_ok env CORUN_DEBUG=$debug "$gc"
done
run_ok env CORUN_DEBUG=move,poison "$heap"
for procs in 1 2 4; do
	run_ok env GOMAXPROCS=$procs "$heap"
	run_ok env GOMAXPROCS=$procs CORUN_DEBUG=poison "$O/tests/corun/gc_torture"
done
for policy in segmented mmap fixed; do
	run_ok env CORUN_POLICY=$policy CORUN_DEBUG=poison "$gc"
done
for policy in copy segmented mmap fixed; do
	run_ok env CORUN_POLICY=$policy "$O/tests/corun/preempt"
done
run_ok env GODEBUG=gcshrinkstackoff=1,unknown=7,gctrace "$gc"

# --- gctrace: Go's format, and the figures of co_heap_stats ------------------------------------------

cat >work.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include "corun.h"
static void *kept;
static void start(void *arg)
{
	struct co_heap_stats s;
	long i;

	kept = co_alloc(3 << 20);
	for (i = 0; i < 100000; i++)
		if (!co_alloc(i % 2000))
			abort();
	for (i = 0; i < 7; i++)
		co_gc();
	co_heap_stats(&s);
	printf("collections %llu\nforced %llu\nlive %llu\ngoal %llu\nmallocs %llu\nobjects %llu\n",
	       (unsigned long long)s.collections, (unsigned long long)s.forced, (unsigned long long)s.bytes,
	       (unsigned long long)s.goal, (unsigned long long)s.mallocs, (unsigned long long)s.objects);
}
int main(void) { return co_run(NULL, start, NULL); }
END
run_ok "$O/bin/corun-cc" -O2 -w -o work work.c || finish
own() { # NAME
	sed -n "s/^$1 //p" out.txt
}
run_ok env GODEBUG=gctrace=1 ./work
cat >format.awk <<'AWK'
# The format as the documentation of Go's package runtime gives it, and the rounding of its numbers.
BEGIN {
	ms = "(0|0[.][0-9][0-9]?[0-9]?|[1-9][.][0-9]|[1-9][0-9]+)"
	clock = ms "[+]" ms "[+]" ms " ms clock, "
	cpu = ms "[+]" ms "/" ms "/" ms "[+]" ms " ms cpu, "
	line = "^gc [0-9]+ @[0-9]+[.][0-9][0-9][0-9]s [0-9]+%: " clock cpu \
		"[0-9]+->[0-9]+->[0-9]+ MB, [0-9]+ MB goal, [0-9]+ MB stacks, [0-9]+ MB globals, [0-9]+ P( [(]forced[)])?$"
}
$0 !~ line { print "not a gctrace line: " $0; bad = 1 }
{
	if ($2 != ++n) { print "number " $2 ", not " n; bad = 1 }
	at = substr($3, 2) + 0
	if (at < last) { print "time goes back: " $0; bad = 1 }
	last = at
	forced += / [(]forced[)]$/
	split($11, heap, "->")
	if (heap[3] > heap[2] || heap[1] != heap[2]) { print "heap: " $0; bad = 1 }
	live = heap[3]
}
END { print n, forced + 0, live > "figures.txt"; exit bad }
AWK
awk -f format.awk err.txt || fail "gctrace: format"
read -r lines forced live <figures.txt
equal 'gctrace: lines' "$(own collections)" "$lines"
equal 'gctrace: forced' 7 "$forced"
equal 'gctrace: forced, by co_heap_stats' "$(own forced)" "$forced"
equal 'gctrace: MB alive' "$(($(own live) >> 20))" "$live"
if [ -x "$ST" ]; then
	"$ST" gc -f json err.txt >lines.json
	equal 'gctrace: lines that stacktrace gc reads' "$lines" "$(grep -c '"line":"gc"' lines.json)"
	equal 'gctrace: those it calls forced' 7 "$(grep -c '"forced":true' lines.json)"
fi
equal 'objects made' 100001 "$(own mallocs)"
at_least 'goal' "$(($(own live) * 2))" "$(own goal)"
for f in "$TOP"/tests/data/lines/gctrace-1.2*.txt; do
	[ -e "$f" ] || continue
	grep '^gc ' "$f" | awk '{ sub(/^gc [0-9]+/, "gc " ++n); print }' | awk -f format.awk >wrong.txt
	equal "the same of Go's own lines, ${f##*/}" '' "$(grep -v -e '^time' -e '^heap' wrong.txt)"
done

# --- GOGC and GOMEMLIMIT ---------------------------------------------------------------------------

run_ok ./work
usual=$(own collections)
run_ok env GOGC=400 ./work
[ "$(own collections)" -lt "$usual" ] || fail "GOGC=400: $(own collections) collections, $usual with 100"
run_ok env GOGC=off ./work
equal 'GOGC=off: collections' 7 "$(own collections)"
equal 'GOGC=off: goal' 18446744073709551615 "$(own goal)"
run_ok env GOGC=off GOMEMLIMIT=12MiB ./work
at_least 'GOMEMLIMIT: collections' 8 "$(own collections)"
for mem in 12582912 12582912B 12288KiB; do
	run_ok env GOGC=off GOMEMLIMIT=$mem ./work
	at_least "GOMEMLIMIT=$mem: collections" 8 "$(own collections)"
done
run_ok env GOGC= GOMEMLIMIT=off ./work
refused() { # TEXT NAME=VALUE
	run env "$2" ./work
	equal "$2: status" 2 "$status"
	matches "$2" "corun: fatal error: $1" err.txt
}
for v in 12x -x 99999999999 '1 '; do
	refused "GOGC: '$v' is not a number of percent, nor 'off'" "GOGC=$v"
done
for v in 12x 1MB -5 1.5GiB 9223372036854775808 9999999TiB MiB; do
	refused "GOMEMLIMIT: '$v' is not a size" "GOMEMLIMIT=$v"
done

# --- no memory -------------------------------------------------------------------------------------

cat >none.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "corun.h"
struct item { struct item *next[64]; };
static struct item *wide(int depth)
{
	struct item *i = co_alloc(sizeof(*i));
	int k;

	for (k = 0; depth && k < 64; k++)
		i->next[k] = wide(depth - 1);
	return i;
}
static long count(struct item *i)
{
	long n = 1, k;

	for (k = 0; k < 64; k++)
		if (i->next[k])
			n += count(i->next[k]);
	return n;
}
static struct item *tree, *more, *list;
static char *large;
static void start(void *arg)
{
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	struct co_heap_stats s;
	long n;

	tree = wide(3);
	large = co_alloc(200 << 20);
	((struct item **)large)[(200 << 20) / 8 - 1] = wide(2);
	/* From here on nothing can be mapped, so marking has one buffer. */
	setrlimit(RLIMIT_AS, &limit);
	if (co_gc())
		abort();
	co_heap_stats(&s);
	n = count(tree) + count(((struct item **)large)[(200 << 20) / 8 - 1]);
	printf("tree %ld\nobjects %llu\n", n, (unsigned long long)s.objects);
	/* What does not fit is refused, and what does is given. */
	for (n = 0; n < 1000 && (list = co_alloc(1 << 20)); n++) {
		list->next[0] = more;
		more = list;
	}
	printf("%s %s\n", n < 1000 ? "refused" : "given", co_alloc(100) ? "given" : "refused");
}
int main(void) { return co_run(NULL, start, NULL); }
END
run_ok "$O/bin/corun-cc" -O2 -w -o none none.c && run_ok ./none
equal 'marked without memory' 270466 "$(own tree)"
at_least 'objects left without memory' 270467 "$(own objects)"
matches 'no memory' '^refused given$' out.txt

# Each allocation in turn fails; the program is told, or the runtime reports it.
cat >fail.c <<'END'
#include "corun.h"
static long given;
static void start(void *arg)
{
	int i;

	for (i = 0; i < 6; i++)
		given += co_alloc(10) != 0;
	given += co_root_add(&given, 8) == 0;
}
int main(void) { int rc = co_run(0, start, 0); return rc ? 10 : given; }
END
run_ok "$O/bin/corun-cc" -O2 -w -o fail fail.c
for n in 1 2 3 4 5 6 7 8 9 10; do
	CORUN_DEBUG=fail=$n ./fail
	echo "$n $?"
done >failures.txt
equal 'allocations that fail' '10 10 6 6 6 6 6 6 6 7' "$(cut -d' ' -f2 failures.txt | paste -sd' ')"
finish
