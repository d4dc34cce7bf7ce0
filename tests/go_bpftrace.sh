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

compare() { # PROGRAM ARG...
	prog=$1
	# g.goid is not needed: copystack has the descriptor in ax, the new size in bx; newproc1 returns to func1 once a birth.
	bpftrace -o theirs.txt -e "
		BEGIN { printf(\"ready\\n\"); }
		uprobe:$prog:runtime.copystack { @size[reg(\"bx\")] = count(); }
		uprobe:$prog:runtime.newproc1 { @born = count(); }
		uprobe:$prog:runtime.goexit0 { @ended = count(); }" 2>bpftrace.err &
	theirs=$!
	for _ in $(seq 200); do
		grep -q ready theirs.txt 2>/dev/null && break
		kill -0 $theirs 2>/dev/null || break
		sleep 0.1
	done
	grep -q ready theirs.txt 2>/dev/null || {
		fail "bpftrace does not start: $(cat bpftrace.err)"
		return
	}
	GODEBUG=adaptivestackstart=0 timeout 120 "$ST" run -q --source=bpf -f json -o out.json -- "$@" >own.txt 2>err.txt ||
		fail "$*: status $?: $(cat err.txt)"
	kill -INT $theirs
	wait $theirs
	json out.json '.growth[]' | sed 's/.*"to":\([0-9]*\).*/\1/' >to.txt
	json out.json '.growth[].count' >count.txt
	paste to.txt count.txt | awk '{ n[$1] += $2 } END { for (s in n) print s, n[s] }' | sort -n >ours.txt
	sed -n 's/^@size\[\([0-9]*\)\]: \([0-9]*\)$/\1 \2/p' theirs.txt | sort -n >sizes.txt
	cmp -s ours.txt sizes.txt || {
		fail "$*: growths by new size, ours (<) and bpftrace's (>):"
		diff ours.txt sizes.txt
	}
	[ -s sizes.txt ] || fail "$*: bpftrace saw no growth"
	equal "$*: births" "$(sed -n 's/^@born: //p' theirs.txt)" "$(json out.json .summary.born)"
	equal "$*: ends" "$(sed -n 's/^@ended: //p' theirs.txt)" "$(json out.json .summary.ended)"
	echo "subtest $*: $(json out.json .summary.growths) growths, $(json out.json .summary.born) births agree"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	for sample in recurse swarm pipeline; do
		go_build "$go" "$sample$v" "$TOP/samples/go/$sample" || fail "cannot build $sample$v"
	done
	compare "$T/recurse$v" 500 64
	compare "$T/swarm$v" 5000
	compare "$T/pipeline$v" 20 100 32
done
finish
