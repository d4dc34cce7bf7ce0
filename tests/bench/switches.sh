#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What tracing adds to one switch of a Go program, and what bpftrace adds for the same: one run, in turns.
#
# Two goroutines hand a value back and forth on one processor: two switches, parks and wakes a round.  Added time is the
# least (median) time under a tracer minus the least (median) plain time, by switch.
set -eu
rounds=${ROUNDS:-5} trips=${TRIPS:-100000}
go=${GO:-go}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

command -v "$go" >/dev/null || { echo "switches: skipped, no Go"; exit 0; }
GO111MODULE=off GOCACHE="$dir/cache" GOFLAGS='' "$go" build -o "$dir/pp" "$TOP/tests/bench/pingpong/main.go"

ours() { # OPTION...
	"$ST" run -q --source=bpf --max-overhead=100 "$@" -f json -o "$dir/out" -- "$dir/pp" "$trips"
	sed -n 's/.*"lost": *\([0-9]*\),.*/\1/p' "$dir/out" >>"$dir/lost"
}

theirs() { # PROGRAM
	timeout -s KILL 100 bpftrace -o "$dir/out.txt" -e "$1" -c "$dir/pp $trips" 2>/dev/null | grep -E '^[0-9]+$'
}

u="uprobe:$dir/pp"
run() {
	case $1 in
	plain) "$dir/pp" "$trips" ;;
	count) ours --switches=count ;;
	log) ours --switches=off --events=gogo ;;
	add-up) ours --switches=on ;;
	log-three) ours --switches=off --events=gogo,park,ready ;;
	bpftrace-count) theirs "$u:runtime.gogo.abi0 { @ = count(); }" ;;
	bpftrace-log) theirs "$u:runtime.gogo.abi0 { printf(\"%d %ld\\n\", tid, nsecs); }" ;;
	bpftrace-add-up) theirs "$u:runtime.gogo.abi0 { @g[tid] = count(); @t = hist(nsecs - @r); }
		$u:runtime.park_m { @p[reg(\"ax\")] = nsecs; }
		$u:runtime.ready { @w[reg(\"ax\")] = sum(nsecs - @p[reg(\"ax\")]); @r = nsecs; }" ;;
	bpftrace-log-three) theirs "$u:runtime.gogo.abi0 { printf(\"g %d %ld\\n\", tid, nsecs); }
		$u:runtime.park_m { printf(\"p %lx %ld\\n\", reg(\"ax\"), nsecs); }
		$u:runtime.ready { printf(\"r %lx %ld\\n\", reg(\"ax\"), nsecs); }" ;;
	esac
}

modes="count log add-up log-three"
if command -v bpftrace >/dev/null; then
	modes="$modes bpftrace-count bpftrace-log bpftrace-add-up bpftrace-log-three"
else
	echo "switches: no bpftrace to compare with"
fi
"$ST" run -q --source=bpf -o "$dir/out" -- "$dir/pp" 10 >/dev/null || { echo "switches: skipped, no bpf source"; exit 0; }

i=0
while [ $i -lt "$rounds" ]; do
	for m in plain $modes; do
		echo "$m $(run "$m")"
	done
	i=$((i + 1))
done >"$dir/times"
awk '{ n += $1 } END { print "events lost in all runs: " n + 0 }' "$dir/lost"

awk -v switches=$((trips * 2)) -v modes="$modes" '
	function sort(a, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
	}
	function load(mode,   j) {
		for (j = 1; j <= n[mode]; j++) v[j] = time[mode, j]
		sort(v, n[mode])
		min[mode] = v[1] / switches
		med[mode] = v[int((n[mode] + 1) / 2)] / switches
	}
	NF == 2 { time[$1, ++n[$1]] = $2 }
	END {
		load("plain")
		printf "%-18s %10s %10s   ns a switch, %d switches, %d rounds in turns\n", "", "min", "median",
			switches, n["plain"]
		printf "%-18s %10.0f %10.0f   in all\n", "plain", min["plain"], med["plain"]
		k = split(modes, m, " ")
		for (i = 1; i <= k; i++) {
			if (!n[m[i]]) { printf "%-18s failed\n", m[i]; continue }
			load(m[i])
			min[m[i]] -= min["plain"]; med[m[i]] -= med["plain"]
			printf "%-18s %10.0f %10.0f   added\n", m[i], min[m[i]], med[m[i]]
		}
		for (i = 1; i <= k; i++)
			if (n["bpftrace-" m[i]])
				printf "%s: stacktrace / bpftrace %.2f by min, %.2f by median\n", m[i],
					min[m[i]] / min["bpftrace-" m[i]], med[m[i]] / med["bpftrace-" m[i]]
	}' "$dir/times"
