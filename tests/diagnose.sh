#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# Each rule of stacktrace diagnose has something that triggers it, and something that nearly does.
set -u
. "$TOP/tests/lib.sh"

fired() { # FILE: the rules that fire, in order of their names
	run "$ST" diagnose -f json "$@"
	[ $status = 0 ] || cat err.txt
	json out.txt '.findings[].rule' 2>/dev/null | sort | tr '\n' ' ' | sed 's/ $//'
}
fires() { # RULE FILE [OPTION...]
	rule=$1
	shift
	case " $(fired "$@") " in
	*" $rule "*) echo "$rule" >>tried.txt ;;
	*) fail "$rule does not fire on $1: $(fired "$@")" ;;
	esac
}
quiet() { # RULE FILE [OPTION...]
	rule=$1
	shift
	case " $(fired "$@") " in
	*" $rule "*) fail "$rule fires on $1: $(json out.txt ".findings[]{rule=$rule}.seen")" ;;
	*) echo "$rule" >>nearly.txt ;;
	esac
}

# Lines as a program would write them: SCHED lines from "idle threads spinning idlethreads queue local" ...
sched() {
	awk '{ printf "SCHED %dms: gomaxprocs=4 idleprocs=%d threads=%d spinningthreads=%d needspinning=0 idlethreads=%d runqueue=%d [%d 0 0 0]\n", 100 * n++, $1, $2, $3, $4, $5, $6 }'
}
# ... and blocks with details from "coroutines mallocing".
detail() {
	awk '{ printf "SCHED %dms: gomaxprocs=4 idleprocs=1 threads=6 spinningthreads=0 needspinning=0 idlethreads=1 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false\n", 100 * n++
		for (i = 0; i < 4; i++)
			printf "  M%d: p=%d curg=nil mallocing=%d throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil\n", i, i, i < $2
		for (i = 1; i <= $1; i++)
			printf "  G%d: status=4(chan receive) m=nil lockedm=nil\n", i }'
}
# gctrace lines from "live stacks".
gc() {
	awk '{ printf "gc %d @%.3fs 2%%: 0.1+1.0+0.1 ms clock, 0.2+0.1/0.2/0+0.2 ms cpu, %d->%d->%d MB, %d MB goal, %d MB stacks, 1 MB globals, 4 P\n", NR, NR / 10, $1 + 4, $1 + 5, $1, 2 * $1, $2 }'
}
repeat() { # N TEXT
	awk -v n="$1" -v text="$2" 'BEGIN { while (n--) print text }'
}

# Coroutines that could run while processors were idle: in 3 of 10 samples, or in 2.
{ repeat 3 '2 6 0 1 3 1'; repeat 7 '0 6 0 1 3 1'; } | sched >yes
{ repeat 2 '2 6 0 1 3 1'; repeat 8 '0 6 0 1 3 1'; } | sched >no
fires scheduler-starvation yes
matches "its line" 'idleprocs=2 .*runqueue=3 \[1 0 0 0\]' out.txt
equal "its figures" "in 3 of 10 samples coroutines could run while processors were idle: at most 4, with 2 of 4 idle" \
	"$(json out.txt '.findings[0].seen')"
quiet scheduler-starvation no
fires scheduler-starvation no --set=scheduler-starvation.share=20
quiet scheduler-starvation yes --set=scheduler-starvation.samples=11

# Threads that look for work: where there is none, or some.
repeat 10 '2 6 1 1 0 0' | sched >yes
{ repeat 6 '2 6 1 1 2 0'; repeat 4 '2 6 1 1 0 0'; } | sched >no
fires spinning-waste yes
quiet spinning-waste no

# 12 threads in calls (16 less 1 asleep, 2 at processors, 1 monitor), or 7.
repeat 10 '2 16 0 1 0 0' | sched >yes
repeat 10 '2 11 0 1 0 0' | sched >no
fires blocked-syscalls yes
equal "threads in calls" "at most 12, of 16 threads for 4 processors" "$(json out.txt '.findings[0].seen' | sed 's/.*: //')"
quiet blocked-syscalls no

# The allocator: 2 of 4 threads in it, or 1.
repeat 6 '10 2' | detail >yes
repeat 6 '10 1' | detail >no
fires lock-convoy yes
quiet lock-convoy no

# More coroutines all the time, or up and down.
awk 'BEGIN { for (i = 0; i < 10; i++) print 50 + 50 * i, 0 }' | detail >yes
awk 'BEGIN { for (i = 0; i < 10; i++) print 50 + 450 * (i % 2), 0 }' | detail >no
fires coroutine-leak yes
equal "from and to" "from 50 coroutines to 500 over 10 samples" "$(json out.txt '.findings[0].seen' | sed 's/,.*//')"
quiet coroutine-leak no

# Stacks of 20 MiB beside a heap of 10, or of 40.
repeat 4 '10 20' | gc >yes
repeat 4 '40 20' | gc >no
fires gc-by-stacks yes
matches "its line" '"gc 1 @0.100s' out.txt
quiet gc-by-stacks no

