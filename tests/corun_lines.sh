#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GODEBUG=schedtrace and scheddetail of a program on corun: Go's formats, and figures that are known.
. "$TOP/tests/lib.sh"

[ -x "$O/bin/corun-cc" ] || skip "needs corun-cc"
cat >work.c <<'END'
#include "corun.h"
static struct co_chan *never;
static void waiter(void *arg) { co_chan_recv(never, 0); }
static void start(void *arg)
{
	int i;

	co_chan_make(0, 0, &never);
	for (i = 0; i < 5; i++)
		co_go(waiter, 0);
	for (i = 0; i < 20; i++)
		co_sleep(10000000);
}
int main(void) { return co_run(0, start, 0); }
END
run_ok "$O/bin/corun-cc" -O2 -w -o work work.c || finish

cat >format.awk <<'AWK'
BEGIN {
	n = "[0-9]+"
	id = "(nil|[0-9]+)"
	bool = "(true|false)"
	head = "^SCHED " n "ms: gomaxprocs=" n " idleprocs=" n " threads=" n " spinningthreads=" n " needspinning=" n \
		" idlethreads=" n " runqueue=" n
	short = head " \\[" n "( " n ")*\\]$"
	long = head " gcwaiting=" bool " nmidlelocked=" n " stopwait=" n " sysmonwait=" bool "$"
	p = "^  P" n ": status=" n " schedtick=" n " syscalltick=" n " m=" id " runqsize=" n " gfreecnt=" n " timerslen=" n "$"
	m = "^  M" n ": p=" id " curg=" id " mallocing=" n " throwing=" n " preemptoff=[^=]* locks=" n " dying=" n \
		" spinning=" bool " blocked=" bool " lockedg=" id "$"
	g = "^  G" n ": status=" n "\\([^=]*\\) m=" id " lockedm=" id "$"
}
function value(name,   at) {
	at = index($0, name "=")
	return at ? substr($0, at + length(name) + 1) + 0 : -1
}
/^SCHED/ {
	if ($0 !~ (detail ? long : short)) { print "not a header: " $0; bad = 1 }
	if (substr($2, 1) + 0 < last) { print "time goes back: " $0; bad = 1 }
	last = substr($2, 1) + 0
	if (heads && detail && ps != procs) { print ps " lines of Ps for " procs; bad = 1 }
	procs = value("gomaxprocs")
	if (!detail && split($0, parts, "[][]") && split(parts[2], each, " ") != procs) { print "queues: " $0; bad = 1 }
	if (value("idleprocs") > procs || value("idlethreads") > value("threads")) { print "idle: " $0; bad = 1 }
	heads++
	ps = gs = ms = 0
	next
}
/^  P/ && $0 ~ p { ps++; next }
/^  M/ && $0 ~ m { ms++; next }
/^  G/ && $0 ~ g { gs++; if (/\(chan receive\)/) waiting++; next }
{ print "neither: " $0; bad = 1 }
END { print heads, ps, ms, gs, waiting + 0 > "figures.txt"; exit bad }
AWK

for procs in 1 3; do
	run_ok env GOMAXPROCS=$procs GODEBUG=schedtrace=20 ./work
	awk -v detail=0 -f format.awk err.txt || fail "schedtrace, $procs P: format"
	read -r heads ps ms gs waiting <figures.txt
	at_least "schedtrace, $procs P: lines" 4 "$heads"
	equal "schedtrace, $procs P: gomaxprocs" "$heads" "$(grep -c " gomaxprocs=$procs " err.txt)"
	run_ok env GOMAXPROCS=$procs GODEBUG=scheddetail=1,schedtrace=20 ./work
	awk -v detail=1 -f format.awk err.txt || fail "scheddetail, $procs P: format"
	read -r heads ps ms gs waiting <figures.txt
	at_least "scheddetail, $procs P: blocks" 4 "$heads"
	equal "scheddetail: Ps of the last block" "$procs" "$ps"
	equal "scheddetail: coroutines of the last block" 6 "$gs"
	at_least "scheddetail: threads of the last block" 1 "$ms"
	at_least "scheddetail: coroutines that wait" $(((heads - 1) * 5)) "$waiting"
done
# Another reader.
if [ -x "$ST" ]; then
	"$ST" sched -f json err.txt >lines.json || fail "stacktrace sched"
	equal 'schedtrace: lines that stacktrace sched cannot read' 0 "$(sed -n 's/.*"unparsed":\([0-9]*\).*/\1/p' lines.json)"
fi
for f in schedtrace scheddetail; do
	[ $f = schedtrace ] && detail=0 || detail=1
	sed -n '/^SCHED/,$p' "$TOP/tests/data/lines/$f-1.22.txt" | grep -e '^SCHED' -e '^  [PMG]' |
		awk -v detail="$detail" -f format.awk >wrong.txt
	equal "the same of Go's own lines, $f" '' "$(grep -v 'lines of Ps' wrong.txt)"
done
run_ok env GODEBUG=schedtrace=0 ./work
equal 'schedtrace=0' '' "$(cat err.txt)"
run_ok env GODEBUG=scheddetail=1 ./work
equal 'scheddetail alone' '' "$(cat err.txt)"
finish
