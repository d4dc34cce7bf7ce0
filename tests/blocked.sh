#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# Coroutines that were parked before the probes came, or between two windows of theirs, against Go's own traceback.
set -u
. "$TOP/tests/lib.sh"
need_bpf
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"

start() { # LOG COMMAND...: process id in $pid
	log=$1
	shift
	"$@" >"$log" 2>&1 &
	pid=$!
	for _ in $(seq 200); do
		grep -q ready "$log" && return 0
		sleep 0.05
	done
	fail "$*: no 'ready' within 10 s"
}

# "goid reason"
told() { # TRACEBACK
	sed -n 's/^goroutine \([1-9][0-9]*\)[^[]* \[\([^],]*\).*/\1 \2/p' "$1" | sort
}

seen() { # JSON
	json "$1" '.blocked[].goid' >goids.txt
	json "$1" '.blocked[].reason' >reasons.txt
	paste -d ' ' goids.txt reasons.txt | sort
}

idle() { # PROGRAM
	start idle.txt "$1" idle
	run_ok "$ST" attach -q --blocked=300 --duration 1s -f json -o idle.json -p $pid
	equal "$1: hits" 0 "$(json idle.json .summary.probe_hits)"
	equal "$1: seen, not watched" true "$(json idle.json '.blocked[].seen' | sort -u)"
	equal "$1: still" true "$(json idle.json '.blocked[].still' | sort -u)"
	for ns in $(json idle.json '.blocked[].duration_ns'); do
		between "$1: for how long" 500000000 30000000000 "$ns"
	done
	run_ok "$ST" attach -q --blocked=300 --duration 600ms -p $pid
	equal "$1: rows" 7 "$(grep -cE '^ *g[0-9]+ \(seen\) .* main\.(main|receives|locks|.*accept)|^ *g1 \(seen\)' err.txt)"
	run_ok "$ST" attach -q --blocked=700 --duration 300ms -f json -o short.json -p $pid
	equal "$1: not yet for long" "" "$(json short.json '.blocked[].goid' 2>/dev/null)"
	kill -QUIT $pid
	wait $pid
	told idle.txt >told.txt
	seen idle.json >seen.txt
	at_least "$1: Go tells of" 11 "$(wc -l <told.txt)"
	cmp -s told.txt seen.txt || {
		fail "$1: Go's traceback (<) and what was seen (>):"
		diff told.txt seen.txt
	}
}

# Watched all the time, and watched at times: the same coroutines with the same stacks.
busy() { # PROGRAM
	run_ok "$ST" run -q --blocked=300 --max-overhead=100 -f json -o all.json -- "$1" busy 1500
	run_ok "$ST" run -q --blocked=300 --max-overhead=1 -f json -o some.json -- "$1" busy 2500
	for entry in receives locks; do
		at_least "$1: $entry" 1 "$(json all.json ".blocked[].stack" | grep -c "main.$entry")"
		equal "$1: $entry, at times" 3 "$(json some.json ".blocked[].stack" | grep -c "main.$entry")"
		equal "$1: stack of $entry" "$(json all.json '.blocked[].stack' | grep "main.$entry" | sort -u)" \
			"$(json some.json '.blocked[].stack' | grep "main.$entry" | sort -u)"
	done
	equal "$1: watched" "" "$(json all.json '.blocked[]{seen=true}.goid' 2>/dev/null)"
	at_least "$1: seen" 6 "$(json some.json '.blocked[]{seen=true}.goid' | wc -l)"
	equal "$1: echo waits often, and never for long" "" "$(json some.json '.blocked[].stack' | grep 'main\.echo')"
	equal "$1: lost" 0 "$(json some.json .summary.lost)"
	run_ok "$ST" record -q --blocked=300 --max-overhead=1 -o some.capture -- "$1" busy 1500
	run_ok "$ST" report --by=alive -n 0 some.capture
	matches "$1: leaks by reason" ' 3 .*main\.main .*chan receive *$' out.txt
}

for v in 119 122 123; do
	eval "go=\${GO$v:-}"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	go_build "$go" "stuck$v" "$TOP/tests/data/go/stuck.go"
	idle "./stuck$v"
	busy "./stuck$v"
done

# Without symbols, and two at a time.
go_build "${GO122:-$GO119}" stripped "$TOP/tests/data/go/stuck.go" -ldflags='-s -w'
idle ./stripped
start one.txt ./stripped idle
one=$pid
start two.txt ./stripped idle
run_ok "$ST" attach -q --blocked=300 --duration 1s -f json -o both.json -p "$one,$pid"
for p in $one $pid; do
	equal "of two: $p" 3 "$(json both.json ".blocked[]{pid=$p}{reason=chan receive}.stack" | grep -c 'main.receives')"
done
kill "$one" "$pid"

# A program on corun: its own waits.
"$O/samples/c/tcpecho" -p 0 >echo.txt 2>&1 &
pid=$!
sleep 0.5
run_ok "$ST" attach -q --blocked=300 --duration 1s -f json -o corun.json -p $pid
matches "corun: accept" 'IO wait' corun.json
kill $pid
finish