# Queue and heap rise, or the queue alone.
{ awk 'BEGIN { for (i = 0; i < 9; i++) print 0, 6, 0, 1, 4 * i, 0 }' | sched; awk 'BEGIN { for (i = 1; i < 10; i++) print 10 * i, 0 }' | gc; } >yes
{ awk 'BEGIN { for (i = 0; i < 9; i++) print 0, 6, 0, 1, 4 * i, 0 }' | sched; repeat 9 '50 0' | gc; } >no
fires backlog yes
quiet backlog no

# The same lines from a pipe, as text.
"$ST" diagnose - <yes >text.txt || fail "from a pipe"
matches "as text" '^backlog \(confidence [0-9]+ %\)' text.txt
matches "remedy" '^  remedy: ' text.txt

# Stacks, by programs on corun.
capture() { # FILE PROGRAM ARGUMENT...: with ring
	file=$1
	shift
	run_ok "$ST" record -q --source=ring -o "$file" -- "$@"
}
capture many.cap "$O/samples/c/recurse" 2000 300
capture few.cap "$O/samples/c/recurse" 40 300
fires growth-storm many.cap --set=growth-storm.rate=1000
equal "growths" 10000 "$(json out.txt .growths)"
quiet growth-storm few.cap --set=growth-storm.rate=1000
fires undersized-start many.cap
quiet undersized-start few.cap
fires stack-overflow few.cap --set=stack-overflow.size=65536
quiet stack-overflow few.cap --set=stack-overflow.size=65537
CORUN_STACK=64K "$ST" record -q --source=ring -o large.cap -- "$O/samples/c/swarm" 2000 >/dev/null 2>&1
fires oversized-start large.cap
capture usual.cap "$O/samples/c/swarm" 2000
quiet oversized-start usual.cap
run_ok "$ST" report many.cap
matches "in the report" 'diagnosis: undersized-start \(90 %\): 2,000 of 2,000 coroutines grew' out.txt
run_ok "$ST" report -f json many.cap
at_least "in its JSON" 1 "$(json out.txt '.diagnosis#')"

# Thresholds.
run "$ST" diagnose --list
rules=$(grep -c '^[a-z]' out.txt)
sed -n 's/^\([a-z-]*\): .*/\1/p' out.txt | sort >rules.txt
grep -oE 'set=[a-z.-]+=[0-9]+' out.txt >settings.txt
while read -r s; do
	"$ST" diagnose "--$s" --list >/dev/null || fail "--$s"
done <settings.txt
run "$ST" diagnose --set=stack-overflow.size=12 --list
matches "a threshold set" 'set=stack-overflow.size=12 ' out.txt
for s in none stack-overflow stack-overflow.size stack-overflow.none=1 stack-overflow.size=x stack-overflow.size=-1; do
	run "$ST" diagnose --set=$s yes
	equal "--set=$s: status" 2 "$status"
done
while read -r r; do
	grep -q "^\\.It Cm $r\$" "$TOP/man/stacktrace-diagnose.1" || fail "stacktrace-diagnose.1 lacks $r"
done <rules.txt
sed 's/^set=//;s/=.*//;s/.*\.//' settings.txt | sort -u | while read -r t; do
	grep -q "\\.Cm $t" "$TOP/man/stacktrace-diagnose.1" || echo "stacktrace-diagnose.1 lacks the threshold $t"
done >lacks.txt
[ -s lacks.txt ] && fail "$(cat lacks.txt)"

# Bad input.
run "$ST" diagnose
equal "nothing to read: status" 2 "$status"
run "$ST" diagnose none
equal "no such file: status" 1 "$status"
run "$ST" diagnose "$ST"
equal "no lines: status" 0 "$status"
matches "no lines" 'no findings, from 0 samples' out.txt

# Programs in Go, under probes.
if [ -n "$GO" ] && "$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>&1; then
	for p in thrash leak; do go_build "$GO" ./$p "$TOP/tests/data/go/$p.go" || fail "cannot build $p"; done
	run_ok "$ST" diagnose -f json -o live.json -- ./thrash 40
	equal "thrash: rule" stack-thrash "$(json live.json '.findings[].rule')"
	at_least "thrash: collections" 40 "$(json live.json .collections)"
	echo stack-thrash >>tried.txt
	run_ok "$ST" record -q -o thrash.cap -- ./thrash 4
	quiet stack-thrash thrash.cap
	for how in over-time:1 at-once:0; do
		run_ok "$ST" record -q -o leak.cap -- ./leak ${how%:*}
		equal "leak ${how%:*}" "${how#*:}" "$(fired leak.cap | tr ' ' '\n' | grep -c coroutine-leak)"
	done
	run "$ST" diagnose -- sh -c 'exit 3'
	equal "a program without coroutines: status" 125 "$status"
else
	echo "no Go, or no BPF: stack-thrash not tried"
	echo stack-thrash | tee -a tried.txt >>nearly.txt
fi
sort -u tried.txt | diff rules.txt - >diff.txt || fail "not every rule was triggered: $(cat diff.txt)"
sort -u nearly.txt | diff rules.txt - >diff.txt || fail "not every rule has a near miss: $(cat diff.txt)"
at_least "rules" 11 "$rules"
finish
