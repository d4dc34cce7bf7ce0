#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Attached to and let go of again and again, by several at a time, while everything that moves, interrupts and unwinds stacks
# goes on: the program does not notice, nothing is lost without being told.  STRESS=60 is for a minute.
set -u
. "$TOP/tests/lib.sh"
need_bpf
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"
seconds=${STRESS:-4}
probes="--switches --locks --blocked=1 --newstack --count=stackalloc,stackfree --max-overhead=100"

build() { # GO NAME FILE [FLAG...]
	go=$1 name=$2 foreign=$3
	shift 3
	mkdir -p "src-$name"
	cp "$TOP/tests/data/go/storm.go" "$TOP/tests/data/go/$foreign" "src-$name/"
	(cd "src-$name" && env HOME="${HOME:-$T}" GOCACHE="$O/gocache" GO111MODULE=off GOENV=off GOFLAGS='' GOTOOLCHAIN=local \
		CGO_ENABLED="$([ "$foreign" = storm_c.go ] && echo 1 || echo 0)" "$go" build -o "../$name" "$@" . 2>../build.txt)
}

# Attaches for 100 ms, as long as the program runs; each time what was not seen must be told, and here nothing may be lost.
attacher() { # NUMBER PID OPTION...
	n=$1 to=$2
	shift 2
	: >"times$n"
	while kill -0 "$to" 2>/dev/null && grep -q '^State:.[RSD]' "/proc/$to/status" 2>/dev/null; do
		"$ST" attach -q -p "$to" --duration 100ms "$@" -f json -o "out$n.json" 2>"err$n.txt"
		got=$?
		if [ $got != 0 ]; then
			grep -q 'ended\|no such process' "err$n.txt" || echo "status $got: $(cat "err$n.txt")" >>"times$n"
			continue
		fi
		echo "lost $(json "out$n.json" .summary.lost) growths $(json "out$n.json" .summary.growths)" >>"times$n"
	done
}

storm() { # PROGRAM
	"./$1" "$seconds" >own.txt 2>own.err &
	job=$!
	for _ in $(seq 100); do
		grep -q ready own.txt && break
		sleep 0.05
	done
	attacher 1 $job &
	one=$!
	# shellcheck disable=SC2086 # $probes are several options
	attacher 2 $job $probes &
	two=$!
	attacher 3 $job --uprobes=perf --switches=off &
	three=$!
	wait $job
	equal "$1: status" 0 $?
	wait $one $two $three
	matches "$1: its own checks" '^ok [1-9]' own.txt
	equal "$1: on standard error" "" "$(head -n 5 own.err)"
	cat times1 times2 times3 >times.txt
	equal "$1: failures" "" "$(grep -v '^lost' times.txt | head -n 3)"
	equal "$1: lost" 0 "$(awk '{ n += $2 } END { print n + 0 }' times.txt)"
	at_least "$1: attached" 3 "$(wc -l <times.txt)"
	at_least "$1: growths seen" 1 "$(awk '{ n += $4 } END { print n + 0 }' times.txt)"
	echo "subtest $1: attached $(wc -l <times.txt) times in $seconds s, $(awk '{ n += $4 } END { print n }' times.txt) growths seen, $(tail -n 1 own.txt)"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	if command -v "${CC:-gcc}" >/dev/null && build "$go" "cgo$v" storm_c.go; then
		storm "cgo$v"
	else
		echo "cgo not tried: $(tail -n 1 build.txt)"
	fi
	build "$go" "stripped$v" storm_plain.go -ldflags='-s -w' && storm "stripped$v"
done
finish
