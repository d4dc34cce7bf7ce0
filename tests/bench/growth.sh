#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What tracing adds to one stack growth of a Go program, and what bpftrace adds for less: one run, in turns.
#
# Each round runs the same program plain and under each tracer.  Added time is the least (median) time under a tracer minus
# the least (median) plain time, by growth.  Absolute times depend on the machine; the ratios are the result.
#
# bpftrace-both logs what stacktrace does but for the call stack; its return probe would be fatal on a goroutine's own stack.
set -eu
rounds=${ROUNDS:-7} coroutines=${COROUTINES:-2000} frames=50
growths=$((coroutines * 2)) # 2 KiB to 4 to 8
go=${GO:-go}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

command -v "$go" >/dev/null || { echo "growth: skipped, no Go"; exit 0; }
GO111MODULE=off GOCACHE="$dir/cache" GOFLAGS='' "$go" build -o "$dir/growth" "$TOP/tests/bench/growth/main.go"
export GODEBUG=adaptivestackstart=0
prog="$dir/growth $coroutines $frames"

# shellcheck disable=SC2086 # $prog is a command with arguments
run() {
	case $1 in
	plain) $prog ;;
	stacktrace) "$ST" run -q --source=bpf --switches=off -f json -o "$dir/out" -- $prog ;;
	no-stacks) "$ST" run -q --source=bpf --switches=off --max-stack=0 -o "$dir/out" -- $prog ;;
	bpftrace-count) bpftrace -e "uprobe:$dir/growth:runtime.copystack { @ = count(); }" -c "$prog" 2>/dev/null |
		grep -E '^[0-9]+$' ;;
	bpftrace-printf) bpftrace -o "$dir/out.txt" -e "uprobe:$dir/growth:runtime.copystack \
		{ printf(\"%d %lx %ld %ld %lx\\n\", tid, reg(\"ax\"), reg(\"bx\"), nsecs, reg(\"r14\")); }" \
		-c "$prog" 2>/dev/null | grep -E '^[0-9]+$' ;;
	bpftrace-both) bpftrace -o "$dir/out.txt" -e "uprobe:$dir/growth:runtime.copystack \
		{ @begin[tid] = nsecs; @g[tid] = reg(\"ax\"); @size[tid] = reg(\"bx\"); } \
		uretprobe:$dir/growth:runtime.copystack \
		{ printf(\"%d %lx %ld %ld\n\", tid, @g[tid], @size[tid], nsecs - @begin[tid]); }" \
		-c "$prog" 2>/dev/null | grep -E '^[0-9]+$' ;;
	esac
}

modes="stacktrace no-stacks"
if command -v bpftrace >/dev/null; then
	modes="$modes bpftrace-both bpftrace-count bpftrace-printf"
else
	echo "growth: no bpftrace to compare with"
fi
"$ST" run -q --source=bpf -o "$dir/out" -- "$dir/growth" 10 10 1 >/dev/null || { echo "growth: skipped, no bpf source"; exit 0; }

i=0
while [ $i -lt "$rounds" ]; do
	for m in plain $modes; do
		echo "$m $(run "$m")"
	done
	i=$((i + 1))
done >"$dir/times"
sed -n 's/.*"growths": *\([0-9]*\).*/growths seen in the last run: \1/p' "$dir/out" | head -n 1

awk -v growths="$growths" -v modes="$modes" '
	function sort(a, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
	}
	function load(mode,   j) {
		for (j = 1; j <= n[mode]; j++) v[j] = time[mode, j]
		sort(v, n[mode])
		min[mode] = v[1] / growths
		med[mode] = v[int((n[mode] + 1) / 2)] / growths
	}
	{ time[$1, ++n[$1]] = $2 }
	END {
		load("plain")
		printf "%-16s %10s %10s   ns a growth, %d growths, %d rounds in turns\n", "", "min", "median",
			growths, n["plain"]
		printf "%-16s %10.0f %10.0f   in all\n", "plain", min["plain"], med["plain"]
		k = split(modes, m, " ")
		for (i = 1; i <= k; i++) {
			load(m[i])
			min[m[i]] -= min["plain"]; med[m[i]] -= med["plain"]
			printf "%-16s %10.0f %10.0f   added\n", m[i], min[m[i]], med[m[i]]
		}
		for (i = 3; i <= k; i++)
			printf "stacktrace (begin, end, call stack) / %s (%s): %.2f by min, %.2f by median\n",
				m[i], m[i] ~ /both/ ? "begin, end" : "entry alone", min["stacktrace"] / min[m[i]], med["stacktrace"] / med[m[i]]
	}' "$dir/times"
