#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 240
# test: quiet
# Growth counts by size, births and ends, equal to the last one with those of bpftrace on the same run of the same program.
set -u
. "$TOP/tests/lib.sh"
need_bpf
need_cmd bpftrace
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"

# bpftrace has attached its probes once it waits for events.  It says so with a BEGIN probe, but not dependably.
listening() {
	for _ in $(seq 300); do
		grep -q epoll "/proc/$theirs/wchan" 2>/dev/null && return 0
		kill -0 $theirs 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# It overlooks a signal that comes at the wrong moment.
stop_bpftrace() {
	for _ in $(seq 100); do
		kill -TERM $theirs 2>/dev/null || break
		sleep 0.2
	done
	kill -KILL $theirs 2>/dev/null
	wait $theirs
}

compare() { # PROGRAM ARG...
	prog=$1
	# g.goid is not needed: copystack has the descriptor in ax, the new size in bx; newproc1 returns to func1 once a birth.
	bpftrace -B none -o theirs.txt -e "
		uprobe:$prog:runtime.copystack { @size[reg(\"bx\")] = count(); }
		uprobe:$prog:runtime.newproc1 { @born = count(); }
		uprobe:$prog:runtime.goexit0 { @ended = count(); }" 2>bpftrace.err &
	theirs=$!
	listening || {
		fail "bpftrace does not start: $(cat bpftrace.err theirs.txt)"
		stop_bpftrace
		return
	}
	GODEBUG=adaptivestackstart=0 timeout 120 "$ST" run -q --source=bpf -f json -o out.json -- "$@" >own.txt 2>err.txt ||
		fail "$*: status $?: $(cat err.txt)"
	stop_bpftrace
	json out.json '.growth[]' | sed 's/.*"to":\([0-9]*\).*/\1/' >to.txt
	json out.json '.growth[].count' >count.txt
	paste to.txt count.txt | awk '{ n[$1] += $2 } END { for (s in n) print s, n[s] }' | sort -n >ours.txt
	sed -n 's/^@size\[\([0-9]*\)\]: \([0-9]*\)$/\1 \2/p' theirs.txt | sort -n >sizes.txt
	cmp -s ours.txt sizes.txt || {
		fail "$*: growths by new size, ours (<) and bpftrace's (>):"
		diff ours.txt sizes.txt
	}
	case $1 in
	*/swarm*) ;; # whose goroutines do not grow: there may be one of the runtime's, or none
	*) [ -s sizes.txt ] || fail "$*: bpftrace saw no growth" ;;
	esac
	at_least "$*: births that bpftrace saw" 1 "$(sed -n 's/^@born: //p' theirs.txt)"
	equal "$*: births" "$(sed -n 's/^@born: //p' theirs.txt)" "$(json out.json .summary.coroutines_born)"
	equal "$*: ends" "$(sed -n 's/^@ended: //p' theirs.txt)" "$(json out.json .summary.coroutines_ended)"
	echo "subtest $*: $(json out.json .summary.growths) growths, $(json out.json .summary.coroutines_born) births agree"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	# With a pause at the end: else the program's end cuts off the last goroutine somewhere
	# between bpftrace's point and ours.
	for sample in recurse swarm pipeline; do
		sed -e 's/^package main$/&; import "time"/' \
			-e 's/^func main() {$/& defer time.Sleep(100 * time.Millisecond)/' \
			"$TOP/samples/go/$sample/main.go" >$sample.go
		go_build "$go" "$sample$v" $sample.go || fail "cannot build $sample$v"
	done
	compare "$T/recurse$v" 500 64
	compare "$T/swarm$v" 5000
	compare "$T/pipeline$v" 20 100 32
done
finish
