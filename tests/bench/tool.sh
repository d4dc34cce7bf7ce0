#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tool itself can take, and takes.
#
# Records: two spawners on two processors, the tool beside them, and how many records were lost of those that the program made.
# A trap at each may keep the program from the rate that was asked for; what it reached is printed.
# Letting go: from the signal to the end of the tool, its report included, by kind of probe and number of parked goroutines.
# Memory: the highest resident size for so many goroutines seen in all, few or many of them at a time.
set -eu
rounds=${ROUNDS:-3} all=${ALL:-1000000}
go=${GO:-go}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

can_bpf=
"$ST" run -q --source=bpf -o "$dir/out" -- "$O/samples/c/recurse" 1 >/dev/null 2>&1 && can_bpf=y

field() { # NAME
	sed -n "s/^ *\"$1\": *\([0-9]*\),*$/\1/p" "$dir/out.json" | head -n 1
}

records() {
	"$O/bin/corun-cc" -O2 -o "$dir/events" "$TOP/tests/bench/tool/events.c"
	echo "records: asked for, made a second, lost in all"
	for source in ring ${can_bpf:+bpf}; do
		for rate in 250000 500000 1000000; do
			made=$(GOMAXPROCS=2 "$ST" run -q --source="$source" --switches=off -f json -o "$dir/out.json" -- "$dir/events" "$rate" "$rounds")
			echo "  $source $rate $made $(field lost)"
		done
	done | column -t
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

letting_go() {
	echo "letting go of a process: kind of probes, goroutines, ms each time"
	for kind in auto perf; do
		for n in 1 100 1000; do
			mkfifo "$dir/in"
			"$dir/parked" $n <"$dir/in" >"$dir/ready" &
			pid=$!
			exec 3>"$dir/in"
			while ! grep -q ready "$dir/ready"; do sleep 0.01; done
			times=
			for _ in $(seq "$rounds"); do
				"$ST" attach -v --uprobes="$kind" -p $pid -o "$dir/out" 2>"$dir/err" 3>&- &
				tool=$!
				while ! grep -q ' source: ' "$dir/err" && kill -0 $tool; do sleep 0.01; done
				sleep 1
				begin=$(now_ms)
				kill -INT $tool
				wait $tool
				times="$times $(($(now_ms) - begin))"
			done
			exec 3>&-
			rm "$dir/in"
			wait
			echo "  $kind $n$times"
		done
	done | column -t
}

# The highest resident size, as the kernel keeps it, looked at until the tool ends.
peak_kib() { # COMMAND...
	"$@" &
	while peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$!/status" 2>/dev/null) && [ "$peak" ]; do
		echo "$peak"
		sleep 0.01
	done | tail -n 1
}

memory() {
	echo "memory: goroutines at a time, seen in all, KiB, lost"
	for n in 1000 100000; do
		peak=$(peak_kib "$ST" run -q --source=bpf --max-overhead=5 -f json -o "$dir/out.json" -- "$dir/parked" $n "$all")
		echo "  $n $(field coroutines) $peak $(field lost)"
	done | column -t
}

records
if [ $can_bpf ] && command -v "$go" >/dev/null; then
	GO111MODULE=off GOCACHE="$dir/cache" GOFLAGS='' "$go" build -o "$dir/parked" "$TOP/tests/bench/tool/main.go"
	letting_go
	memory
else
	echo "the rest: skipped, no Go or no bpf source"
fi
